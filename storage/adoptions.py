"""Objects on their way into the archive, named before they exist: by these rows what a killed run
has left in the store is found. Called by services.importing.fetch, services.feed.fetching and
services.instagram.files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.importing import LIVE
from storage.tables import adoptions, imports, polls

Owner = Literal["import", "poll"]
"""Whose run it is: an import's, by its id, or a poll's, by the id of its connection."""


async def begin(
    db: AsyncConnection, owner: Owner, owner_id: int, run: int, keys: Sequence[str]
) -> None:
    """Again for the same keys when a killed job is repeated."""
    rows = [{"object_key": key, "owner": owner, "owner_id": owner_id, "run": run} for key in keys]
    await db.execute(insert_once(db, adoptions).values(rows).on_conflict_do_nothing())


async def end(db: AsyncConnection, keys: Sequence[str]) -> None:
    """They are in the archive, or gone from the store."""
    await db.execute(adoptions.delete().where(adoptions.c.object_key.in_(keys)))


async def left(db: AsyncConnection, limit: int = 500) -> list[str]:
    """Object keys of runs that are over."""
    query = (
        sa.select(adoptions.c.object_key)
        .where(
            ~_at_it("import", imports, imports.c.id, LIVE),
            ~_at_it("poll", polls, polls.c.connection_id, ("running",)),
        )
        .order_by(adoptions.c.object_key)
        .limit(limit)
    )
    return list((await db.execute(query)).scalars())


def _at_it(
    owner: Owner, table: sa.Table, key: sa.ColumnElement[int], live: Sequence[str]
) -> sa.ColumnElement[bool]:
    """The very run that named the object is still under way."""
    return sa.and_(
        adoptions.c.owner == owner,
        sa.exists().where(
            key == adoptions.c.owner_id, table.c.run == adoptions.c.run, table.c.state.in_(live)
        ),
    )
