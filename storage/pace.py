"""When an identity may send its next request, and the log of calls. Used by services.instagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import calls, connections, pace


@dataclass(frozen=True, slots=True)
class Pace:
    """Frozen if `reason` is set; `frozen_until` None then means: until its owner acts."""

    identity: str
    next_at: datetime
    frozen_until: datetime | None
    reason: str | None
    strikes: int
    struck_at: datetime | None


@dataclass(frozen=True, slots=True)
class Call:
    identity: str
    purpose: str
    at: datetime
    requests: int
    seconds: float
    outcome: str


_COLUMNS = [pace.c[name] for name in Pace.__slots__]


async def get(db: AsyncConnection, identity: str) -> Pace | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(pace.c.identity == identity))).first()
    return Pace(*row) if row else None


async def frozen(db: AsyncConnection) -> list[Pace]:
    rows = await db.execute(sa.select(*_COLUMNS).where(pace.c.reason.is_not(None)))
    return [Pace(*row) for row in rows]


async def reserve(db: AsyncConnection, identity: str, now: datetime) -> Pace:
    """The identity's row, made when new, and nobody else's until the transaction ends."""
    row = {"identity": identity, "next_at": now}
    await db.execute(insert_once(db, pace).values(row).on_conflict_do_nothing())
    query = sa.select(*_COLUMNS).where(pace.c.identity == identity).with_for_update()
    return Pace(*(await db.execute(query)).one())


async def put(db: AsyncConnection, state: Pace) -> None:
    """What was reserved, as it is now."""
    row = {name: getattr(state, name) for name in Pace.__slots__}
    await db.execute(pace.update().where(pace.c.identity == state.identity).values(row))


async def log(db: AsyncConnection, call: Call) -> None:
    row = {name: getattr(call, name) for name in Call.__slots__}
    await db.execute(calls.insert().values(row))


async def forget_unconnected(db: AsyncConnection) -> None:
    """Traces of identities that nobody has connected any more."""
    connected = sa.select(connections.c.identity)
    for table in (pace, calls):
        await db.execute(table.delete().where(table.c.identity.not_in(connected)))


MOBILE = ("feed", "stories")
"""Purposes that only the mobile API serves; gallery-dl serves the others."""


async def outcomes_since(
    db: AsyncConnection, since: datetime, *, besides: Sequence[str] = ()
) -> dict[str, int]:
    """{outcome: number of calls} since then; `besides`: purposes that don't count."""
    query = (
        sa.select(calls.c.outcome, sa.func.count())
        .where(calls.c.at >= since, calls.c.purpose.not_in(besides))
        .group_by(calls.c.outcome)
    )
    return {outcome: count for outcome, count in await db.execute(query)}


async def requests_by_identity(db: AsyncConnection) -> dict[str, int]:
    query = sa.select(calls.c.identity, sa.func.sum(calls.c.requests)).group_by(calls.c.identity)
    return {identity: int(count) for identity, count in await db.execute(query)}


async def calls_by_outcome(db: AsyncConnection) -> dict[tuple[str, str], int]:
    """{(purpose, outcome): number of calls} since the beginning."""
    query = sa.select(calls.c.purpose, calls.c.outcome, sa.func.count()).group_by(
        calls.c.purpose, calls.c.outcome
    )
    return {(purpose, outcome): count for purpose, outcome, count in await db.execute(query)}
