"""The one place where parts are built and put together; started in order, stopped in reverse.

Called by bot/__main__.py and by the tests.
"""

from __future__ import annotations

import asyncio
import fcntl
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO

import structlog

from bot.accounts.admin import Admin
from bot.accounts.connect import Connect
from bot.accounts.credits import Credits
from bot.accounts.meta_parts import MetaParts
from bot.accounts.parts import LoginParts
from bot.accounts.preferences import Preferences
from bot.accounts.privacy import PrivacyScreen
from bot.analysis.parts import AnalysisParts
from bot.chat import Chat
from bot.feed.parts import FeedParts
from bot.ground import lay
from bot.importing.parts import ImportingParts
from bot.insights.parts import InsightParts
from bot.menu import Menu
from bot.notices import Notices
from bot.outbox import Outbox
from bot.progress import Progress
from bot.router import Router
from bot.settings import Role, Settings
from bot.stories.parts import StoryParts
from bot.telegram import SetupError, Wire
from bot.unasked import Unasked
from services.accounts.ledger import Ledger
from services.clock import Now, utc_now
from services.jobs.clock import Clock
from services.jobs.engine import BEAT
from services.stories.accounts import Accounts
from services.web.alerts import Alerts
from services.web.downloads import Downloads
from services.web.health import Health
from services.web.server import SideServer
from storage import migrate

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
        self.web_port = 0

        ground = lay(settings, now, runs_jobs="worker" in self.roles)
        self.ground = ground
        self.database, self.objects, self.engine = ground.database, ground.objects, ground.engine
        self.people, self.connecting, self.privacy = (
            ground.people,
            ground.connecting,
            ground.privacy,
        )
        self.clock = Clock(now)
        self.router = Router(self.people, self.database, now)

        self.logins = LoginParts(ground)

        # capabilities
        self.importing = ImportingParts(ground)
        address = self._address(settings.web_port)
        self.feed = FeedParts(ground, address)
        self._places = Accounts(self.database, now)
        self.meta = MetaParts(ground, address, self._connected)
        self.stories = StoryParts(ground, self._places, self.meta.logins)
        self.analysis = AnalysisParts(
            ground, self.meta.logins, address, self.importing.screen.paste
        )
        self.insights = InsightParts(ground, self.meta.logins, address)

        # the outside
        self.wire = self._make_wire() if "chat" in self.roles else None
        self.health = Health(
            self.database,
            self.objects,
            self.clock,
            now,
            self.wire.last_poll if self.wire else lambda: None,
        )
        self.alerts = Alerts(self.database, self.health, now)
        self.side_server = self._make_side_server()

        for kind in (
            self.connecting,
            self.privacy,
            *self.logins.kinds,
            *self.importing.kinds,
            *self.feed.kinds,
            *self.stories.kinds,
            *self.analysis.kinds,
            *self.insights.kinds,
        ):
            self.engine.register(kind)
        self._register_screens()
        self._register_loops()

    async def _connected(self, user_id: int) -> None:
        """A log-in at Meta has come or gone."""
        await self._places.of_user(user_id)
        await self.insights.service.log_in_changed(user_id)

    def _make_wire(self) -> Wire:
        settings = self.settings
        return Wire(
            settings.telegram_bot_token.get_secret_value(),
            settings.telegram_api,
            self.router,
            self.now,
            webhook=self._webhook,
        )

    @property
    def _webhook(self) -> tuple[str, str] | None:
        """(address, secret), where updates come by webhook."""
        url = self.settings.telegram_webhook_url
        return (url, self.settings.telegram_webhook_secret.get_secret_value()) if url else None

    def _make_side_server(self) -> SideServer:
        return SideServer(
            self.database,
            self.health,
            Downloads(self.database, self.objects, self.now),
            operator_token=self.settings.operator_token.get_secret_value(),
            webhook=(self._webhook[1], self.wire.receive) if self.wire and self._webhook else None,
            feeds=self.feed.routes,
            statuses=self.feed.statuses,
            meta=self.meta.callback,
            reports=self.analysis.routes,
            insights=self.insights.routes,
            now=self.now,
        )

    def _register_screens(self) -> None:
        connect = Connect(self.connecting)
        importing = self.importing.screen
        menu = Menu(self.connecting, self.insights.service, self.settings.banner)
        for screen in (
            menu,
            *self.importing.screens,
            *self.feed.screens,
            *self.analysis.screens,
            *self.stories.screens,
            *self.insights.screens,
            *self.meta.screens,
            connect,
            Credits(Ledger(self.database)),
            Preferences(self.people),
            PrivacyScreen(self.privacy, self.importing.service, self.analysis.service),
            Admin(self.people, self.importing.service, self.health),
            *self.logins.screens,
            Unasked(connect, self.logins.screen, importing),
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
        capabilities = (self.importing, self.analysis, self.feed, self.stories, self.insights)
        for parts in (self.logins, self.meta, *capabilities):
            parts.register_loops(self.clock, self.roles)
        if "clock" in self.roles:
            every(MINUTE, "reconcile", self.engine.reconcile)
            every(MINUTE, "deletions", self.privacy.delete_due)
            every(HOUR, "sweep", self.privacy.sweep)
            every(HOUR, "forget updates", self.router.prune)
            every(HOUR, "expiring cookies", self.connecting.warn_expiring)
            every(15 * SECOND, "alerts", self.alerts.check)

    def _register_chat_loops(self, wire: Wire) -> None:
        """Once Telegram has answered: before that they could only fail."""
        bot, importing = wire.application.bot, self.importing
        others = {**self.stories.texts, **self.analysis.texts, **self.insights.texts}
        texts = Notices(importing.service, importing.library, self.connecting, self.now, others)
        outbox = Outbox(bot, self.database, self.objects, texts, self.now)
        gap = self.settings.pace_gap
        progress = Progress(bot, self.database, importing.service, self.now, gap)
        self.clock.every(SECOND, "notices", outbox.deliver)
        self.clock.every(SECOND, "progress cards", progress.refresh)
        self.clock.every(SECOND, "analysis cards", self.analysis.progress(bot).refresh)
        self.clock.every(SECOND, "sync cards", self.insights.progress(bot).refresh)

    async def _sweep_parts(self) -> None:
        """In every process: each has its own disk."""
        await self.objects.sweep(self.now() - PARTS_KEPT)

    def _address(self, port: int) -> str:
        """Of the side server: from outside, or as this machine reaches it."""
        host = self.settings.web_host
        local = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared only
        return self.settings.public_url or f"http://{local}:{port}"

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Errors: SetupError."""
        began = time.monotonic()
        if self.database.is_sqlite:
            self._then("lock", _lock(self.settings.data_dir / "reelay.lock").close)
        await asyncio.to_thread(migrate.upgrade, self.settings.database)
        self._then("database", self.database.close)
        self._then("http", self.ground.http.aclose)
        self._then("mobile", self.ground.mobile.close)
        self.ground.gallery.sweep()
        await self._sweep_parts()
        await self.engine.start()
        self._then("engine", self.engine.stop)
        if "worker" in self.roles:
            await self.engine.reconcile(settling=timedelta(0))
        if "web" in self.roles:
            self.web_port = await self.side_server.start(
                self.settings.web_host, self.settings.web_port
            )
            self.feed.readers.base = self._address(self.web_port)
            self.meta.logins.base = self._address(self.web_port)
            self.analysis.reports.base = self._address(self.web_port)
            self.insights.pages.base = self._address(self.web_port)
            self._then("readers", self.feed.visits.flush)
            self._then("web", self.side_server.stop)
        if self.wire:
            self._then("telegram", self.wire.stop)
        self.clock.start()  # imports go on even while Telegram is away
        self._then("pre-flights", self.stories.checks.close)
        self._then("results", self.analysis.results.close)
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
