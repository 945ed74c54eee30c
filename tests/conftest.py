"""Fixtures of the whole suite: one world, migrated templates of the databases, the harness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from sandbox.world import World
from services.clock import utc_now
from services.importing.samples import Samples
from services.jobs import engine as engine_module
from services.jobs.engine import Engine, Job
from storage import migrate
from storage.database import Database, sqlite_url
from tests.support import bell
from tests.support.economy import (
    certificates_are_read_once,
    pytest_collection,
    sniffio_is_looked_for_once,
    sqlite_answers_at_once,
    statements_are_compiled_once,
)
from tests.support.harness import Harness
from tests.support.postgres import postgres, pytest_terminal_summary
from tests.support.stills import short_films

__all__ = [
    "certificates_are_read_once",
    "postgres",
    "pytest_collection",
    "pytest_terminal_summary",
    "sniffio_is_looked_for_once",
    "sqlite_answers_at_once",
    "statements_are_compiled_once",
]

# a slow machine fails no test
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """As in production: tracebacks without the values of variables, which may be secrets."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ]
    )


@pytest.fixture(scope="session")
def world() -> World:
    """Shared: it holds no state but what it has rendered."""
    return World()


@pytest.fixture(scope="session", autouse=True)
def jobs_at_once() -> Iterator[None]:
    """The job engine finds a new job at once, and stops at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "POLL_SECONDS", 0.06)
        bell.hang(patch)
        yield


@pytest.fixture(autouse=True)
def no_analysis(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports leave their files unanalysed, for it costs a process each, and films are short and
    still, unless the test or its module is marked `analysis`."""
    if request.node.get_closest_marker("analysis") is None:

        async def begin(samples: Samples, item_ids: list[int]) -> None:
            pass

        async def stranded(samples: Samples, before: datetime) -> list[Job]:
            return []

        monkeypatch.setattr(Samples, "begin", begin)
        monkeypatch.setattr(Samples, "stranded", stranded)
        short_films(monkeypatch)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """reelay.db and jobs.db, migrated once; tests copy them."""
    folder = tmp_path_factory.mktemp("templates")
    migrate.upgrade(sqlite_url(folder / "reelay.db"))

    async def make_jobs() -> None:
        database = Database(sqlite_url(folder / "reelay.db"))
        engine = Engine(folder / "jobs.db", database, utc_now)
        await engine.start()
        await engine.stop()
        await database.close()

    asyncio.run(make_jobs())
    return folder


@pytest.fixture
async def harness(tmp_path: Path, templates: Path, world: World) -> AsyncIterator[Harness]:
    async with Harness(tmp_path / "data", world, templates=templates) as running:
        yield running
