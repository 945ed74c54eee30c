"""The import as the engine runs it: one job is a preview, or one batch of at most 50 posts.

    previewing -> offered -> running -> done      (a refresh begins at running)
                               |  ^
          waiting (by itself) -+--+- paused (a person's turn)

Each step is a conditional update "from this state, for this run". Lists are walked by cursor, one
page and one request at a time, and a page is stored with its next cursor in one transaction: a
crash costs at most one page.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.accounts.connecting import Connecting
from services.clock import Now
from services.errors import (
    Checkpoint,
    OutOfCredits,
    RateLimited,
    ReelayError,
    SessionRefused,
    StorageFailed,
)
from services.importing import decisions, ending
from services.importing.decisions import Reason
from services.importing.fetch import Fetcher, Superseded
from services.importing.filters import ImportFilters, from_json, passes
from services.importing.samples import Samples
from services.importing.service import KIND
from services.instagram.files import PLATFORM
from services.instagram.gallery_dl import RESOLVE_SHARE_REQUESTS, GalleryDl, Page
from services.instagram.links import find_link
from services.instagram.pace import Pacer
from services.instagram.posts import Item as RawItem
from services.instagram.posts import UnreadablePost, read_post
from services.jobs.engine import INSTAGRAM, Job
from storage import archive, credits, import_items, importing, people
from storage.database import Database, Unavailable
from storage.import_items import UNREAD, Item, NewItem
from storage.importing import Import

log = structlog.get_logger()

AT_ONCE = 4  # posts, and so files, on their way from the CDN


class ImportJob:
    """The job kind "import"."""

    name = KIND
    queue = INSTAGRAM
    priority = 10

    def __init__(
        self,
        database: Database,
        connecting: Connecting,
        pacer: Pacer,
        gallery: GalleryDl,
        fetcher: Fetcher,
        samples: Samples,
        now: Now,
    ) -> None:
        self._database = database
        self._connecting = connecting
        self._pacer = pacer
        self._gallery = gallery
        self._fetcher = fetcher
        self._samples = samples
        self._now = now

    # ------------------------------------------------------------ what the engine calls

    async def work(self, job: Job) -> bool:
        more = await self._work(job)
        if not more:
            await self._fetcher.sweep()
        return more

    async def _work(self, job: Job) -> bool:
        item = await self._get(job.row)
        if item is None or item.run != job.run or item.state not in importing.LIVE:
            return False
        try:
            if item.state == "previewing":
                return await self._preview(item)
            return await self._batch(item)
        except Superseded:
            return False
        except (Unavailable, OSError) as error:
            log.exception("storage failed", error=str(error))
            await self._stop(item, StorageFailed())
        except ReelayError as error:
            await self._stop(item, error)
        return False

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await importing.stranded(db, before)
        return [Job(KIND, row.id, row.run, 0, row.identity) for row in rows]

    async def restart(self, job: Job) -> Job | None:
        """A run that made no progress three times is given up, refunded and said."""
        now = self._now()
        async with self._database.write() as db:
            item = await importing.get(db, job.row)
            if item is None or item.run != job.run:
                return None
            if item.idle_runs + 1 >= decisions.MAX_IDLE_RUNS:
                await ending.end(db, item, "failed", now, reason=Reason.NO_PROGRESS)
                return None
            moved = await importing.move(
                db,
                job.row,
                now,
                run=job.run,
                from_states=importing.LIVE,
                new_run=True,
                idle_runs=item.idle_runs + 1,
            )
        return Job(KIND, job.row, job.run + 1, 0, job.account) if moved else None

    async def wake(self) -> list[Job]:
        """From the clock: imports whose wait is over, or whose session works again, go on."""
        now = self._now()
        jobs = []
        async with self._database.write() as db:
            ready = await importing.due(db, now) + await importing.healed(db)
            for import_id, run in ready:
                if await importing.move(
                    db,
                    import_id,
                    now,
                    run=run,
                    from_states=["waiting", "paused"],
                    new_run=True,
                    state="running",
                    reason=None,
                    detail="",
                    wait_until=None,
                ):
                    item = await importing.get(db, import_id)
                    assert item is not None
                    jobs.append(Job(KIND, import_id, item.run, 0, item.identity))
        return jobs

    async def _get(self, import_id: int) -> Import | None:
        async with self._database.read() as db:
            return await importing.get(db, import_id)

    # ------------------------------------------------------------ preview

    async def _preview(self, item: Import) -> bool:
        """The first page. A single post needs no question: it goes on at once."""
        await self._list(item)
        state = "running" if item.single else "offered"
        async with self._database.write() as db:
            moved = await importing.move(
                db,
                item.id,
                self._now(),
                run=item.run,
                from_states=["previewing"],
                state=state,
                started_at=self._now() if state == "running" else None,
            )
        return moved and state == "running"

    # ------------------------------------------------------------ one batch

    async def _batch(self, item: Import) -> bool:
        await self._list_ahead(item)
        posts = await self._pay(item)
        ids = [post.id for post in posts]
        try:
            await self._fetch(item, posts)
        except Exception:  # at a stop the engine takes no jobs any more: the next start sees to it
            await self._samples.begin(ids)
            raise
        await self._samples.begin(ids)
        return await self._finished(item) is False

    async def _list_ahead(self, item: Import) -> None:
        """Lists until the next batch is full, the limit is reached or the list ends."""
        current: Import | None = item
        while current and current.state == "running" and current.run == item.run:
            async with self._database.read() as db:
                tally = await import_items.tally(db, item.id)
            if not decisions.wants_page(
                tally.pending, tally.wanted, current.post_limit, current.more, current.pages
            ):
                return
            await self._list(current)
            current = await self._get(item.id)
        raise Superseded

    async def _list(self, item: Import) -> None:
        """One page: one request, one transaction."""
        page = await self._page(item)
        now = self._now()
        async with self._database.write() as db:
            if not await importing.fence(db, item.id, item.run, now, item.state):
                raise Superseded
            user = await people.get(db, item.user_id)
            current = await importing.get(db, item.id)
            assert user is not None, "an import goes with its user"
            assert current is not None, "the fence has just moved it"
            # as they are now: they may have changed while Instagram was asked
            sieve = _Sieve(from_json(current.filters), now, user.zone)
            listed = [
                sieve.listed(raw, f"{UNREAD}{item.pages}-{n}") for n, raw in enumerate(page.items)
            ]
            ids = [new.platform_id for new in listed]
            known = await archive.known(db, item.user_id, PLATFORM, ids)
            listed = [replace(new, known_post_id=known.get(new.platform_id)) for new in listed]
            cursor = page.next_cursor
            if item.by_clock:
                met = await import_items.met(db, item.collection_id, item.id, ids)
                listed = _news(listed, met)
                cursor = cursor if listed else None  # what follows is older still
            tally = await import_items.tally(db, item.id)
            kept = _within(listed, item.post_limit - tally.wanted)
            await import_items.add_page(db, item.id, kept, cursor=cursor, now=now)

    async def _page(self, item: Import) -> Page:
        connection_id = item.connection_id
        if connection_id is None:
            raise SessionRefused(subject=item.title)
        _, cookies = await self._connecting.open(connection_id)
        if item.single:
            return await self._single(item, cookies.reveal())
        async with self._pacer.turn(item.identity, "import") as turn:
            page = await self._gallery.list_page(item.url, cookies.reveal(), item.cursor)
            turn.requests = page.requests
            return page

    async def _single(self, item: Import, cookies: str) -> Page:
        shortcode = find_link(item.url).shortcode
        requests = 0
        if shortcode is None:
            async with self._pacer.turn(item.identity, "import") as turn:
                turn.requests = requests = RESOLVE_SHARE_REQUESTS
                shortcode = await self._gallery.resolve_share(item.url, cookies)
        return Page((await self._read(item, shortcode, cookies),), None, requests + 1)

    async def _read(self, item: Import, shortcode: str, cookies: str) -> RawItem:
        async with self._pacer.turn(item.identity, "import"):
            return await self._gallery.read_item(shortcode, cookies)

    async def _pay(self, item: Import) -> list[Item]:
        """The posts of this batch: those a killed run had paid for, or the next ones, charged up
        front in one transaction. Errors: OutOfCredits, Superseded."""
        now = self._now()
        async with self._database.write() as db:
            if not await importing.fence(db, item.id, item.run, now):
                raise Superseded
            paid = await import_items.pending(db, item.id, charged=True, limit=decisions.BATCH)
            if paid:
                return paid
            tally = await import_items.tally(db, item.id)
            user = await people.get(db, item.user_id)
            assert user is not None, "an import goes with its user"
            count = decisions.affordable(tally.pending, user.credits)
            posts = await import_items.pending(db, item.id, charged=False, limit=count)
            if posts and not await credits.charge(
                db, item.user_id, item.id, [post.id for post in posts], now
            ):
                raise OutOfCredits(missing=tally.pending)
            return posts

    async def _fetch(self, item: Import, posts: list[Item]) -> None:
        """Four at a time. The first failure that concerns the whole import stops the others:
        their posts stay paid until `_stop` gives the credits back."""
        waiting = iter(posts)

        async def relist(shortcode: str) -> RawItem:
            if item.connection_id is None:
                raise SessionRefused(subject=item.title)
            _, cookies = await self._connecting.open(item.connection_id)
            return await self._read(item, shortcode, cookies.reveal())

        async def worker() -> None:
            for post in waiting:
                await self._fetcher.settle(item, post, relist)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(worker())
        except BaseExceptionGroup as failures:
            raise _worst(failures) from failures

    async def _finished(self, item: Import) -> bool:
        now = self._now()
        async with self._database.write() as db:
            tally = await import_items.tally(db, item.id)
            current = await importing.get(db, item.id)
            assert current is not None
            if tally.pending or decisions.wants_page(
                0, tally.wanted, current.post_limit, current.more, current.pages
            ):
                return False
            return await ending.end(db, item, "done", now)

    # ------------------------------------------------------------ ways to stop

    async def _stop(self, item: Import, error: ReelayError) -> None:
        """Waits, pauses or fails, with the credits of unsettled posts given back."""
        now = self._now()
        log.info("import stops", item=item.id, error=type(error).__name__)
        async with self._database.write() as db:
            if isinstance(error, SessionRefused | Checkpoint) and item.connection_id:
                await self._connecting.refused(db, item.connection_id, error, now)
            await ending.stop(db, item, error, now)


@dataclass(frozen=True, slots=True)
class _Sieve:
    """The collection's filters at this moment, for a person in this zone."""

    filters: ImportFilters
    now: datetime
    zone: str

    def listed(self, raw: RawItem, unread: str) -> NewItem:
        """An item that can't be read keeps its place and its raw form, and is reported as failed.
        `unread`: what it is called if not even its number is known."""
        try:
            post = read_post(raw)
        except UnreadablePost as error:
            return NewItem(error.platform_id or unread, error.shortcode, raw, None, "unreadable")
        left_out = not passes(self.filters, post, self.now, self.zone)
        return NewItem(post.platform_id, post.shortcode, raw, None, filtered=left_out)


def _news(listed: list[NewItem], met: dict[str, bool]) -> list[NewItem]:
    """What a refresh lists. An item without a number can't be told from one that was there."""
    return [
        new
        for new in listed
        if not new.platform_id.startswith(UNREAD)
        and decisions.is_news(
            new.known_post_id is not None, met.get(new.platform_id), not new.filtered
        )
    ]


def _within(listed: list[NewItem], room: int) -> list[NewItem]:
    """All that cost nothing, and of the others the first `room`."""
    kept = []
    for new in listed:
        counts = new.known_post_id is None and not new.filtered
        if counts and room <= 0:
            continue
        room -= counts
        kept.append(new)
    return kept


def _worst(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of several workers' failures, the one that decides: losing the import beats all others."""
    flat = list(_flatten(failures))
    for kind in (asyncio.CancelledError, Superseded, Checkpoint, SessionRefused, RateLimited):
        for failure in flat:
            if isinstance(failure, kind):
                return failure
    return flat[0]


def _flatten(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for failure in group.exceptions:
        found += _flatten(failure) if isinstance(failure, BaseExceptionGroup) else [failure]
    return found
