"""Instagram sessions, sealed. Called by services.accounts and services.importing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import connections


@dataclass(frozen=True, slots=True)
class Connection:
    """Without its secret: that is read by `sealed` for the one call that needs it."""

    id: int
    user_id: int
    kind: str
    identity: str
    username: str | None
    fingerprint: str | None
    candidate_fingerprint: str | None
    candidate_expires_at: datetime | None
    status: str  # checking (never verified yet) | active | expired | blocked
    run: int  # of the candidate's check
    idle_runs: int
    expires_at: datetime | None
    verified_at: datetime | None
    warned_days: int | None
    changed_at: datetime
    app_only: bool = False  # instagram.com has not taken its session: there is none for imports

    @property
    def label(self) -> str:
        return f"@{self.username}" if self.username else f"account {self.identity}"


_COLUMNS = [connections.c[field.name] for field in fields(Connection)]


async def get(db: AsyncConnection, connection_id: int) -> Connection | None:
    return await _one(db, connections.c.id == connection_id)


async def of_ids(db: AsyncConnection, connection_ids: Iterable[int]) -> dict[int, Connection]:
    found = await _many(db, connections.c.id.in_(list(connection_ids)))
    return {connection.id: connection for connection in found}


async def find(db: AsyncConnection, user_id: int, kind: str, identity: str) -> Connection | None:
    return await _one(
        db,
        (connections.c.user_id == user_id)
        & (connections.c.kind == kind)
        & (connections.c.identity == identity),
    )


async def find_named(db: AsyncConnection, user_id: int, username: str) -> Connection | None:
    """This person's connection of the account that was called so when it was connected."""
    c = connections.c
    return await _one(db, (c.user_id == user_id) & (c.username == username))


async def identity_of(db: AsyncConnection, username: str) -> str | None:
    """The number of the account that was called so when somebody connected it."""
    c = connections.c
    query = sa.select(c.identity).where(c.username == username).order_by(c.id).limit(1)
    return (await db.execute(query)).scalar()


async def of_user(db: AsyncConnection, user_id: int) -> list[Connection]:
    """Those that were verified at least once, oldest first."""
    mine = (connections.c.user_id == user_id) & connections.c.secret.is_not(None)
    return await _many(db, mine)


async def with_candidate(db: AsyncConnection) -> list[Connection]:
    """Those with cookies that still have to prove themselves."""
    return await _many(db, connections.c.candidate.is_not(None))


async def with_status(db: AsyncConnection, *statuses: str) -> list[Connection]:
    return await _many(db, connections.c.status.in_(statuses))


async def add(
    db: AsyncConnection, user_id: int, kind: str, identity: str, now: datetime
) -> Connection:
    row = {
        "user_id": user_id,
        "kind": kind,
        "identity": identity,
        "status": "checking",
        "run": 0,
        "created_at": now,
        "changed_at": now,
    }
    made = await db.execute(connections.insert().values(row).returning(*_COLUMNS))
    return Connection(*made.one())


async def change(
    db: AsyncConnection, connection_id: int, now: datetime, *, for_run: int | None = None, **to: Any
) -> bool:
    """Set columns; with `for_run`, only if no newer run has taken over."""
    which = connections.c.id == connection_id
    if for_run is not None:
        which &= connections.c.run == for_run
    changed = await db.execute(connections.update().where(which).values(changed_at=now, **to))
    return bool(changed.rowcount)


async def next_run(db: AsyncConnection, connection_id: int, run: int, now: datetime) -> int | None:
    """A new run of a check that nobody is at; None if a newer one has taken over."""
    c = connections.c
    begun = await db.execute(
        connections.update()
        .where(c.id == connection_id, c.run == run, c.candidate.is_not(None))
        .values(run=c.run + 1, idle_runs=c.idle_runs + 1, changed_at=now)
        .returning(c.run)
    )
    new: int | None = begun.scalar()
    return new


async def promote(
    db: AsyncConnection, connection_id: int, run: int, sealed: bytes, username: str, now: datetime
) -> bool:
    """The candidate has proved itself and becomes the secret."""
    c = connections.c
    changed = await db.execute(
        connections.update()
        .where(c.id == connection_id, c.run == run, c.candidate.is_not(None))
        .values(
            secret=sealed,
            fingerprint=c.candidate_fingerprint,
            expires_at=c.candidate_expires_at,
            candidate=None,
            candidate_fingerprint=None,
            candidate_expires_at=None,
            username=username,
            status="active",
            verified_at=now,
            warned_days=None,
            app_only=False,
            changed_at=now,
        )
    )
    return bool(changed.rowcount)


async def sealed(db: AsyncConnection, connection_id: int, column: str = "secret") -> bytes | None:
    """`column`: secret or candidate."""
    query = sa.select(connections.c[column]).where(connections.c.id == connection_id)
    return (await db.execute(query)).scalar()


async def all_sealed(db: AsyncConnection) -> Sequence[tuple[int, bytes | None, bytes | None]]:
    """(id, secret, candidate) of every row, for the rotation of keys."""
    c = connections.c
    rows = (await db.execute(sa.select(c.id, c.secret, c.candidate))).all()
    return [(row[0], row[1], row[2]) for row in rows]


async def reseal(
    db: AsyncConnection, connection_id: int, secret: bytes | None, candidate: bytes | None
) -> None:
    await db.execute(
        connections.update()
        .where(connections.c.id == connection_id)
        .values(secret=secret, candidate=candidate)
    )


async def delete(db: AsyncConnection, connection_id: int) -> None:
    await db.execute(connections.delete().where(connections.c.id == connection_id))


async def _one(db: AsyncConnection, which: sa.ColumnElement[bool]) -> Connection | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(which))).first()
    return Connection(*row) if row else None


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Connection]:
    rows = await db.execute(sa.select(*_COLUMNS).where(which).order_by(connections.c.id))
    return [Connection(*row) for row in rows]
