"""/reports/TOKEN: an analysis as a page, for whoever has the address, until it expires or is taken
back. Registered by services/web/server; what stands on it comes from services.web.report_page.

An address is found by the hash of its token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from aiohttp import web

from services.analysis.reports import Reports
from services.analysis.service import Analysing
from services.clock import Now
from services.web import report_page
from services.web.drawn import Drawn, Sheet
from services.web.report_page import Content, Order
from storage import people
from storage.database import Database

GONE = "This report is not here any more: ask whoever sent it to you for a new link.\n"
AWAY = "The report can't be read right now. Nothing is lost: try again in a minute.\n"


class ReportRoutes:
    def __init__(
        self, database: Database, reports: Reports, analysing: Analysing, now: Now
    ) -> None:
        self._database = database
        self._reports = reports
        self._analysing = analysing
        self.pages = Drawn(self._find, report_page.HEADERS, now, gone=GONE, away=AWAY)

    def register(self, router: web.UrlDispatcher) -> None:
        router.add_get("/reports/{token}", self.pages.serve)

    async def _find(self, token: str, query: Mapping[str, str]) -> Sheet | None:
        report = await self._reports.open(token)
        if report is None:
            return None
        view = await self._analysing.view(report.user_id, report.analysis_id)
        item, zone, order = view.item, await self._zone(report.user_id), order_of(query)

        async def draw() -> str:
            reels = await self._analysing.all_reels(report.user_id, report.analysis_id)
            content = Content(view, reels, zone, report.expires_at)
            return await asyncio.to_thread(report_page.page, content, order)

        # a step of the analysis changes `changed_at`
        made_of = (report.id, report.created_at, item.id, item.state, item.changed_at)
        return Sheet((report_page.LOOK, *made_of, zone.key, order), draw)

    async def _zone(self, user_id: int) -> ZoneInfo:
        async with self._database.read() as db:
            user = await people.get(db, user_id)
        return ZoneInfo(user.zone if user else "UTC")


def order_of(query: Mapping[str, str]) -> Order:
    """What is no column is as if it was not there."""
    by = query.get("sort", "")
    return Order(by, up="up" in query) if by in report_page.HEADS else Order()
