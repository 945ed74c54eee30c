"""Services on a database, a vault, and an engine that only remembers what it was given; Mia's
cookies, and what came of sending them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sandbox.instagram import Instagram
from sandbox.world import World
from services.accounts.connecting import Connecting
from services.accounts.privacy import Privacy
from services.instagram.cookies import InstagramCookies, read_cookies
from services.instagram.pace import Pacer, Policy
from services.jobs.engine import Job
from storage import connections, notices
from storage.connections import Connection
from storage.database import Database
from storage.notices import Notice
from storage.objects import LocalObjects
from storage.vault import Vault
from tests.support.clock import StillClock
from tests.support.databases import database, database_url, postgres_url, sqlite_url
from tests.support.rows import LEO, MIA, NOW, person

__all__ = ["database", "database_url", "postgres_url", "sqlite_url"]


class Queue:
    """Where the engine stands: `jobs` in the order in which they were enqueued."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def enqueue(self, job: Job) -> None:
        self.jobs.append(job)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])


@pytest.fixture
async def instagram(world: World) -> AsyncIterator[Instagram]:
    async with Instagram(world) as stand_in:
        yield stand_in


@pytest.fixture
def queue() -> Queue:
    return Queue()


# ---------------------------------------------------------------- sessions


@dataclass
class Gallery:
    """Where gallery-dl stands: answers with a name, or raises what it is told."""

    errors: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def whoami(self, user_id: str, cookies: str) -> str:
        self.asked.append(cookies)
        if self.errors:
            raise self.errors.pop(0)
        return "mia"


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture
async def pacer(database: Database, clock: StillClock) -> Pacer:
    async def no_sleep(seconds: float) -> None:
        clock.advance(seconds=seconds)

    return Pacer(database, clock, Policy(), sleep=no_sleep)


@pytest.fixture
async def connecting(
    database: Database,
    vault: Vault,
    queue: Queue,
    pacer: Pacer,
    gallery: Gallery,
    clock: StillClock,
) -> Connecting:
    await person(database, MIA)
    await person(database, LEO)
    return Connecting(database, vault, queue, pacer, gallery, clock)  # type: ignore[arg-type]


@pytest.fixture
def cookies(world: World) -> Callable[..., InstagramCookies]:
    """Mia's cookies; the n-th session of hers."""

    def make(session: str = "first") -> InstagramCookies:
        return read_cookies(
            f"sessionid=1000:{session}:27:x; ds_user_id=1000; csrftoken=abc".encode(), NOW
        )

    return make


Cookies = Callable[..., InstagramCookies]


async def run(connecting: Connecting, queue: Queue) -> None:
    """What the engine does with what was enqueued: a job, and its successors."""
    job: Job | None = queue.jobs.pop(0)
    while job:
        job = job.successor if await connecting.work(job) else None


async def only(database: Database, user_id: int = MIA) -> Connection:
    async with database.read() as db:
        found = await connections.find(db, user_id, "instagram", "1000")
    assert found
    return found


async def said(database: Database, clock: StillClock) -> list[Notice]:
    async with database.write() as db:
        due = await notices.due(db, clock())
        for notice in due:
            await notices.delivered(db, notice.id, clock())
    return due


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "media")


@pytest.fixture
async def privacy(
    database: Database, objects: LocalObjects, queue: Queue, clock: StillClock
) -> Privacy:
    await person(database, MIA, balance=5)
    await person(database, LEO)
    return Privacy(database, objects, queue, clock)  # type: ignore[arg-type]
