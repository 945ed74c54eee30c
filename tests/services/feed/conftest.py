"""A feed on SQLite with a clock that tests move, and the stage of the polls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.instagram.mobile import timeline
from sandbox.world import World
from services.feed import catching_up
from services.instagram import cdn
from storage.database import Database
from storage.feeds import Feed
from tests.services.feed.stage import PAGE, PAGES, Stage
from tests.support.clock import StillClock
from tests.support.databases import database, sqlite_url
from tests.support.feeds import a_feed
from tests.support.harness import Harness
from tests.support.rows import MIA, NOW, person

__all__ = ["database", "sqlite_url"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
async def feed(database: Database) -> Feed:
    await person(database, MIA, role="owner")
    return await a_feed(database)


@pytest.fixture
async def stage(
    tmp_path: Path, templates: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """Mia's feed is on, nothing was read yet. Pages are short and few: each post takes time."""
    monkeypatch.setattr(cdn, "_PAUSES", (0, 0))
    monkeypatch.setattr(catching_up, "MOST_PAGES", PAGES)
    monkeypatch.setattr(timeline, "PAGE_SIZE", PAGE)
    monkeypatch.setattr(timeline, "AD_AFTER", 1)
    monkeypatch.setattr(timeline, "UNREADABLE_PLACE", 3)
    async with Harness(tmp_path / "data", world, templates=templates) as harness:
        mia = await harness.owner()
        stage = Stage(harness, mia, await harness.connect(mia, "mia"))
        stage.hold_the_clock()
        await stage.switch_on()
        yield stage
        await stage.check()
    # the job engine had put its own thread pool there and has now closed it
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))
