"""An archive of a few posts in a folder, and a bucket to move it to."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.database import Database
from storage.objects import LocalObjects
from tests.support.bucket import bucket, front, moto
from tests.support.databases import database, sqlite_url
from tests.support.films import Archive
from tests.support.rows import MIA, person

__all__ = ["bucket", "database", "front", "moto", "sqlite_url"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def posts(database: Database, tmp_path: Path) -> Archive:
    await person(database, MIA)
    return Archive(database, LocalObjects(tmp_path / "media"))
