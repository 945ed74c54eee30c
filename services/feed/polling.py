"""The poll as the engine runs it: one job reads an account's timeline once, and gets what is new.

    off -> due -> running -> due        all was well
                    |  ^
        waiting ----+--+---- ill        failed: goes on by itself, or once its session works again

A page is stored with everything in it, and with where the next one begins, in one transaction; the
files come after that. Each step is fenced by the run, so what was cut short is simply run again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from services.accounts.mobile import MobileSessions
from services.clock import Now
from services.errors import (
    Checkpoint,
    ReelayError,
    SessionRefused,
    StorageFailed,
    UpstreamChanged,
)
from services.feed import catching_up, illness, schedule
from services.feed.catching_up import Chain, Step
from services.feed.fetching import FeedFiles, Superseded
from services.feed.illness import NoProgress
from services.feed.pages import guid_of
from services.feed.stories import StoryReader
from services.instagram.files import PLATFORM, new_post
from services.instagram.mobile_timeline import TimelinePage
from services.jobs.engine import INSTAGRAM, Job
from storage import archive, audit, feeds, polls
from storage.database import Database, Transaction, Unavailable
from storage.polls import AT_REST, Poll, Unread

log = structlog.get_logger()

MAX_IDLE_RUNS = 3


class PollJob:
    """The job kind "poll"; its row is the connection. `interval`: between two polls, at least."""

    name = "poll"
    queue = INSTAGRAM
    priority = 5

    def __init__(
        self,
        database: Database,
        sessions: MobileSessions,
        files: FeedFiles,
        now: Now,
        *,
        interval: timedelta,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._files = files
        self._stories = StoryReader(database, sessions, files, now, interval)
        self._now = now
        self._interval = interval
        self._chance = chance

    # ------------------------------------------------------------ what the engine calls

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            poll = await polls.get(db, job.row)
        if poll is None or poll.run != job.run or poll.state != "running":
            return False
        try:
            listed, gap = await self._read(poll)
            await self._files.fetch(poll, (poll.feed_id, poll.all_feed_id), listed)
            trouble = await self._stories.read(poll)
            if isinstance(trouble, SessionRefused | Checkpoint):  # that is the whole account's
                raise trouble
            await self._good(poll, gap=gap)
        except Superseded:
            pass
        except (Unavailable, OSError) as error:
            log.exception("storage failed", error=str(error))
            await self._stop(poll, StorageFailed())
        except ReelayError as error:
            await self._stop(poll, error)
        return False

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await polls.stranded(db, before)
        return [_job(poll, poll.run) for poll in rows]

    async def restart(self, job: Job) -> Job | None:
        """Three runs that led nowhere, and the account rests for an hour."""
        now = self._now()
        async with self._database.write() as db:
            poll = await polls.get(db, job.row)
            if poll is None or poll.run != job.run:
                return None
            if poll.idle_runs + 1 >= MAX_IDLE_RUNS:
                await self._fail(db, poll, NoProgress(), now)
                return None
            moved = await polls.move(
                db,
                job.row,
                now,
                run=job.run,
                from_states=["running"],
                new_run=True,
                idle_runs=poll.idle_runs + 1,
            )
        return _job(poll, poll.run + 1) if moved else None

    # ------------------------------------------------------------ the clock

    async def wake(self) -> list[Job]:
        """Whose time has come: after a downtime everybody's, once."""
        now = self._now()
        async with self._database.read() as db:
            ready = await polls.ready(db, now)
        jobs = []
        for poll in ready:
            async with self._database.write() as db:
                if await polls.move(
                    db,
                    poll.connection_id,
                    now,
                    run=poll.run,
                    from_states=AT_REST,
                    new_run=True,
                    state="running",
                    idle_runs=0,
                ):
                    jobs.append(_job(poll, poll.run + 1))
        return jobs

    async def watch(self) -> None:
        """Says that nothing is read where no worker takes the job; and lets go of incidents of
        accounts that are read no more."""
        now = self._now()
        async with self._database.read() as db:
            stuck = await polls.stranded(db, now - illness.SILENT)
            incidents = await audit.open_incidents(db)
            filled = await polls.switched_on(db)
        gone = illness.feeds_told(incidents) - filled
        if not stuck and not gone:
            return
        async with self._database.write() as db:
            for poll in await polls.stranded(db, now - illness.SILENT):  # it may go on by now
                if illness.is_silent(poll, now, self._interval):
                    await illness.tell(db, poll, "stale", now)
            for feed_id in sorted(gone):
                await illness.forget(db, feed_id, now)

    # ------------------------------------------------------------ one poll

    async def _read(self, poll: Poll) -> tuple[set[str], bool]:
        """Walks back to what is known. Returns the platform ids that were listed, and whether
        something lies between that was not. Errors: Superseded, those of the mobile API."""
        listed: set[str] = set()
        gap = False
        chain: Chain | None = catching_up.from_text(poll.cursor)
        while chain is not None:
            page = await self._page(poll, chain)
            listed |= {post.platform_id for post in page.posts}
            step = await self._store(poll, chain, page)
            gap = gap or step.gap
            chain = step.chain
        return listed, gap

    async def _page(self, poll: Poll, chain: Chain) -> TimelinePage:
        return await self._sessions.ask(
            poll.connection_id, lambda session: session.timeline(chain.cursor)
        )

    async def _store(self, poll: Poll, chain: Chain, page: TimelinePage) -> Step:
        """One page: one request, one transaction."""
        now = self._now()
        async with self._database.write() as db:
            if not await polls.fence(db, poll, now):
                raise Superseded
            ids = [post.platform_id for post in page.posts]
            known = await polls.known(db, poll.feed_id, PLATFORM, ids)
            step = catching_up.follow(chain, page, known, first=poll.last_good_at is None)
            found = await _sight(db, poll, page, now)
            unread = [Unread(odd.platform_id, odd.what, odd.raw) for odd in page.unparsed]
            await polls.count(
                db,
                poll.connection_id,
                found=found,
                requests=1,
                ads_skipped=page.ads_skipped,
                unparsed=await polls.keep_unread(db, poll.connection_id, unread, now),
                gaps=int(step.gap),
            )
            moved_on: dict[str, int] = {"idle_runs": 0} if found or step.chain else {}
            await polls.fence(db, poll, now, cursor=catching_up.to_text(step.chain), **moved_on)
            if step.gap:
                await illness.tell_gap(db, poll, now)
        return step

    # ------------------------------------------------------------ how it ends

    async def _good(self, poll: Poll, *, gap: bool) -> None:
        now = self._now()
        async with self._database.write() as db:
            next_at = schedule.after_good(
                now,
                self._interval,
                zone=poll.zone,
                newest_post=await polls.newest_post(db, poll.feed_id),
                chance=self._chance(),
            )
            moved = await polls.fence(
                db,
                poll,
                now,
                state="due",
                # one that took up where another was cut short has not seen the newest page
                next_at=now if poll.cursor else next_at,
                last_good_at=now,
                last_error=None,
                failures=0,
                idle_runs=0,
            )
            if not moved:
                return
            await polls.count(db, poll.connection_id, polled=1)
            await illness.well(db, poll, now)
            if not gap:
                await illness.gap_over(db, poll, now)

    async def _stop(self, poll: Poll, error: ReelayError) -> None:
        log.info("poll stops", connection=poll.connection_id, error=type(error).__name__)
        now = self._now()
        async with self._database.write() as db:
            await self._fail(db, poll, error, now)

    async def _fail(self, db: Transaction, poll: Poll, error: ReelayError, now: datetime) -> None:
        outcome = illness.judge(error, poll, now, self._interval, self._chance())
        moved = await polls.fence(
            db,
            poll,
            now,
            state=outcome.state,
            next_at=outcome.next_at,
            last_error=type(error).__name__,
            failures=poll.failures + 1,
        )
        if not moved:
            return
        if isinstance(error, SessionRefused | Checkpoint):
            await self._sessions.refused(db, poll.connection_id, error, now)
        if outcome.incident:
            await illness.tell(db, poll, outcome.incident, now, cause=type(error).__name__)
        if _lost_its_place(poll, error):
            await polls.move(db, poll.connection_id, now, from_states=[outcome.state], cursor=None)
            await polls.count(db, poll.connection_id, gaps=1)
            await illness.tell_gap(db, poll, now)


async def _sight(db: Transaction, poll: Poll, page: TimelinePage, now: datetime) -> int:
    """The page's posts into the archive and into both feeds. Returns how many are new to the
    account's own."""
    new = 0
    # in the order of their numbers, or two accounts' polls could hold what the other one waits for
    for post in sorted(page.posts, key=lambda post: int(post.platform_id)):
        post_id = await archive.save(db, new_post(post), [], now)
        guid = guid_of(PLATFORM, post.platform_id)
        new += await feeds.sight(db, poll.feed_id, post_id, guid)
        await feeds.sight(db, poll.all_feed_id, post_id, guid)
    return new


def _lost_its_place(poll: Poll, error: ReelayError) -> bool:
    """Twice in a row Instagram does not know what to do with the place where a chain was cut."""
    name = UpstreamChanged.__name__
    return poll.cursor is not None and poll.last_error == name and type(error).__name__ == name


def _job(poll: Poll, run: int) -> Job:
    return Job(PollJob.name, poll.connection_id, run, 0, poll.identity)
