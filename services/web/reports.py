"""/reports/TOKEN: an analysis as a page, for whoever has the address, until it expires or is taken
back. Registered by services/web/server; what stands on it comes from services.web.report_page.

An address is found by the hash of its token. A page is told by its version, which costs two small
queries, so who holds it already makes nobody read or draw anything.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Mapping
from hashlib import sha256
from zoneinfo import ZoneInfo

from aiohttp import web

from services.analysis.reports import Reports
from services.analysis.service import Analysing
from services.analysis.views import View
from services.clock import Now
from services.errors import NotAllowed
from services.feed.once import Once
from services.web import report_page
from services.web.answers import Version, send_bytes
from services.web.conditional import is_fresh
from services.web.report_page import Content, Order
from storage import people
from storage.database import Database, Unavailable
from storage.reports import Report

MOST_WAITING = 8  # pages that may wait to be drawn; one is drawn at a time
AGAIN_SECONDS = 5

GONE = "This report is not here any more: ask whoever sent it to you for a new link.\n"
BUSY = "Too many want to see this at once. Try again in a few seconds.\n"
AWAY = "The report can't be read right now. Nothing is lost: try again in a minute.\n"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_NOT_KEPT = {"Cache-Control": "no-store"}

Drawn = tuple[bytes, bytes]
"""A page, and the same compressed."""


class ReportRoutes:
    def __init__(
        self, database: Database, reports: Reports, analysing: Analysing, now: Now
    ) -> None:
        self._database = database
        self._reports = reports
        self._analysing = analysing
        self._now = now
        self._drawing: Once[str, Drawn] = Once()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def register(self, router: web.UrlDispatcher) -> None:
        router.add_get("/reports/{token}", self.serve)

    async def serve(self, request: web.Request) -> web.Response:
        """GET and HEAD."""
        try:
            return await self._answer(request)
        except NotAllowed:  # deleted in this very moment
            raise web.HTTPNotFound(text=GONE, headers=_NOT_KEPT) from None
        except Unavailable:
            headers = {"Retry-After": "60", **_NOT_KEPT}
            raise web.HTTPServiceUnavailable(text=AWAY, headers=headers) from None

    async def _answer(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        report = await self._reports.open(token) if _TOKEN.fullmatch(token) else None
        if report is None:
            raise web.HTTPNotFound(text=GONE, headers=_NOT_KEPT)
        view = await self._analysing.view(report.user_id, report.analysis_id)
        zone = await self._zone(report.user_id)
        order = order_of(request.query)
        version = Version(_etag(report, view, zone, order), None)
        if is_fresh(request.headers, version.etag, None):
            body, gzipped = b"", b""  # is not sent
        else:
            body, gzipped = await self._drawn(version.etag, report, view, zone, order)
        return send_bytes(request, version, body, gzipped, report_page.HEADERS, self._now())

    async def _zone(self, user_id: int) -> ZoneInfo:
        async with self._database.read() as db:
            user = await people.get(db, user_id)
        return ZoneInfo(user.zone if user else "UTC")

    async def _drawn(
        self, etag: str, report: Report, view: View, zone: ZoneInfo, order: Order
    ) -> Drawn:
        """Errors: NotAllowed, Unavailable; HTTPTooManyRequests."""

        async def draw() -> Drawn:
            async with self._turn:
                reels = await self._analysing.all_reels(report.user_id, report.analysis_id)
                content = Content(view, reels, zone, report.expires_at)
                return await asyncio.to_thread(_draw, content, order)

        if self._waiting >= MOST_WAITING:
            raise web.HTTPTooManyRequests(text=BUSY, headers={"Retry-After": str(AGAIN_SECONDS)})
        self._waiting += 1
        try:
            return await self._drawing.do(etag, draw)
        finally:
            self._waiting -= 1


def _draw(content: Content, order: Order) -> Drawn:
    body = report_page.page(content, order).encode()
    return body, gzip.compress(body, 6, mtime=0)


def _etag(report: Report, view: View, zone: ZoneInfo, order: Order) -> str:
    """Of everything that the page is made of: a step of the analysis changes `changed_at`."""
    item = view.item
    parts = (
        report_page.LOOK,
        report.id,
        report.created_at,
        item.id,
        item.state,
        item.changed_at,
        zone.key,
        order,
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'


def order_of(query: Mapping[str, str]) -> Order:
    """What is no column is as if it was not there."""
    by = query.get("sort", "")
    return Order(by, up="up" in query) if by in report_page.HEADS else Order()
