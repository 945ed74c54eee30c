"""What the tests of analyses share: Mia with an account, and the services on a clock that stands
still. The engine is the test: it runs a job when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import sqlalchemy as sa
from cryptography.fernet import Fernet

from sandbox.world import World
from services.accounts.connecting import Connecting
from services.accounts.meta import MetaLogins
from services.accounts.mobile import MobileSessions
from services.analysis.job import AnalysisJob
from services.analysis.service import Analysing
from services.analysis.sources import Sources
from services.clock import Now
from services.graph.access import Access
from services.graph.wire import Addresses, GraphClient
from services.instagram.cookies import read_cookies
from services.instagram.gallery_dl import GalleryDl
from services.instagram.mobile import Mobile
from services.instagram.pace import Pacer, Policy
from services.jobs.engine import Engine, Job
from storage import analysis, connections
from storage.analysis import Analysis
from storage.database import Database
from storage.tables import reels
from storage.vault import Vault
from tests.support.rows import MIA

KEY = Fernet.generate_key().decode()
CLIPS = "/api/v1/clips/user/"
PARTS = 600  # jobs of one analysis, at most


@dataclass(frozen=True, slots=True)
class Way:
    """To a stand-in of Instagram, which may run in another process."""

    proxy_url: str
    ca_file: Path


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
    """`meta` None: nobody can be looked up there."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        instagram: Way,
        meta: Addresses | None,
        http: httpx.AsyncClient,
        clock: Now,
        *,
        key: str = KEY,
        reel_limit: int = 500,
    ) -> None:
        self.database = database
        self.clock = clock
        self.jobs = Jobs()
        engine = cast("Engine", self.jobs)
        self.vault = Vault([key])
        pacer = Pacer(database, clock, Policy(gap=(0, 0), per_minute=10**6), sleep=_at_once)
        self.mobile = Mobile(
            pacer,
            clock,
            reports=folder / "reports",
            proxy=instagram.proxy_url,
            ca_file=instagram.ca_file,
            transport="requests",
        )
        connecting = Connecting(database, self.vault, engine, pacer, cast("GalleryDl", None), clock)
        sessions = MobileSessions(database, self.vault, connecting, self.mobile, clock)
        self.logins: MetaLogins | None = None
        if meta is not None:
            client = GraphClient(http, clock, addresses=meta, sleep=_at_once)
            access = Access(client, {}, clock)
            self.logins = MetaLogins(database, self.vault, client, access, clock, base="http://x")
        self.sources = Sources(database, sessions, self.logins)
        self.service = Analysing(database, engine, self.sources, clock, reel_limit=reel_limit)
        self.job = AnalysisJob(database, engine, self.sources, clock)

    # ------------------------------------------------------------ acts

    async def connect(self, world: World, name: str = "mia", session: Any = "ok") -> int:
        """What /connect leaves behind. Returns the connection's id."""
        now = self.clock()
        cookies = read_cookies(world.cookies_txt(name, session).encode(), now)
        async with self.database.write() as db:
            row = await connections.find(db, MIA, "instagram", cookies.user_id)
            row = row or await connections.add(db, MIA, "instagram", cookies.user_id, now)
            run = row.run + 1
            await connections.change(
                db,
                row.id,
                now,
                run=run,
                candidate=b"-",
                candidate_fingerprint=cookies.fingerprint,
                candidate_expires_at=cookies.expires_at,
            )
            sealed = self.vault.seal(cookies.netscape(), "connections", row.id, "cookies")
            await connections.promote(db, row.id, run, sealed, name, now)
        return row.id

    async def begin(self, name: str = "rosa.reels", *, anew: bool = False) -> int:
        return (await self.service.begin(MIA, name, anew=anew)).analysis_id

    async def step(self) -> None:
        """The next job that waits, one part of it."""
        job = self.jobs.waiting.pop(0)
        if await self.job.work(job):
            await self.jobs.enqueue(job.successor)

    async def rest(self, analysis_id: int) -> Analysis:
        """Runs jobs until none waits."""
        for _ in range(PARTS):
            if not self.jobs.waiting:
                return await self.get(analysis_id)
            await self.step()
        raise AssertionError("the analysis does not end")

    async def analysed(self, name: str = "rosa.reels", *, anew: bool = False) -> Analysis:
        return await self.rest(await self.begin(name, anew=anew))

    async def wake(self) -> int:
        """As the clock does. Returns how many go on."""
        woken = await self.job.wake()
        for job in woken:
            await self.jobs.enqueue(job)
        return len(woken)

    async def reconcile(self) -> None:
        """As at a start: nothing lives."""
        for job in await self.job.stranded(self.clock() + timedelta(days=1)):
            restarted = await self.job.restart(job)
            if restarted is not None:
                await self.jobs.enqueue(restarted)

    # ------------------------------------------------------------ sees

    async def get(self, analysis_id: int) -> Analysis:
        async with self.database.read() as db:
            item = await analysis.get(db, analysis_id)
        assert item is not None
        return item

    async def stored(self, analysis_id: int) -> list[str]:
        """Numbers of the stored reels, in no order; one that is there twice is there twice."""
        r = reels.c
        query = sa.select(r.platform_id).where(r.analysis_id == analysis_id)
        async with self.database.read() as db:
            return list((await db.execute(query)).scalars())


def addresses_of(hosts: dict[str, str]) -> Addresses:
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
    database: Database, folder: Path, instagram: Way, meta: Addresses | None, clock: Now, **how: Any
) -> AsyncIterator[Stage]:
    async with httpx.AsyncClient(trust_env=False) as http:
        stage = Stage(database, folder, instagram, meta, http, clock, **how)
        yield stage
        stage.mobile.close()
