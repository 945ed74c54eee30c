"""The account's own figures as they are asked for to be shown or taken along; nothing is written.

Called by services.insights.looking, digest and exports. Days are those of insight_values.day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import (
    insight_media,
    insight_revisions,
    insight_values,
    library_items,
    media_values,
    stories,
    story_accounts,
    story_metrics,
)

CHUNK = 1_000  # rows in memory at once


@dataclass(frozen=True, slots=True)
class Value:
    """`value` None: `reason` says why. `end_time`, `read_at`: aware UTC. `breakdown`: of what part
    it is, "follow_type=FOLLOWER"; "" for the whole."""

    metric: str
    period: str
    end_time: datetime
    breakdown: str
    day: date
    value: float | None
    reason: str | None
    said: str
    revision: int
    read_at: datetime


_VALUE = [insight_values.c[field.name] for field in fields(Value)]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a figure was before Meta changed it; `read_at`: when it was last read so."""

    value: float
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """An own post or reel with its newest figures. `told`: {metric: value}, without those that have
    none."""

    id: int
    media_id: str
    product: str  # REELS | FEED
    permalink: str
    caption: str
    posted_at: datetime
    told: dict[str, float]


@dataclass(frozen=True, slots=True)
class LiveStory:
    """A story of the account that Reelay published. `told`: as of a Post."""

    id: int
    permalink: str
    name: str
    posted_at: datetime
    told: dict[str, float]


@dataclass(frozen=True, slots=True)
class PostDay:
    """One metric of an own post as it stood on one day; Meta tells totals of its whole life."""

    media_id: str
    product: str
    permalink: str
    caption: str
    posted_at: datetime
    metric: str
    day: date
    value: float | None
    reason: str | None
    said: str
    read_at: datetime


# ---------------------------------------------------------------- figures


async def values(
    db: AsyncConnection,
    account_id: int,
    metrics: Iterable[tuple[str, str]],
    first: date,
    last: date,
) -> list[Value]:
    """Of these metrics, each by its name and period, on days from `first` to `last`."""
    v = insight_values.c
    wanted = [(v.metric == name) & (v.period == period) for name, period in set(metrics)]
    query = (
        sa.select(*_VALUE)
        .where(v.account_id == account_id, sa.or_(sa.false(), *wanted), v.day.between(first, last))
        .order_by(v.day, v.metric, v.period, v.end_time, v.breakdown)
    )
    return [Value(*row) for row in await db.execute(query)]


# ---------------------------------------------------------------- posts and stories


async def posts(
    db: AsyncConnection,
    account_id: int,
    begin: datetime,
    end: datetime,
    limit: int,
    metrics: Iterable[str],
) -> list[Post]:
    """Posted from `begin` until before `end`, the newest first. `metrics`: of which it tells."""
    m = insight_media.c
    query = (
        sa.select(m.id, m.media_id, m.product, m.permalink, m.caption, m.posted_at)
        .where(m.account_id == account_id, m.posted_at >= begin, m.posted_at < end)
        .order_by(m.posted_at.desc(), m.id.desc())
        .limit(limit)
    )
    rows = (await db.execute(query)).all()
    v, ids = media_values.c, [row.id for row in rows]
    told = await _newest_told(db, (v.media_row, v.metric, v.day, v.value), ids, metrics)
    return [Post(*row, told.get(row.id, {})) for row in rows]


async def live_stories(
    db: AsyncConnection,
    user_id: int,
    identity: str,
    begin: datetime,
    end: datetime,
    limit: int,
    metrics: Iterable[str],
) -> list[LiveStory]:
    """As `posts`, of the stories that this person's account published."""
    s, a = stories.c, story_accounts.c
    query = (
        sa.select(s.id, s.permalink, library_items.c.name, s.publish_requested_at)
        .join(story_accounts, a.id == s.account_id)
        .join(library_items, library_items.c.id == s.item_id)
        .where(
            a.user_id == user_id,
            a.identity == identity,
            s.state == "published",
            s.media_id.is_not(None),
            s.publish_requested_at >= begin,
            s.publish_requested_at < end,
        )
        .order_by(s.publish_requested_at.desc(), s.id.desc())
        .limit(limit)
    )
    rows = (await db.execute(query)).all()
    f, ids = story_metrics.c, [row.id for row in rows]
    told = await _newest_told(db, (f.story_id, f.metric, f.hour, f.value), ids, metrics)
    return [LiveStory(*row, told.get(row.id, {})) for row in rows]


async def _newest_told(
    db: AsyncConnection,
    columns: tuple[sa.ColumnElement[Any], ...],
    ids: Sequence[int],
    metrics: Iterable[str],
) -> dict[int, dict[str, float]]:
    """{id: {metric: newest number}}. `columns`: whose figure it is, its metric, when it
    was read, its value."""
    of, metric, read, value = columns
    names = list(metrics)
    told: dict[int, dict[str, float]] = {}
    for some in _some(ids):
        newest = (
            sa.select(of.label("of"), metric.label("metric"), sa.func.max(read).label("read"))
            .where(of.in_(some), metric.in_(names), value.is_not(None))
            .group_by(of, metric)
            .subquery()
        )
        n = newest.c
        query = sa.select(of, metric, value).join(
            newest, (n.of == of) & (n.metric == metric) & (n.read == read)
        )
        for own, name, number in await db.execute(query):
            told.setdefault(own, {})[name] = float(number)
    return told


def _some(ids: Sequence[int], many: int = 500) -> Iterable[Sequence[int]]:
    """A statement takes only so many."""
    return (ids[n : n + many] for n in range(0, len(ids), many))


# ---------------------------------------------------------------- the audience


async def audience(
    db: AsyncConnection, account_id: int, metric: str, period: str, dimensions: Iterable[str]
) -> list[Value]:
    """The newest reading of each dimension that has numbers, and its newest reason, whose breakdown
    is the dimension itself."""
    wanted = [
        which
        for dimension in dimensions
        for which in (
            _newest(account_id, metric, period, dimension, numbers=True),
            _newest(account_id, metric, period, dimension, numbers=False),
        )
    ]
    v = insight_values.c
    query = sa.select(*_VALUE).where(sa.or_(sa.false(), *wanted)).order_by(v.breakdown)
    return [Value(*row) for row in await db.execute(query)]


def _newest(
    account_id: int, metric: str, period: str, dimension: str, *, numbers: bool
) -> sa.ColumnElement[bool]:
    def mine(table: sa.FromClause) -> sa.ColumnElement[bool]:
        v = table.c
        part = (
            v.breakdown.startswith(f"{dimension}=", autoescape=True)
            if numbers
            else v.breakdown == dimension
        )
        return sa.and_(v.account_id == account_id, v.metric == metric, v.period == period, part)

    other = insight_values.alias()
    end = sa.select(sa.func.max(other.c.end_time)).where(mine(other)).scalar_subquery()
    return mine(insight_values) & (insight_values.c.end_time == end)


# ---------------------------------------------------------------- to take along


async def count(db: AsyncConnection, account_id: int) -> int:
    """All rows of figures, those with a reason too."""
    query = sa.select(sa.func.count()).where(insight_values.c.account_id == account_id)
    return (await db.execute(query)).scalar_one()


async def chunks(
    db: AsyncConnection, account_id: int, limit: int
) -> AsyncIterator[list[tuple[Value, list[Earlier]]]]:
    """Everything that is known, the newest day first, each with what it was before, oldest first;
    never more than CHUNK in memory."""
    v = insight_values.c
    query = (
        sa.select(v.id, *_VALUE)
        .where(v.account_id == account_id)
        .order_by(v.day.desc(), v.metric, v.period, v.end_time, v.breakdown)
        .limit(limit)
    )
    async with db.stream(query) as rows:
        async for some in rows.partitions(CHUNK):
            before = await _earlier(db, [row.id for row in some if row.revision])
            yield [(Value(*row[1:]), before.get(row.id, [])) for row in some]


async def _earlier(db: AsyncConnection, ids: Sequence[int]) -> dict[int, list[Earlier]]:
    r = insight_revisions.c
    found: dict[int, list[Earlier]] = {}
    for some in _some(ids):
        query = (
            sa.select(r.value_id, r.value, r.read_at)
            .where(r.value_id.in_(some))
            .order_by(r.value_id, r.revision)
        )
        for value_id, value, read_at in await db.execute(query):
            found.setdefault(value_id, []).append(Earlier(value, read_at))
    return found


async def post_chunks(
    db: AsyncConnection, account_id: int, limit: int
) -> AsyncIterator[list[PostDay]]:
    """How every post stood on every day, the newest post first."""
    m, v = insight_media.c, media_values.c
    query = (
        sa.select(
            m.media_id,
            m.product,
            m.permalink,
            m.caption,
            m.posted_at,
            v.metric,
            v.day,
            v.value,
            v.reason,
            v.said,
            v.read_at,
        )
        .join(media_values, v.media_row == m.id)
        .where(m.account_id == account_id)
        .order_by(m.posted_at.desc(), m.id.desc(), v.day, v.metric)
        .limit(limit)
    )
    async with db.stream(query) as rows:
        async for some in rows.partitions(CHUNK):
            yield [PostDay(*row) for row in some]
