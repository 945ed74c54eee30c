"""What collections do by themselves: which are due, which are shown as one, which account they use.

Called by services.importing.collections; how a collection comes to be is in storage.importing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.importing import OF_COLLECTION, Collection, named
from storage.tables import collections, connections, imports, users


@dataclass(frozen=True, slots=True)
class Due:
    """A collection whose refresh has come, and the account that can do it."""

    id: int
    user_id: int
    refresh: str
    refresh_at: datetime
    zone: str
    connection_id: int
    identity: str


@dataclass(frozen=True, slots=True)
class Looked:
    """The newest import of a collection that was done. `identity`: of its account."""

    identity: str
    ended_at: datetime


async def get(db: AsyncConnection, user_id: int, collection_id: int) -> Collection | None:
    """None: not theirs, or a single post."""
    c = collections.c
    query = sa.select(*OF_COLLECTION).where(c.id == collection_id, c.user_id == user_id, named())
    row = (await db.execute(query)).first()
    return Collection(*row) if row else None


async def change(db: AsyncConnection, collection_id: int, **to: Any) -> None:
    """Set columns, by their names in `tables.collections`."""
    await db.execute(collections.update().where(collections.c.id == collection_id).values(to))


# ---------------------------------------------------------------- refresh


async def due(db: AsyncConnection, now: datetime) -> list[Due]:
    """Those whose account works. The others stay due: they go on once it works again, which may be
    another session of the same account after the first one was forgotten."""
    c, account = collections.c, connections.c
    identity = (
        sa.select(imports.c.identity)
        .where(imports.c.collection_id == c.id, imports.c.state == "done")
        .order_by(imports.c.id.desc())
        .limit(1)
        .correlate(collections)
        .scalar_subquery()
    )
    its_own = (account.id == c.connection_id) | (
        c.connection_id.is_(None) & (account.identity == identity)
    )
    query = (
        sa.select(
            c.id, c.user_id, c.refresh, c.refresh_at, users.c.zone, account.id, account.identity
        )
        .join(users, users.c.id == c.user_id)
        .join(connections, (account.user_id == c.user_id) & its_own)
        .where(c.refresh != "never", c.refresh_at <= now)
        .where(account.status == "active", account.secret.is_not(None), ~account.app_only)
        .where(users.c.status == "active", users.c.delete_after.is_(None))
        .order_by(c.refresh_at, c.id)
    )
    return [Due(*row) for row in await db.execute(query)]


async def take(db: AsyncConnection, one: Due, next_at: datetime) -> bool:
    """The due time is dealt with, and the next one set. False: somebody was faster."""
    c = collections.c
    taken = await db.execute(
        collections.update()
        .where(c.id == one.id, c.refresh == one.refresh, c.refresh_at == one.refresh_at)
        .values(refresh_at=next_at, connection_id=one.connection_id)
    )
    return bool(taken.rowcount)


async def looked(db: AsyncConnection, collection_id: int) -> Looked | None:
    query = (
        sa.select(imports.c.identity, imports.c.ended_at)
        .where(imports.c.collection_id == collection_id, imports.c.state == "done")
        .order_by(imports.c.id.desc())
        .limit(1)
    )
    row = (await db.execute(query)).first()
    return Looked(*row) if row else None


# ---------------------------------------------------------------- shown as one


async def parts(db: AsyncConnection, collection_id: int) -> list[Collection]:
    """What is shown as part of this collection."""
    query = sa.select(*OF_COLLECTION).where(collections.c.merged_into == collection_id)
    return [Collection(*row) for row in await db.execute(query.order_by(collections.c.id))]


async def merge(db: AsyncConnection, user_id: int, head: int, part: int) -> bool:
    """Shows `part` as part of `head`. One floor only: a part has no parts, a head is no part."""
    c = collections.c
    both = sa.select(c.id, c.merged_into).where(
        c.id.in_((head, part)), c.user_id == user_id, named()
    )
    # the lock keeps two merges in opposite directions from hiding both
    rows = (await db.execute(both.order_by(c.id).with_for_update())).all()
    if len(rows) != 2 or any(row.merged_into for row in rows) or await parts(db, part):
        return False
    await change(db, part, merged_into=head)
    return True


async def unmerge(db: AsyncConnection, user_id: int, part: int) -> bool:
    c = collections.c
    undone = await db.execute(
        collections.update()
        .where(c.id == part, c.user_id == user_id, c.merged_into.is_not(None))
        .values(merged_into=None)
    )
    return bool(undone.rowcount)
