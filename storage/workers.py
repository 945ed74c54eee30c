"""Heartbeats of the processes that run jobs. Called by services.jobs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import workers


async def beat(db: AsyncConnection, worker: str, now: datetime) -> None:
    row = {"id": worker, "seen_at": now}
    await db.execute(
        insert_once(db, workers).values(row).on_conflict_do_update(index_elements=["id"], set_=row)
    )


async def alive(db: AsyncConnection, since: datetime) -> set[str]:
    query = sa.select(workers.c.id).where(workers.c.seen_at >= since)
    return set((await db.execute(query)).scalars())


async def retire(db: AsyncConnection, worker: str) -> None:
    """It stops: whoever is alive may take its jobs at once."""
    await db.execute(workers.delete().where(workers.c.id == worker))
