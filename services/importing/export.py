"""The library as a file to take along: a table as CSV or JSON, or the sound of its films as zips.

Called by bot/importing/export.py and, as the job kind "library_export", by the engine. An export is
a row that holds what it is of; a job that broke off begins anew from it. Its files are kept a day:
services.accounts.privacy.sweep deletes what the rows name, of these exports too.
"""

from __future__ import annotations

import asyncio
import contextlib
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO

from services import sheets
from services.accounts import export_files
from services.accounts.export_files import PART_BYTES, Closed, ExportFiles
from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.importing import tables_out
from services.jobs.engine import DEFAULT, Engine, Job
from storage import exports, library, notices, samples
from storage.database import Database
from storage.exports import Export
from storage.library import Filters, LibraryPost
from storage.objects import ObjectStore
from storage.samples import Sample

CHUNK = 500  # posts in memory at once
MAX_PARTS = 20  # of one export; what does not fit is counted
MAX_LINKS = 10  # sounds that are larger than a part
_ENTRY = 200  # bytes of a zip for each entry, without its name


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be exported. `collection`: its title if it is one of them, else ""."""

    posts: int
    filters: Filters
    collection: str


@dataclass(slots=True)
class _Made:
    """What a run has made so far. `large`: (object key, name) of what goes by a link."""

    files: ExportFiles
    large: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0  # posts in a table, sounds in a zip
    left_out: int = 0  # sounds for which there was no room

    @property
    def full(self) -> bool:
        return len(self.files.made) == MAX_PARTS


class LibraryExport:
    """Also the job kind "library_export"."""

    name = "library_export"
    queue = DEFAULT
    priority = 5

    def __init__(self, database: Database, objects: ObjectStore, engine: Engine, now: Now) -> None:
        self._database = database
        self._objects = objects
        self._engine = engine
        self._now = now

    # ------------------------------------------------------------ what a person does

    async def offer(self, user_id: int, collection_id: int = 0) -> Offer:
        """The library as it is filtered now, or one collection. Errors: NotAllowed."""
        async with self._database.read() as db:
            filters, _ = await library.view(db, user_id)
            if collection_id:
                filters = Filters(collection_id=collection_id)
            title = None
            if filters.collection_id:
                title = await library.collection_title(db, user_id, filters.collection_id)
            if collection_id and title is None:
                raise NotAllowed("That collection is not yours, or not any more.", "Open /library.")
            return Offer(await library.count(db, user_id, filters), filters, title or "")

    async def begin(self, user_id: int, form: Form, collection_id: int = 0) -> Offer:
        """Starts building; the files arrive as a notice. Errors: BadInput, NotAllowed."""
        offer = await self.offer(user_id, collection_id)
        if not offer.posts:
            raise BadInput("There is nothing to export.", "Choose another filter in /library.")
        what = {"form": form.value, "filters": asdict(offer.filters)}
        async with self._database.write() as db:
            if await exports.building(db, user_id=user_id, of_library=True):
                raise BadInput(
                    "An export of yours is being built already.",
                    "It arrives here by itself; or cancel it first.",
                )
            export_id = await exports.start(db, user_id, self._now(), what)
        await self._engine.enqueue(Job(self.name, export_id, 1, 0, str(user_id)))
        return offer

    async def cancel(self, user_id: int) -> bool:
        """False: none is being built any more."""
        async with self._database.write() as db:
            return await exports.cancel_of_library(db, user_id, self._now())

    # ------------------------------------------------------------ the job

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            export = await exports.get(db, job.row)
        if export is None or export.run != job.run or export.state != "building":
            return False
        files = ExportFiles(self._database, self._objects, self._now, export)
        made = _Made(files)
        try:
            await files.clear()
            await self._build(export, made)
            await self._finish(export, made)
        except Closed:
            await files.discard()
        return False

    async def _build(self, export: Export, made: _Made) -> None:
        form = Form((export.what or {})["form"])
        if form is Form.SOUND:
            await self._sounds(export, made)
        else:
            await self._table(export, form, made)

    async def _table(self, export: Export, form: Form, made: _Made) -> None:
        async with self._part(made, f"reelay-library.{form}") as path:
            with await asyncio.to_thread(path.open, "wb") as file:
                async for posts, files in self._chunks(export):
                    await made.files.still()
                    lines = await self._lines(export, posts, files)
                    begin = not made.count
                    text = (_csv if form is Form.CSV else _json)(lines, begin=begin)
                    await asyncio.to_thread(file.write, text)
                    made.count += len(lines)
                await asyncio.to_thread(_end_table, file, form, empty=not made.count)

    async def _lines(
        self, export: Export, posts: list[LibraryPost], files: dict[int, list[Sample]]
    ) -> list[tables_out.Line]:
        ids = [post.id for post in posts]
        async with self._database.read() as db:
            tags = await library.tags_of(db, ids)
            lists = await library.collections_of_posts(db, export.user_id, ids)
        return [
            tables_out.line(
                post, files.get(post.id, []), tags.get(post.id, []), lists.get(post.id, [])
            )
            for post in posts
        ]

    async def _sounds(self, export: Export, made: _Made) -> None:
        """One zip after the other, each in its turn an object before the next one begins."""
        sounds = self._sound_files(export, made)
        waiting = await anext(sounds, None)
        while waiting:
            if made.full:
                made.left_out += 1  # this one; the rest is counted on the way to the end
                waiting = await anext(sounds, None)
                continue
            number = len(made.files.made) + 1
            async with self._part(made, f"reelay-sounds-{number}.zip") as path:
                with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
                    taken = 0
                    while waiting and (not taken or taken + waiting.room <= PART_BYTES):
                        taken += waiting.room
                        made.count += await self._store(archive, waiting)
                        waiting = await anext(sounds, None)

    async def _sound_files(self, export: Export, made: _Made) -> AsyncIterator[_Sound]:
        """Every sound that fits into a zip; larger ones are noted for a link."""
        async for posts, files in self._chunks(export):
            await made.files.still()
            for post in posts:
                for file in files.get(post.id, []):
                    if file.audio_key is None:
                        continue
                    if made.full:
                        made.left_out += 1
                        continue
                    size = await self._objects.size(file.audio_key)
                    if size is None:  # the store has lost it
                        continue
                    sound = _Sound(file.audio_key, tables_out.sound_name(post, file), size)
                    if sound.room <= PART_BYTES:
                        yield sound
                    elif len(made.large) < MAX_LINKS:
                        made.large.append((sound.key, sound.name))
                    else:
                        made.left_out += 1

    async def _store(self, archive: zipfile.ZipFile, sound: _Sound) -> int:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            async with self._objects.local(sound.key) as source:
                await asyncio.to_thread(archive.write, source, sound.name)
            return 1
        return 0

    async def _chunks(
        self, export: Export
    ) -> AsyncIterator[tuple[list[LibraryPost], dict[int, list[Sample]]]]:
        """The posts with their files, so many that memory stays small."""
        filters = library.filters_of((export.what or {})["filters"])
        below: int | None = None
        while True:
            async with self._database.read() as db:
                posts = await library.slice_below(db, export.user_id, filters, below, CHUNK)
                files = await samples.of_posts(db, [post.id for post in posts])
            if posts:
                yield posts, files
            if len(posts) < CHUNK:
                return
            below = posts[-1].id

    @asynccontextmanager
    async def _part(self, made: _Made, name: str) -> AsyncIterator[Path]:
        """As ExportFiles.part; what is too large for the chat is noted for a link."""
        async with made.files.part(name) as path:
            yield path
        key, size = list(made.files.made.items())[-1]
        if size > PART_BYTES:
            made.large.append((key, name))

    async def _finish(self, export: Export, made: _Made) -> None:
        now = self._now()
        linked = {key for key, _ in made.large}
        async with self._database.write() as db:
            if not await exports.change(db, export.id, now, run=export.run, state="ready"):
                raise Closed
            await notices.add(
                db,
                export.user_id,
                "library_export_ready",
                now,
                form=(export.what or {})["form"],
                count=made.count,
                left_out=made.left_out,
                object_keys=[key for key in made.files.made if key not in linked],
                large=made.large,
            )

    # ------------------------------------------------------------ reconcile

    async def stranded(self, before: datetime) -> list[Job]:
        return await export_files.stranded(self._database, self.name, before, of_library=True)

    async def restart(self, job: Job) -> Job | None:
        return await export_files.restart(
            self._database, job, self._now(), failed="library_export_failed"
        )


@dataclass(frozen=True, slots=True)
class _Sound:
    key: str
    name: str
    bytes: int

    @property
    def room(self) -> int:
        """Bytes that it takes in a zip."""
        return self.bytes + 2 * len(self.name) + _ENTRY


def _csv(lines: list[tables_out.Line], *, begin: bool) -> bytes:
    rows = [tables_out.csv_row(line) for line in lines]
    if begin:
        return sheets.BOM.encode() + tables_out.csv_lines([tables_out.csv_head(), *rows])
    return tables_out.csv_lines(rows)


def _json(lines: list[tables_out.Line], *, begin: bool) -> bytes:
    text = tables_out.JSON_BETWEEN.join(map(tables_out.json_object, lines))
    return (tables_out.JSON_BEGIN if begin else tables_out.JSON_BETWEEN) + text


def _end_table(file: IO[bytes], form: Form, *, empty: bool) -> None:
    """Every post may have left the library since the export was asked for."""
    if empty:
        file.write((_csv if form is Form.CSV else _json)([], begin=True))
    if form is Form.JSON:
        file.write(tables_out.JSON_END)
