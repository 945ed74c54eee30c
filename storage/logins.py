"""Log-ins with a password: what is under way, what it waits for, and what was tried when.

Called by services.accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import logins

QUEUED, SENDING, CODE, HELD, OVER = "queued", "sending", "code", "held", "over"
RUNNING = (QUEUED, SENDING)  # a job is at it
WAITING = (CODE, HELD)  # for a person: for a code, or for their word that it may go on


@dataclass(frozen=True, slots=True)
class Login:
    """Without its secrets. `settings_mark`: of the settings that were tried for it last."""

    id: int
    user_id: int
    username: str
    state: str
    wants: str | None
    wrong_codes: int
    tries: int
    tries_since: datetime
    from_settings: bool
    settings_mark: str | None
    run: int
    idle_runs: int
    expires_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Sealed:
    secret: bytes | None
    phone: bytes | None


_COLUMNS = [logins.c[field.name] for field in fields(Login)]


async def get(db: AsyncConnection, login_id: int) -> Login | None:
    return await _one(db, logins.c.id == login_id)


async def find(db: AsyncConnection, user_id: int, username: str) -> Login | None:
    return await _one(db, (logins.c.user_id == user_id) & (logins.c.username == username))


async def make(db: AsyncConnection, user_id: int, username: str, now: datetime) -> Login:
    """The row of this account, made when new."""
    row = {
        "user_id": user_id,
        "username": username,
        "state": OVER,
        "tries_since": now,
        "expires_at": now,
        "changed_at": now,
    }
    await db.execute(insert_once(db, logins).values(row).on_conflict_do_nothing())
    made = await find(db, user_id, username)
    assert made is not None, "the row was just made"
    return made


async def sealed(db: AsyncConnection, login_id: int) -> Sealed:
    query = sa.select(logins.c.secret, logins.c.phone).where(logins.c.id == login_id)
    row = (await db.execute(query)).first()
    return Sealed(*row) if row else Sealed(None, None)


async def move(
    db: AsyncConnection,
    login: Login,
    now: datetime,
    *,
    from_states: Iterable[str],
    **to: Any,
) -> bool:
    """Only where it is still as `login` says: the same run, in one of these states."""
    c = logins.c
    moved = await db.execute(
        logins.update()
        .where(c.id == login.id, c.run == login.run, c.state.in_(list(from_states)))
        .values(changed_at=now, **to)
    )
    return bool(moved.rowcount)


async def finish(
    db: AsyncConnection, login: Login, now: datetime, *, from_states: Iterable[str], **to: Any
) -> bool:
    """It is over, and its password forgotten."""
    return await move(
        db, login, now, from_states=from_states, state=OVER, secret=None, wants=None, **to
    )


async def forget(db: AsyncConnection, user_id: int, username: str, now: datetime) -> None:
    """Its secrets, whatever state it is in; that the settings were tried stays known."""
    c = logins.c
    await db.execute(
        logins.update()
        .where(c.user_id == user_id, c.username == username)
        .values(state=OVER, secret=None, phone=None, wants=None, changed_at=now)
    )


async def tries_of(db: AsyncConnection, user_id: int, since: datetime) -> tuple[int, datetime]:
    """(passwords that this person sent in the hours that began since then, the oldest of these)."""
    c = logins.c
    query = sa.select(c.tries, c.tries_since).where(
        c.user_id == user_id, c.tries_since > since, c.tries > 0
    )
    rows = (await db.execute(query)).all()
    return sum(row[0] for row in rows), min((row[1] for row in rows), default=since)


async def stranded(db: AsyncConnection, before: datetime) -> list[Login]:
    c = logins.c
    return await _many(db, c.state.in_(RUNNING) & (c.changed_at < before))


async def expired(db: AsyncConnection, now: datetime) -> list[Login]:
    """Those that have waited too long for their person."""
    return await _many(db, logins.c.state.in_(WAITING) & (logins.c.expires_at <= now))


async def prune(db: AsyncConnection, before: datetime) -> None:
    """Drops what came to nothing. Those of the settings stay, or they would be tried anew."""
    c = logins.c
    old = (c.state == OVER) & (c.changed_at < before) & c.settings_mark.is_(None)
    await db.execute(logins.delete().where(old))


async def all_sealed(db: AsyncConnection) -> Sequence[tuple[int, bytes | None, bytes | None]]:
    """(id, secret, phone) of every row, for the rotation of keys."""
    rows = await db.execute(sa.select(logins.c.id, logins.c.secret, logins.c.phone))
    return [(row[0], row[1], row[2]) for row in rows]


async def reseal(
    db: AsyncConnection, login_id: int, secret: bytes | None, phone: bytes | None
) -> None:
    await db.execute(
        logins.update().where(logins.c.id == login_id).values(secret=secret, phone=phone)
    )


async def _one(db: AsyncConnection, which: sa.ColumnElement[bool]) -> Login | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(which))).first()
    return Login(*row) if row else None


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Login]:
    rows = await db.execute(sa.select(*_COLUMNS).where(which).order_by(logins.c.id))
    return [Login(*row) for row in rows]
