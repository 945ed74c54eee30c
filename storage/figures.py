"""Counts over everything, for metrics and alerts. Called by services.web."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import (
    import_items,
    imports,
    insight_accounts,
    meta_accounts,
    syncs,
    users,
)


async def imports_by_state(db: AsyncConnection) -> dict[str, int]:
    query = sa.select(imports.c.state, sa.func.count()).group_by(imports.c.state)
    return {state: count for state, count in await db.execute(query)}


async def items_by_state(db: AsyncConnection) -> dict[str, int]:
    query = sa.select(import_items.c.state, sa.func.count()).group_by(import_items.c.state)
    return {state: count for state, count in await db.execute(query)}


async def import_seconds(db: AsyncConnection) -> list[float]:
    """From start to end of every import that ended."""
    query = sa.select(imports.c.started_at, imports.c.ended_at).where(
        imports.c.started_at.is_not(None), imports.c.ended_at.is_not(None)
    )
    return [(ended - started).total_seconds() for started, ended in await db.execute(query)]


async def failing_imports(db: AsyncConnection, since: datetime) -> list[tuple[int, int, int]]:
    """(import id, failed items, settled items) of the imports that changed since then."""
    failed = sa.func.sum(sa.case((import_items.c.state == "failed", 1), else_=0))
    query = (
        sa.select(imports.c.id, failed, sa.func.count())
        .join(import_items, import_items.c.import_id == imports.c.id)
        .where(
            imports.c.changed_at >= since,
            import_items.c.state.in_(("saved", "gone", "failed")),
        )
        .group_by(imports.c.id)
    )
    return [(row[0], int(row[1]), row[2]) for row in await db.execute(query)]


async def syncs_by_state(db: AsyncConnection) -> dict[str, int]:
    query = sa.select(syncs.c.state, sa.func.count()).group_by(syncs.c.state)
    return {state: count for state, count in await db.execute(query)}


async def last_syncs(db: AsyncConnection) -> list[tuple[str, datetime]]:
    """(username, when its last sync came to its end; if none has, when it was connected) of the
    accounts whose log-in at Meta works."""
    a = insight_accounts.c
    ended = sa.func.max(syncs.c.ended_at, type_=syncs.c.ended_at.type)
    query = (
        sa.select(a.username, a.created_at, ended)
        .join(meta_accounts, meta_accounts.c.id == a.meta_id)
        .join(users, users.c.id == a.user_id)
        .outerjoin(syncs, (syncs.c.account_id == a.id) & (syncs.c.state == "done"))
        .where(meta_accounts.c.problem.is_(None), users.c.status == "active")
        .group_by(a.id, a.username, a.created_at)
    )
    return [(name, end or connected) for name, connected, end in await db.execute(query)]
