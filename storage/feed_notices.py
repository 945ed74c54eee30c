"""What a feed says of itself: one notice for each incident of its source, until that is over.

Called by services.feed: illness opens and closes them, the serving side reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.feeds import bump
from storage.tables import feed_notices


@dataclass(frozen=True, slots=True)
class Notice:
    """`whose`: the account that is ill, in a feed of several; "" where it can be no other."""

    guid: str
    kind: str
    whose: str
    opened_at: datetime
    closed_at: datetime | None


async def open_notice(
    db: AsyncConnection,
    feed_id: int,
    incident_id: int,
    *,
    kind: str,
    guid: str,
    now: datetime,
    whose: str = "",
) -> bool:
    """False if the incident has its notice already."""
    row = {
        "feed_id": feed_id,
        "incident_id": incident_id,
        "guid": guid,
        "kind": kind,
        "whose": whose,
        "opened_at": now,
    }
    opened = await db.execute(
        insert_once(db, feed_notices)
        .values(row)
        .on_conflict_do_nothing()
        .returning(feed_notices.c.id)
    )
    if opened.first() is None:
        return False
    await bump(db, feed_id, now)
    return True


async def close_notices(db: AsyncConnection, incident_id: int, now: datetime) -> int:
    """The incident is over, in every feed that tells of it. Returns how many do."""
    n = feed_notices.c
    closed = await db.execute(
        feed_notices.update()
        .where(n.incident_id == incident_id, n.closed_at.is_(None))
        .values(closed_at=now)
        .returning(n.feed_id)
    )
    touched = sorted(closed.scalars())
    for feed_id in touched:
        await bump(db, feed_id, now)
    return len(touched)


async def notices_of(
    db: AsyncConnection, feed_id: int, *, closed_after: datetime, limit: int = 20
) -> list[Notice]:
    """Those that are open or were closed after then, newest first."""
    n = feed_notices.c
    query = (
        sa.select(n.guid, n.kind, n.whose, n.opened_at, n.closed_at)
        .where(n.feed_id == feed_id, n.closed_at.is_(None) | (n.closed_at > closed_after))
        .order_by(n.opened_at.desc(), n.id.desc())
        .limit(limit)
    )
    return [Notice(*row) for row in await db.execute(query)]
