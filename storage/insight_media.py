"""The account's own posts and reels, and how each stood on each day. Called by services.insights.

A row of a post, a metric and a day is a figure or the reason why there is none; a figure is never
replaced by a reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.insights import NotWritten
from storage.tables import insight_media, media_values


@dataclass(frozen=True, slots=True)
class NewPost:
    """`caption`: its beginning, foreign."""

    media_id: str
    product: str  # REELS | FEED
    media_type: str
    permalink: str
    caption: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """`id`: ours, `media_id`: Meta's."""

    id: int
    media_id: str
    product: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """That a post's metric was read on a day. `reason` None: there is a figure."""

    media_row: int
    metric: str
    reason: str | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class MediaValue:
    """Either `value` or `reason`. `said`: Meta's words about it, foreign."""

    metric: str
    value: float | None
    reason: str | None = None
    said: str = ""


async def keep(db: AsyncConnection, account_id: int, posts: Iterable[NewPost]) -> None:
    """Those of the account, once each, with the words that Meta has told last. No id twice."""
    rows = [{"account_id": account_id, **asdict(post)} for post in posts]
    if not rows:
        return
    adding = insert_once(db, insight_media).values(rows)
    told = {
        name: sa.func.coalesce(sa.func.nullif(adding.excluded[name], ""), insight_media.c[name])
        for name in ("caption", "permalink")
    }
    await db.execute(
        adding.on_conflict_do_update(index_elements=["account_id", "media_id"], set_=told)
    )


async def posted_since(db: AsyncConnection, account_id: int, since: datetime) -> list[Post]:
    """Newest first."""
    m = insight_media.c
    query = (
        sa.select(m.id, m.media_id, m.product, m.posted_at)
        .where(m.account_id == account_id, m.posted_at >= since)
        .order_by(m.posted_at.desc(), m.id.desc())
    )
    return [Post(*row) for row in await db.execute(query)]


async def readings(
    db: AsyncConnection, account_id: int, day: date, since: datetime
) -> list[Reading]:
    """Those of this day, of posts since then."""
    v, m = media_values.c, insight_media.c
    query = (
        sa.select(v.media_row, v.metric, v.reason, v.read_at)
        .join(insight_media, m.id == v.media_row)
        .where(m.account_id == account_id, m.posted_at >= since, v.day == day)
    )
    return [Reading(*row) for row in await db.execute(query)]


async def write(
    db: AsyncConnection,
    media_row: int,
    day: date,
    values: Iterable[MediaValue],
    read_at: datetime,
) -> None:
    """How a post stood on this day. Errors: NotWritten, if not each of them has its row then."""
    rows = [
        {"media_row": media_row, "day": day, "read_at": read_at, **asdict(value)}
        for value in values
    ]
    if not rows:
        return
    adding = insert_once(db, media_values).values(rows)
    new = adding.excluded
    written = await db.execute(
        adding.on_conflict_do_update(
            index_elements=["media_row", "metric", "day"],
            set_={name: new[name] for name in ("value", "reason", "said", "read_at")},
            where=new.value.is_not(None) | media_values.c.value.is_(None),
        ).returning(media_values.c.metric)
    )
    missing = {row["metric"] for row in rows} - set(written.scalars())
    if missing:  # a figure was there before
        v = media_values.c
        kept = sa.select(sa.func.count()).where(
            v.media_row == media_row, v.day == day, v.metric.in_(missing), v.value.is_not(None)
        )
        if (await db.execute(kept)).scalar_one() != len(missing):
            raise NotWritten(f"of {len(rows)} figures of post {media_row}, {len(missing)} are not")
