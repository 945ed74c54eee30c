"""Where new posts of a feed are sent to, and what is still to be sent: an outbox.

A delivery is written in the transaction that lists the post (storage.feeds.show), so no crash loses
one. Called by services.web.webhooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import Moment, feeds, webhook_deliveries, webhooks


@dataclass(frozen=True, slots=True)
class Webhook:
    """Without its address: that is sealed, and read for the one call that needs it. `last_error`:
    of the newest try, None if that one succeeded."""

    id: int
    feed_id: int
    form: str
    host: str
    created_at: datetime
    last_good_at: datetime | None
    last_error: str | None


_COLUMNS = [webhooks.c[field.name] for field in fields(Webhook)]


async def get(db: AsyncConnection, webhook_id: int) -> Webhook | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(webhooks.c.id == webhook_id))).first()
    return Webhook(*row) if row else None


async def of_feed(db: AsyncConnection, feed_id: int) -> Webhook | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(webhooks.c.feed_id == feed_id))).first()
    return Webhook(*row) if row else None


async def of_user(db: AsyncConnection, user_id: int) -> list[Webhook]:
    query = sa.select(*_COLUMNS).join(feeds, feeds.c.id == webhooks.c.feed_id)
    rows = await db.execute(query.where(feeds.c.user_id == user_id).order_by(webhooks.c.id))
    return [Webhook(*row) for row in rows]


async def owner(db: AsyncConnection, webhook_id: int) -> int | None:
    """The user id."""
    query = sa.select(feeds.c.user_id).join(webhooks, webhooks.c.feed_id == feeds.c.id)
    found: int | None = (await db.execute(query.where(webhooks.c.id == webhook_id))).scalar()
    return found


async def put(db: AsyncConnection, feed_id: int, *, form: str, host: str, now: datetime) -> int:
    """The feed's webhook, still without its address (`seal` needs the row's number). What the old
    one had not sent yet is forgotten. Returns its id."""
    await drop(db, feed_id)
    row = {"feed_id": feed_id, "form": form, "host": host, "created_at": now}
    made = await db.execute(webhooks.insert().values(row).returning(webhooks.c.id))
    return int(made.scalar_one())


async def seal(db: AsyncConnection, webhook_id: int, sealed: bytes) -> None:
    await db.execute(webhooks.update().where(webhooks.c.id == webhook_id).values(sealed=sealed))


async def sealed(db: AsyncConnection, webhook_id: int) -> bytes | None:
    query = sa.select(webhooks.c.sealed).where(webhooks.c.id == webhook_id)
    return (await db.execute(query)).scalar()


async def all_sealed(db: AsyncConnection) -> Sequence[tuple[int, bytes]]:
    """(id, sealed) of every row, for the rotation of keys."""
    w = webhooks.c
    rows = await db.execute(sa.select(w.id, w.sealed).where(w.sealed.is_not(None)))
    return [(row[0], row[1]) for row in rows]


async def drop(db: AsyncConnection, feed_id: int) -> bool:
    """False: there was none."""
    gone = await db.execute(webhooks.delete().where(webhooks.c.feed_id == feed_id))
    return bool(gone.rowcount)


async def note(
    db: AsyncConnection, webhook_id: int, *, good_at: datetime | None = None, error: str | None
) -> None:
    """How the newest try went."""
    to: dict[str, Any] = {"last_error": error}
    if good_at is not None:
        to["last_good_at"] = good_at
    await db.execute(webhooks.update().where(webhooks.c.id == webhook_id).values(to))


# ---------------------------------------------------------------- what is to be sent


@dataclass(frozen=True, slots=True)
class Delivery:
    """`attempts`: tries that failed so far."""

    id: int
    webhook_id: int
    post_id: int
    created_at: datetime
    attempts: int


_DELIVERY = [webhook_deliveries.c[field.name] for field in fields(Delivery)]


async def owe(db: AsyncConnection, feed_id: int, post_id: int, now: datetime) -> None:
    """The post is listed now: it is to be sent, once, if the feed has a webhook."""
    at = sa.literal(now, Moment())
    hook = sa.select(webhooks.c.id, sa.literal(post_id), at, at).where(
        webhooks.c.feed_id == feed_id
    )
    await db.execute(
        insert_once(db, webhook_deliveries)
        .from_select(["webhook_id", "post_id", "created_at", "not_before"], hook)
        .on_conflict_do_nothing()
    )


async def due(db: AsyncConnection, now: datetime, limit: int) -> list[int]:
    """Webhooks whose oldest post may be sent now, those that have waited longest first. A post that
    waits for its next try holds up the later ones: they come in order."""
    d = webhook_deliveries.c
    oldest = (
        sa.select(sa.func.min(d.id))
        .where(d.delivered_at.is_(None), d.given_up.is_(None))
        .group_by(d.webhook_id)
    )
    query = sa.select(d.webhook_id).where(d.id.in_(oldest), d.not_before <= now)
    rows = await db.execute(query.order_by(d.not_before, d.id).limit(limit))
    return list(rows.scalars())


async def unsent(db: AsyncConnection, webhook_id: int, now: datetime, limit: int) -> list[Delivery]:
    """In order, as long as nothing waits in front."""
    d = webhook_deliveries.c
    query = (
        sa.select(*_DELIVERY, d.not_before)
        .where(d.webhook_id == webhook_id, d.delivered_at.is_(None), d.given_up.is_(None))
        .order_by(d.id)
        .limit(limit)
    )
    found: list[Delivery] = []
    for *values, not_before in await db.execute(query):
        if not_before > now:
            break
        found.append(Delivery(*values))
    return found


async def waiting(db: AsyncConnection, webhook_id: int) -> int:
    d = webhook_deliveries.c
    query = sa.select(sa.func.count()).where(
        d.webhook_id == webhook_id, d.delivered_at.is_(None), d.given_up.is_(None)
    )
    return int((await db.execute(query)).scalar_one())


async def delivered(db: AsyncConnection, delivery_id: int, now: datetime) -> None:
    await _mark(db, delivery_id, delivered_at=now)


async def later(db: AsyncConnection, delivery_id: int, not_before: datetime) -> None:
    attempts = webhook_deliveries.c.attempts + 1
    await _mark(db, delivery_id, not_before=not_before, attempts=attempts)


async def give_up(db: AsyncConnection, delivery_id: int, why: str) -> None:
    await _mark(db, delivery_id, given_up=why, attempts=webhook_deliveries.c.attempts + 1)


async def prune(db: AsyncConnection, before: datetime) -> int:
    """Forgets what was owed before then, sent or not. Returns how many."""
    d = webhook_deliveries.c
    gone = await db.execute(webhook_deliveries.delete().where(d.created_at < before))
    return int(gone.rowcount)


async def _mark(db: AsyncConnection, delivery_id: int, **columns: Any) -> None:
    which = webhook_deliveries.c.id == delivery_id
    await db.execute(webhook_deliveries.update().where(which).values(columns))
