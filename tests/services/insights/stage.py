"""What the tests of the sync share: Mia's account at the sandbox's Meta, read through the real
adapter on a clock that stands still. The engine is the test: it runs a job when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any, cast

import httpx
import sqlalchemy as sa
from cryptography.fernet import Fernet

from sandbox.graph import Meta
from services.accounts.meta import MetaLogins
from services.graph.access import Access
from services.graph.wire import Addresses, GraphClient
from services.insights.job import SyncJob
from services.insights.service import Insights, SyncView
from services.jobs.engine import Engine, Job
from storage import people, syncs
from storage.database import Database
from storage.insights import InsightAccount
from storage.syncs import Sync, SyncResult
from storage.tables import insight_revisions, insight_values, notices
from storage.vault import Vault
from tests.support.clock import StillClock
from tests.support.rows import MIA

KEY = Fernet.generate_key().decode()
PARTS = 400  # jobs of one sync, at most


class Jobs:
    """Takes what is enqueued, in order."""

    def __init__(self) -> None:
        self.waiting: list[Job] = []

    async def enqueue(self, job: Job) -> None:
        if job not in self.waiting:
            self.waiting.append(job)


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


class Stage:
    def __init__(
        self,
        database: Database,
        meta: Meta,
        http: httpx.AsyncClient,
        clock: StillClock,
        *,
        history_days: int = 0,
    ) -> None:
        self.database = database
        self.meta = meta
        self.clock = clock
        self.jobs = Jobs()
        engine = cast("Engine", self.jobs)
        client = GraphClient(http, clock, addresses=addresses_of(meta), sleep=_at_once)
        self.logins = MetaLogins(
            database, Vault([KEY]), client, Access(client, {}, clock), clock, base="http://x"
        )
        self.service = Insights(database, engine, self.logins, clock, history_days=history_days)
        self.job = SyncJob(database, engine, self.logins, clock, history_days=history_days)

    # ------------------------------------------------------------ acts

    async def connect(self, name: str = "mia", user_id: int = MIA, **how: Any) -> None:
        await self.logins.paste(user_id, self.meta.instagram_token(name, **how))

    async def zone(self, name: str, user_id: int = MIA) -> None:
        async with self.database.write() as db:
            await people.change(db, user_id, zone=name)

    async def tick(self) -> int:
        """As the clock does; returns how many syncs begin or go on."""
        jobs = [*await self.service.due(), *await self.job.wake()]
        for job in jobs:
            await self.jobs.enqueue(job)
        return len(jobs)

    async def step(self) -> None:
        """The next job that waits, one part of it."""
        job = self.jobs.waiting.pop(0)
        if await self.job.work(job):
            await self.jobs.enqueue(job.successor)

    async def rest(self) -> None:
        """Runs jobs until none waits."""
        for _ in range(PARTS):
            if not self.jobs.waiting:
                return
            await self.step()
        raise AssertionError("the sync does not end")

    async def day(self) -> SyncView:
        """What the clock begins now, and how it ended."""
        assert await self.tick() == 1
        await self.rest()
        return await self.last()

    async def by_hand(self) -> SyncView:
        await self.service.begin(MIA, 0)
        await self.rest()
        return await self.last()

    async def reconcile(self) -> None:
        """As at a start: nothing lives."""
        for job in await self.job.stranded(self.clock() + timedelta(days=1)):
            restarted = await self.job.restart(job)
            if restarted is not None:
                await self.jobs.enqueue(restarted)

    # ------------------------------------------------------------ sees

    async def account(self) -> InsightAccount:
        return await self.service.one(MIA)

    async def last(self) -> SyncView:
        return (await self.service.log(MIA, 0, limit=1))[0]

    async def result(self, key: str) -> SyncResult:
        return next(one for one in (await self.last()).results if one.metric == key)

    async def sync(self) -> Sync:
        view = await self.last()
        async with self.database.read() as db:
            found = await syncs.get(db, view.sync.id)
        assert found is not None
        return found

    async def values(
        self, metric: str, period: str = "day", breakdown: str = ""
    ) -> dict[date, float | str]:
        """{day: the number, or the reason why there is none}; a day that is there twice is an
        error."""
        v = insight_values.c
        query = sa.select(v.day, v.value, v.reason).where(
            v.metric == metric, v.period == period, v.breakdown == breakdown
        )
        async with self.database.read() as db:
            rows = [tuple(row) for row in await db.execute(query)]
        assert len(rows) == len({day for day, _, _ in rows})
        return {day: reason if value is None else value for day, value, reason in rows}

    async def revisions(self) -> int:
        async with self.database.read() as db:
            query = sa.select(sa.func.count()).select_from(insight_revisions)
            return int((await db.execute(query)).scalar_one())

    async def told(self) -> list[str]:
        async with self.database.read() as db:
            query = sa.select(notices.c.kind).order_by(notices.c.id)
            return list((await db.execute(query)).scalars())


def addresses_of(meta: Meta) -> Addresses:
    hosts = meta.addresses
    return Addresses(
        facebook=hosts["graph.facebook.com"],
        instagram=hosts["graph.instagram.com"],
        instagram_login=hosts["api.instagram.com"],
        uploads=hosts["rupload.facebook.com"],
        facebook_dialog=hosts["www.facebook.com"],
        instagram_dialog=hosts["www.instagram.com"],
    )


@asynccontextmanager
async def opened(
    database: Database, meta: Meta, clock: StillClock, **how: Any
) -> AsyncIterator[Stage]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Stage(database, meta, http, clock, **how)
