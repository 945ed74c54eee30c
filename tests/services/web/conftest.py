"""The side server on a database, with a clock and loops that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.jobs.clock import Clock
from services.web.downloads import Downloads
from services.web.health import Health
from services.web.server import SideServer
from storage.database import Database
from storage.objects import LocalObjects
from tests.support.clock import StillClock
from tests.support.databases import database, sqlite_url
from tests.support.rows import NOW

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
