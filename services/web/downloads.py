"""/downloads/TOKEN: files that are too large for the chat, for whoever has the link, for a day.

A route of the side server. A download that broke off can be continued (ranges); nothing of the file
is held in memory but one piece.
"""

from __future__ import annotations

import contextlib
import hashlib
import mimetypes
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

import structlog
from aiohttp import web

from services.clock import Now
from services.tokens import token_hash
from services.web.answers import Version, send_object
from storage import archive, downloads
from storage.database import Database, Unavailable
from storage.objects import ObjectStore

log = structlog.get_logger()

PER_LINK = 4  # downloads of one link at once: more than that is no person
IN_ALL = 32  # downloads of this process at once
AGAIN_SECONDS = 5

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")

GONE = "This link does not work any more. Ask for a new one in the chat.\n"
BUSY = "This file is being downloaded too often at once. Try again in a few seconds.\n"
AWAY = "The file can't be read right now. Nothing is lost: try again in a minute.\n"


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
        hashed = token_hash(token)
        with self._counted(hashed):
            try:
                return await self._answer(request, hashed)
            except ConnectionError:  # in the middle of the answer
                raise
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
        digest = known or hashlib.sha256(f"{key}:{size}".encode()).hexdigest()
        headers = (
            ("Cache-Control", "private, no-transform"),
            ("Content-Disposition", disposition(name)),
            ("Content-Type", mimetypes.guess_type(name)[0] or "application/octet-stream"),
            ("X-Content-Type-Options", "nosniff"),
        )
        return await send_object(
            request, self._objects, key, size, Version(f'"{digest}"', None), headers
        )
