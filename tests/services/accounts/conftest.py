"""Services on a database, a vault, and an engine that only remembers what it was given."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from services.jobs.engine import Job
from storage.vault import Vault
from tests.support.clock import StillClock
from tests.support.databases import database, database_url, postgres_url, sqlite_url
from tests.support.rows import NOW

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
def queue() -> Queue:
    return Queue()
