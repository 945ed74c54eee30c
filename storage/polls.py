"""The reading of each account's timeline: its state, and what it needs of the feeds that it fills.

Called by services.feed. A poll fills two feeds: the account's own, and that of all accounts of the
person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.feeds import POSTS, STORIES
from storage.steps import step
from storage.tables import (
    connections,
    feed_items,
    feeds,
    media,
    polls,
    posts,
    unread_items,
    users,
)

AT_REST = ("due", "waiting", "ill")
"""Switched on, and nobody is at it. `due`: all is well; `waiting`: the last one failed, and the
next one may not; `ill`: it needs a person, or an hour's rest."""

_UNREAD_KEPT = 200  # of one account, the newest
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Poll:
    """`identity`: whose pace it shares; `feed_id` and `all_feed_id`: what it fills; `since`: when
    that feed was made; `zone`: IANA name of the person's zone. `failures` are
    those in a row, the counters after it are since the beginning; `requests`: for the timeline.
    `stories_at`: when stories are asked for next, None if they are not wanted; then
    `stories_feed_id` may be None too."""

    connection_id: int
    user_id: int
    identity: str
    feed_id: int
    all_feed_id: int
    stories_feed_id: int | None
    since: datetime
    zone: str
    state: str  # off | due | running | waiting | ill
    run: int
    idle_runs: int
    next_at: datetime
    cursor: str | None
    last_good_at: datetime | None
    last_error: str | None
    failures: int
    polled: int
    found: int
    ads_skipped: int
    unparsed: int
    gaps: int
    requests: int
    stories_at: datetime | None
    stories_error: str | None
    changed_at: datetime


def _of_everything(feed: sa.FromClause, lists: str) -> sa.ColumnElement[bool]:
    """The person's feed of all their accounts."""
    theirs = (feed.c.user_id == connections.c.user_id) & feed.c.identity.is_(None)
    return theirs & (feed.c.lists == lists)


_all, _stories = feeds.alias("of_all"), feeds.alias("of_stories")
_ELSEWHERE: dict[str, sa.ColumnElement[Any]] = {
    "user_id": connections.c.user_id,
    "identity": connections.c.identity,
    "feed_id": feeds.c.id,
    "all_feed_id": _all.c.id,
    "stories_feed_id": _stories.c.id,
    "since": feeds.c.created_at,
    "zone": users.c.zone,
}
_JOINED = (
    polls.join(connections, connections.c.id == polls.c.connection_id)
    .join(users, users.c.id == connections.c.user_id)
    .join(feeds, feeds.c.connection_id == polls.c.connection_id)
    .join(_all, _of_everything(_all, POSTS))
    .outerjoin(_stories, _of_everything(_stories, STORIES))
)
_QUERY = sa.select(
    *(
        _ELSEWHERE[field.name].label(field.name)
        if field.name in _ELSEWHERE
        else polls.c[field.name]
        for field in fields(Poll)
    )
).select_from(_JOINED)


async def get(db: AsyncConnection, connection_id: int) -> Poll | None:
    found = await _many(db, polls.c.connection_id == connection_id)
    return found[0] if found else None


async def of_user(db: AsyncConnection, user_id: int) -> list[Poll]:
    return await _many(db, connections.c.user_id == user_id)


async def ready(db: AsyncConnection, now: datetime) -> list[Poll]:
    """Those whose time has come; an ill one only if its session works (again)."""
    p = polls.c
    well = p.state.in_(("due", "waiting")) | (connections.c.status == "active")
    return await _many(
        db, p.state.in_(AT_REST) & (p.next_at <= now) & well & (users.c.status == "active")
    )


async def stranded(db: AsyncConnection, before: datetime) -> list[Poll]:
    """Those that a workflow must be at and that nothing has touched since `before`."""
    return await _many(db, (polls.c.state == "running") & (polls.c.changed_at < before))


async def switched_on(db: AsyncConnection) -> set[int]:
    """The accounts' feeds that are filled."""
    query = sa.select(feeds.c.id).join(polls, polls.c.connection_id == feeds.c.connection_id)
    return set((await db.execute(query.where(polls.c.state != "off"))).scalars())


async def connection_ids(db: AsyncConnection) -> set[int]:
    """Of all polls, also those that are off."""
    return set((await db.execute(sa.select(polls.c.connection_id))).scalars())


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Poll]:
    rows = await db.execute(_QUERY.where(which).order_by(polls.c.connection_id))
    return [Poll(*row) for row in rows]


async def switch_off(db: AsyncConnection, connection_id: int, now: datetime) -> bool:
    """Also a run under way: its fence is closed from now on."""
    return await move(db, connection_id, now, from_states=(*AT_REST, "running"), state="off")


async def switch_on(db: AsyncConnection, connection_id: int, now: datetime) -> None:
    """Due at once; one that is on stays as it is."""
    row = {
        "connection_id": connection_id,
        "state": "due",
        # SQLite gives the number of a deleted connection again, and a job's name may not come back
        "run": int(now.timestamp()) // _MINUTE,
        "next_at": now,
        "changed_at": now,
    }
    await db.execute(insert_once(db, polls).values(row).on_conflict_do_nothing())
    off = ["off"]
    await move(db, connection_id, now, from_states=off, new_run=True, state="due", next_at=now)


async def move(
    db: AsyncConnection,
    connection_id: int,
    now: datetime,
    *,
    run: int | None = None,
    from_states: Iterable[str],
    new_run: bool = False,
    **to: Any,
) -> bool:
    """A conditional step of the state machine: from these states (and for this run) only."""
    here = polls.c.connection_id == connection_id
    return await step(db, polls, here, now, run=run, from_states=from_states, new_run=new_run, **to)


async def fence(db: AsyncConnection, poll: Poll, now: datetime, **to: Any) -> bool:
    """First statement of every transaction of a poll: False if somebody else has taken over."""
    return await move(db, poll.connection_id, now, run=poll.run, from_states=["running"], **to)


async def count(db: AsyncConnection, connection_id: int, **more: int) -> None:
    """Adds to the counters."""
    values = {name: polls.c[name] + number for name, number in more.items()}
    await db.execute(polls.update().where(polls.c.connection_id == connection_id).values(values))


# ---------------------------------------------------------------- stories


async def switch_stories(db: AsyncConnection, connection_id: int, at: datetime | None) -> bool:
    """`at`: from then on, None for never. False: they are, or nothing is read of that account."""
    p = polls.c
    which = (p.connection_id == connection_id) & (p.stories_at.is_(None) == (at is not None))
    moved = await db.execute(polls.update().where(which).values(stories_at=at, stories_error=None))
    return bool(moved.rowcount)


async def rest_stories(
    db: AsyncConnection, poll: Poll, until: datetime, error: str | None = None
) -> bool:
    """No stories are asked for before then. False: somebody else is at the poll, or they were
    switched off."""
    p = polls.c
    moved = await db.execute(
        polls.update()
        .where(
            p.connection_id == poll.connection_id,
            p.run == poll.run,
            p.state == "running",
            p.stories_at.is_not(None),
        )
        .values(stories_at=until, stories_error=error)
    )
    return bool(moved.rowcount)


# ---------------------------------------------------------------- what nobody could read


@dataclass(frozen=True, slots=True)
class Unread:
    """`platform_id` is "" where even that could not be read; `what`: why."""

    platform_id: str
    what: str
    raw: Any


async def keep_unread(
    db: AsyncConnection, connection_id: int, items: Sequence[Unread], now: datetime
) -> int:
    """Returns how many of them are new."""
    u = unread_items.c
    new = 0
    for item in items:
        digest = hashlib.sha256(json.dumps(item.raw, sort_keys=True).encode()).hexdigest()
        row = {
            "connection_id": connection_id,
            "key": item.platform_id or digest,
            "what": item.what,
            "raw": item.raw,
            "at": now,
        }
        added = await db.execute(
            insert_once(db, unread_items).values(row).on_conflict_do_nothing().returning(u.id)
        )
        new += added.first() is not None
    if new:
        mine = u.connection_id == connection_id
        newest = sa.select(u.id).where(mine).order_by(u.id.desc()).limit(_UNREAD_KEPT)
        await db.execute(unread_items.delete().where(mine, u.id.not_in(newest)))
    return new


# ---------------------------------------------------------------- what the feeds wait for


async def known(
    db: AsyncConnection, feed_id: int, platform: str, platform_ids: Sequence[str]
) -> set[str]:
    """Which of these posts the feed has seen before, listed or not."""
    query = (
        sa.select(posts.c.platform_id)
        .join(feed_items, feed_items.c.post_id == posts.c.id)
        .where(
            feed_items.c.feed_id == feed_id,
            posts.c.platform == platform,
            posts.c.platform_id.in_(platform_ids),
        )
    )
    return set((await db.execute(query)).scalars())


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post without its files. `has_files`: they have come, and the feed does not know it."""

    post_id: int
    platform_id: str
    state: str  # pending | placeholder
    has_files: bool


async def waiting(
    db: AsyncConnection, feed_id: int, limit: int, *, listed: Set[str] | None = None
) -> list[Waiting]:
    """What was never listed first; of that the oldest first, so that the newest is listed last and
    stands at the top. `listed`: of those that were given up only what has its files by now, or one
    of these platform ids."""
    i = feed_items.c
    has_files = sa.exists().where(media.c.post_id == i.post_id)
    query = (
        sa.select(i.post_id, posts.c.platform_id, i.state, has_files)
        .join(posts, posts.c.id == i.post_id)
        # the state as a literal: SQLite uses no partial index for a parameter
        .where(i.feed_id == feed_id, i.state != sa.literal_column("'shown'"))
        .order_by(i.state, i.taken_at, i.post_id)
        .limit(limit)
    )
    if listed is not None:
        query = query.where((i.state == "pending") | has_files | posts.c.platform_id.in_(listed))
    return [Waiting(*row) for row in await db.execute(query)]


async def feeds_without(db: AsyncConnection, post_id: int) -> list[int]:
    """The feeds, of whomever, that have seen the post and don't show its files."""
    i = feed_items.c
    query = sa.select(i.feed_id).where(i.post_id == post_id, i.state != "shown")
    return list((await db.execute(query.order_by(i.feed_id))).scalars())


async def newest_post(db: AsyncConnection, feed_id: int) -> datetime | None:
    """When the newest listed post was taken."""
    i = feed_items.c
    query = sa.select(sa.func.max(i.taken_at)).where(i.feed_id == feed_id, i.shown_at.is_not(None))
    found: datetime | None = (await db.execute(query)).scalar()
    return found
