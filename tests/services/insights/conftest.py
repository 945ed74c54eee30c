"""`stage`: Mia's account at the sandbox's Meta, connected today, on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.graph import Meta
from sandbox.world import World
from storage.database import Database
from tests.services.insights import stage as stages
from tests.services.insights.stage import Stage
from tests.support.clock import StillClock
from tests.support.databases import database, postgres_url, sqlite_url
from tests.support.rows import MIA, NOW, person

__all__ = ["database", "postgres_url", "sqlite_url"]


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, if a test does not ask for "postgres_url" (indirectly)."""
    return str(request.getfixturevalue(getattr(request, "param", "sqlite_url")))


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
async def meta(world: World, clock: StillClock) -> AsyncIterator[Meta]:
    async with Meta(world, now=clock) as stand_in:
        yield stand_in


@pytest.fixture
async def stage(database: Database, meta: Meta, clock: StillClock) -> AsyncIterator[Stage]:
    await person(database, MIA, role="owner")
    async with stages.opened(database, meta, clock) as made:
        await made.connect()
        yield made
