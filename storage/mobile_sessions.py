"""The phones that the mobile API knows the connected accounts by, sealed. Called by
services.accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import mobile_sessions

PASSWORD = "password"  # noqa: S105 - a word for where a session comes from


@dataclass(frozen=True, slots=True)
class Kept:
    """`made_from`: the fingerprint of the cookies that it is logged in with, or PASSWORD."""

    sealed: bytes
    made_from: str | None


async def get(db: AsyncConnection, connection_id: int) -> Kept | None:
    m = mobile_sessions.c
    query = sa.select(m.sealed, m.made_from).where(m.connection_id == connection_id)
    row = (await db.execute(query)).first()
    return Kept(*row) if row else None


async def add(db: AsyncConnection, connection_id: int, sealed: bytes, now: datetime) -> bool:
    """False if the connection has its phone already."""
    m = mobile_sessions.c
    row = {"connection_id": connection_id, "sealed": sealed, "changed_at": now}
    added = await db.execute(
        insert_once(db, mobile_sessions)
        .values(row)
        .on_conflict_do_nothing()
        .returning(m.connection_id)
    )
    return added.first() is not None


async def keep(
    db: AsyncConnection,
    connection_id: int,
    before: bytes,
    sealed: bytes,
    now: datetime,
    *,
    made_from: str | None,
) -> bool:
    """What a call made of it, where it still is what the call began with."""
    m = mobile_sessions.c
    kept = await db.execute(
        mobile_sessions.update()
        .where(m.connection_id == connection_id, m.sealed == before)
        .values(sealed=sealed, made_from=made_from, changed_at=now)
    )
    return bool(kept.rowcount)


async def put(db: AsyncConnection, connection_id: int, sealed: bytes, now: datetime) -> None:
    """Somebody has logged in with a password: this is the connection's phone from now on."""
    row = {
        "connection_id": connection_id,
        "sealed": sealed,
        "made_from": PASSWORD,
        "changed_at": now,
    }
    await db.execute(
        insert_once(db, mobile_sessions)
        .values(row)
        .on_conflict_do_update(index_elements=["connection_id"], set_=row)
    )


async def refuse(db: AsyncConnection, connection_id: int, now: datetime) -> None:
    """Its session is dead: the next one is made from cookies again, the same ones too."""
    m = mobile_sessions.c
    await db.execute(
        mobile_sessions.update()
        .where(m.connection_id == connection_id)
        .values(made_from=None, changed_at=now)
    )


async def all_sealed(db: AsyncConnection) -> Sequence[tuple[int, bytes]]:
    """(connection id, settings) of every row, for the rotation of keys."""
    m = mobile_sessions.c
    rows = await db.execute(sa.select(m.connection_id, m.sealed))
    return [(row[0], row[1]) for row in rows]


async def reseal(db: AsyncConnection, connection_id: int, sealed: bytes) -> None:
    m = mobile_sessions.c
    await db.execute(
        mobile_sessions.update().where(m.connection_id == connection_id).values(sealed=sealed)
    )
