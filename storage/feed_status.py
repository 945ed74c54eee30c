"""How the feeds are: the accounts that are read for them, what they hold. Called by services.feed
and services.web; it only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import (
    connections,
    feed_items,
    feeds,
    incidents,
    media,
    polls,
    readers,
    users,
    webhook_deliveries,
)


@dataclass(frozen=True, slots=True)
class Account:
    """One connected account, and how the reading of its timeline goes.

    `feed_id` is None, and `state` off, as long as it was never switched on. `ill` and `ill_since`:
    the open incident, a key of services.feed.notices.TEXTS. The counters are since the beginning.
    `stories_at`: when its stories are asked for next, None if they are not wanted; after a trouble,
    `stories_error`, they rest until then.
    """

    connection_id: int
    user_id: int
    identity: str
    username: str | None
    status: str  # of the connection: active | expired | blocked | checking
    feed_id: int | None
    since: datetime | None
    state: str  # off | due | running | waiting | ill
    next_at: datetime | None
    last_good_at: datetime | None
    last_error: str | None
    polled: int
    found: int
    ads_skipped: int
    unparsed: int
    gaps: int
    ill: str | None
    ill_since: datetime | None
    stories_at: datetime | None
    stories_error: str | None

    @property
    def label(self) -> str:
        return f"@{self.username}" if self.username else f"account {self.identity}"

    @property
    def on(self) -> bool:
        return self.state != "off"


_COUNTERS = ("polled", "found", "ads_skipped", "unparsed", "gaps")
NO_ILLNESS = "gap"
"""An incident of a feed that is no illness: what was missed stays missed."""


async def accounts(
    db: AsyncConnection, *, user_id: int | None = None, feed_id: int | None = None
) -> list[Account]:
    """Of a person, of one account's feed, or of everybody who may use the bot; as they were
    connected. Only those that were verified once."""
    c, p, f, n = connections.c, polls.c, feeds.c, incidents.c
    subject = sa.literal("feed ") + sa.cast(f.id, sa.Text)
    columns: list[sa.ColumnElement[Any]] = [
        c.id, c.user_id, c.identity, c.username, c.status, f.id, f.created_at,
        sa.func.coalesce(p.state, "off"), p.next_at, p.last_good_at, p.last_error,
        *(sa.func.coalesce(p[name], 0) for name in _COUNTERS),
        n.kind, n.opened_at, p.stories_at, p.stories_error,
    ]  # fmt: skip
    query = (
        sa.select(*columns)
        .outerjoin_from(connections, polls, p.connection_id == c.id)
        .outerjoin(feeds, f.connection_id == c.id)
        .outerjoin(
            incidents, (n.subject == subject) & n.closed_at.is_(None) & (n.kind != NO_ILLNESS)
        )
        .where(c.secret.is_not(None))
        .order_by(c.id, n.id)
    )
    if user_id is not None:
        query = query.where(c.user_id == user_id)
    if feed_id is not None:
        query = query.where(f.id == feed_id)
    if user_id is None and feed_id is None:  # nobody reads for the others
        welcome = sa.select(users.c.id).where(users.c.status == "active")
        query = query.where(c.user_id.in_(welcome))
    found = {row[0]: Account(*row) for row in await db.execute(query)}  # the newest incident wins
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Holdings:
    """Of one feed. `missing`: listed posts whose files could not be saved; `waiting`: seen posts
    that are not listed yet."""

    posts: int
    missing: int
    waiting: int
    files: int
    bytes: int


async def holdings(db: AsyncConnection, feed_id: int) -> Holdings:
    i = feed_items.c
    states = sa.select(i.state, sa.func.count()).where(i.feed_id == feed_id).group_by(i.state)
    of_state = {state: number for state, number in await db.execute(states)}
    size = (
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(media.c.bytes), 0))
        .join_from(feed_items, media, media.c.post_id == i.post_id)
        .where(i.feed_id == feed_id, i.shown_at.is_not(None))
    )
    files, total = (await db.execute(size)).one()
    missing = of_state.get("placeholder", 0)
    posts = of_state.get("shown", 0) + missing
    return Holdings(posts, missing, of_state.get("pending", 0), files, int(total))


@dataclass(frozen=True, slots=True)
class Counts:
    """Over all feeds, for metrics. `deliveries`: {delivered | given_up | waiting: number}."""

    fetches: int
    not_modified: int
    deliveries: dict[str, int]


async def counts(db: AsyncConnection) -> Counts:
    r, d = readers.c, webhook_deliveries.c
    sums = (sa.func.coalesce(sa.func.sum(one), 0) for one in (r.fetches, r.not_modified))
    fetches, not_modified = (await db.execute(sa.select(*sums))).one()
    outcome = sa.case(
        (d.delivered_at.is_not(None), "delivered"),
        (d.given_up.is_not(None), "given_up"),
        else_="waiting",
    )
    rows = await db.execute(sa.select(outcome, sa.func.count()).group_by(outcome))
    return Counts(int(fetches), int(not_modified), {name: number for name, number in rows})
