"""The feed's routes: /f/<reader token>/…, and the same without a token where FEED_PUBLIC is set.

Registered by services/web/server. What stands in an answer comes from services.feed.serving.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web
from yarl import URL

from services.clock import Now
from services.feed.pages import SUFFIXES, Place, title_of_feed
from services.feed.serving import FORMATS, LIMIT, MAX_DAYS, MAX_LIMIT, Serving, Wanted
from services.feed.status import FeedStatuses
from services.feed.visits import Access, Visits
from services.web import pages, status
from services.web.answers import Headers, Version, send_bytes, send_object
from services.web.conditional import etag_of
from storage.database import Unavailable
from storage.feeds import Search
from storage.objects import ObjectStore

log = structlog.get_logger()

TOKEN = "{token:[A-Za-z0-9_-]{22}}"  # noqa: S105 - its shape
AUTHOR = "[A-Za-z0-9._]{1,60}"
DOCUMENTS = {"feed.xml": "rss", "atom.xml": "atom", "feed.json": "json"}
SEARCH_LENGTH = 100
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")

FEED_HEADERS: dict[str, Headers] = {
    writer.MIME: (
        ("Content-Type", f"{writer.MIME}; charset=utf-8"),
        ("Cache-Control", "no-cache"),
        ("X-Content-Type-Options", "nosniff"),
    )
    for writer in FORMATS.values()
}
MEDIA_HEADERS: Headers = (
    # a file of a post never changes; readers show it inside pages of their own
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Access-Control-Allow-Origin", "*"),
    ("X-Content-Type-Options", "nosniff"),
)


class FeedRoutes:
    """`public_url`: the side server's address from outside, "" to take it from each request.
    `public`: answer without a token too, with the owner's feed of all accounts. `statuses`: how a
    feed is, which only a token shows."""

    def __init__(
        self,
        serving: Serving,
        visits: Visits,
        objects: ObjectStore,
        now: Now,
        *,
        statuses: FeedStatuses | None = None,
        public_url: str = "",
        public: bool = False,
    ) -> None:
        self._serving = serving
        self._visits = visits
        self._objects = objects
        self._now = now
        self._statuses = statuses
        self._public_url = public_url.rstrip("/")
        self._public = public

    def register(self, router: web.UrlDispatcher) -> None:
        self._register(router, f"/f/{TOKEN}/")
        if self._statuses:
            router.add_get(f"/f/{TOKEN}/status", self._status)
        if self._public:
            self._register(router, "/")

    def _register(self, router: web.UrlDispatcher, base: str) -> None:
        for name, form in DOCUMENTS.items():
            router.add_get(base + name, self._document(form))
        router.add_get(base + f"{{author:@?{AUTHOR}}}.xml", self._document("rss"))
        router.add_get(
            base + r"media/{post:[0-9]{1,15}}/{file:[0-9]{1,3}\.[a-z0-9]{1,4}}", self._media
        )
        router.add_get(base, self._archive)

    async def _open(self, request: web.Request, now: datetime) -> Access:
        """Whose feed this request may see."""
        try:
            access = await self._visits.enter(request.match_info.get("token"), now)
        except Unavailable:
            raise _unavailable() from None
        if access is None:
            raise _not_found()
        return access

    # ------------------------------------------------------------ a feed

    def _document(self, form: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            now = self._now()
            access = await self._open(request, now)
            seconds = self._visits.wait(access, now)
            if seconds:
                return await self._too_often(access, seconds, now)
            asked = request.match_info
            wanted, place = asked_for(
                form,
                asked.get("author"),
                request.raw_path,
                self._origin(request),
                asked.get("token"),
            )
            try:
                document = await self._serving.document(access, wanted, place)
            except Unavailable:
                raise _unavailable() from None
            if document is None:
                raise _not_found()
            response = send_bytes(
                request,
                Version(f'"{document.digest}"', document.modified),
                document.body,
                document.gzipped,
                FEED_HEADERS[document.mime],
                now,
            )
            self._visits.note(access, now, not_modified=response.status == 304)
            return response

        return answer

    async def _too_often(self, access: Access, seconds: int, now: datetime) -> web.Response:
        with suppress(Unavailable):  # then its person is not told; the answer stays the same
            await self._visits.warn(access, now)
        return web.Response(
            status=429,
            text="Too often. Every ten minutes is enough: the feed is not read anew before.\n",
            headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
        )

    def _origin(self, request: web.Request) -> str:
        """Of this server, as it is seen from outside; without a slash at its end."""
        if self._public_url:
            return self._public_url
        host = request.host if _HOST.fullmatch(request.host) else "localhost"
        return f"{request.scheme}://{host}"

    # ------------------------------------------------------------ a picture or a film

    async def _media(self, request: web.Request) -> web.StreamResponse:
        access = await self._open(request, self._now())
        post_id, name = int(request.match_info["post"]), request.match_info["file"]
        try:
            stored = await self._serving.file(access, post_id, name)
        except Unavailable:
            raise _unavailable() from None
        if stored is None:
            raise _not_found()
        mime = stored.mime if stored.mime in SUFFIXES else "application/octet-stream"
        try:
            return await send_object(
                request,
                self._objects,
                stored.object_key,
                stored.bytes,
                Version(f'"{stored.sha256[:32]}"', None),
                (*MEDIA_HEADERS, ("Content-Type", mime)),
            )
        except (FileNotFoundError, KeyError):
            log.warning("a file of a listed post is missing", post=post_id, file=name)
            raise _not_found() from None
        except ConnectionError:  # the client's, or the answer has begun: aiohttp closes it
            raise
        except OSError:
            log.warning("the media store does not answer", post=post_id, file=name)
            raise _unavailable() from None

    # ------------------------------------------------------------ the archive, for people

    async def _archive(self, request: web.Request) -> web.Response:
        now = self._now()
        access = await self._open(request, now)
        asked = asked_of(request.query, access.zone)
        try:
            shelf = await self._serving.archive(access, asked.search, asked.page)
        except Unavailable:
            raise _unavailable() from None
        body = pages.archive(title_of_feed(access.feed), shelf, asked, access.zone).encode()
        return send_bytes(request, Version(etag_of(body), None), body, None, pages.HEADERS, now)

    # ------------------------------------------------------------ how it is

    async def _status(self, request: web.Request) -> web.Response:
        assert self._statuses is not None
        now = self._now()
        access = await self._open(request, now)
        seconds = self._visits.wait(access, now)
        if seconds:
            return await self._too_often(access, seconds, now)
        try:
            found = await self._statuses.of_feed(access.feed)
        except Unavailable:
            raise _unavailable() from None
        body = status.of_feed(found, now)
        return web.json_response(body, headers={"Cache-Control": "no-store"})


def _not_found() -> web.HTTPNotFound:
    """The same for a wrong token, a revoked one, and what was never there."""
    return web.HTTPNotFound(text="Not found.\n", headers={"Cache-Control": "no-store"})


def _unavailable() -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(
        text="The archive does not answer just now. Nothing is lost; try again in a minute.\n",
        headers={"Retry-After": "60", "Cache-Control": "no-store"},
    )


# ---------------------------------------------------------------- what was asked


@lru_cache(maxsize=1000)
def asked_for(
    form: str, author: str | None, raw_path: str, origin: str, token: str | None
) -> tuple[Wanted, Place]:
    """Readers ask for the same thing again and again. The place is as it was asked for, without
    what means nothing; absolute, so that it works elsewhere too."""
    url = URL(raw_path, encoded=True)
    wanted = wanted_of(form, author, url.query)
    said = {
        "author": "" if author else wanted.author,
        "limit": str(wanted.limit) if wanted.limit != LIMIT else "",
        "days": str(wanted.days or ""),
    }
    query = urlencode({key: value for key, value in said.items() if value})
    name = url.path.rpartition("/")[2].lower()
    base = f"{origin}/f/{token}/" if token else f"{origin}/"
    return wanted, Place(base, f"{name}?{query}" if query else name)


def wanted_of(form: str, author: str | None, query: Mapping[str, str]) -> Wanted:
    """What can't be understood is as if it was not there: a reader's address lives for years."""
    named = author or query.get("author", "")
    match = re.fullmatch(f"@?({AUTHOR})", named)
    days = _number(query.get("days"), 1, MAX_DAYS)
    limit = _number(query.get("limit"), 1, MAX_LIMIT) or LIMIT
    return Wanted(form, match[1].lower() if match else "", limit, days)


def _number(text: str | None, least: int, most: int) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text):
        return None
    return max(least, min(int(text), most))


def asked_of(query: Mapping[str, str], zone: str) -> pages.Asked:
    """Dates are days of `zone`, both included."""
    first, last = _day(query.get("from")), _day(query.get("to"))
    search = Search(
        words=_plain(query.get("q", ""))[:SEARCH_LENGTH].strip(),
        author=_plain(query.get("author", "")).strip().removeprefix("@")[:60],
        since=_midnight(first, zone) if first else None,
        until=_midnight(last + timedelta(days=1), zone) if last else None,
    )
    return pages.Asked(search, first, last, _number(query.get("page"), 1, 1_000_000) or 1)


def _plain(text: str) -> str:
    """Without what a database refuses: PostgreSQL takes no NUL, nobody takes lone surrogates."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 1970 <= day.year <= 2999 else None


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
