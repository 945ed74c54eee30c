"""Fixtures: a migrated, empty domain database, on SQLite and on PostgreSQL in turn.

A conftest imports all four fixtures to run its tests on both, or defines `database_url` as one of
the two.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import database as database_module
from storage.database import Database
from tests.support.postgres import Postgres

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture
def sqlite_url(tmp_path: Path, templates: Path) -> str:
    shutil.copy(templates / "reelay.db", tmp_path / "reelay.db")
    return database_module.sqlite_url(tmp_path / "reelay.db")


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    return postgres.emptied()


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
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
