"""The parts of importing and of the library, built and joined. Called by bot/app.py."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta

from bot.ground import Ground
from bot.importing.collections import CollectionScreen
from bot.importing.export import ExportScreen
from bot.importing.handlers import ImportScreen
from bot.importing.library import LibraryScreen
from bot.settings import Role
from services.importing.collections import Collections
from services.importing.export import LibraryExport
from services.importing.fetch import Fetcher
from services.importing.job import ImportJob
from services.importing.library import Library
from services.importing.samples import Samples
from services.importing.service import Importing
from services.jobs.clock import Clock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class ImportingParts:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        settings, database, now = ground.settings, ground.database, ground.now
        limit = settings.import_post_limit
        self.service = Importing(database, ground.engine, now, post_limit=limit)
        self.collections = Collections(database, ground.engine, now, post_limit=limit)
        self.samples = Samples(database, ground.engine, ground.objects, ground.runner, now)
        self.fetcher = Fetcher(database, ground.objects, ground.cdn, now)
        self.job = ImportJob(
            database,
            ground.connecting,
            ground.pacer,
            ground.gallery,
            self.fetcher,
            self.samples,
            now,
        )
        self.library = Library(
            database, ground.objects, ground.runner, now, public_url=settings.public_url
        )
        self.export = LibraryExport(database, ground.objects, ground.engine, now)
        self.screen = ImportScreen(self.service, ground.connecting, settings.pace_gap)

    @property
    def kinds(self) -> tuple[ImportJob, Samples, LibraryExport]:
        return self.job, self.samples, self.export

    @property
    def screens(self) -> tuple[ImportScreen, LibraryScreen, ExportScreen, CollectionScreen]:
        return (
            self.screen,
            LibraryScreen(self.library, self.screen.paste),
            ExportScreen(self.export),
            CollectionScreen(self.collections, self.screen),
        )

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "clock" in roles:
            clock.every(3 * SECOND, "wake imports", self._wake)
            clock.every(MINUTE, "refreshes", self.collections.start_due)
            clock.every(MINUTE, "library", self._tidy)
            clock.every(HOUR, "left by imports", self.fetcher.sweep)

    async def _wake(self) -> None:
        for job in await self.job.wake():
            await self._ground.engine.enqueue(job)

    async def _tidy(self) -> None:
        if await self.library.sweep():
            await self._ground.privacy.delete_orphans()
