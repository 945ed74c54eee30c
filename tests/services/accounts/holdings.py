"""What a person has, made and looked at, for the tests of their right over it."""

from __future__ import annotations

import os
from pathlib import Path

from services.accounts.privacy import Privacy
from services.jobs.engine import Job
from storage import (
    notices,
)
from storage.database import Database
from storage.objects import LocalObjects
from tests.services.accounts.conftest import Queue
from tests.support.clock import StillClock
from tests.support.rows import MIA, archived, new_media


async def post(
    database: Database,
    objects: LocalObjects,
    user_id: int,
    name: str,
    *,
    size: int = 100,
    files: int = 1,
) -> int:
    """A post with its files on the disk, `size` bytes that can't be compressed each."""
    for position in range(files):
        path = objects.path(new_media(name, position).object_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    post_id = await archived(database, user_id, name, files=files)
    async with database.write() as db:
        await db.exec_driver_sql(f"update media set bytes = {size} where post_id = {post_id}")
    return post_id


async def build(privacy: Privacy, queue: Queue, objects: LocalObjects) -> list[Path]:
    await privacy.export(MIA)
    job = queue.jobs.pop()
    assert not await privacy.work(job)
    return zips(objects, job)


def zips(objects: LocalObjects, job: Job) -> list[Path]:
    return sorted((objects.root / "exports" / str(job.row)).glob("*/*.zip"))


async def due(database: Database, clock: StillClock) -> list[tuple[int, str]]:
    async with database.read() as db:
        return [(one.user_id, one.kind) for one in await notices.due(db, clock())]
