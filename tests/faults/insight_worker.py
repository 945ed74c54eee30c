"""A process that syncs an account's figures, and dies at the await that it was told. Used by
insight_lane.py.

It runs the real services on a clock that it shares with the stand-in, and waits for nothing: when
no request is due, it moves the clock.
"""

from __future__ import annotations

import asyncio
import encodings.idna
import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import aiosqlite
import anyio._backends._asyncio
import httpcore
import httpx
import psycopg
import sqlalchemy as sa
import structlog

from services.accounts.meta import MetaLogins
from services.clock import Now
from services.graph import wire
from services.graph.access import Access
from services.graph.wire import GraphClient
from services.insights.job import SyncJob
from services.insights.service import Insights
from services.jobs.engine import Engine
from storage.database import Database
from storage.tables import syncs as sync_table
from storage.vault import Vault
from tests.faults import insight_mutants
from tests.faults.story_worker import CERTIFICATES, Awaits, SharedClock
from tests.services.insights.stage import Jobs
from tests.services.stories.stage import addresses_of

# imported here, before the fork, and not after each one
__all__ = ["aiosqlite", "anyio", "encodings", "httpcore", "psycopg"]

TURNS = 4000
LONG = timedelta(hours=20)  # after the last moment, so that each wait ends


@dataclass(frozen=True, slots=True)
class Order:
    """`moments`: when the clock rings; one that is over is passed by. `kill_at`: dies at this
    await, counted from 1; None: at none. `late`: not when it begins to wait, but when what it
    waited for is there. The number of awaits is left in `counted`. `seconds`: that Meta has for an
    answer. `mutant`: of insight_mutants."""

    url: str
    addresses: dict[str, str]
    key: str
    clock: Path
    counted: Path
    moments: tuple[datetime, ...]
    history_days: int
    kill_at: int | None = None
    late: bool = False
    seconds: float = wire.CALL_SECONDS
    mutant: str = ""


class House:
    """The services that a sync needs, with an engine that runs a job when it is told to."""

    def __init__(
        self,
        url: str,
        addresses: Mapping[str, str],
        key: str,
        http: httpx.AsyncClient,
        now: Now,
        history_days: int,
    ) -> None:
        self.database = Database(url)
        self.jobs = Jobs()
        engine, vault = cast("Engine", self.jobs), Vault([key])
        client = GraphClient(http, now, addresses=addresses_of(addresses), sleep=_at_once)
        access = Access(client, {}, now)
        self.logins = MetaLogins(self.database, vault, client, access, now, base="http://x")
        self.service = Insights(self.database, engine, self.logins, now, history_days=history_days)
        self.job = SyncJob(self.database, engine, self.logins, now, history_days=history_days)
        self._now = now

    async def reconcile(self) -> None:
        """As at a start: nothing lives."""
        for job in await self.job.stranded(self._now() + timedelta(days=1)):
            restarted = await self.job.restart(job)
            if restarted is not None:
                await self.jobs.enqueue(restarted)

    async def turn(self) -> bool:
        """One part of a job, or what the clock begins; False: there is neither."""
        if not self.jobs.waiting:
            for job in [*await self.service.due(), *await self.job.wake()]:
                await self.jobs.enqueue(job)
            return bool(self.jobs.waiting)
        job = self.jobs.waiting.pop(0)
        if await self.job.work(job):
            await self.jobs.enqueue(job.successor)
        return True

    async def next_at(self) -> datetime | None:
        """When the first wait is over."""
        s = sync_table.c
        query = sa.select(sa.func.min(s.wait_until, type_=s.wait_until.type))
        async with self.database.read() as db:
            at: datetime | None = (await db.execute(query.where(s.state == "waiting"))).scalar()
        return at


@asynccontextmanager
async def at_home(
    url: str, addresses: Mapping[str, str], key: str, now: Now, history_days: int
) -> AsyncIterator[House]:
    async with httpx.AsyncClient(trust_env=False, verify=CERTIFICATES) as http:
        house = House(url, addresses, key, http, now, history_days)
        try:
            yield house
        finally:
            await house.database.close()


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


def main(order: Order) -> None:
    gc.disable()  # it would copy what the fork shares, in a process that soon ends
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    wire.CALL_SECONDS = order.seconds
    insight_mutants.apply(order.mutant)
    asyncio.run(_run(order))


async def _run(order: Order) -> None:
    clock = SharedClock(order.clock)
    awaits = Awaits(order.kill_at, late=order.late)
    async with at_home(order.url, order.addresses, order.key, clock, order.history_days) as house:
        await awaits.of(house.reconcile())
        ends = (*order.moments[1:], order.moments[-1] + LONG)
        for moment, end in zip(order.moments, ends, strict=True):
            clock.set(max(clock(), moment))
            await awaits.of(_until(house, clock, end))
    order.counted.write_text(str(awaits.count))


async def _until(house: House, clock: SharedClock, end: datetime) -> None:
    """Until nothing happens before then. A wait that is longer goes on at the next moment."""
    for _ in range(TURNS):
        if await house.turn():
            continue
        at = await house.next_at()
        if at is None or at > end:
            return
        clock.set(max(clock(), at))
    raise AssertionError("the syncs do not end")
