"""Fits the library's files to what Meta takes: the job kind "fit", one file in a media process.

Enqueued by services.stories.library; registered with the engine by bot/stories/parts.py.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from services.clock import Now
from services.jobs.engine import MEDIA, Job
from services.media import fitting
from services.media.runner import MediaRunner
from services.media.story import Fitted, Reason, Refused
from storage import notices, story_accounts, story_items
from storage.database import Database
from storage.objects import ObjectStore, to_the_end
from storage.story_items import StoryItem

MAX_TRIES = 3  # that took the whole process down
NAME = "fit"


class FitJob:
    """The job kind "fit"; its row is the item."""

    name = NAME
    queue = MEDIA
    priority = 2

    def __init__(
        self, database: Database, objects: ObjectStore, runner: MediaRunner, now: Now
    ) -> None:
        self._database = database
        self._objects = objects
        self._runner = runner
        self._now = now

    async def work(self, job: Job) -> bool:
        async with self._database.write() as db:
            item = await story_items.get(db, job.row)
            if item is None or item.state != "fitting" or item.run != job.run:
                return False
            await story_items.change(db, item.id, run=job.run, tries=item.tries + 1)
        if item.tries >= MAX_TRIES:
            async with self._folder(item):  # removes what the tries left behind
                await self._refuse(item, Refused(Reason.CRASHED))
            return False
        try:
            await self._fit(item)
        except FileNotFoundError:
            await self._refuse(item, Refused(Reason.NOT_MEDIA))
        except BaseException:  # a stop, or a store that refuses: the process lives, so no try
            await to_the_end(self._untry(item))
            raise
        return False

    async def _untry(self, item: StoryItem) -> None:
        async with self._database.write() as db:
            await story_items.change(db, item.id, run=item.run, tries=item.tries)

    async def _fit(self, item: StoryItem) -> None:
        async with self._folder(item) as made, self._objects.local(item.original_key) as source:
            target, preview = made / "story", made / "preview.jpg"
            found = await fitting.fit(self._runner, source, target, preview)
            if isinstance(found, Refused):
                await self._refuse(item, found)
                return
            fitted_key = story_items.made_key(item, item.run, found.ending)
            preview_key = story_items.preview_key(item, item.run)
            await self._objects.adopt(target, fitted_key)
            await self._objects.adopt(preview, preview_key)
        columns = _columns(found) | {"fitted_key": fitted_key, "preview_key": preview_key}
        if not await self._settle(item, "ready", **columns):
            await self._objects.delete(fitted_key)  # a newer run has its own
            await self._objects.delete(preview_key)
            return
        for run in range(1, item.run):
            for key in story_items.keys_of_run(item, run):
                await self._objects.delete(key)

    async def _refuse(self, item: StoryItem, refused: Refused) -> None:
        await self._settle(item, "unfit", problem=problem_text(refused))

    async def _settle(self, item: StoryItem, state: str, **found: Any) -> bool:
        """False: a newer run is at it, or it is gone."""
        now = self._now()
        async with self._database.write() as db:
            settled = await story_items.change(
                db, item.id, run=item.run, from_state="fitting", state=state, **found
            )
            account = await story_accounts.get(db, item.account_id)
            if settled and account is not None and item.removed_at is None:
                await notices.add(
                    db,
                    item.added_by or account.user_id,
                    "story_item",
                    now,
                    once=f"story-item-{item.id}-{item.run}",
                    item=item.id,
                )
        return settled

    @asynccontextmanager
    async def _folder(self, item: StoryItem) -> AsyncIterator[Path]:
        """Of this run alone; what killed ones have left of the same file is removed."""
        folder = await self._objects.part(f"fit-{item.id}-{item.run}")
        left = await self._objects.parts(f"fit-{item.id}-")
        try:
            await asyncio.to_thread(_begin_in, folder, left)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # ------------------------------------------------------------ reconcile

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            return [fit_job(item) for item in await story_items.fitting(db, before)]

    async def restart(self, job: Job) -> Job | None:
        async with self._database.write() as db:
            moved = await story_items.next_run(db, job.row, job.run)
        return Job(NAME, job.row, job.run + 1, 0, job.account) if moved else None


def fit_job(item: StoryItem) -> Job:
    return Job(NAME, item.id, item.run, 0, str(item.account_id))


def looks_of(fingerprint: str | None) -> Sequence[str]:
    """The perceptual hashes of the column; an empty one: too flat to tell."""
    return fingerprint.split(",") if fingerprint is not None else ()


def problem_text(refused: Refused) -> str:
    """ "too_long:75.2:60.0", the column's form; numbers where there are any."""
    numbers = [f"{number:g}" for number in (refused.found, refused.limit) if number is not None]
    return ":".join([refused.reason, *numbers])


def problem_of(text: str) -> Refused:
    reason, *numbers = text.split(":")
    found = float(numbers[0]) if numbers else None
    limit = float(numbers[1]) if len(numbers) > 1 else None
    return Refused(Reason(reason), found, limit)


def _columns(found: Fitted) -> dict[str, Any]:
    return {
        "kind": "photo" if found.ending == "jpg" else "video",
        "fingerprint": ",".join(found.looks) if any(found.looks) else None,
        "bytes": found.bytes,
        "seconds": found.seconds,
        "done": [found.way, *found.notes],
    }


def _begin_in(folder: Path, left: list[Path]) -> None:
    for old in left:
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir()
