"""What stories need once media_publish was asked for: a name at Meta, figures, or somebody who
looks whether they are live. Called by services.stories.{aftercare,deciding,publishing}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.stories import Story, select
from storage.tables import stories, story_events, story_metrics

DOUBTFUL = ("publishing", "unknown")
_BY_API = (stories.c.state == "published", stories.c.publish_requested_at.is_not(None))


async def doubtful(db: AsyncConnection, before: datetime, limit: int) -> list[Story]:
    """Asked for before then, still unknown, and nobody was asked about this yet."""
    asked = sa.exists().where(
        story_events.c.story_id == stories.c.id,
        story_events.c.what == "asked_if_live",
        story_events.c.at >= stories.c.publish_requested_at,
    )
    query = (
        select()
        .where(stories.c.state.in_(DOUBTFUL), stories.c.publish_requested_at <= before, ~asked)
        .order_by(stories.c.id)
        .limit(limit)
    )
    return [Story(*row) for row in await db.execute(query)]


async def nameless(db: AsyncConnection, since: datetime) -> list[Story]:
    """Published by the API since then, without an address at Instagram, or without an id even;
    by account."""
    query = (
        select()
        .where(*_BY_API, stories.c.ended_at >= since, stories.c.permalink == "")
        .order_by(stories.c.account_id, stories.c.id)
    )
    return [Story(*row) for row in await db.execute(query)]


async def measured(
    db: AsyncConnection, story_ids: Iterable[int]
) -> dict[int, set[tuple[int, str]]]:
    """{story id: the (hour, metric) that are known of it, also those that say why there is none}"""
    m = story_metrics.c
    query = sa.select(m.story_id, m.hour, m.metric).where(m.story_id.in_(list(story_ids)))
    known: dict[int, set[tuple[int, str]]] = {}
    for story_id, hour, metric in await db.execute(query):
        known.setdefault(story_id, set()).add((hour, metric))
    return known


async def accounts_in_doubt(db: AsyncConnection) -> set[int]:
    """Accounts with a story that may be live without being known to be."""
    query = sa.select(stories.c.account_id).where(stories.c.state.in_(DOUBTFUL))
    return set((await db.execute(query)).scalars())


async def name(db: AsyncConnection, story_id: int, media_id: str, permalink: str) -> None:
    await db.execute(
        stories.update()
        .where(stories.c.id == story_id)
        .values(media_id=media_id, permalink=permalink)
    )


async def media_owners(db: AsyncConnection, account_id: int, media_ids: Sequence[str]) -> set[str]:
    """Those of the media ids that a story has already."""
    query = sa.select(stories.c.media_id).where(
        stories.c.account_id == account_id, stories.c.media_id.in_(list(media_ids))
    )
    return set((await db.execute(query)).scalars())


async def disown(db: AsyncConnection, story: Story, media_id: str) -> None:
    """Another story of the account does not have this media id after all."""
    await db.execute(
        stories.update()
        .where(
            stories.c.account_id == story.account_id,
            stories.c.id != story.id,
            stories.c.media_id == media_id,
        )
        .values(media_id=None, permalink="")
    )


async def measurable(db: AsyncConnection, since: datetime) -> list[Story]:
    """Published by the API since then, and Meta's id of it is known."""
    query = (
        select()
        .where(
            *_BY_API,
            stories.c.ended_at >= since,  # after it was asked for; there is an index
            stories.c.publish_requested_at >= since,
            stories.c.media_id.is_not(None),
        )
        .order_by(stories.c.id)
    )
    return [Story(*row) for row in await db.execute(query)]
