"""A stand-in of Instagram and one of Meta, and the stage of the analyses on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.graph import Meta
from sandbox.instagram import Instagram
from sandbox.world import World
from storage.database import Database
from tests.services.analysis import stage as stages
from tests.services.analysis.stage import Stage, Way
from tests.support.clock import StillClock
from tests.support.databases import database, sqlite_url
from tests.support.rows import MIA, NOW, person

__all__ = ["database", "sqlite_url"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
async def instagram(world: World, clock: StillClock) -> AsyncIterator[Instagram]:
    async with Instagram(world, now=clock) as stand_in:
        yield stand_in


@pytest.fixture
async def meta(world: World, clock: StillClock) -> AsyncIterator[Meta]:
    async with Meta(world, now=clock) as stand_in:
        yield stand_in


@pytest.fixture
async def stage(
    database: Database,
    tmp_path: Path,
    world: World,
    instagram: Instagram,
    meta: Meta,
    clock: StillClock,
) -> AsyncIterator[Stage]:
    """Mia, whose Instagram account is connected; nothing at Meta."""
    await person(database, MIA, role="owner")
    way = Way(instagram.proxy_url, instagram.ca_file)
    hosts = stages.addresses_of(dict(meta.addresses))
    async with stages.opened(database, tmp_path, way, hosts, clock) as made:
        await made.connect(world)
        yield made
