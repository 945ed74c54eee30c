"""The one place where parts are built and put together; started in order, stopped in reverse.

Called by bot/__main__.py and by the tests.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO

import httpx
import structlog

from bot.accounts.admin import Admin
from bot.accounts.connect import Connect
from bot.accounts.credits import Credits
from bot.accounts.preferences import Preferences
from bot.accounts.privacy import PrivacyScreen
from bot.chat import Chat
from bot.importing.collections import CollectionScreen
from bot.importing.export import ExportScreen
from bot.importing.handlers import ImportScreen
from bot.importing.library import LibraryScreen
from bot.menu import Menu
from bot.notices import Notices
from bot.outbox import Outbox
from bot.progress import Progress
from bot.router import Router
from bot.settings import Role, Settings
from bot.telegram import SetupError, Wire
from bot.unasked import Unasked
from services.accounts.connecting import Connecting
from services.accounts.ledger import Ledger
from services.accounts.people import People
from services.accounts.privacy import Privacy
from services.clock import Now, utc_now
from services.importing.collections import Collections
from services.importing.export import LibraryExport
from services.importing.fetch import Fetcher
from services.importing.job import ImportJob
from services.importing.library import Library
from services.importing.samples import Samples
from services.importing.service import Importing
from services.instagram.cdn import Cdn
from services.instagram.gallery_dl import GalleryDl
from services.instagram.pace import Pacer
from services.jobs.clock import Clock
from services.jobs.engine import BEAT, Engine
from services.media.runner import MediaRunner
from services.web.alerts import Alerts
from services.web.downloads import Downloads
from services.web.health import Health
from services.web.server import SideServer
from storage import migrate
from storage.database import Database
from storage.objects import open_store
from storage.vault import Vault, load_keys

log = structlog.get_logger()

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PARTS_KEPT = timedelta(days=1)  # no work takes as long; an import that is paused may go on from it


class App:
    """One process with some of the roles. `start()`, then `stop()`; `run()` does both."""

    def __init__(self, settings: Settings, roles: Iterable[Role], now: Now = utc_now) -> None:
        self.settings = settings
        self.roles = frozenset(roles)
        self.now = now
        self._undo: list[tuple[str, Callable[[], Awaitable[None] | None]]] = []
        data = settings.data_dir.resolve()
        data.mkdir(parents=True, exist_ok=True)

        # storage
        self.database = Database(settings.database)
        self.objects = open_store(
            settings.media_store, settings.media_store_options.get_secret_value(), data
        )
        keys = load_keys(settings.reelay_keys.get_secret_value(), data / "secret.key")
        self.vault = Vault(keys)

        # shared services
        self.engine = Engine(settings.jobs, self.database, now, runs_jobs="worker" in self.roles)
        self.clock = Clock(now)
        self.gallery = GalleryDl(
            timeout_seconds=settings.gallery_dl_timeout_seconds,
            proxy=settings.instagram_proxy or None,
            ca_file=settings.instagram_ca_file,
            scratch=_scratch(data),
            reports=data / "reports",
        )
        self.pacer = Pacer(self.database, now, settings.pace)
        self.http = httpx.AsyncClient(timeout=30, trust_env=False)
        cdn = Cdn(self.http, allowed_hosts=settings.media_hosts)
        self.people = People(self.database, self.vault, now, start_credits=settings.start_credits)
        self.connecting = Connecting(
            self.database, self.vault, self.engine, self.pacer, self.gallery, now
        )
        self.privacy = Privacy(self.database, self.objects, self.engine, now)

        # capabilities
        self.importing = Importing(
            self.database, self.engine, now, post_limit=settings.import_post_limit
        )
        self.collections = Collections(
            self.database, self.engine, now, post_limit=settings.import_post_limit
        )
        runner = MediaRunner()
        self.samples = Samples(self.database, self.engine, self.objects, runner, now)
        self.fetcher = Fetcher(self.database, self.objects, cdn, now)
        self.import_job = ImportJob(
            self.database,
            self.connecting,
            self.pacer,
            self.gallery,
            self.fetcher,
            self.samples,
            now,
        )
        self.library = Library(
            self.database, self.objects, runner, now, public_url=settings.public_url
        )
        self.library_export = LibraryExport(self.database, self.objects, self.engine, now)
        for kind in (
            self.connecting,
            self.privacy,
            self.import_job,
            self.samples,
            self.library_export,
        ):
            self.engine.register(kind)

        # the chat and the side server
        self.router = Router(self.people, self.database, now)
        token = settings.telegram_bot_token.get_secret_value()
        secret = settings.telegram_webhook_secret.get_secret_value()
        url = settings.telegram_webhook_url
        self.wire = (
            Wire(
                token,
                settings.telegram_api,
                self.router,
                now,
                webhook=(url, secret) if url else None,
            )
            if "chat" in self.roles
            else None
        )
        self.health = Health(
            self.database,
            self.objects,
            self.clock,
            now,
            self.wire.last_poll if self.wire else lambda: None,
        )
        self.alerts = Alerts(self.database, self.health, now)
        self.side_server = SideServer(
            self.database,
            self.health,
            Downloads(self.database, self.objects, now),
            operator_token=settings.operator_token.get_secret_value(),
            webhook=(secret, self.wire.receive) if self.wire and url else None,
        )
        self.web_port = 0
        self._register_screens()
        self._register_loops()

    def _register_screens(self) -> None:
        gap = sum(self.settings.instagram_pace_seconds) / 2
        connect = Connect(self.connecting)
        importing = ImportScreen(self.importing, self.connecting, gap)
        menu = Menu(self.connecting, self.settings.banner)
        for screen in (
            menu,
            importing,
            LibraryScreen(self.library, importing.paste),
            ExportScreen(self.library_export),
            CollectionScreen(self.collections, importing),
            connect,
            Credits(Ledger(self.database)),
            Preferences(self.people),
            PrivacyScreen(self.privacy, self.importing),
            Admin(self.people, self.importing, self.health),
            Unasked(connect, importing),
        ):
            screen.register(self.router)

        async def welcome(chat: Chat) -> None:
            await menu.home(chat)
            if chat.user.leads and self.wire:
                await self.wire.announce_admin(chat.user.id)

        self.router.otherwise(text=importing.paste, secret=connect.receive, welcome=welcome)

    def _register_loops(self) -> None:
        every = self.clock.every
        every(HOUR, "part files", self._sweep_parts)
        if "worker" in self.roles:
            every(BEAT, "heartbeat", self.engine.beat)
            every(HOUR, "forget finished jobs", self.engine.prune)
        if "clock" in self.roles:
            every(3 * SECOND, "wake imports", self._wake)
            every(MINUTE, "reconcile", self.engine.reconcile)
            every(MINUTE, "refreshes", self.collections.start_due)
            every(MINUTE, "deletions", self.privacy.delete_due)
            every(MINUTE, "library", self._tidy_library)
            every(HOUR, "sweep", self.privacy.sweep)
            every(HOUR, "left by imports", self.fetcher.sweep)
            every(HOUR, "forget updates", self.router.prune)
            every(HOUR, "expiring cookies", self.connecting.warn_expiring)
            every(15 * SECOND, "alerts", self.alerts.check)

    def _register_chat_loops(self, wire: Wire) -> None:
        """Once Telegram has answered: before that they could only fail."""
        bot = wire.application.bot
        gap = sum(self.settings.instagram_pace_seconds) / 2
        texts = Notices(self.importing, self.library, self.connecting, self.now)
        outbox = Outbox(bot, self.database, self.objects, texts, self.now)
        progress = Progress(bot, self.database, self.importing, self.now, gap)
        self.clock.every(SECOND, "notices", outbox.deliver)
        self.clock.every(SECOND, "progress cards", progress.refresh)

    async def _sweep_parts(self) -> None:
        """In every process: each has its own disk."""
        await self.objects.sweep(self.now() - PARTS_KEPT)

    async def _tidy_library(self) -> None:
        if await self.library.sweep():
            await self.privacy.delete_orphans()

    async def _wake(self) -> None:
        for job in await self.import_job.wake():
            await self.engine.enqueue(job)

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Errors: SetupError."""
        began = time.monotonic()
        if self.database.is_sqlite:
            self._then("lock", _lock(self.settings.data_dir / "reelay.lock").close)
        await asyncio.to_thread(migrate.upgrade, self.settings.database)
        self._then("database", self.database.close)
        self._then("http", self.http.aclose)
        self.gallery.sweep()
        await self._sweep_parts()
        await self.engine.start()
        self._then("engine", self.engine.stop)
        if "worker" in self.roles:
            await self.engine.reconcile(settling=timedelta(0))
        if "web" in self.roles:
            self.web_port = await self.side_server.start(
                self.settings.web_host, self.settings.web_port
            )
            self._then("web", self.side_server.stop)
        if self.wire:
            self._then("telegram", self.wire.stop)
        self.clock.start()  # imports go on even while Telegram is away
        self._then("clock", self.clock.stop)
        if self.wire:
            await self._say_claim_code()
            await self.wire.start()
            await self._announce_leaders()
            self._register_chat_loops(self.wire)
        log.info("ready", seconds=round(time.monotonic() - began, 2), roles=sorted(self.roles))

    def _then(self, name: str, undo: Callable[[], Awaitable[None] | None]) -> None:
        self._undo.append((name, undo))

    async def stop(self) -> None:
        """In reverse; one part that fails to stop does not keep the others from it."""
        began = time.monotonic()
        while self._undo:
            name, undo = self._undo.pop()
            try:
                result = undo()
                if result is not None:
                    await result
            except Exception:
                log.exception("did not stop cleanly", part=name)
        log.info("stopped", seconds=round(time.monotonic() - began, 2))

    async def _say_claim_code(self) -> None:
        if await self.people.unclaimed():
            # a person must read it, so it goes to the terminal and not through the log's filter
            print(  # noqa: T201
                f"This bot has no owner yet. Send it: /start {self.people.claim_code}", flush=True
            )

    async def _announce_leaders(self) -> None:
        assert self.wire is not None
        for user in await self.people.everyone():
            if user.leads and user.reachable:
                await self.wire.announce_admin(user.id)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, which also works while Telegram is away. Errors: SetupError."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        starting = asyncio.create_task(self.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.wait({starting, stopping})
            await self.stop()


def _scratch(data: Path) -> Path:
    """Where cookies lie for the time of a call: in memory where the system has such a folder."""
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made inside
    if memory.is_dir() and os.access(memory, os.W_OK):
        return memory / f"reelay-{os.getuid()}"
    return data / "scratch"


def _lock(path: Path) -> IO[str]:
    """With SQLite exactly one process runs; a second one is told so. Errors: SetupError."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SetupError(
            f"Another Reelay is running on {path.parent}. Stop it first, or set DATABASE_URL to "
            "PostgreSQL to run several."
        ) from None
    return file
