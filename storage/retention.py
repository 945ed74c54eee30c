"""Who wants old posts of their feeds to go, and which ones that are. Called by services.feed.

A post leaves all feeds of its person at once; its row and its files go with the orphans of
services.accounts.privacy, unless a library or somebody else's feed has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import feed_items, feeds, media, retention

STORY_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """Exactly one of the two: posts first listed within `days`, or the newest `bytes` of files."""

    days: int | None = None
    bytes: int | None = None


async def get(db: AsyncConnection, user_id: int) -> Policy | None:
    """None: everything is kept."""
    r = retention.c
    row = (await db.execute(sa.select(r.days, r.bytes).where(r.user_id == user_id))).first()
    return Policy(*row) if row else None


async def put(db: AsyncConnection, user_id: int, policy: Policy | None, now: datetime) -> None:
    if policy is None:
        await db.execute(retention.delete().where(retention.c.user_id == user_id))
        return
    row = {"user_id": user_id, "days": policy.days, "bytes": policy.bytes, "since": now}
    await db.execute(
        insert_once(db, retention)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id"], set_=row)
    )


async def everybody(db: AsyncConnection) -> list[tuple[int, Policy]]:
    r = retention.c
    rows = await db.execute(sa.select(r.user_id, r.days, r.bytes).order_by(r.user_id))
    return [(row[0], Policy(row[1], row[2])) for row in rows]


@dataclass(frozen=True, slots=True)
class Excess:
    """Posts that a policy lets go, and the bytes of their files (some of which a library keeps)."""

    posts: int
    bytes: int


async def excess(
    db: AsyncConnection, user_id: int, policy: Policy, *, listed: int, now: datetime
) -> Excess:
    """What `going` would give without a limit. `listed`: how many posts a feed's documents list at
    most."""
    going = _going(user_id, policy, listed, now).subquery()
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(going.c.bytes), 0))
    number, size = (await db.execute(query.select_from(going))).one()
    return Excess(number, int(size))


@dataclass(frozen=True, slots=True)
class Going:
    """A post that may go. `at`: when it was last listed anew."""

    post_id: int
    at: datetime


async def going(
    db: AsyncConnection, user_id: int, policy: Policy, *, listed: int, now: datetime, limit: int
) -> list[Going]:
    """What a policy lets go, the oldest first. It ranks the whole archive: not within a write."""
    rows = await db.execute(_going(user_id, policy, listed, now).limit(limit))
    return [Going(row.post_id, row.at) for row in rows]


async def drop(db: AsyncConnection, user_id: int, oldest: Sequence[Going]) -> list[int]:
    """Takes them out of the person's feeds, but not what was listed anew since they were read.
    Returns the feeds that list fewer now."""
    i = feed_items.c
    taken = await db.execute(
        feed_items.delete()
        .where(
            i.post_id.in_([one.post_id for one in oldest]),
            i.feed_id.in_(_feeds_of(user_id)),
            i.shown_at <= max(one.at for one in oldest),
        )
        .returning(i.feed_id)
    )
    return sorted(set(taken.scalars()))


def _feeds_of(user_id: int) -> sa.Select[tuple[int]]:
    return sa.select(feeds.c.id).where(feeds.c.user_id == user_id)


def _going(
    user_id: int, policy: Policy, listed: int, now: datetime
) -> sa.Select[tuple[int, datetime, int]]:
    """(post id, listed since, bytes), oldest first. A post is in two feeds: it goes when neither
    lists it among its newest `listed`, and its age is that of its last listing."""
    i = feed_items.c
    newest_first = (i.shown_at.desc(), i.post_id.desc())
    place = sa.func.row_number().over(partition_by=i.feed_id, order_by=newest_first)
    ranked = (
        sa.select(i.post_id, i.shown_at, place.label("place"))
        .where(i.feed_id.in_(_feeds_of(user_id)), i.shown_at.is_not(None))
        .subquery()
    )
    size = (
        sa.select(sa.func.coalesce(sa.func.sum(media.c.bytes), 0))
        .where(media.c.post_id == ranked.c.post_id)
        .scalar_subquery()
    )
    at = sa.func.max(ranked.c.shown_at)
    held = (
        sa.select(
            ranked.c.post_id,
            at.label("at"),
            sa.func.min(ranked.c.place).label("place"),
            size.label("bytes"),
        )
        .group_by(ranked.c.post_id)
        .subquery()
    )
    newer_too = sa.func.sum(held.c.bytes).over(order_by=(held.c.at.desc(), held.c.post_id.desc()))
    summed = sa.select(held, newer_too.label("newer_too")).subquery()
    # a story that is still on Instagram would come again
    which = (summed.c.place > listed) & (summed.c.at < now - STORY_LIFE)
    if policy.days is not None:
        which &= summed.c.at < now - timedelta(days=policy.days)
    if policy.bytes is not None:
        which &= summed.c.newer_too > policy.bytes
    return (
        sa.select(summed.c.post_id, summed.c.at, summed.c.bytes)
        .where(which)
        .order_by(summed.c.at, summed.c.post_id)
    )
