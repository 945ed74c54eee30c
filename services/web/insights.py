"""/insights/TOKEN: an account's own figures as a page, for whoever has the address, until it
expires or is taken back. Registered by services/web/server; what stands on it comes from
services.web.insight_page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from services.clock import Now
from services.insights.days import last_day
from services.insights.looking import DAYS, ENGAGED, FOLLOWERS, Looking
from services.insights.pages import Pages
from services.insights.service import Insights, zone_of
from services.web import insight_page
from services.web.drawn import Drawn, Sheet
from services.web.insight_page import Content
from services.web.insight_words import LABELS
from storage import insight_pages
from storage.database import Database
from storage.insight_pages import Mark, Page
from storage.insights import InsightAccount

USUAL = 28  # days
STEP = timedelta(minutes=5)  # for so long "may still change" stays as it was
TOLD = timedelta(days=3)  # after a story went live its figures change for one day

GONE = "This page is not here any more: ask whoever sent it to you for a new link.\n"
AWAY = "The figures can't be read right now. Nothing is lost: try again in a minute.\n"


class InsightRoutes:
    def __init__(
        self, database: Database, pages: Pages, insights: Insights, looking: Looking, now: Now
    ) -> None:
        self._database = database
        self._pages = pages
        self._insights = insights
        self._looking = looking
        self._now = now
        self.pages = Drawn(self._find, insight_page.HEADERS, now, gone=GONE, away=AWAY)

    def register(self, router: web.UrlDispatcher) -> None:
        router.add_get("/insights/{token}", self.pages.serve)

    async def _find(self, token: str, query: Mapping[str, str]) -> Sheet | None:
        page = await self._pages.open(token)
        if page is None:
            return None
        # again: who made it may have left the team since
        account = await self._insights.one(page.user_id, page.account_id)
        days = days_of(query)
        zone, mark = await self._told_by(account)
        at = self._now().astimezone(UTC)

        async def draw() -> str:
            content = await self._content(page, account, days, zone)
            return await asyncio.to_thread(insight_page.page, content)

        made_of = (page.id, page.created_at, account.username, zone.key, last_day(at, zone), *mark)
        return Sheet((insight_page.LOOK, *made_of, _step(at), days), draw)

    async def _told_by(self, account: InsightAccount) -> tuple[ZoneInfo, Mark]:
        who = (account.id, account.user_id, account.identity)
        since = self._now() - TOLD
        async with self._database.read() as db:
            return await zone_of(db, account), await insight_pages.mark(db, *who, since)

    async def _content(
        self, page: Page, account: InsightAccount, days: int, zone: ZoneInfo
    ) -> Content:
        """Errors: NotAllowed, Unavailable."""
        who = (page.user_id, page.account_id)
        return Content(
            account=account,
            days=days,
            sights=await self._looking.sights(*who, list(LABELS), days),
            best=await self._looking.best(*who, days),
            audiences=[await self._looking.audience(*who, of) for of in (FOLLOWERS, ENGAGED)],
            zone=zone,
            until=page.expires_at,
        )


def _step(at: datetime) -> int:
    return int(at.timestamp() // STEP.total_seconds())


def days_of(query: Mapping[str, str]) -> int:
    """What is not offered is as if it was not there."""
    asked = query.get("days", "")
    return next((days for days in DAYS if str(days) == asked), USUAL)
