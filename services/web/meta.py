"""/meta/callback: the way back from Meta's page, once for each link. A route of the side server.

The page says what happened; the chat says it too.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from services.accounts.meta import CALLBACK, MetaLogins
from services.clock import Now
from services.errors import ReelayError
from storage import notices
from storage.database import Database, Unavailable

log = structlog.get_logger()

MOST = 2048  # characters of a code or state: Meta's have some hundred
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address holds the code
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reelay</title>
<style>body{{font:18px/1.5 system-ui;max-width:30em;margin:15vh auto;padding:0 1em}}
@media(prefers-color-scheme:dark){{body{{background:#111;color:#eee}}}}</style>
<h1>{title}</h1><p>{text}</p><p>You can close this page and go back to the chat.</p></html>
"""

Connected = Callable[[int], Awaitable[object]]
"""Told of a person who has just connected an account."""


class MetaCallback:
    def __init__(
        self, database: Database, logins: MetaLogins, connected: Connected, now: Now
    ) -> None:
        self._database = database
        self._logins = logins
        self._connected = connected
        self._now = now

    @property
    def path(self) -> str:
        return CALLBACK

    async def serve(self, request: web.Request) -> web.Response:
        state, code = request.query.get("state", ""), request.query.get("code", "")
        if not state or len(state) > MOST or len(code) > MOST:
            return _page(400, "That is no log-in", "Ask for a new link with /connect.")
        try:
            accounts = await self._logins.come_back(state, code)
        except ReelayError as error:
            return _page(400, "Not connected", f"{error.message} {error.next_step}")
        except Unavailable:
            return _page(503, "Not connected", "The database does not answer. Try /connect again.")
        names = [account.username for account in accounts]
        try:
            await self._tell(accounts[0].user_id, names)
        except Unavailable as error:  # connected it is, and the link works only once
            log.warning("connected at meta, but the chat does not say it", error=str(error))
        log.info("connected at meta", accounts=len(accounts))
        return _page(200, "Connected", ", ".join(f"@{name}" for name in names))

    async def _tell(self, user_id: int, names: list[str]) -> None:
        """Errors: Unavailable."""
        await self._connected(user_id)
        async with self._database.write() as db:
            await notices.add(db, user_id, "meta_connected", self._now(), accounts=names)


def _page(status: int, title: str, text: str) -> web.Response:
    body = _PAGE.format(title=html.escape(title), text=html.escape(text))
    return web.Response(text=body, content_type="text/html", status=status, headers=HEADERS)
