"""The side server: /health, /ready, /status, /metrics, /downloads, /reports, /insights,
/meta/callback, the feeds, and /telegram (webhook mode).

Built by bot/app.py.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from services.clock import Now, utc_now
from services.feed.status import FeedStatuses
from services.web import metrics, status
from services.web.downloads import Downloads
from services.web.feeds import FeedRoutes
from services.web.health import Health
from services.web.insights import InsightRoutes
from services.web.meta import MetaCallback
from services.web.reports import ReportRoutes
from storage.database import Database, Unavailable

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name, not its value
MAX_BODY = 1 << 20

Receive = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes one update of Telegram's webhook."""


class SideServer:
    """`operator_token`: opens /metrics and /status to others than this machine; "" leaves them to
    loopback."""

    def __init__(
        self,
        database: Database,
        health: Health,
        downloads: Downloads,
        *,
        operator_token: str = "",
        webhook: tuple[str, Receive] | None = None,
        feeds: FeedRoutes | None = None,
        statuses: FeedStatuses | None = None,
        meta: MetaCallback | None = None,
        reports: ReportRoutes | None = None,
        insights: InsightRoutes | None = None,
        now: Now = utc_now,
    ) -> None:
        self._database = database
        self._health = health
        self._downloads = downloads
        self._operator_token = operator_token
        self._webhook = webhook
        self._feeds = feeds
        self._statuses = statuses
        self._meta = meta
        self._reports = reports
        self._insights = insights
        self._now = now
        self._runner: web.AppRunner | None = None

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_get("/health", self._alive)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/metrics", self._metrics)
        if self._statuses:
            application.router.add_get("/status", self._status)
        application.router.add_get("/downloads/{token}", self._downloads.serve)
        if self._reports:
            self._reports.register(application.router)
        if self._insights:
            self._insights.register(application.router)
        if self._meta:
            application.router.add_get(self._meta.path, self._meta.serve)
        if self._webhook:
            application.router.add_post("/telegram", self._telegram)
        if self._feeds:
            self._feeds.register(application.router)
        return application

    async def start(self, host: str, port: int) -> int:
        """Returns the port it listens on (for port 0)."""
        self._runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    # ------------------------------------------------------------ routes

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _ready(self, _request: web.Request) -> web.Response:
        ready, checks = await self._health.ready()
        body = {
            "ready": ready,
            "checks": {check.name: {"good": check.good, "text": check.text} for check in checks},
        }
        return web.json_response(body, status=200 if ready else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._is_operator(request):
            raise web.HTTPNotFound
        try:
            body = await metrics.render(self._database)
        except Unavailable:
            raise web.HTTPServiceUnavailable(text="the database does not answer") from None
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _status(self, request: web.Request) -> web.Response:
        assert self._statuses is not None
        if not self._is_operator(request):
            raise web.HTTPNotFound
        try:
            found = await self._statuses.of_all()
        except Unavailable:
            raise web.HTTPServiceUnavailable(text="the database does not answer") from None
        body = status.of_all(found, self._now())
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    def _is_operator(self, request: web.Request) -> bool:
        if self._operator_token:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if hmac.compare_digest(given.encode(), self._operator_token.encode()):
                return True
        # behind a proxy every request comes from this machine: then only the token counts
        forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
        return not forwarded and ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback  # noqa: S104

    async def _telegram(self, request: web.Request) -> web.Response:
        assert self._webhook is not None
        secret, receive = self._webhook
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            raise web.HTTPForbidden
        try:
            update = await request.json()
        except ValueError:
            raise web.HTTPBadRequest from None
        if isinstance(update, dict):
            await receive(update)
        return web.Response()
