"""Which of Telegram's updates were taken already. Called by bot/router.py.

Telegram delivers at least once: a crash before the acknowledgement, or a webhook's retry, brings an
update again. Taken once is enough, or a second "+50 credits" would count.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import updates


async def take(db: AsyncConnection, update_id: int, now: datetime) -> bool:
    """False if it was taken before."""
    row = {"id": update_id, "at": now}
    taken = await db.execute(
        insert_once(db, updates).values(row).on_conflict_do_nothing().returning(updates.c.id)
    )
    return taken.first() is not None


async def prune(db: AsyncConnection, before: datetime) -> None:
    """Telegram keeps an update for a day; what is older can't come again."""
    await db.execute(updates.delete().where(updates.c.at < before))
