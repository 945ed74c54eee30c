"""Pages behind a token, drawn when somebody asks: found, compared, drawn one at a time, sent.

Used by services.web.reports and services.web.insights. A page is told by what it is made of, which
costs a few small queries, so who holds it already makes nobody draw anything.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import web

from services.clock import Now
from services.errors import NotAllowed
from services.feed.once import Once
from services.web.answers import Headers, Version, send_bytes
from services.web.conditional import is_fresh
from storage.database import Unavailable

MOST_WAITING = 8  # pages that may wait to be drawn; of one kind, one is drawn at a time
AGAIN_SECONDS = 5

BUSY = "Too many want to see this at once. Try again in a few seconds.\n"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_NOT_KEPT = {"Cache-Control": "no-store"}

Packed = tuple[bytes, bytes]
"""A page, and the same compressed."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page that was asked for. `parts`: all that it is made of; their `repr` tells one version
    from another. `draw`: gives its HTML; errors: NotAllowed, Unavailable."""

    parts: tuple[object, ...]
    draw: Callable[[], Awaitable[str]]


Find = Callable[[str, Mapping[str, str]], Awaitable[Sheet | None]]
"""(token, query of the address) -> the page; None: the token opens nothing. Errors: NotAllowed,
Unavailable."""


class Drawn:
    """The route of one kind of page. `gone` and `away`: what it says where there is none, and where
    the database does not answer."""

    def __init__(self, find: Find, headers: Headers, now: Now, *, gone: str, away: str) -> None:
        self._find = find
        self._headers = headers
        self._now = now
        self._gone = gone
        self._away = away
        self._drawing: Once[str, Packed] = Once()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def serve(self, request: web.Request) -> web.Response:
        """GET and HEAD of an address that has a {token}."""
        try:
            return await self._answer(request)
        except NotAllowed:  # deleted in this very moment
            raise self._nothing() from None
        except Unavailable:
            headers = {"Retry-After": "60", **_NOT_KEPT}
            raise web.HTTPServiceUnavailable(text=self._away, headers=headers) from None

    async def _answer(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        sheet = await self._find(token, request.query) if _TOKEN.fullmatch(token) else None
        if sheet is None:
            raise self._nothing()
        version = Version(f'"{sha256(repr(sheet.parts).encode()).hexdigest()[:32]}"', None)
        if is_fresh(request.headers, version.etag, None):
            body, packed = b"", b""  # is not sent
        else:
            body, packed = await self._drawn(version.etag, sheet)
        return send_bytes(request, version, body, packed, self._headers, self._now())

    async def _drawn(self, etag: str, sheet: Sheet) -> Packed:
        """Errors: NotAllowed, Unavailable; HTTPTooManyRequests."""

        async def draw() -> Packed:
            async with self._turn:
                html = await sheet.draw()
                return await asyncio.to_thread(_pack, html)

        if self._waiting >= MOST_WAITING:
            raise web.HTTPTooManyRequests(text=BUSY, headers={"Retry-After": str(AGAIN_SECONDS)})
        self._waiting += 1
        try:
            return await self._drawing.do(etag, draw)
        finally:
            self._waiting -= 1

    def _nothing(self) -> web.HTTPNotFound:
        return web.HTTPNotFound(text=self._gone, headers=_NOT_KEPT)


def _pack(html: str) -> Packed:
    body = html.encode()
    return body, gzip.compress(body, 6, mtime=0)
