"""What exports share: files that a row names before they are there, and runs that break off.

Called by services.accounts.privacy (everything of a person), services.importing.export (a part of
their library) and services.analysis.exports; storage.exports has the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from services.clock import Now
from services.jobs.engine import Job
from storage import exports, notices
from storage.database import Database
from storage.exports import Export
from storage.objects import ObjectStore

MAX_IDLE_RUNS = 3
PART_BYTES = 45_000_000  # Telegram takes files of up to 50 MB, and a zip has bytes of its own


class Closed(Exception):
    """Cancelled, deleted, or another run is at it: this one ends without a word."""


class ExportFiles:
    """The files of one run. Their keys hold the run, so one that comes back late takes nothing from
    the next; a row that is gone takes them with it.

    `made`: {object key: bytes}, in order.
    """

    def __init__(self, database: Database, objects: ObjectStore, now: Now, export: Export) -> None:
        self._database = database
        self._objects = objects
        self._now = now
        self._export = export
        self._parts = f"export-{export.id}-"
        self.made: dict[str, int] = {}

    async def clear(self) -> None:
        """Takes away what earlier runs have left."""
        for key in self._export.object_keys:
            await self._objects.delete(key)
        for left in await self._objects.parts(self._parts):
            await asyncio.to_thread(left.unlink, missing_ok=True)

    @asynccontextmanager
    async def part(self, name: str) -> AsyncIterator[Path]:
        """A file to write; whole, it becomes an object. Errors: Closed."""
        path = await self._objects.part(f"{self._parts}{self._export.run}-{name}")
        key = f"exports/{self._export.id}/{self._export.run}/{name}"
        try:
            yield path
            size = (await asyncio.to_thread(path.stat)).st_size
            self.made[key] = size
            await self.still()
            await self._objects.adopt(path, key)
        finally:
            path.unlink(missing_ok=True)

    async def still(self) -> None:
        """The fence; notes the keys. Errors: Closed."""
        async with self._database.write() as db:
            if not await exports.change(
                db, self._export.id, self._now(), run=self._export.run, object_keys=[*self.made]
            ):
                raise Closed

    async def discard(self) -> None:
        """After Closed."""
        for key in self.made:
            await self._objects.delete(key)


async def stranded(
    database: Database, kind: str, before: datetime, *, of_library: bool
) -> list[Job]:
    async with database.read() as db:
        rows = await exports.building(db, of_library=of_library)
    return [
        Job(kind, row.id, row.run, 0, str(row.user_id)) for row in rows if row.changed_at < before
    ]


async def restart(database: Database, job: Job, now: datetime, *, failed: str) -> Job | None:
    """The next run; the last one in vain ends it with the notice `failed`."""
    async with database.write() as db:
        export = await exports.get(db, job.row)
        if export is None:
            return None
        if export.idle_runs + 1 >= MAX_IDLE_RUNS:
            if await exports.change(db, job.row, now, run=job.run, state="failed"):
                await notices.add(db, export.user_id, failed, now, export_id=export.id)
            return None
        moved = await exports.next_run(db, job.row, job.run, now)
    return Job(job.kind, job.row, job.run + 1, 0, job.account) if moved else None
