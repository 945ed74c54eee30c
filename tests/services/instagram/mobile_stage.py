"""Fixtures of the mobile adapter's tests: a stand-in, and adapters that talk to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.instagram import Instagram
from sandbox.world import World
from services.clock import utc_now
from services.errors import InstagramError
from services.instagram.mobile import Mobile
from services.instagram.mobile_session import MobileSession
from services.instagram.pace import Pacer, Policy
from storage.database import Database
from tests.support.databases import database, sqlite_url

__all__ = [
    "database",
    "database_url",
    "failure",
    "instagram",
    "mia",
    "mobile",
    "sqlite_url",
    "start",
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def instagram(world: World) -> AsyncIterator[Instagram]:
    async with Instagram(world) as stand_in:
        yield stand_in


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def start(
    instagram: Instagram, database: Database, tmp_path: Path
) -> AsyncIterator[Callable[[], Mobile]]:
    """`start()` is what a start of the program makes."""
    started: list[Mobile] = []

    def start() -> Mobile:
        adapter = Mobile(
            Pacer(database, utc_now, Policy(), sleep=at_once),
            utc_now,
            reports=tmp_path / "reports",
            proxy=instagram.proxy_url,
            ca_file=instagram.ca_file,
            transport="requests",
        )
        started.append(adapter)
        return adapter

    yield start
    for adapter in started:
        adapter.close()


@pytest.fixture
async def mobile(start: Callable[[], Mobile]) -> Mobile:
    return start()


@pytest.fixture
async def mia(mobile: Mobile, world: World, instagram: Instagram) -> MobileSession:
    session = await mobile.session("mia")
    await session.use_session_id(world.session_id("mia"))
    instagram.reset_log()
    return session


async def failure(call: Awaitable[object]) -> InstagramError:
    with pytest.raises(InstagramError) as caught:
        await call
    return caught.value
