"""Fixtures: a migrated, empty domain database, on SQLite and on PostgreSQL in turn.

A conftest imports `database_url` and `database` to run all of its tests on both.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.database import Database, sqlite_url
from tests.support.postgres import Postgres

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, templates: Path) -> Iterator[str]:
    if request.param == "sqlite":
        shutil.copy(templates / "reelay.db", tmp_path / "reelay.db")
        yield sqlite_url(tmp_path / "reelay.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.database()
    yield url
    server.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def sqlite_database(tmp_path: Path, templates: Path) -> AsyncIterator[Database]:
    """For rooms above storage, whose own logic is the same on both."""
    shutil.copy(templates / "reelay.db", tmp_path / "reelay.db")
    database = Database(sqlite_url(tmp_path / "reelay.db"))
    yield database
    await database.close()


async def waits_for_a_lock(database: Database) -> None:
    """Returns once some statement of this PostgreSQL database is held up by another one."""
    blocked = sa.text(
        "select count(*) from pg_stat_activity "
        "where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with database.read() as db:
                if (await db.execute(blocked)).scalar_one():
                    return
            await asyncio.sleep(0.01)
