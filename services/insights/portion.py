"""One portion of a sync: asks Meta for what is due, an answer at a time, and stores each.

Called by the sync's job, which decides what an end of it means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from services.clock import Now
from services.errors import (
    MetaError,
    MetaRateLimited,
    MetaUnavailable,
    PermissionMissing,
    TokenRefused,
)
from services.graph.account import Account
from services.graph.insights import account_figures, snapshot
from services.graph.usage import Pace, Usage
from services.insights import plan as plans
from services.insights import reading
from services.insights.metrics import AUDIENCES, METRICS, NOW, Kind, Metric
from services.insights.plan import Ask
from services.insights.posts import Posts, PostsRead
from services.insights.reading import Read
from storage import insights, notices, syncs
from storage.database import Database, Transaction
from storage.insights import Held, InsightAccount
from storage.syncs import Sync, SyncResult

REQUESTS = 25  # of one portion; then others of the queue have their turn
POSTS = "posts"  # their line in the log
SNAPSHOT = tuple(metric for metric in METRICS if metric.kind is Kind.SNAPSHOT)
_PATIENCE = 2  # requests in a row that Meta is too unwell for
_OLDEST = timedelta(days=730)
_DAY = timedelta(days=1)


class Superseded(Exception):
    """Canceled, deleted, or another run is at it: this one ends without a word."""


class Round(StrEnum):
    """How a portion ended."""

    MORE = "more"
    OVER = "over"  # nothing is due any more
    SLOW = "slow"  # nothing that should be asked for while Meta's allowance is nearly used up
    HELD_BACK = "held_back"  # the allowance is used up, but for what people wait for
    UNWELL = "unwell"  # `unwell` is still due, in another round


class Portion:
    """`first_day`: to which the back-fill reaches. `unwell`: where Meta was so for something that
    is still due."""

    def __init__(
        self,
        database: Database,
        now: Now,
        sync: Sync,
        account: InsightAccount,
        zone: ZoneInfo,
        meta: Account,
        first_day: date,
    ) -> None:
        self._database = database
        self._now = now
        self._sync = sync
        self._account = account
        self._zone = zone
        self._meta = meta
        self._first_day = first_day
        self._posts = Posts(database, now)
        self._held: list[Held] = []
        self._left_out: set[str] = set()  # keys of metrics that failed in this sync or round
        self._refused: set[str] = set()  # of these, those that no other round asks for
        self._in_a_row = 0
        self.unwell: MetaUnavailable | None = None

    @property
    def usage(self) -> Usage | None:
        return self._meta.usage

    async def read(self) -> Round:
        """Errors: TokenRefused, MetaRateLimited, Superseded; NotWritten, Unavailable."""
        asks = await self._plan()
        await self._begin(len(asks))
        asked, is_slow = 0, False
        for ask in asks:
            if ask.metric.key in self._left_out:
                continue
            if self._pace is Pace.SLOW and not plans.is_recent(
                ask.metric, ask.last, self._sync.day
            ):
                is_slow = True
                continue
            if asked == REQUESTS:
                return Round.MORE
            asked += 1
            await self._ask(ask)
            if self._in_a_row == _PATIENCE:
                return Round.UNWELL
            if self._pace is Pace.STOP:
                return Round.HELD_BACK
        return await self._read_posts(max(REQUESTS - asked, 1), is_slow=is_slow)

    async def give_up(self, error: MetaUnavailable) -> None:
        """What is due of the last days has failed; the next sync asks again."""
        await self._plan()
        due = await asyncio.to_thread(self._all_due)
        await self._store_refused(due, error, requests=0)
        await self._posts.give_up(
            self._account.id, self._sync.day, self._sync.created_at, error, self._note_posts
        )

    @property
    def _pace(self) -> Pace:
        return self._meta.usage.pace if self._meta.usage else Pace.GO

    # ------------------------------------------------------------ what is due

    async def _plan(self) -> list[Ask]:
        since = self._today() - _OLDEST
        async with self._database.read() as db:
            self._held = await insights.held(db, self._account.id, since, AUDIENCES)
            results = (await syncs.results(db, [self._sync.id]))[self._sync.id]
        errors = {one.metric: one.error for one in results if one.error is not None}
        self._left_out = set(errors)
        self._refused = {key for key, one in errors.items() if one != MetaUnavailable.__name__}
        if MetaUnavailable.__name__ in errors.values():
            self.unwell = MetaUnavailable()
        metrics = [metric for metric in METRICS if metric.key not in self._left_out]
        return await asyncio.to_thread(self._asks, metrics)  # two years of days

    def _asks(self, metrics: Sequence[Metric]) -> list[Ask]:
        sync = self._sync
        return plans.plan(
            metrics, self._held, sync.day, self._first_day, sync.created_at, self._today()
        )

    def _all_due(self) -> dict[Metric, list[date]]:
        """`_due` of each metric that Meta was only too unwell for, if any."""
        asked = [metric for metric in METRICS if metric.key not in self._refused]
        return {metric: days for metric in asked if (days := self._due(metric))}

    def _due(self, metric: Metric, ask: Ask | None = None) -> list[date]:
        """Of its last days, to which a refusal is written, and what was asked; newest first."""
        since = self._sync.day - plans.SPREAD * _DAY
        asks = self._asks([metric])
        if metric.kind is Kind.SNAPSHOT:
            return [self._today()] if asks else []
        days = {one for due in asks for one in due.days if one > since}
        return sorted(days.union(ask.days if ask else ()), reverse=True)

    def _today(self) -> date:
        """At Meta."""
        return self._now().date()

    # ------------------------------------------------------------ one request

    async def _ask(self, ask: Ask) -> None:
        """Errors: TokenRefused, MetaRateLimited, Superseded; NotWritten, Unavailable."""
        metrics = SNAPSHOT if ask.metric.kind is Kind.SNAPSHOT else (ask.metric,)
        try:
            found = await self._answer(ask)
        except (TokenRefused, MetaRateLimited):
            raise
        except MetaUnavailable as error:
            self.unwell = error
            self._in_a_row += 1
            await self._note_error(metrics, error)
        except MetaError as error:
            self._in_a_row = 0
            await self._store_refused({metric: self._due(metric, ask) for metric in metrics}, error)
        else:
            self._in_a_row = 0
            await self._store(found)

    async def _answer(self, ask: Ask) -> Sequence[Read]:
        """Errors: MetaError."""
        if ask.metric.kind is Kind.SNAPSHOT:
            told = await snapshot(self._meta)
            return reading.read_snapshot(SNAPSHOT, told, self._now())
        figures = await account_figures(self._meta, reading.question(ask, self._now()))
        followers = await self._followers(ask.metric)
        return [reading.read(ask, figures, self._zone, self._now(), followers)]

    async def _followers(self, metric: Metric) -> float | None:
        """As they were last told, where the metric wants some."""
        if not metric.followers:
            return None
        async with self._database.read() as db:
            return await insights.newest(db, self._account.id, SNAPSHOT[0].name, NOW)

    # ------------------------------------------------------------ one transaction

    async def _store(self, found: Sequence[Read]) -> None:
        now = self._now()
        async with self._database.write() as db:
            await self._fence(db, now, requests=1, tries=0, idle_runs=0)
            for read in found:
                await self._write(db, read, now)

    async def _store_refused(
        self, due: dict[Metric, list[date]], error: MetaError, *, requests: int = 1
    ) -> None:
        """Nothing more is asked of these metrics in this sync."""
        self._left_out |= {metric.key for metric in due}
        reads = [
            reading.refused(metric, days, error, await self._followers(metric))
            for metric, days in due.items()
        ]
        now = self._now()
        async with self._database.write() as db:
            await self._fence(db, now, requests=requests, idle_runs=0)
            if isinstance(error, PermissionMissing):
                await self._tell(db, now)
            for read in reads:
                await self._write(db, read, now, error)

    async def _write(
        self, db: Transaction, read: Read, now: datetime, error: MetaError | None = None
    ) -> None:
        """Errors: NotWritten."""
        metric = read.metric
        written = await insights.write(
            db,
            self._account.id,
            metric.name,
            metric.period,
            read.figures,
            read.gaps,
            now,
            revises=metric.kind is not Kind.SNAPSHOT,
            answered=error is None,
        )
        result = SyncResult(
            metric.key,
            fetched=len(read.figures),
            written=written.new,
            revised=written.revised,
            skipped=len(read.gaps),
            **_told(error),
        )
        await syncs.note(db, self._sync.id, result)

    async def _note_error(self, metrics: Sequence[Metric], error: MetaError) -> None:
        self._left_out |= {metric.key for metric in metrics}
        async with self._database.write() as db:
            await self._fence(db, self._now(), requests=1)
            for metric in metrics:
                await syncs.note(db, self._sync.id, SyncResult(metric.key, **_told(error)))

    async def _begin(self, to_ask: int) -> None:
        if self._sync.state == "pending":
            async with self._database.write() as db:
                await self._fence(db, self._now(), state="running", to_ask=to_ask)

    async def _tell(self, db: Transaction, now: datetime) -> None:
        """The account's person, unless it was so before."""
        if not await syncs.was_so_before(db, self._sync, PermissionMissing.__name__):
            once = f"insights_permission:{self._sync.id}"
            data = {"account_id": self._account.id, "account": self._account.username}
            await notices.add(
                db, self._account.user_id, "insights_permission", now, once=once, **data
            )

    async def _fence(self, db: Transaction, now: datetime, **to: Any) -> None:
        """Errors: Superseded."""
        if not await syncs.fence(db, self._sync, now, **to):
            raise Superseded

    # ------------------------------------------------------------ own posts

    async def _read_posts(self, budget: int, *, is_slow: bool) -> Round:
        """After the account's own figures."""
        try:
            read = await self._posts.read(
                self._meta,
                self._account.id,
                self._sync.day,
                self._sync.created_at,
                budget,
                self._note_posts,
            )
        except MetaUnavailable as error:
            self.unwell = error
            return Round.UNWELL
        if self._pace is Pace.STOP and read.more:
            return Round.HELD_BACK
        if read.more:
            return Round.MORE
        if self.unwell is not None:
            return Round.UNWELL
        return Round.SLOW if is_slow else Round.OVER

    async def _note_posts(self, db: Transaction, read: PostsRead) -> None:
        """Part of each transaction of theirs. Errors: Superseded."""
        progress = {"tries": 0, "idle_runs": 0} if read.fetched + read.skipped else {}
        await self._fence(db, self._now(), requests=read.requests, **progress)
        result = SyncResult(
            POSTS,
            fetched=read.fetched,
            written=read.written,
            skipped=read.skipped,
            **_told(read.errors[0] if read.errors else None),
        )
        await syncs.note(db, self._sync.id, result)


def _told(error: MetaError | None) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": error.message} if error else {}
