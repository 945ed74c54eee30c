"""The analysis as the engine runs it: one job reads the profile, or one page of its reels.

    pending -> processing -> completed
                  |  ^
    waiting ------+--+------ paused        goes on by itself, or once its account works again

A page is stored with its reels and with where the next one begins in one transaction: a crash costs
at most one request, and no reel is there twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from services.analysis import decisions
from services.analysis.decisions import AnotherIsRunning, NoProgress
from services.analysis.service import KIND
from services.analysis.sources import PLATFORMS, Source, Sources
from services.analysis.views import new_reel
from services.clock import Now
from services.errors import (
    Checkpoint,
    InstagramError,
    MetaNotFound,
    NoReels,
    PermissionMissing,
    ProfileMissing,
    ProfilePrivate,
    ReelayError,
    SessionRefused,
    StorageFailed,
    TokenRefused,
    UpstreamChanged,
)
from services.instagram.profiles import Profile, ReelPage
from services.jobs.engine import INSTAGRAM, Engine, Job
from storage import analysis, notices, reels
from storage.analysis import APP, LIVE, META, STOPPED, Analysis
from storage.database import Database, Transaction, Unavailable
from storage.reels import UnreadReel

log = structlog.get_logger()


class Superseded(Exception):
    """Canceled, deleted, or another run is at it: this one ends without a word."""


class AnalysisJob:
    """The job kind "analyze"."""

    name = KIND
    queue = INSTAGRAM
    priority = 8  # after what a person waits for to be connected, before a library of posts

    def __init__(self, database: Database, engine: Engine, sources: Sources, now: Now) -> None:
        self._database = database
        self._engine = engine
        self._sources = sources
        self._now = now

    # ------------------------------------------------------------ what the engine calls

    async def work(self, job: Job) -> bool:
        item = await self._get(job.row)
        if item is None or item.run != job.run or item.state not in LIVE:
            return False
        try:
            if item.username is None:
                return await self._look(item)
            return await self._turn(item)
        except Superseded:
            pass
        except (Unavailable, OSError) as error:
            log.exception("storage failed", error=str(error))
            await self._stop(item, StorageFailed())
        except ReelayError as error:
            await self._stop(item, error)
        return False

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await analysis.stranded(db, before)
        return [_job(row, row.run) for row in rows]

    async def restart(self, job: Job) -> Job | None:
        """Three runs that brought nothing, and it is over."""
        now = self._now()
        async with self._database.write() as db:
            item = await analysis.get(db, job.row)
            if item is None or item.run != job.run:
                return None
            if item.idle_runs + 1 >= decisions.MAX_IDLE_RUNS:
                await self._end(db, item, "failed", now, NoProgress())
                return None
            moved = await analysis.move(
                db,
                item.id,
                now,
                run=item.run,
                from_states=LIVE,
                new_run=True,
                idle_runs=item.idle_runs + 1,
            )
        return _job(item, item.run + 1) if moved else None

    async def wake(self) -> list[Job]:
        """From the clock: those whose wait is over, or whose account works again, go on."""
        now = self._now()
        async with self._database.read() as db:
            ready = await analysis.ready(db, now, decisions.OF_SESSION, decisions.OF_LOGIN)
        jobs = []
        for item in ready:
            async with self._database.write() as db:
                if await analysis.move(
                    db,
                    item.id,
                    now,
                    run=item.run,
                    from_states=STOPPED,
                    new_run=True,
                    state="processing" if item.started_at else "pending",
                    wait_until=None,
                    error=None,
                    message="",
                    next_step="",
                    idle_runs=0,
                ):
                    jobs.append(_job(item, item.run + 1))
        return jobs

    async def _get(self, analysis_id: int) -> Analysis | None:
        async with self._database.read() as db:
            return await analysis.get(db, analysis_id)

    async def _fence(self, db: Transaction, item: Analysis, **to: Any) -> None:
        """Errors: Superseded."""
        if not await analysis.fence(db, item, self._now(), **to):
            raise Superseded

    # ------------------------------------------------------------ the profile

    async def _look(self, item: Analysis) -> bool:
        """Who it is. Returns whether there are reels to be read."""
        started_at = item.started_at or self._now()
        async with self._database.write() as db:
            await self._fence(db, item, state="processing", started_at=started_at)
        try:
            profile, requests = await self._profile(item)
        except (MetaNotFound, TokenRefused, PermissionMissing) as error:
            if item.source == META and await self._by_app_instead(item, error):
                return False
            raise
        await self._resolve(item, profile)
        await self._keep(item, profile, requests)
        if profile.is_private and profile.platform_id != item.identity:
            raise ProfilePrivate(subject=profile.username)
        if profile.media_count == 0:
            raise NoReels("That profile has not posted anything.")
        return True

    async def _profile(self, item: Analysis) -> tuple[Profile, int]:
        """With the number of requests it took. Whoever has another name by now is found by the
        number that an earlier analysis knows."""
        source = self._sources.open(item)
        try:
            return await source.profile(item.asked), 1
        except ProfileMissing:
            async with self._database.read() as db:
                number = await analysis.number_of(db, PLATFORMS[item.source], item.asked)
            if number is None:
                raise
            return await source.renamed(number), 2

    async def _by_app_instead(self, item: Analysis, error: ReelayError) -> bool:
        """Meta knows professional accounts only, and a log-in there may end: the app sees more.
        False where no session is connected."""
        try:
            ways = await self._sources.ways(item.user_id)
        except ReelayError:  # there is none: the first error says more
            return False
        way = next((one for one in ways if one.source == APP), None)
        if way is None:
            return False
        why = "not_found" if isinstance(error, MetaNotFound) else "refused"
        async with self._database.write() as db:
            if not await analysis.fence(
                db, item, self._now(), new_run=True, not_by_meta=why, **way.columns()
            ):
                raise Superseded
        await self._engine.enqueue(Job(KIND, item.id, item.run + 1, 0, way.identity))
        return True

    async def _resolve(self, item: Analysis, profile: Profile) -> None:
        now = self._now()
        async with self._database.write() as db:
            await self._fence(db, item)
            profile_id = await analysis.keep_profile(
                db, PLATFORMS[item.source], profile.platform_id, profile.username, now
            )
            other = await analysis.unfinished_of(db, item, profile_id)
            if other is not None:
                raise AnotherIsRunning(other)
            await self._fence(db, item, profile_id=profile_id)

    async def _keep(self, item: Analysis, profile: Profile, requests: int) -> None:
        async with self._database.write() as db:
            await self._fence(
                db,
                item,
                username=profile.username,
                full_name=profile.full_name,
                biography=profile.biography,
                followers=profile.followers,
                following=profile.following,
                media_count=profile.media_count,
                is_private=profile.is_private,
                is_verified=profile.is_verified,
                picture=profile.picture,
                raw=profile.raw,
                requests=item.requests + requests,
                tries=0,
                idle_runs=0,
            )

    # ------------------------------------------------------------ the reels

    async def _turn(self, item: Analysis) -> bool:
        """One page: one request, one transaction. Returns whether there is another one."""
        if not item.more or item.stored >= item.wanted:  # it was cut off before it could end
            return await self._finish(item)
        assert item.platform_id is not None, "an analysis that has a name has its profile"
        source = self._sources.open(item)
        page = await source.page(item, item.platform_id)
        if await self._store(item, page, source):
            return True
        return await self._finish(item)

    async def _store(self, item: Analysis, page: ReelPage, source: Source) -> bool:
        """Errors: UpstreamChanged for a list without end, Superseded."""
        if item.pages >= decisions.most_pages(item.wanted, self._reels_on(item, source)):
            raise UpstreamChanged("Instagram's list of reels does not end.")
        room = item.wanted - item.stored
        odd = [
            UnreadReel(one.platform_id or f"?{item.pages}-{place}", one.what, one.raw)
            for place, one in enumerate(page.unread)
        ]
        async with self._database.write() as db:
            await self._fence(db, item)
            new = [new_reel(one) for one in page.reels]
            stored, left_out = await reels.add(db, item.id, new, room)
            await analysis.turn_page(
                db,
                item.id,
                listed=page.listed,
                stored=stored,
                unread=await reels.add_unread(db, item.id, odd),
                cursor=page.next_cursor,
                more=page.next_cursor is not None or left_out > 0,
            )
        return page.next_cursor is not None and stored < room

    @staticmethod
    def _reels_on(item: Analysis, source: Source) -> int:
        """On one page, at least on average: Meta lists all posts, the app reels only."""
        return source.page_size if item.source == APP else 1

    # ------------------------------------------------------------ how it ends

    async def _finish(self, item: Analysis) -> bool:
        now = self._now()
        async with self._database.write() as db:
            await self._fence(db, item)
            current = await analysis.get(db, item.id)
            assert current is not None, "the fence has just moved it"
            if current.stored:
                await self._end(db, current, "completed", now)
            elif current.unread:
                await self._end(db, current, "failed", now, UpstreamChanged())
            else:
                await self._end(db, current, "failed", now, NoReels())
        return False

    async def _stop(self, item: Analysis, error: ReelayError) -> None:
        log.info("analysis stops", analysis=item.id, error=type(error).__name__)
        now = self._now()
        outcome = decisions.judge(error, item.tries, now)
        async with self._database.write() as db:
            if outcome.state == "failed":
                await self._end(db, item, "failed", now, _said(error))
                return
            moved = await analysis.fence(
                db,
                item,
                now,
                state=outcome.state,
                wait_until=outcome.wait_until,
                tries=outcome.tries,
                **_texts(error),
            )
            if not moved:
                return
            if isinstance(error, SessionRefused | Checkpoint):
                assert isinstance(error, InstagramError)
                await self._sources.refused(db, item, error, now)
            if outcome.state == "paused":
                once = f"analysis:{item.id}:r{item.run}:paused"
                await notices.add(
                    db, item.user_id, "analysis_paused", now, once=once, analysis_id=item.id
                )

    async def _end(
        self,
        db: Transaction,
        item: Analysis,
        state: str,
        now: datetime,
        error: ReelayError | None = None,
    ) -> None:
        """For good, with the notice that rings."""
        if await analysis.fence(
            db, item, now, state=state, wait_until=None, ended_at=now, **_texts(error)
        ):
            once = f"analysis:{item.id}:r{item.run}:ended"
            await notices.add(
                db, item.user_id, "analysis_ended", now, once=once, analysis_id=item.id
            )


def _said(error: ReelayError) -> ReelayError:
    """Meta has one answer for three reasons, and the app knows more: both are said."""
    if isinstance(error, MetaNotFound):
        return MetaNotFound(
            "Meta knows no professional account of that name: nobody is called so, or it is a "
            "personal account, or one with an age limit.",
            "Check the name. For personal accounts, connect an Instagram account with /connect: "
            "I then look as the app does.",
            said=error.said,
        )
    return error


def _texts(error: ReelayError | None) -> dict[str, Any]:
    if error is None:
        return {"error": None, "message": "", "next_step": ""}
    return {
        "error": type(error).__name__,
        "message": error.message,
        "next_step": error.next_step,
    }


def _job(item: Analysis, run: int) -> Job:
    return Job(KIND, item.id, run, 0, item.identity)
