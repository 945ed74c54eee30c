"""/downloads/TOKEN: files that are too large for the chat, for whoever has the link, for a day.

A route of the side server. A download that broke off can be continued (ranges); nothing of the file
is held in memory but one piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mimetypes
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from aiohttp import web

from services.clock import Now
from storage import archive, downloads
from storage.database import Database, Unavailable
from storage.objects import ObjectStore

log = structlog.get_logger()

PER_LINK = 4  # downloads of one link at once: more than that is no person
IN_ALL = 32  # downloads of this process at once
STALLED_SECONDS = 60.0  # a piece that nobody takes for so long ends the download
AGAIN_SECONDS = 5

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

GONE = "This link does not work any more. Ask for a new one in the chat.\n"
BUSY = "This file is being downloaded too often at once. Try again in a few seconds.\n"
AWAY = "The file can't be read right now. Nothing is lost: try again in a minute.\n"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to and without `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range begins after the end of the file."""


def span_of(header: str | None, size: int) -> Span | None:
    """What a Range header asks for. None: the whole file, as for every header that is not one plain
    range of bytes (RFC 9110, 14.2, lets a server ignore those). Errors: Unsatisfiable."""
    asked = _RANGE.fullmatch(header.strip()) if header else None
    if asked is None or not (asked[1] or asked[2]):
        return None
    if not asked[1]:  # the last so many bytes
        start, end = max(0, size - int(asked[2])), size
        if not int(asked[2]):
            raise Unsatisfiable
    else:
        start, end = int(asked[1]), min(int(asked[2] or size) + bool(asked[2]), size)
        if asked[2] and int(asked[2]) < start:
            return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, end)


def disposition(name: str) -> str:
    """A Content-Disposition that saves the file under this name, whatever stands in it."""
    # no folders, and nothing that is not seen: line ends, zero bytes, signs that turn the text
    shown = "".join(
        "_" if one in '/\\:*?"<>|' else one
        for one in unicodedata.normalize("NFC", name)
        if not unicodedata.category(one).startswith("C")
    )
    shown = shown.strip(". ")[-120:] or "file"
    plain = shown.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"


class Downloads:
    def __init__(self, database: Database, objects: ObjectStore, now: Now) -> None:
        self._database = database
        self._objects = objects
        self._now = now
        self._running: Counter[str] = Counter()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET and HEAD."""
        token = request.match_info["token"]
        if not _TOKEN.fullmatch(token):
            raise web.HTTPNotFound(text=GONE)
        hashed = hashlib.sha256(token.encode()).hexdigest()
        with self._counted(hashed):
            try:
                return await self._answer(request, hashed)
            except (Unavailable, OSError) as error:
                log.warning("download failed", error=str(error))
                raise web.HTTPServiceUnavailable(text=AWAY) from None

    @contextlib.contextmanager
    def _counted(self, link: str) -> Iterator[None]:
        if self._running[link] >= PER_LINK or self._running.total() >= IN_ALL:
            raise web.HTTPTooManyRequests(text=BUSY, headers={"Retry-After": str(AGAIN_SECONDS)})
        self._running[link] += 1
        try:
            yield
        finally:
            self._running[link] -= 1
            self._running += Counter()  # forgets those that are at zero

    async def _answer(self, request: web.Request, hashed: str) -> web.StreamResponse:
        async with self._database.read() as db:
            found = await downloads.find(db, hashed, self._now())
            known = await archive.digest_of(db, found[0]) if found else None
        size = await self._objects.size(found[0]) if found else None
        if found is None or size is None:
            raise web.HTTPNotFound(text=GONE)
        key, name = found
        # what is no post's file is written once under a key of its own
        etag = f'"{known or hashlib.sha256(f"{key}:{size}".encode()).hexdigest()}"'
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Cache-Control": "private, no-transform",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": disposition(name),
        }
        if any(one.value in (etag.strip('"'), "*") for one in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        asked = request.headers.get("Range")
        if request.headers.get("If-Range", etag) != etag:
            asked = None  # the file is another one: from the beginning
        try:
            span = span_of(asked, size)
        except Unsatisfiable:
            return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        whole = span or Span(0, size)
        if span:
            headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
        response = web.StreamResponse(status=206 if span else 200, headers=headers)
        response.content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response.content_length = whole.end - whole.start
        await self._send(request, response, key, whole)
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, key: str, span: Span
    ) -> None:
        """Errors: OSError as long as nothing was sent; after that the connection is cut, which
        tells the other side that there is more."""
        if request.method == "HEAD":
            await response.prepare(request)
            return
        async with contextlib.aclosing(self._objects.read(key, span.start, span.end)) as pieces:
            first = await anext(pieces, b"")
            await response.prepare(request)
            try:
                await self._write(response, first)
                async for piece in pieces:
                    await self._write(response, piece)
            except (ConnectionError, TimeoutError):
                pass  # whoever asked has left, or has gone to sleep
            except OSError as error:
                log.warning("download broke off", error=str(error))
            else:
                return
        if request.transport:
            request.transport.abort()

    @staticmethod
    async def _write(response: web.StreamResponse, piece: bytes) -> None:
        async with asyncio.timeout(STALLED_SECONDS):
            await response.write(piece)
