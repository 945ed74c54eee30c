"""Turns the files of saved posts into samples: sound, waveform, tempo, key; thumbnails of photos.

The job kind "sample": one job is one file, analysed in a process of its own. A file that can't be
read fails alone; the post stays saved and nothing is refunded.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from services.clock import Now
from services.jobs.engine import MEDIA, Engine, Job
from services.media.runner import MediaFailed, MediaRunner
from storage import samples
from storage.database import Database
from storage.objects import ObjectStore, to_the_end
from storage.samples import Pending, made_key

MAX_TRIES = 5
LIMIT_SECONDS = 90.0


class Samples:
    """The job kind "sample"."""

    name = "sample"
    queue = MEDIA
    priority = 5

    def __init__(
        self,
        database: Database,
        engine: Engine,
        objects: ObjectStore,
        runner: MediaRunner,
        now: Now,
    ) -> None:
        self._database = database
        self._engine = engine
        self._objects = objects
        self._runner = runner
        self._now = now

    async def begin(self, item_ids: list[int]) -> None:
        """Enqueues the files that these items of an import have brought."""
        async with self._database.read() as db:
            files = await samples.pending_of_items(db, item_ids)
        for file in files:
            await self._engine.enqueue(self._job(file))

    async def work(self, job: Job) -> bool:
        """A file whose analysis took the whole process down that often is left alone."""
        async with self._database.write() as db:
            file = await samples.one_pending(db, job.row)
            if file is None or not await samples.begin(db, job.row, job.run, self._now()):
                return False
        if file.tries >= MAX_TRIES:
            async with self._folder(file):  # removes what the tries left behind
                await self._settle(file, "failed", failure="crashed")
            return False
        try:
            found = await self._analyse(file)
        except (MediaFailed, FileNotFoundError) as error:
            reason = error.reason if isinstance(error, MediaFailed) else "not_stored"
            await self._settle(file, "failed", failure=reason)
        except BaseException:  # a stop, or a store that refuses: the process lives, so no try
            await to_the_end(self._untry(file))
            raise
        else:
            await self._settle(file, "ready", **found)
        return False

    async def _untry(self, file: Pending) -> None:
        async with self._database.write() as db:
            await samples.untry(db, file.id, file.run, self._now())

    async def _settle(self, file: Pending, state: str, **found: Any) -> None:
        async with self._database.write() as db:
            await samples.settle(db, file.id, file.run, state, self._now(), **found)
            gone = not await samples.exists(db, file.id)
        if gone:  # its post was deleted meanwhile
            for column in ("audio_key", "waveform_key", "thumbnail_key"):
                if column in found:
                    await self._objects.delete(found[column])

    async def _analyse(self, file: Pending) -> dict[str, Any]:
        """Columns of the sample; the files that were made are in the store then."""
        async with self._folder(file) as made, self._objects.local(file.object_key) as source:
            if file.kind == "image":
                return await self._photo(file, source, made)
            return await self._film(file, source, made)

    @asynccontextmanager
    async def _folder(self, file: Pending) -> AsyncIterator[Path]:
        """Of this run alone. What killed ones have left of the same file is removed; one that was
        only taken for dead then fails, which changes nothing any more."""
        folder = await self._objects.part(f"sample-{file.id}-{file.run}")
        left = await self._objects.parts(f"sample-{file.id}-")
        try:
            await asyncio.to_thread(_begin_in, folder, left)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _photo(self, file: Pending, source: Path, made: Path) -> dict[str, Any]:
        thumbnail = made / "thumbnail.jpg"
        found = await self._runner.run(
            "photo", {"source": str(source), "thumbnail": str(thumbnail)}, limit_seconds=30
        )
        key = await self._adopt(file, thumbnail, "thumb.jpg")
        return {"thumbnail_key": key, "colour": found["colour"]}

    async def _film(self, file: Pending, source: Path, made: Path) -> dict[str, Any]:
        audio, waveform = made / "audio", made / "waveform.png"
        found = await self._runner.run(
            "sample",
            {"source": str(source), "audio": str(audio), "waveform": str(waveform)},
            limit_seconds=LIMIT_SECONDS,
        )
        columns = sample_columns(found)
        if found["audio"]:
            columns["audio_key"] = await self._adopt(file, audio, str(found["audio"]))
        if waveform.is_file():
            columns["waveform_key"] = await self._adopt(file, waveform, "wave.png")
        return columns

    async def _adopt(self, file: Pending, made: Path, ending: str) -> str:
        key = made_key(file.object_key, ending)
        await self._objects.adopt(made, key)
        return key

    # ------------------------------------------------------------ reconcile

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            return [self._job(file) for file in await samples.pending(db, before)]

    async def restart(self, job: Job) -> Job | None:
        async with self._database.write() as db:
            moved = await samples.next_run(db, job.row, job.run, self._now())
        return Job(self.name, job.row, job.run + 1, 0, job.account) if moved else None

    def _job(self, file: Pending) -> Job:
        return Job(self.name, file.id, file.run, 0, str(file.post_id))


def _begin_in(folder: Path, left: list[Path]) -> None:
    for old in left:
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir()


def sample_columns(found: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of services.media.sample as columns of the table."""
    tempo, key = found["tempo"] or {}, found["key"] or {}
    return {
        "seconds": found["probe"]["seconds"],
        "peaks": found["peaks"],
        "bpm": tempo.get("bpm"),
        "bpm_alternative": tempo.get("alternative_bpm"),
        "bpm_confidence": tempo.get("confidence"),
        "no_bpm": found["no_tempo"],
        "key": key.get("name"),
        "key_second": key.get("second"),
        "key_confidence": key.get("confidence"),
        "key_sure": key.get("sure"),
        "no_key": found["no_key"],
    }
