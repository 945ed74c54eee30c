"""The parts of an account's own figures, built and joined. Called by bot/app.py."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import timedelta

from telegram import Bot

from bot.drawing import Drawing
from bot.ground import Ground
from bot.insights import sync_cards
from bot.insights.notices import InsightNotices
from bot.insights.screen import InsightScreen
from bot.insights.syncing import SyncScreen
from bot.insights.taking import Taking
from bot.notices import Text
from bot.row_progress import Look, RowProgress
from bot.settings import Role
from services.accounts.meta import MetaLogins
from services.insights.digest import Digests
from services.insights.exports import Exports
from services.insights.job import SyncJob
from services.insights.looking import Looking
from services.insights.pages import Pages
from services.insights.service import Insights
from services.jobs.clock import Clock
from services.media.runner import MediaRunner
from services.web.insights import InsightRoutes
from storage.people import User
from storage.syncs import CARDS, UNFINISHED

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class InsightParts:
    def __init__(self, ground: Ground, logins: MetaLogins, address: str) -> None:
        """`address`: of the side server, for pages."""
        self._ground = ground
        settings, database, now = ground.settings, ground.database, ground.now
        far = settings.insights_history_days
        self.service = Insights(database, ground.engine, logins, now, history_days=far)
        self.job = SyncJob(database, ground.engine, logins, now, history_days=far)
        self.looking = Looking(database, self.service, now)
        self.exports = Exports(database, self.service, now)
        self.digests = Digests(database, now)
        self.pages = Pages(database, now, base=address)
        self.routes = InsightRoutes(database, self.pages, self.service, self.looking, now)
        # processes of its own: a chart that somebody waits for does not queue behind films
        self._drawing = Drawing(ground.objects, MediaRunner(at_once=1))

    @property
    def kinds(self) -> tuple[SyncJob]:
        return (self.job,)

    @property
    def screens(self) -> tuple[InsightScreen, SyncScreen]:
        ground = self._ground
        public = bool(ground.settings.public_url)
        taking = Taking(self.service, self.exports, self.pages, ground.objects, public=public)
        return (
            InsightScreen(self.service, self.looking, taking, self._drawing, ground.people),
            SyncScreen(self.service),
        )

    @property
    def texts(self) -> Mapping[str, Text]:
        """Of the notices."""
        ground = self._ground
        return InsightNotices(ground.database, self.service, self.looking, ground.now).texts

    def progress(self, bot: Bot) -> RowProgress:
        return RowProgress(bot, self._ground.database, CARDS, self._look, self._ground.now)

    async def _look(self, user: User, sync_id: int) -> Look:
        """Errors: NotAllowed."""
        view = await self.service.view(user.id, sync_id)
        sync, now = view.sync, self._ground.now()
        rings = sync_cards.rings(sync, user.id)
        card = None if rings else sync_cards.card(view, user, now)
        return Look(card, sync.changed_at, over=sync.state not in UNFINISHED)

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "clock" in roles:
            clock.every(5 * SECOND, "daily syncs", self._begin_due)
            clock.every(5 * SECOND, "wake syncs", self._wake)
            clock.every(MINUTE, "weekly digests", self.digests.write_due)
            clock.every(HOUR, "old syncs", self.service.sweep)
            clock.every(HOUR, "old pages of figures", self.pages.sweep)

    async def _begin_due(self) -> None:
        for job in await self.service.due():
            await self._ground.engine.enqueue(job)

    async def _wake(self) -> None:
        for job in await self.job.wake():
            await self._ground.engine.enqueue(job)
