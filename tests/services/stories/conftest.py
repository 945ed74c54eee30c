"""`stage`: Mia's account at the sandbox's Meta, to publish at. `desk`: her library of stories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.world import World
from storage.database import Database
from tests.services.stories.desk import Desk
from tests.services.stories.stage import LocalStage, on_stage
from tests.support import rows
from tests.support.databases import database, postgres_url, sqlite_url

__all__ = ["database", "postgres_url", "sqlite_url"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def stage(database: Database, tmp_path: Path, world: World) -> AsyncIterator[LocalStage]:
    async with on_stage(database, tmp_path / "media", world) as running:
        await running.account(running.meta.instagram_token("mia"))
        yield running


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> Desk:
    await rows.person(database, role="owner")
    made = Desk(tmp_path, database)
    made.account_id = (await made.accounts.one(rows.MIA)).id
    return made
