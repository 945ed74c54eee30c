"""What the tests of publications share: Mia's account at the sandbox's Meta with a file to post,
and the services on a clock that stands still until the next step is due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from cryptography.fernet import Fernet

from sandbox.cloudinary.server import API_KEY, API_SECRET, CLOUD, Cloudinary
from sandbox.graph import Call, Meta
from sandbox.world import World
from services.accounts.meta import MetaLogins
from services.clock import Now
from services.graph.access import Access
from services.graph.public import PublicFiles
from services.graph.public.cloud import Cloud, CloudinaryFiles
from services.graph.wire import Addresses, GraphClient
from services.stories.aftercare import Aftercare
from services.stories.deciding import Deciding
from services.stories.machine import AT_WORK, State, Verdict
from services.stories.publishing import Publishing
from storage import people, stories, story_accounts, story_items
from storage.database import Database
from storage.notices import Notice
from storage.objects import LocalObjects
from storage.stories import Story
from storage.tables import notices as notice_table
from storage.vault import Secret, Vault
from tests.sandbox.graph.files import film, jpeg
from tests.support.clock import StillClock
from tests.support.rows import MIA

KEY = Fernet.generate_key().decode()
STEPS = 80  # a publication has ended by then


async def _at_once(_seconds: float) -> None:
    pass


class Stage:
    """`meta` and `cloud` None: they run elsewhere."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        addresses: Addresses,
        public: PublicFiles | None,
        http: httpx.AsyncClient,
        clock: Now,
        *,
        per_hour: int = 25,
        key: str = KEY,
    ) -> None:
        self.database = database
        self.objects = LocalObjects(folder)
        self.public = public
        self.clock = clock
        client = GraphClient(http, clock, addresses=addresses, sleep=_at_once)
        self.logins = MetaLogins(
            database,
            Vault([key]),
            client,
            Access(client, {}, clock),
            clock,
            base="http://127.0.0.1:8081",
        )
        self.publishing = Publishing(
            database, self.objects, self.logins, public, clock, per_hour=per_hour
        )
        self.aftercare = Aftercare(database, self.logins, public, clock)
        self.deciding = Deciding(database, clock)

    # ------------------------------------------------------------ rows

    async def account(self, token: str) -> int:
        """Mia's, connected with this token; the id in story_accounts."""
        async with self.database.write() as db:
            await people.add(
                db, MIA, name="Mia", username=None, locale="en", role="owner", now=self.clock()
            )
        [found] = await self.logins.paste(MIA, token)
        async with self.database.write() as db:
            return await story_accounts.add(
                db,
                MIA,
                found.username,
                "Europe/Berlin",
                self.clock(),
                meta_id=found.id,
                identity=found.identity,
            )

    async def story(
        self, account_id: int, kind: str = "photo", state: State = State.PREPARING
    ) -> int:
        """Due now; its file is to specification, and like no other one."""
        now = self.clock()
        async with self.database.write() as db:
            item_id = await story_items.add(
                db,
                account_id,
                now,
                kind=kind,
                source="chat",
                name="beach",
                sha256="ab" * 32,
                original_key="stories/original",
                state="ready",
            )
            key = f"stories/{item_id}"
            await story_items.change(db, item_id, fitted_key=key)
            story_id = await stories.make(
                db, account_id, item_id, now, state=state, mode="automatic", due_at=now, next_at=now
            )
        content = film() if kind == "video" else jpeg() + str(item_id).encode()
        path = self.objects.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert story_id
        return story_id

    async def get(self, story_id: int = 1) -> Story:
        async with self.database.read() as db:
            story = await stories.get(db, story_id)
        assert story
        return story

    async def events(self, story_id: int = 1) -> list[str]:
        async with self.database.read() as db:
            return [one.what for one in await stories.history(db, story_id)]

    async def notices(self) -> list[Notice]:
        names = [notice_table.c[name] for name in Notice.__slots__]
        async with self.database.read() as db:
            query = sa.select(*names).order_by(notice_table.c.id)
            return [Notice(*row) for row in await db.execute(query)]

    async def said(self) -> list[str]:
        return [notice.kind for notice in await self.notices()]

    # ------------------------------------------------------------ steps

    async def turn(self) -> int:
        """What is due now; returns how many jobs there were."""
        jobs = await self.publishing.wake()
        for job in jobs:
            assert not await self.publishing.work(job)
        return len(jobs)

    async def reconcile(self) -> None:
        """As the engine does for what a dead process was at."""
        for job in await self.publishing.stranded(self.clock() + timedelta(days=1)):
            if again := await self.publishing.restart(job):
                await self.publishing.work(again)


class LocalStage(Stage):
    """With the stand-ins in this process."""

    meta: Meta
    cloud: Cloudinary
    clock: StillClock

    async def play(
        self,
        until: State | None = None,
        story_id: int = 1,
        *,
        until_verdict: Verdict | None = None,
    ) -> Story:
        """Steps, each when it is due, until the story is like that, or not at work any more."""
        for _ in range(STEPS):
            story = await self.get(story_id)
            if story.state == until or (story.verdict and story.verdict == until_verdict):
                return story
            if story.state not in AT_WORK:
                assert until is None, story
                assert until_verdict is None, story
                return story
            wait = story.next_at - self.clock()
            if wait > timedelta(0):
                self.clock.advance(seconds=wait.total_seconds())
            assert await self.turn(), story
        raise AssertionError(f"it does not end: {await self.get(story_id)}")

    def count(self, call: Call) -> int:
        return self.meta.requests.count(call)


def addresses_of(at: Any) -> Addresses:
    return replace(
        Addresses(),
        facebook=at["graph.facebook.com"],
        instagram=at["graph.instagram.com"],
        instagram_login=at["api.instagram.com"],
        uploads=at["rupload.facebook.com"],
    )


@asynccontextmanager
async def on_stage(
    database: Database, folder: Path, world: World, *, hosted: bool = True, per_hour: int = 25
) -> AsyncIterator[LocalStage]:
    """`hosted`: there is a place where Meta can fetch files."""
    clock = StillClock()
    async with (
        Meta(world, now=clock) as meta,
        Cloudinary(now=clock) as cloud,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        public = CloudinaryFiles(Cloud(CLOUD, API_KEY, Secret(API_SECRET), cloud.origin))
        stage = LocalStage(
            database,
            folder,
            addresses_of(meta.addresses),
            public if hosted else None,
            http,
            clock,
            per_hour=per_hour,
        )
        stage.meta, stage.cloud = meta, cloud
        yield stage
