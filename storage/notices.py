"""The outbox. A notice is written in the transaction that changes the state it tells of; the chat
role delivers it, so no message is lost in a crash and no worker needs the bot's token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import notices


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` names a text in bot/notices.py; `data` holds ids and numbers for it."""

    id: int
    user_id: int
    kind: str
    data: dict[str, Any]
    attempts: int
    created_at: datetime


_COLUMNS = [notices.c[name] for name in Notice.__slots__]


async def add(
    db: AsyncConnection,
    user_id: int,
    kind: str,
    now: datetime,
    *,
    once: str | None = None,
    **data: Any,
) -> None:
    """`once`: the name of the incident; a second notice of the same name is not written."""
    row = {
        "user_id": user_id,
        "kind": kind,
        "data": data,
        "once": f"{user_id}:{once}" if once else None,
        "created_at": now,
        "not_before": now,
    }
    await db.execute(insert_once(db, notices).values(row).on_conflict_do_nothing())


async def due(db: AsyncConnection, now: datetime, limit: int = 20) -> list[Notice]:
    n = notices.c
    query = (
        sa.select(*_COLUMNS)
        .where(n.delivered_at.is_(None), n.given_up.is_(None), n.not_before <= now)
        .order_by(n.id)
        .limit(limit)
    )
    return [Notice(*row) for row in await db.execute(query)]


async def delivered(db: AsyncConnection, notice_id: int, now: datetime) -> None:
    """Its data is dropped: it may name somebody who wants to be forgotten one day."""
    await _mark(db, notice_id, delivered_at=now, data={})


async def later(db: AsyncConnection, notice_id: int, not_before: datetime) -> None:
    await _mark(db, notice_id, not_before=not_before, attempts=notices.c.attempts + 1)


async def wait(db: AsyncConnection, notice_id: int, not_before: datetime) -> None:
    """Not a failed attempt: the person can't be reached just now."""
    await _mark(db, notice_id, not_before=not_before)


async def back(db: AsyncConnection, user_id: int, now: datetime) -> None:
    """The person can be reached again: what waits for them is due."""
    n = notices.c
    mine = (n.user_id == user_id) & n.delivered_at.is_(None) & n.given_up.is_(None)
    await db.execute(notices.update().where(mine).values(not_before=now))


async def give_up(db: AsyncConnection, notice_id: int, why: str) -> None:
    await _mark(db, notice_id, given_up=why)


async def forget(
    db: AsyncConnection, *, notice_id: int | None = None, user_id: int | None = None
) -> None:
    which = notices.c.id == notice_id if notice_id is not None else notices.c.user_id == user_id
    await db.execute(notices.delete().where(which))


async def prune(db: AsyncConnection, before: datetime) -> None:
    """Drops what was delivered long ago; named incidents stay, or they would be said again."""
    old = (notices.c.delivered_at < before) & notices.c.once.is_(None)
    await db.execute(notices.delete().where(old))


async def _mark(db: AsyncConnection, notice_id: int, **columns: Any) -> None:
    await db.execute(notices.update().where(notices.c.id == notice_id).values(columns))
