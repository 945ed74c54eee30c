"""Counts over everything, for metrics and alerts. Called by services.web."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import import_items, imports


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
