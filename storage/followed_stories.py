"""Stories of followed accounts that Instagram has named: which are kept, and which were lost.

Called by services.feed. A kept one is a post of the archive and an item of its feed, too; the row
here stays when those go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import feed_items, followed_stories, posts

State = Literal["kept", "unreadable", "gone"]


async def put(
    db: AsyncConnection,
    feed_id: int,
    platform_id: str,
    state: State,
    now: datetime,
    *,
    expires_at: datetime | None = None,
) -> None:
    """What became of it; one that is kept stays kept."""
    s = followed_stories.c
    row = {
        "feed_id": feed_id,
        "platform_id": platform_id,
        "state": state,
        "seen_at": now,
        "expires_at": expires_at,
    }
    await db.execute(
        insert_once(db, followed_stories)
        .values(row)
        .on_conflict_do_update(
            index_elements=["feed_id", "platform_id"],
            set_={"state": state, "expires_at": expires_at},
            where=s.state != "kept",
        )
    )


async def settled(
    db: AsyncConnection, feed_id: int, platform: str, platform_ids: Sequence[str]
) -> set[str]:
    """Which of these need no second look: one that still waits for its files does."""
    s, i = followed_stories.c, feed_items.c
    waits = (
        sa.exists()
        .where(i.feed_id == feed_id, i.state == "pending", i.post_id == posts.c.id)
        .where(posts.c.platform == platform, posts.c.platform_id == s.platform_id)
    )
    query = sa.select(s.platform_id).where(
        s.feed_id == feed_id, s.platform_id.in_(platform_ids), ~waits
    )
    return set((await db.execute(query)).scalars())


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one feed. `alive`: kept, and still on Instagram; `gone`: named, but deleted, expired or
    private when they were asked for."""

    alive: int
    unreadable: int
    gone: int


async def tally(db: AsyncConnection, feed_id: int, now: datetime) -> Tally:
    s = followed_stories.c
    query = sa.select(
        sa.func.count().filter(s.expires_at > now),
        sa.func.count().filter(s.state == "unreadable"),
        sa.func.count().filter(s.state == "gone"),
    ).where(s.feed_id == feed_id)
    return Tally(*(await db.execute(query)).one())
