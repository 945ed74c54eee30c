"""Engines on SQLite and on PostgreSQL, a kind of job that does what a test says, and a clock."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.jobs.engine import Engine
from storage.database import Database
from tests.services.jobs.kind import Rows
from tests.support.clock import StillClock
from tests.support.databases import database, database_url, postgres_url, sqlite_url

__all__ = ["database", "database_url", "postgres_url", "sqlite_url"]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def rows(clock: StillClock) -> Rows:
    return Rows(clock)


MakeEngine = Callable[..., Engine]


@pytest.fixture
async def make_engine(
    database: Database, rows: Rows, clock: StillClock, tmp_path: Path, templates: Path
) -> AsyncIterator[MakeEngine]:
    """Engines that are not started; those still running are stopped at the end."""
    jobs: Path | str = database.url.replace("+psycopg", "")
    if database.is_sqlite:
        jobs = tmp_path / "jobs.db"
        shutil.copy(templates / "jobs.db", jobs)
    running: list[Engine] = []

    def make(*, runs_jobs: bool = True) -> Engine:
        engine = Engine(jobs, database, clock, runs_jobs=runs_jobs)
        engine.register(rows)
        running.append(engine)
        return engine

    yield make
    rows.let_go()
    for engine in reversed(running):
        await engine.stop()
    # an engine puts its own thread pool there and closes it when it stops
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))


@pytest.fixture
async def engine(make_engine: MakeEngine) -> Engine:
    engine = make_engine()
    await engine.start()
    return engine
