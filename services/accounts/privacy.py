"""A person's right over their data: everything as a zip, and everything deleted.

Called by bot/accounts/privacy.py, by the job engine (the export is built by a job) and by the clock
(the deletion comes a day after it was asked for).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from services.accounts import export_files
from services.accounts.export_files import PART_BYTES, Closed, ExportFiles
from services.clock import Now
from services.errors import BadInput
from services.jobs.engine import DEFAULT, Engine, Job
from storage import (
    analysis,
    archive,
    audit,
    exports,
    flows,
    notices,
    pace,
    people,
    stories,
    story_items,
    syncs,
)
from storage.archive import OwnedMedia
from storage.database import Database
from storage.exports import Export
from storage.objects import ObjectStore
from storage.story_items import StoryItem

UNDO = timedelta(hours=24)
CHAT_BYTES = 50_000_000  # larger files are not taken by Telegram: they go by a link
KEPT = timedelta(hours=24)
ROWS = 1000  # that are read at once
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _File:
    """`name`: in the zip."""

    name: str
    object_key: str
    bytes: int


class Privacy:
    """Also the job kind "export"."""

    name = "export"
    queue = DEFAULT
    priority = 5

    def __init__(self, database: Database, objects: ObjectStore, engine: Engine, now: Now) -> None:
        self._database = database
        self._objects = objects
        self._engine = engine
        self._now = now

    # ------------------------------------------------------------ export

    async def export(self, user_id: int) -> None:
        """Starts building; the zip arrives as a notice. Errors: BadInput while one is building."""
        now = self._now()
        async with self._database.write() as db:
            if await exports.building(db, user_id=user_id):
                raise BadInput("Your export is being built already.", "It arrives here by itself.")
            export_id = await exports.start(db, user_id, now)
            await audit.note(db, user_id, "exported", "their data", now)
        await self._engine.enqueue(Job(self.name, export_id, 1, 0, str(user_id)))

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            export = await exports.get(db, job.row)
            if export is None or export.run != job.run or export.state != "building":
                return False
            rows = await exports.rows_of_user(db, export.user_id)
            raw = await exports.raw_posts(db, export.user_id)
            media = await archive.media_of_user(db, export.user_id)
            items = await story_items.of_user(db, export.user_id)
        files = [*map(_media_file, media), *await self._story_files(items)]
        documents = {"data.json": _json(rows), "raw.json": _json(dict(raw))}
        built = ExportFiles(self._database, self._objects, self._now, export)
        try:
            await built.clear()
            for number, part in enumerate(_parts(files, sum(map(len, documents.values()))), 1):
                await built.still()
                async with built.part(f"reelay-{number}.zip") as path:
                    texts = documents if number == 1 else {}
                    await _write_zip(path, texts, part, self._objects)
            await self._write_feed(built, export.user_id)
            await self._write_reels(built, export.user_id)
            await self._write_insights(built, export.user_id)
            await self._finish(export, built.made)
        except Closed:
            await built.discard()
        return False

    async def _story_files(self, items: list[StoryItem]) -> list[_File]:
        """As they were sent; data.json has their names."""
        found = []
        for item in items:
            size = await self._objects.size(item.original_key) if item.original_key else None
            if size is not None:
                name = f"stories/{item.id}{Path(item.original_key).suffix}"
                found.append(_File(name, item.original_key, size))
        return found

    async def _write_feed(self, built: ExportFiles, user_id: int) -> None:
        """What stands in the person's feeds. Without the files, which may be more than the disk has
        free."""

        async def posts_after(last: Row | None) -> list[Row]:
            after = (last["feed_id"], last["post_id"]) if last else (0, 0)
            async with self._database.read() as db:
                return await exports.feed_posts(db, user_id, after, ROWS)

        await self._write_lines(built, "feed", posts_after)

    async def _write_reels(self, built: ExportFiles, user_id: int) -> None:
        """What the person's analyses have read of others."""

        async def reels_after(last: Row | None) -> list[Row]:
            async with self._database.read() as db:
                after = last["id"] if last else 0
                return await exports.analysed_reels(db, user_id, after, ROWS)

        await self._write_lines(built, "reels", reels_after)

    async def _write_insights(self, built: ExportFiles, user_id: int) -> None:
        """The figures of the person's own accounts and of their posts."""

        async def values_after(last: Row | None) -> list[Row]:
            async with self._database.read() as db:
                return await exports.insight_values(db, user_id, last["id"] if last else 0, ROWS)

        async def posts_after(last: Row | None) -> list[Row]:
            after = (last["media_row"], last["metric"], last["day"]) if last else (0, "", date.min)
            async with self._database.read() as db:
                return await exports.media_values(db, user_id, after, ROWS)

        await self._write_lines(built, "insights", values_after)
        await self._write_lines(built, "insight-posts", posts_after)

    async def _write_lines(
        self,
        built: ExportFiles,
        name: str,
        rows_after: Callable[[Row | None], Awaitable[list[Row]]],
    ) -> None:
        """One row in a line, in a zip of their own; no zip without any."""
        found = await rows_after(None)
        if not found:
            return
        await built.still()
        async with built.part(f"reelay-{name}.zip") as path:
            with (
                zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive_file,
                archive_file.open(f"{name}.jsonl", "w", force_zip64=True) as lines,
            ):
                while found:
                    await asyncio.to_thread(lines.write, _lines(found))
                    found = await rows_after(found[-1])

    async def _finish(self, export: Export, made: dict[str, int]) -> None:
        now = self._now()
        large = [key for key, size in made.items() if size > CHAT_BYTES]
        async with self._database.write() as db:
            if not await exports.change(db, export.id, now, run=export.run, state="ready"):
                raise Closed
            await notices.add(
                db, export.user_id, "export_ready", now, object_keys=[*made], large=large
            )

    async def stranded(self, before: datetime) -> list[Job]:
        return await export_files.stranded(self._database, self.name, before, of_library=False)

    async def restart(self, job: Job) -> Job | None:
        return await export_files.restart(self._database, job, self._now(), failed="export_failed")

    async def holds(self, user_id: int) -> tuple[int, int]:
        """(posts, bytes of media) in the person's library."""
        async with self._database.read() as db:
            return await archive.size_of(db, user_id)

    # ------------------------------------------------------------ deletion

    async def ask_deletion(self, user_id: int) -> datetime:
        """Deletes everything in a day. Returns when. The caller stops the person's imports."""
        now = self._now()
        due = now + UNDO
        async with self._database.write() as db:
            await people.change(db, user_id, delete_after=due)
            await audit.note(db, user_id, "asked for deletion", str(user_id), now)
        return due

    async def undo_deletion(self, user_id: int) -> bool:
        """False if nothing was to be deleted."""
        now = self._now()
        async with self._database.write() as db:
            user = await people.get(db, user_id)
            if user is None or user.delete_after is None:
                return False
            await people.change(db, user_id, delete_after=None)
            await audit.note(db, user_id, "kept", "their data", now)
        return True

    async def delete_due(self) -> None:
        """From the clock: whose day is over goes, with every byte that nobody else holds."""
        async with self._database.read() as db:
            due = await people.due_for_deletion(db, self._now())
        for user_id in due:
            await self._delete(user_id)
        if due:
            await self.delete_orphans()

    async def _delete(self, user_id: int) -> None:
        now = self._now()
        async with self._database.write() as db:
            keys = await exports.keys_of_user(db, user_id)
            for item in await story_items.of_user(db, user_id):
                keys += story_items.objects(item)
            if not await people.delete(db, user_id, now):
                return
            await stories.forget_person(db, user_id)
            await syncs.forget_person(db, user_id)
            await notices.forget(db, user_id=user_id)
            await flows.forget(db, user_id)
            await pace.forget_unconnected(db)
            await analysis.drop_profiles(db)
            await audit.note(db, None, "deleted", f"all data of {user_id}", now)
            await notices.add(db, user_id, "deleted", now)
        for key in keys:
            await self._objects.delete(key)

    async def delete_orphans(self) -> None:
        """Posts that are in nobody's library any more, with their bytes.

        Rows first: a crash in between leaves bytes without a name, never the other way."""
        async with self._database.read() as db:
            orphans = await archive.orphans(db)
        for post_id, keys in orphans:
            async with self._database.write() as db:
                dropped = await archive.drop_orphan(db, post_id)
                # somebody may have brought the same post anew since then
                gone = [key for key in keys if dropped and not await archive.media_exists(db, key)]
            for key in gone:
                await self._objects.delete(key)

    async def sweep(self) -> None:
        """From the clock: exports are kept a day, delivered notices a month, questions that are
        too old to be answered not at all. Posts that a kill has left without an owner go too."""
        now = self._now()
        await self.delete_orphans()
        async with self._database.read() as db:
            old = await exports.keys_before(db, now - KEPT)
        for export_id, keys in old:
            for key in keys:
                await self._objects.delete(key)
            async with self._database.write() as db:
                await exports.drop(db, export_id)
        async with self._database.write() as db:
            await notices.prune(db, now - timedelta(days=30))
            await flows.prune(db, now)


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False, default=str).encode()


def _lines(rows: list[dict[str, Any]]) -> bytes:
    told = (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    return "".join(told).encode()


def _media_file(media: OwnedMedia) -> _File:
    name = f"media/{media.shortcode}_{media.position}{Path(media.object_key).suffix}"
    return _File(name, media.object_key, media.bytes)


def _parts(files: list[_File], taken: int) -> Iterator[list[_File]]:
    """Groups of files that fit into one zip each. `taken`: bytes of the documents in the first
    one, which is there even without files. A file that fits into none has one for itself."""
    part: list[_File] = []
    size = taken
    for file in files:
        if size and size + file.bytes > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(file)
        size += file.bytes
    yield part


async def _write_zip(
    path: Path, documents: dict[str, bytes], files: list[_File], objects: ObjectStore
) -> None:
    """A file that the store has lost is left out."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive_file:
        for name, text in documents.items():
            await asyncio.to_thread(archive_file.writestr, name, text, zipfile.ZIP_DEFLATED)
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                async with objects.local(file.object_key) as source:
                    await asyncio.to_thread(archive_file.write, source, file.name)
