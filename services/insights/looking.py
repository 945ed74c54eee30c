"""An account's own figures with all that can be said of them: read, and computed off the event
loop.

Called by the chat and by the page; what is computed is pure and stands in figures and best.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.clock import Now
from services.errors import BadInput
from services.insights.best import TOLD, Board, Ranking, best_posts, best_stories, board
from services.insights.days import DAY as A_DAY
from services.insights.days import last_day
from services.insights.digest import Digest, digest
from services.insights.figures import Figure, Span, figure, rolling_of, span_of
from services.insights.metrics import AUDIENCES, BY_KEY, DAY, LIFETIME, NOW, Kind, Metric
from services.insights.service import Insights, zone_of
from storage import insight_reads, syncs
from storage.database import Database, Transaction
from storage.insight_reads import Value
from storage.insights import InsightAccount
from storage.syncs import Sync, SyncResult

DAYS = (7, 28, 90)
# of the overview and of the digest, in this order
HEADLINES = (
    "reach",
    "views",
    "followers_count",
    "follows_and_unfollows",
    "accounts_engaged",
    "total_interactions",
    "profile_views",
    "profile_links_taps",
)
_HEADLINES = [BY_KEY[key] for key in HEADLINES]
# those with a chart of days; keys of metrics.BY_KEY
CHARTED = tuple(
    key
    for key, metric in BY_KEY.items()
    if metric.kind is not Kind.AUDIENCE and metric.period in (DAY, NOW)
)
FOLLOWERS, ENGAGED = "follower_demographics", "engaged_audience_demographics"
MOST = 2_000  # posts, or stories, of a span that are looked at; Meta allows 100 a day


@dataclass(frozen=True, slots=True)
class Sight:
    """One metric over some days. `revisions`: how many of the shown days Meta has changed.
    `sync`: the last one, None if there was none. `missed`: what that says of this metric if it
    could not read it."""

    account: InsightAccount
    days: int
    figure: Figure
    revisions: int
    sync: Sync | None
    missed: SyncResult | None = None

    @property
    def metric(self) -> Metric:
        return self.figure.metric


@dataclass(frozen=True, slots=True)
class Overview:
    """A line for each of HEADLINES. `span`: the days that are over."""

    account: InsightAccount
    days: int
    span: Span
    figures: tuple[Figure, ...]
    sync: Sync | None


@dataclass(frozen=True, slots=True)
class Best:
    """What was posted in `span`, on the clock of the account's person."""

    account: InsightAccount
    days: int
    span: Span
    posts: Ranking
    stories: Ranking


@dataclass(frozen=True, slots=True)
class Audience:
    """One board for each of metrics.AUDIENCES. `who`: FOLLOWERS or ENGAGED."""

    account: InsightAccount
    who: str
    boards: tuple[Board, ...]


class Looking:
    """Every call: `account_id` 0 is the first account of the person. Errors: NotAllowed; BadInput
    for days or a metric that are not offered."""

    def __init__(self, database: Database, insights: Insights, now: Now) -> None:
        self._database = database
        self._insights = insights
        self._now = now

    async def sight(self, user_id: int, account_id: int, metric_key: str, days: int) -> Sight:
        [found] = await self.sights(user_id, account_id, [metric_key], days)
        return found

    async def sights(
        self, user_id: int, account_id: int, metric_keys: Sequence[str], days: int
    ) -> list[Sight]:
        """Of several metrics, with the queries of one."""
        if not set(metric_keys) <= set(CHARTED):
            raise BadInput("There is no chart of that.", "Choose from those that are offered.")
        _check(days)
        now = self._now()
        account = await self._insights.one(user_id, account_id)
        async with self._database.read() as db:
            last = last_day(now, await zone_of(db, account))
            metrics = [BY_KEY[key] for key in metric_keys]
            spans = {metric: span_of(metric, last, days, now) for metric in metrics}
            rows = await _rows(db, account, spans)
            sync = await _last_sync(db, account)
            missed = await _missed(db, sync)
        found = await asyncio.to_thread(_figures, spans, rows, now)
        return [
            Sight(account, days, one, _revisions(one), sync, missed.get(one.metric.key))
            for one in found
        ]

    async def overview(self, user_id: int, account_id: int, days: int) -> Overview:
        _check(days)
        now = self._now()
        account = await self._insights.one(user_id, account_id)
        async with self._database.read() as db:
            last = last_day(now, await zone_of(db, account))
            spans = {metric: span_of(metric, last, days, now) for metric in _HEADLINES}
            rows = await _rows(db, account, spans)
            sync = await _last_sync(db, account)
        found = await asyncio.to_thread(_figures, spans, rows, now)
        return Overview(account, days, Span.until(last, days), tuple(found), sync)

    async def best(self, user_id: int, account_id: int, days: int) -> Best:
        _check(days)
        now = self._now()
        account = await self._insights.one(user_id, account_id)
        async with self._database.read() as db:
            zone = await zone_of(db, account)
            span = Span.until(last_day(now, zone), days)
            posts, stories = await _rankings(db, account, span, zone, now)
        return Best(account, days, span, posts, stories)

    async def audience(self, user_id: int, account_id: int, who: str = FOLLOWERS) -> Audience:
        if who not in (FOLLOWERS, ENGAGED):
            raise BadInput("There is no such audience.", "Choose from those that are offered.")
        account = await self._insights.one(user_id, account_id)
        async with self._database.read() as db:
            rows = await insight_reads.audience(db, account.id, who, LIFETIME, AUDIENCES)
        boards = [board(BY_KEY[f"{who}.{of}"], rows) for of in AUDIENCES]
        return Audience(account, who, tuple(boards))

    async def digest(self, user_id: int, account_id: int, week: date) -> Digest:
        """`week`: its Monday."""
        now, span = self._now(), Span(week, week + timedelta(6))
        account = await self._insights.one(user_id, account_id)
        async with self._database.read() as db:
            zone = await zone_of(db, account)
            # a level is read in the morning after
            later = Span(span.first + A_DAY, span.last + A_DAY)
            spans = {
                metric: later if metric.kind is Kind.SNAPSHOT else span for metric in _HEADLINES
            }
            rows = await _rows(db, account, spans)
            posts, stories = await _rankings(db, account, span, zone, now)
        figures = await asyncio.to_thread(_figures, spans, rows, now)
        return digest(account, span, figures, posts, stories)


def _check(days: int) -> None:
    if days not in DAYS:
        raise BadInput(f"There is no view of {days} days.", "Choose from those that are offered.")


async def _rows(
    db: Transaction, account: InsightAccount, spans: Mapping[Metric, Span]
) -> list[Value]:
    """What the figures of these spans are made of, with one query."""
    wanted = {(metric.name, metric.period) for metric in spans}
    wanted |= {
        (rolling.name, rolling.period)
        for metric, span in spans.items()
        if (rolling := rolling_of(metric, span)) is not None
    }
    first = min(span.before.first for span in spans.values())
    last = max(span.last for span in spans.values())
    return await insight_reads.values(db, account.id, wanted, first, last)


def _figures(spans: Mapping[Metric, Span], rows: Sequence[Value], now: datetime) -> list[Figure]:
    by_name: dict[str, list[Value]] = {}
    for row in rows:
        by_name.setdefault(row.metric, []).append(row)
    return [
        figure(metric, by_name.get(metric.name, []), span, now) for metric, span in spans.items()
    ]


async def _rankings(
    db: Transaction, account: InsightAccount, span: Span, zone: ZoneInfo, now: datetime
) -> tuple[Ranking, Ranking]:
    begin = datetime.combine(span.first, time(), zone)
    end = datetime.combine(span.last + timedelta(1), time(), zone)
    posts = await insight_reads.posts(db, account.id, begin, end, MOST, TOLD)
    stories = await insight_reads.live_stories(
        db, account.user_id, account.identity, begin, end, MOST, TOLD
    )
    return best_posts(posts, now), best_stories(stories, now)


def _revisions(found: Figure) -> int:
    return sum(point.revision > 0 for point in found.series.points)


async def _last_sync(db: Transaction, account: InsightAccount) -> Sync | None:
    found = await syncs.latest(db, account.id, 1)
    return found[0] if found else None


async def _missed(db: Transaction, sync: Sync | None) -> dict[str, SyncResult]:
    """By metric: those that this sync could not read."""
    if sync is None:
        return {}
    results = await syncs.results(db, [sync.id])
    return {one.metric: one for one in results[sync.id] if one.error}
