"""The parts of the analysis, built and joined. Called by bot/app.py."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import timedelta

from telegram import Bot

from bot.analysis import cards
from bot.analysis.notices import AnalysisNotices
from bot.analysis.results import Results
from bot.analysis.screen import AnalysisScreen
from bot.analysis.taking import TakingScreen
from bot.drawing import Drawing
from bot.ground import Ground
from bot.notices import Text
from bot.pending import Pending
from bot.router import Handler
from bot.row_progress import Look, RowProgress
from bot.settings import Role
from services.accounts.meta import MetaLogins
from services.analysis.exports import AnalysisExports
from services.analysis.job import AnalysisJob
from services.analysis.looking import Looking
from services.analysis.reports import Reports
from services.analysis.service import Analysing
from services.analysis.sources import Sources
from services.jobs.clock import Clock
from services.media.runner import MediaRunner
from services.web.reports import ReportRoutes
from storage.analysis import CARDS, UNFINISHED
from storage.people import User

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class AnalysisParts:
    def __init__(self, ground: Ground, logins: MetaLogins, address: str, paste: Handler) -> None:
        """`address`: of the side server, for pages. `paste`: imports a link."""
        self._ground = ground
        settings, database, now = ground.settings, ground.database, ground.now
        sources = Sources(database, ground.sessions, logins)
        self.service = Analysing(
            database,
            ground.engine,
            sources,
            now,
            per_day=settings.analyses_per_day,
            reel_limit=settings.analysis_reel_limit,
            keep_days=settings.analysis_keep_days,
        )
        self.job = AnalysisJob(database, ground.engine, sources, now)
        self.looking = Looking(self.service)
        self.reports = Reports(database, now, base=address)
        self.routes = ReportRoutes(database, self.reports, self.service, now)
        self.exports = AnalysisExports(
            database, ground.objects, ground.engine, self.service, now, base=settings.public_url
        )
        # processes of its own: a chart that somebody waits for does not queue behind films
        self._drawing = Drawing(ground.objects, MediaRunner(at_once=1))
        self.results = Results(self.looking, self._drawing, now)
        self._building = Pending()
        self._paste = paste

    @property
    def kinds(self) -> tuple[AnalysisJob, AnalysisExports]:
        return self.job, self.exports

    @property
    def screens(self) -> tuple[AnalysisScreen, TakingScreen]:
        ground = self._ground
        return (
            AnalysisScreen(
                self.service,
                self.looking,
                self.reports,
                self._drawing,
                ground.people,
                ground.connecting,
                self._paste,
            ),
            TakingScreen(
                self.service,
                self.exports,
                self.reports,
                ground.objects,
                self._building,
                public=bool(ground.settings.public_url),
            ),
        )

    @property
    def texts(self) -> Mapping[str, Text]:
        """Of the notices."""
        return AnalysisNotices(
            self._ground.database,
            self.service,
            self.results,
            self.exports,
            self._building,
            self._ground.now,
        ).texts

    def progress(self, bot: Bot) -> RowProgress:
        return RowProgress(bot, self._ground.database, CARDS, self._look, self._ground.now)

    async def _look(self, user: User, analysis_id: int) -> Look:
        """Errors: NotAllowed."""
        view = await self.service.view(user.id, analysis_id)
        item = view.item
        card = None if cards.rings(item) else cards.card(view, user, self._ground.now())
        return Look(card, item.changed_at, over=item.state not in UNFINISHED)

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "clock" in roles:
            clock.every(5 * SECOND, "wake analyses", self._wake)
            clock.every(HOUR, "old analyses", self.service.sweep)

    async def _wake(self) -> None:
        for job in await self.job.wake():
            await self._ground.engine.enqueue(job)
