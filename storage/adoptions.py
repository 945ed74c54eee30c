"""Objects on their way into the archive, named before they exist: by these rows what a killed run
has left in the store is found. Called by services.importing.fetch.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.importing import LIVE
from storage.tables import adoptions, imports


async def begin(db: AsyncConnection, import_id: int, run: int, keys: Sequence[str]) -> None:
    """Again for the same keys when a killed job is repeated."""
    rows = [{"object_key": key, "import_id": import_id, "run": run} for key in keys]
    await db.execute(insert_once(db, adoptions).values(rows).on_conflict_do_nothing())


async def end(db: AsyncConnection, keys: Sequence[str]) -> None:
    """They are in the archive, or gone from the store."""
    await db.execute(adoptions.delete().where(adoptions.c.object_key.in_(keys)))


async def left(db: AsyncConnection, limit: int = 500) -> list[str]:
    """Object keys of runs that are over."""
    over = imports.c.id.is_(None) | (imports.c.run > adoptions.c.run) | imports.c.state.not_in(LIVE)
    query = (
        sa.select(adoptions.c.object_key)
        .outerjoin(imports, imports.c.id == adoptions.c.import_id)
        .where(over)
        .order_by(adoptions.c.object_key)
        .limit(limit)
    )
    return list((await db.execute(query)).scalars())
