"""What a person does with analyses: begins, stops, looks at and deletes them.

Called by bot/analysis and services.web. Every step is one conditional transaction, so a double tap
or a tap on an old card does nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.analysis.names import read_name
from services.analysis.sources import Sources, Way
from services.analysis.views import View, profile_of, reel_of
from services.clock import Now
from services.errors import BadInput, NotAllowed, Remedy
from services.instagram.profiles import Reel
from services.jobs.engine import Engine, Job
from storage import analysis, audit, connections, meta_accounts, people, reels, reports
from storage.analysis import STOPPED, UNFINISHED, Analysis
from storage.database import Database

KIND = "analyze"
FRESH = timedelta(hours=24)  # a newer one is offered instead of another look
DAY = timedelta(days=1)
CHUNK = 500  # reels that are read at once


@dataclass(frozen=True, slots=True)
class Begun:
    """`from_archive`: nothing was begun, this is the one of the last 24 hours."""

    analysis_id: int
    from_archive: bool


class AlreadyAnalysing(BadInput):
    """`analysis_id`: the one that is unfinished."""

    def __init__(self, analysis_id: int) -> None:
        super().__init__("That profile is being analysed already.", "Here it is.")
        self.analysis_id = analysis_id


class TooManyToday(BadInput):
    """`free_at`: when another one may begin, aware UTC; show it in the person's zone."""

    remedy = Remedy.WAIT_UNTIL

    def __init__(self, limit: int, free_at: datetime) -> None:
        super().__init__(
            f"You have begun {limit} analyses within a day, which is the most: each asks "
            "Instagram for many pages.",
            "Open /reports for those that are there, or come back later.",
        )
        self.free_at = free_at


class Analysing:
    """`per_day`: analyses that one person may begin within 24 hours. `reel_limit`: reels of one
    profile, the newest. `keep_days`: how long those of other people's profiles are kept."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        sources: Sources,
        now: Now,
        *,
        per_day: int = 10,
        reel_limit: int = 500,
        keep_days: int = 90,
    ) -> None:
        self._database = database
        self._engine = engine
        self._sources = sources
        self._now = now
        self._per_day = per_day
        self._reel_limit = reel_limit
        self._keep = timedelta(days=keep_days)

    # ------------------------------------------------------------ begin

    async def begin(self, user_id: int, text: str, *, anew: bool = False) -> Begun:
        """`text`: @name, name or the address of a profile. `anew`: not from the archive.

        Errors: BadInput, AlreadyAnalysing, TooManyToday; SessionRefused, NotAllowed where there is
        no account to look with.
        """
        name = read_name(text)
        now = self._now()
        async with self._database.read() as db:
            running = await analysis.unfinished(db, user_id, name)
            recent = await analysis.completed(db, user_id, name, now - FRESH)
        if running is not None:
            raise AlreadyAnalysing(running)
        if recent is not None and not anew:
            return Begun(recent.id, from_archive=True)
        way = (await self._sources.ways(user_id))[0]
        async with self._database.write() as db:
            await people.lock(db, user_id)  # or two at once would both be the last of the day
            begun = await analysis.begun_since(db, user_id, now - DAY)
            if len(begun) >= self._per_day:
                raise TooManyToday(self._per_day, begun[-self._per_day] + DAY)
            made = await analysis.start(
                db, user_id, name, now, wanted=self._reel_limit, **way.columns()
            )
            if made is None:  # another tap was faster
                raise AlreadyAnalysing(await analysis.unfinished(db, user_id, name) or 0)
            await audit.note(db, user_id, analysis.BEGAN, f"@{name}", now)
        analysis_id, run = made
        await self._engine.enqueue(Job(KIND, analysis_id, run, 0, way.identity))
        return Begun(analysis_id, from_archive=False)

    # ------------------------------------------------------------ stop and go

    async def cancel(self, user_id: int, analysis_id: int) -> bool:
        """What was read is kept, and can be looked at. False: it has ended. Errors: NotAllowed."""
        await self._mine(user_id, analysis_id)
        now = self._now()
        async with self._database.write() as db:
            return await analysis.move(
                db,
                analysis_id,
                now,
                from_states=UNFINISHED,
                state="canceled",
                wait_until=None,
                ended_at=now,
            )

    async def cancel_all(self, user_id: int) -> None:
        async with self._database.read() as db:
            items = await analysis.all_unfinished(db, user_id)
        for item in items:
            await self.cancel(user_id, item.id)

    async def resume(self, user_id: int, analysis_id: int) -> bool:
        """Goes on at the page where it stopped; from the beginning where nothing is stored, or by
        another way if the account that looked is gone. False: it is at it, or has ended for good.

        Errors: NotAllowed, SessionRefused, AlreadyAnalysing.
        """
        item = await self._mine(user_id, analysis_id)
        ways = await self._sources.ways(user_id)
        same = [way for way in ways if _is_way_of(item, way)]
        way = (same or [one for one in ways if one.source == item.source] or ways)[0]
        now = self._now()
        async with self._database.write() as db:
            other = await analysis.unfinished(db, user_id, item.asked)
            if other not in (None, analysis_id):
                raise AlreadyAnalysing(other or 0)
            moved = await analysis.move(
                db,
                analysis_id,
                now,
                run=item.run,
                from_states=(*STOPPED, "failed"),
                new_run=True,
                state="processing" if item.started_at else "pending",
                wait_until=None,
                ended_at=None,
                error=None,
                message="",
                next_step="",
                tries=0,
                idle_runs=0,
                **way.columns(),
            )
            if moved and (way.source != item.source or not item.stored):
                await analysis.begin_anew(db, analysis_id)
        if moved:
            await self._engine.enqueue(Job(KIND, analysis_id, item.run + 1, 0, way.identity))
        return moved

    async def delete(self, user_id: int, analysis_id: int) -> None:
        """With its reels and the addresses of its pages, at once. Errors: NotAllowed."""
        await self._mine(user_id, analysis_id)
        async with self._database.write() as db:
            await analysis.delete(db, analysis_id)

    async def sweep(self) -> int:
        """From the clock: what is older than its time goes. Returns how many."""
        now = self._now()
        async with self._database.write() as db:
            await reports.drop_expired(db, now)
            old = await analysis.expired(db, now - self._keep)
        for analysis_id in old:  # one at a time: each may hold thousands of reels
            async with self._database.write() as db:
                await analysis.delete(db, analysis_id)
        return len(old)

    # ------------------------------------------------------------ look

    async def _mine(self, user_id: int, analysis_id: int) -> Analysis:
        async with self._database.read() as db:
            item = await analysis.get(db, analysis_id)
        if item is None or item.user_id != user_id:
            raise NotAllowed("That analysis is gone.", "Open /reports for those that are there.")
        return item

    async def view(self, user_id: int, analysis_id: int) -> View:
        """Errors: NotAllowed."""
        return (await self._views([await self._mine(user_id, analysis_id)]))[0]

    async def latest(self, user_id: int, limit: int = 8, offset: int = 0) -> list[View]:
        """Newest first."""
        async with self._database.read() as db:
            items = await analysis.latest(db, user_id, limit, offset)
        return await self._views(items)

    async def previous(self, user_id: int, analysis_id: int) -> View | None:
        """The completed one of the same profile before this one. Errors: NotAllowed."""
        item = await self._mine(user_id, analysis_id)
        async with self._database.read() as db:
            found = await analysis.before(db, item)
        return (await self._views(found))[0] if found else None

    async def archived(self, user_id: int, text: str) -> View | None:
        """The newest completed one of this profile, of any age. Errors: BadInput."""
        async with self._database.read() as db:
            found = await analysis.completed(db, user_id, read_name(text))
        return (await self._views([found]))[0] if found else None

    async def _views(self, items: list[Analysis]) -> list[View]:
        """Two queries, however many."""
        async with self._database.read() as db:
            sessions = await connections.of_ids(
                db, {item.connection_id for item in items if item.connection_id}
            )
            logins = await meta_accounts.of_ids(
                db, {item.meta_id for item in items if item.meta_id}
            )
        views = []
        for item in items:
            session = sessions.get(item.connection_id or 0)
            login = logins.get(item.meta_id or 0)
            account = session.label if session else f"@{login.username}" if login else ""
            views.append(View(item, profile_of(item), account))
        return views

    # ------------------------------------------------------------ reels

    async def reels(self, user_id: int, analysis_id: int) -> AsyncIterator[Reel]:
        """Newest first, in constant memory, also while it runs; without what the platform sent.

        Errors: NotAllowed, also where it is deleted meanwhile.
        """
        await self._mine(user_id, analysis_id)
        after: reels.Place | None = None
        while True:
            async with self._database.read() as db:
                rows = await reels.chunk(db, analysis_id, after, CHUNK)
            for row in rows:
                yield reel_of(row)
            if len(rows) < CHUNK:
                break
            after = (rows[-1].taken_at, rows[-1].id)
        await self._mine(user_id, analysis_id)

    async def all_reels(self, user_id: int, analysis_id: int) -> list[Reel]:
        """For figures of the whole; without their raw form. Errors: NotAllowed."""
        return [reel async for reel in self.reels(user_id, analysis_id)]


def _is_way_of(item: Analysis, way: Way) -> bool:
    ids = (way.source, way.connection_id, way.meta_id)
    return ids == (item.source, item.connection_id, item.meta_id)
