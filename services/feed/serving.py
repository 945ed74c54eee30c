"""What readers get: a feed's bytes, built once for each revision and kept; the archive; the files.

Called by services/web/feeds. Statuses and headers are decided there.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from services.clock import Now
from services.feed import notices as told
from services.feed.once import Once
from services.feed.pages import Place, entry_of, feed_page, file_name
from services.feed.render import atom, json_feed, rss
from services.feed.render.entries import Entry, FeedPage
from services.feed.visits import Access
from storage import feed_notices, feeds
from storage.database import Database
from storage.feeds import Search, StoredFile

FORMATS = {"rss": rss, "atom": atom, "json": json_feed}
LIMIT, MAX_LIMIT = 50, 200
MAX_DAYS = 36_500
NOTICE_KEPT = timedelta(days=7)
"""How long a notice stays after its incident is over."""

PAGE = 24
KEPT_BYTES = 32 << 20
WORTH_GZIP = 1000  # bytes; less fits into one packet anyway
SEARCHES = 4  # of the archive at the same time
FILES = 2000  # whose rows are kept


class Wanted(NamedTuple):
    """`form`: a key of FORMATS. `days`: only posts taken since so many days ago (UTC days)."""

    form: str
    author: str = ""
    limit: int = LIMIT
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """`digest`: of the body, in hex. `gzipped`: None where it is not worth it."""

    body: bytes
    gzipped: bytes | None
    digest: str
    modified: datetime
    mime: str

    @property
    def weight(self) -> int:
        return len(self.body) + len(self.gzipped or b"")


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of the archive, from 1. `total`: posts on all pages. `notices`: what is ill now."""

    entries: list[Entry]
    notices: list[Entry]
    page: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


_Address = tuple[int, Wanted, Place]
_Version = tuple[int, date]  # revision, and the day, which moves what `days` and old notices list


class Serving:
    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now
        self._kept: _Kept = _Kept(KEPT_BYTES)
        self._builds: Once[tuple[_Address, _Version], Document | None] = Once()
        self._searches = asyncio.Semaphore(SEARCHES)
        self._files: dict[tuple[int, int, str], tuple[int, StoredFile]] = {}

    async def document(self, access: Access, wanted: Wanted, place: Place) -> Document | None:
        """None: nothing of this author was ever listed. Errors: Unavailable."""
        address = (access.feed.id, wanted, place)
        version = (access.feed.revision, self._now().date())
        kept = self._kept.get(address, version)
        if kept is not None:
            return kept

        async def build() -> Document | None:
            page = await self._page(access, wanted, place, version[1])
            if page is None:
                return None
            made = await asyncio.to_thread(_write, page, wanted.form)
            self._kept.put(address, version, made)
            return made

        return await self._builds.do((address, version), build)

    async def _page(
        self, access: Access, wanted: Wanted, place: Place, today: date
    ) -> FeedPage | None:
        """Three queries at most, however large the archive is."""
        feed = access.feed
        midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
        since = None if wanted.days is None else midnight - timedelta(days=wanted.days)
        async with self._database.read() as db:
            if wanted.author:
                items = await feeds.of_author(
                    db, feed.id, wanted.author, limit=wanted.limit, since=since
                )
                notices = []
            else:
                items = await feeds.newest(db, feed.id, limit=wanted.limit, since=since)
                notices = await feed_notices.notices_of(
                    db, feed.id, closed_after=midnight - NOTICE_KEPT
                )
            files = await feeds.files_of(db, [item.post_id for item in items])
        if wanted.author and not items and since is None:
            return None
        return feed_page(feed, items, files, notices, place, author=wanted.author)

    # ------------------------------------------------------------ the archive

    async def archive(self, access: Access, search: Search, page: int) -> Shelf:
        """A page beyond the last one is the last one. Addresses are relative to the page's own.
        Errors: Unavailable."""
        feed_id = access.feed.id
        async with self._searches, self._database.read() as db:
            total = await feeds.count(db, feed_id, search)
            page = max(1, min(page, -(-total // PAGE)))
            offset = (page - 1) * PAGE
            items = await feeds.search(db, feed_id, search, limit=PAGE, offset=offset)
            files = await feeds.files_of(db, [item.post_id for item in items])
            ill = await feed_notices.notices_of(db, feed_id, closed_after=self._now())
        return Shelf(
            [entry_of(item, files.get(item.post_id, ()), "") for item in items],
            [told.entry_of(notice, "./") for notice in ill],
            page,
            total,
        )

    async def file(self, access: Access, post_id: int, name: str) -> StoredFile | None:
        """The file of this name of a post that this feed lists. Errors: Unavailable.

        A film is asked for piece by piece: what was found holds for this revision of the feed,
        which is another one when a post is not listed any more."""
        key, revision = (access.feed.id, post_id, name), access.feed.revision
        kept = self._files.get(key)
        if kept is not None and kept[0] == revision:
            return kept[1]
        position = int(name.partition(".")[0])
        async with self._database.read() as db:
            found = await feeds.stored_file(db, access.feed.id, post_id, position)
        if found is None or file_name(position, found.mime) != name:
            return None
        while len(self._files) >= FILES:
            del self._files[next(iter(self._files))]  # the one that was read first
        self._files[key] = (revision, found)
        return found


def _write(page: FeedPage, form: str) -> Document:
    """In a thread: hundreds of posts take tens of milliseconds."""
    writer = FORMATS[form]
    body = writer.render(page)
    gzipped = gzip.compress(body, 6, mtime=0) if len(body) >= WORTH_GZIP else None
    return Document(body, gzipped, sha256(body).hexdigest()[:32], page.updated, writer.MIME)


class _Kept:
    """The newest version of each address, up to so many bytes; the least used goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._documents: OrderedDict[_Address, tuple[_Version, Document]] = OrderedDict()

    def get(self, address: _Address, version: _Version) -> Document | None:
        found = self._documents.get(address)
        if found is None or found[0] != version:
            return None
        self._documents.move_to_end(address)
        return found[1]

    def put(self, address: _Address, version: _Version, document: Document) -> None:
        self._drop(address)
        self._documents[address] = (version, document)
        self._weight += document.weight
        while self._weight > self._most:
            self._drop(next(iter(self._documents)))

    def _drop(self, address: _Address) -> None:
        old = self._documents.pop(address, None)
        if old:
            self._weight -= old[1].weight
