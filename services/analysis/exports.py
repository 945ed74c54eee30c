"""The reels of an analysis as a file to take along, built by a job; those that are there yet.

Called by bot/analysis and, as the job kind "analysis_export", by the engine. An export is a row
that holds what it is of; a job that broke off begins anew from it. Files are kept a day:
services.accounts.privacy.sweep deletes what the rows name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from services import sheets
from services.accounts import export_files
from services.accounts.downloads import link_to
from services.accounts.export_files import PART_BYTES, Closed, ExportFiles
from services.accounts.privacy import KEPT
from services.analysis import tables_out
from services.analysis.looking import looked_at
from services.analysis.measure import better_of
from services.analysis.service import Analysing
from services.analysis.tables_out import Scale
from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.instagram.profiles import Reel
from services.jobs.engine import DEFAULT, Engine, Job
from services.sheets import Form
from storage import exports, notices, reels
from storage.database import Database
from storage.exports import Export
from storage.objects import ObjectStore

CHUNK = 500  # reels in memory at once
PACK_BYTES = 10_000_000  # from which on a CSV or JSON is packed; XLSX is packed by itself
MAX_ENTRIES = 20  # of the history


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants. `columns`: of tables_out.COLUMNS, none for all. `about`: the profile
    above the table. `zone`: of the local times."""

    analysis_id: int
    form: Form
    columns: tuple[str, ...] = ()
    about: bool = True
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Made:
    """A file that is there until `gone_at`. `fits`: into the chat; else it goes by a link."""

    id: int
    analysis_id: int
    form: Form
    name: str
    object_key: str
    bytes: int
    made_at: datetime
    gone_at: datetime

    @property
    def fits(self) -> bool:
        return self.bytes <= PART_BYTES


class AnalysisExports:
    """Also the job kind "analysis_export". `base`: the side server's address from outside, "" where
    it has none."""

    name = "analysis_export"
    queue = DEFAULT
    priority = 5

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        engine: Engine,
        analysing: Analysing,
        now: Now,
        *,
        base: str = "",
    ) -> None:
        self._database = database
        self._objects = objects
        self._engine = engine
        self._analysing = analysing
        self._now = now
        self.base = base

    # ------------------------------------------------------------ what a person does

    async def begin(self, user_id: int, order: Order) -> int:
        """Starts building; the file arrives as a notice "analysis_export_ready". Returns its id.

        Errors: NotAllowed, BadInput.
        """
        columns = tables_out.chosen(order.columns)
        view = await self._analysing.view(user_id, order.analysis_id)
        if view.profile is None or not view.item.stored:
            raise BadInput("There is nothing to export yet.", "Wait for the first reels.")
        what = {
            "analysis": order.analysis_id,
            "form": order.form.value,
            "columns": list(columns),
            "about": order.about,
            "zone": order.zone,
        }
        async with self._database.write() as db:
            if await exports.building_of_analyses(db, user_id):
                raise BadInput(
                    "An export of yours is being built already.",
                    "It arrives here by itself; or cancel it first.",
                )
            export_id = await exports.start(db, user_id, self._now(), what)
        await self._engine.enqueue(Job(self.name, export_id, 1, 0, str(user_id)))
        return export_id

    async def cancel(self, user_id: int) -> bool:
        """False: none is being built any more."""
        async with self._database.write() as db:
            return await exports.cancel_of_analyses(db, user_id, self._now())

    async def history(self, user_id: int) -> list[Made]:
        """The files that are there yet; newest first."""
        async with self._database.read() as db:
            rows = await exports.ready_of_analyses(db, user_id, self._now() - KEPT, MAX_ENTRIES)
        found = [await self._made(row) for row in rows]
        return [one for one in found if one is not None]

    async def made(self, user_id: int, export_id: int) -> Made:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            row = await exports.get(db, export_id)
        mine = row is not None and row.user_id == user_id and _is_ready(row)
        found = await self._made(row) if row is not None and mine else None
        if found is None or found.gone_at <= self._now():
            raise NotAllowed("That file is not there any more.", "Export the analysis again.")
        return found

    async def link(self, user_id: int, export_id: int) -> str | None:
        """An address at the side server, as long as the file is there; None: it has none.

        Errors: NotAllowed.
        """
        made = await self.made(user_id, export_id)
        return await link_to(
            self._database,
            user_id,
            made.object_key,
            made.name,
            base=self.base,
            expires_at=made.gone_at,
        )

    async def _made(self, row: Export) -> Made | None:
        what = row.what or {}
        key = row.object_keys[0]
        size = await self._objects.size(key)
        if size is None:  # the store has lost it
            return None
        return Made(
            id=row.id,
            analysis_id=what["analysis"],
            form=Form(what["form"]),
            name=PurePosixPath(key).name,
            object_key=key,
            bytes=size,
            made_at=row.changed_at,
            gone_at=row.changed_at + KEPT,
        )

    # ------------------------------------------------------------ the job

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            export = await exports.get(db, job.row)
        if export is None or export.run != job.run or export.state != "building":
            return False
        files = ExportFiles(self._database, self._objects, self._now, export)
        try:
            await files.clear()
            rows = await self._build(export, files)
            await self._finish(export, files, rows)
        except Closed:
            await files.discard()
        except NotAllowed:  # the analysis was deleted meanwhile
            await self._fail(export)
            await files.discard()
        return False

    async def _build(self, export: Export, files: ExportFiles) -> int:
        """Returns how many reels are in it. Errors: Closed, NotAllowed."""
        order = _order(export)
        view = await self._analysing.view(export.user_id, order.analysis_id)
        if view.profile is None:
            raise NotAllowed("There is nothing to export.", "Analyse the profile again.")
        scale, count = await self._scale(order)
        at = looked_at(view.item)
        about = tables_out.about(view.profile, scale, count, at) if order.about else ()
        incoming = await self._objects.folder()  # what a kill leaves there is swept
        with TemporaryDirectory(dir=incoming, prefix="table-") as folder:
            plain = Path(folder) / "table"
            rows = 0
            async with sheets.open_table_aside(
                plain, order.form, "reels", order.columns, about
            ) as table:
                async for some in self._chunks(export.user_id, order.analysis_id):
                    lines = [
                        tables_out.values(tables_out.line(reel, scale), order.columns)
                        for reel in some
                    ]
                    await asyncio.to_thread(table.add, lines)
                    rows += len(lines)
                    await files.still()
            packed = plain.stat().st_size > PACK_BYTES and order.form is not Form.XLSX
            ending = f"{order.form}.gz" if packed else order.form.value
            name = tables_out.file_name(view.profile.username, self._now(), ending)
            async with files.part(name) as part:
                if packed:
                    await asyncio.to_thread(sheets.pack, plain, part)
                else:
                    plain.replace(part)
        return rows

    async def _scale(self, order: Order) -> tuple[Scale, int]:
        """What the reels are measured by, and how many there are."""
        async with self._database.read() as db:
            told = await reels.told(db, order.analysis_id)
            measure = better_of(told.plays, told.views)
            typical = await reels.median(db, order.analysis_id, measure.value)
        return Scale(measure, typical, ZoneInfo(order.zone)), told.reels

    async def _chunks(self, user_id: int, analysis_id: int) -> AsyncIterator[list[Reel]]:
        some: list[Reel] = []
        async for reel in self._analysing.reels(user_id, analysis_id):
            some.append(reel)
            if len(some) == CHUNK:
                yield some
                some = []
        if some:
            yield some

    async def _finish(self, export: Export, files: ExportFiles, rows: int) -> None:
        now = self._now()
        order = _order(export)
        ((key, size),) = files.made.items()
        async with self._database.write() as db:
            if not await exports.change(db, export.id, now, run=export.run, state="ready"):
                raise Closed
            await notices.add(
                db,
                export.user_id,
                "analysis_export_ready",
                now,
                export_id=export.id,
                analysis_id=order.analysis_id,
                form=order.form.value,
                count=rows,
                name=PurePosixPath(key).name,
                bytes=size,
                object_keys=[key] if size <= PART_BYTES else [],
            )

    async def _fail(self, export: Export) -> None:
        now = self._now()
        async with self._database.write() as db:
            if await exports.change(db, export.id, now, run=export.run, state="failed"):
                await notices.add(
                    db, export.user_id, "analysis_export_failed", now, export_id=export.id
                )

    # ------------------------------------------------------------ reconcile

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await exports.building_of_analyses(db)
        return [
            Job(self.name, row.id, row.run, 0, str(row.user_id))
            for row in rows
            if row.changed_at < before
        ]

    async def restart(self, job: Job) -> Job | None:
        return await export_files.restart(
            self._database, job, self._now(), failed="analysis_export_failed"
        )


def _order(export: Export) -> Order:
    what = export.what or {}
    return Order(
        analysis_id=what["analysis"],
        form=Form(what["form"]),
        columns=tuple(what["columns"]),
        about=what["about"],
        zone=what["zone"],
    )


def _is_ready(export: Export) -> bool:
    return export.state == "ready" and "analysis" in (export.what or {})
