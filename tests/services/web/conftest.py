"""The side server on a database, with a clock and loops that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.feed.serving import Serving
from services.feed.visits import Allowance, Visits
from services.jobs.clock import Clock
from services.web.downloads import Downloads
from services.web.feeds import FeedRoutes
from services.web.health import Health
from services.web.server import SideServer
from storage.database import Database
from storage.feeds import Feed
from storage.objects import LocalObjects
from storage.readers import Reader
from tests.support.clock import StillClock
from tests.support.databases import database, sqlite_url
from tests.support.feeds import TOKEN, a_feed, film, listed, reader
from tests.support.rows import MIA, NOW, new_media, person

__all__ = ["database", "sqlite_url"]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


class Process:
    """What health looks at: `loops`, `last_poll` (None: this process does not poll), `objects`."""

    def __init__(self, now: StillClock, media: Path) -> None:
        self.now = now
        self.loops = Clock(now)
        self.broken = False
        self.last_poll: datetime | None = now()
        self.objects = LocalObjects(media)
        self.loops.every(MINUTE, "reconcile", self._tick)

    async def _tick(self) -> None:
        if self.broken:
            raise ZeroDivisionError

    def health(self, database: Database) -> Health:
        return Health(database, self.objects, self.loops, self.now, lambda: self.last_poll)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
def process(clock: StillClock, tmp_path: Path) -> Process:
    return Process(clock, tmp_path / "media")


@pytest.fixture
def health(process: Process, database: Database) -> Health:
    return process.health(database)


MakeClient = Callable[..., Awaitable[TestClient]]


@pytest.fixture
async def client(
    database: Database, health: Health, process: Process, clock: StillClock
) -> AsyncIterator[MakeClient]:
    """A function that makes a client of a side server with these options."""
    clients: list[TestClient] = []

    async def make(
        database: Database = database, health: Health = health, **options: object
    ) -> TestClient:
        downloads = Downloads(database, process.objects, clock)
        server = SideServer(database, health, downloads, **options)  # type: ignore[arg-type]
        clients.append(TestClient(TestServer(server.application())))
        await clients[-1].start_server()
        return clients[-1]

    yield make
    for one in clients:
        await one.close()


# ---------------------------------------------------------------- a feed with its reader

ROOT = f"/f/{TOKEN}/"
JPEG, MP4 = b"\xff\xd8 picture" * 20, b"\0\0\0 ftypisom film" * 9


@pytest.fixture
async def feed(database: Database) -> Feed:
    await person(database, MIA, role="owner")
    return await a_feed(database)


@pytest.fixture
async def phone(database: Database, feed: Feed) -> Reader:
    return await reader(database, feed)


@pytest.fixture
def visits(database: Database, clock: StillClock) -> Visits:
    return Visits(database, Allowance(burst=40, every=timedelta(seconds=10)))


@pytest.fixture
async def routes(
    database: Database, clock: StillClock, process: Process, visits: Visits
) -> dict[str, Any]:
    return {
        "serving": Serving(database, clock),
        "visits": visits,
        "objects": process.objects,
        "now": clock,
    }


@pytest.fixture
async def web(
    client: MakeClient, routes: dict[str, Any], clock: StillClock, phone: Reader
) -> TestClient:
    made = await client(feeds=FeedRoutes(**routes, public_url="https://reelay.example/"))
    clock.advance(minutes=5)
    return made


@pytest.fixture
async def post(database: Database, feed: Feed, process: Process) -> int:
    """A carousel of a picture and a film, whose files are there."""
    process.objects.root.mkdir(parents=True, exist_ok=True)
    media = [new_media("p1", 0, len(JPEG)), film("p1", 1, len(MP4))]
    for one, content in zip(media, (JPEG, MP4), strict=True):
        path = process.objects.path(one.object_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return await listed(database, feed, "p1", files=media, caption="One & <two>", author="Leo.B")
