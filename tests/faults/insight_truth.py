"""What is stored of an account's figures, held against what the stand-in told when it was read.
Used by insight_lane.py.

It asks the stand-in's truth by itself, and takes nothing from the product but the list of metrics
and the tables.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from sandbox.graph import Meta, audiences, figures_of_days
from sandbox.graph.figures_of_days import GAINED, LOST, PARTS
from sandbox.graph.own_posts import OwnPost, figure
from sandbox.graph.people import Account
from sandbox.graph.post_insights import MEASURED
from services.insights.metrics import MEDIA_METRICS, METRICS, Kind, Metric
from storage.database import Database
from storage.tables import (
    insight_media,
    insight_revisions,
    insight_values,
    media_values,
    sync_results,
    syncs,
)

DAY = timedelta(days=1)
LATE = timedelta(hours=48)
ZONES = timedelta(hours=12)  # after the UTC day of a series, until its last zone's is over
RECENT = 4  # days that every sync reads at least; of a series 7
MEASURED_FOR = 30  # days after a post
POSTS = "posts"
_EVER = datetime.min.replace(tzinfo=UTC)

Row = Any  # of the database: its columns are the table's


@dataclass(slots=True)
class Found:
    """What is not as it should be; `numbers`, `reasons` and `revisions` count what is there."""

    numbers: int = 0
    reasons: int = 0
    revisions: int = 0
    twice: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)  # that Meta would have told
    zeros: list[str] = field(default_factory=list)  # where there is no data
    wrong: list[str] = field(default_factory=list)  # not what Meta told
    stale: list[str] = field(default_factory=list)  # read last while Meta could still change it
    states: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # of syncs: it says what is not so

    def add(self, other: Found, name: str) -> None:
        for one in fields(self):
            mine, more = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, int):
                setattr(self, one.name, mine + more)
            else:
                mine += [f"{name}: {line}" for line in more]

    def bad(self) -> Iterator[str]:
        for one in fields(self):
            if isinstance(lines := getattr(self, one.name), list):
                yield from (f"{one.name}: {line}" for line in lines)


@dataclass(frozen=True, slots=True)
class Stored:
    values: Sequence[Row]
    revisions: Sequence[Row]
    media: Sequence[Row]
    media_values: Sequence[Row]
    syncs: Sequence[Row]
    results: Sequence[Row]


async def stored(database: Database) -> Stored:
    tables = (insight_values, insight_revisions, insight_media, media_values, syncs, sync_results)
    async with database.read() as db:
        return Stored(*[(await db.execute(sa.select(table))).all() for table in tables])


@dataclass(frozen=True, slots=True)
class Silence:
    """The stand-in told nothing then of the account's days; or only of older ones."""

    since: datetime
    until: datetime
    only_late: bool

    def hides(self, end: datetime, at: datetime) -> bool:
        return self.since <= at <= self.until and (not self.only_late or at < end + LATE)


def judge(
    meta: Meta,
    account: Account,
    rows: Stored,
    history_days: int,
    silences: Sequence[Silence] = (),
) -> Found:
    """Once all syncs are over and the last one was good."""
    return _Judge(meta, account, rows, history_days, silences).found


class _Judge:
    def __init__(
        self,
        meta: Meta,
        account: Account,
        rows: Stored,
        history_days: int,
        silences: Sequence[Silence],
    ) -> None:
        self.found = Found(revisions=len(rows.revisions))
        self._meta = meta
        self._account = account
        self._rows = rows
        self._silences = silences
        done = [one for one in rows.syncs if one.state == "done"]
        self._last = max(done, key=lambda one: one.id)
        whole = [one for one in done if not one.message]  # none put older days off
        self._first_day = min(one.day for one in whole) - DAY * (max(history_days, RECENT) - 1)
        self._revisions = defaultdict(list)
        for one in sorted(rows.revisions, key=lambda one: one.revision):
            self._revisions[one.value_id].append(one)
        by_metric = defaultdict(list)
        for row in rows.values:
            by_metric[_key(row)].append(row)
        self._keys(rows.values)
        for metric in METRICS:
            self._metric(metric, by_metric.pop(metric.key, []))
        self.found.wrong += [f"nobody asked for {key}" for key in by_metric]
        self._posts()
        self._log()

    def _keys(self, values: Iterable[Row]) -> None:
        for names in (
            ("metric", "period", "end_time", "breakdown"),
            ("metric", "period", "day", "breakdown"),
        ):
            keys = Counter(tuple(str(getattr(row, name)) for name in names) for row in values)
            self.found.twice += [f"{key} {n} times" for key, n in keys.items() if n > 1]

    # ------------------------------------------------------------ figures of the account

    def _metric(self, metric: Metric, rows: Sequence[Row]) -> None:
        days = defaultdict(list)
        for row in rows:
            days[row.day].append(row)
            self._row(metric, row)
        match metric.kind:
            case Kind.SNAPSHOT:
                wanted = [self._last.created_at.date()]
            case Kind.AUDIENCE:
                wanted = [max(days, default=self._last.day)]
                if (self._last.day - wanted[0]).days >= metric.every:
                    self.found.gaps.append(f"{metric.key} not read since {wanted[0]}")
            case _:
                wanted = [day for day in self._days() if self._reached(metric, day, _EVER)]
        for day in wanted:
            self._day(metric, day, days.get(day, []))

    def _days(self) -> Iterator[date]:
        day = self._first_day
        while day <= self._last.day:
            yield day
            day += DAY

    def _reached(self, metric: Metric, day: date, since: datetime) -> bool:
        """Whether a later sync could ask for it."""
        syncs = (one for one in self._rows.syncs if one.day >= day and one.created_at > since)
        return any(day >= one.created_at.date() - metric.oldest * DAY for one in syncs)

    def _day(self, metric: Metric, day: date, rows: Sequence[Row]) -> None:
        """Whether all is there that Meta tells of it now."""
        name = f"{metric.key} {day}"
        numbers = {row.breakdown for row in rows if row.value is not None}
        reasons = [row for row in rows if row.value is None]
        now = self._told(metric, day, self._last.created_at)
        if not rows:
            self.found.gaps.append(f"{name}: no row")
        elif reasons and now and not self._is_final(metric, reasons[0]):
            self.found.gaps.append(f"{name}: {reasons[0].reason}, though Meta tells {now}")
        elif numbers and now and numbers != set(now):
            self.found.gaps.append(f"{name}: {numbers}, not {set(now)}")
        if numbers and reasons:
            self.found.twice.append(f"{name}: a figure, and {reasons[0].reason}")

    def _is_final(self, metric: Metric, row: Row) -> bool:
        """Meta had told that there is none; or nobody could ask for it again."""
        nothing = row.reason == self._reason(metric, row) and row.reason != "not_yet"
        told = self._told(metric, row.day, row.read_at)
        return (nothing and not told) or not self._reached(metric, row.day, row.read_at)

    def _row(self, metric: Metric, row: Row) -> None:
        name = f"{metric.key} {row.day} {row.breakdown} read {row.read_at:%m-%d %H:%M}"
        end = self._end(metric, row.day)
        if row.value is None:
            self.found.reasons += 1
            wanted = self._reason(metric, row)
            if not self._told(metric, row.day, row.read_at) and row.reason != wanted:
                self.found.states.append(f"{name}: {row.reason}, not {wanted}")
            return
        self.found.numbers += 1
        wanted_value = self._known(metric, row, row.read_at)
        if not row.value and wanted_value != 0:
            self.found.zeros.append(name)
        elif row.value != wanted_value:
            self.found.wrong.append(f"{name}: {row.value}, not {wanted_value}")
        if row.end_time != end:
            self.found.wrong.append(f"{name}: ends {row.end_time}, not {end}")
        may_change = metric.kind in (Kind.SERIES, Kind.TOTAL)
        is_early = row.read_at < end + LATE <= self._last.created_at
        if may_change and is_early and self._reached(metric, row.day, row.read_at):
            self.found.stale.append(name)
        self._revised(metric, row, name)

    def _revised(self, metric: Metric, row: Row, name: str) -> None:
        revisions = self._revisions.get(row.id, [])
        if [one.revision for one in revisions] != list(range(row.revision)):
            self.found.wrong.append(f"{name}: {len(revisions)} revisions, not {row.revision}")
        values = [*(one.value for one in revisions), row.value]
        if any(a == b for a, b in pairwise(values)):
            self.found.wrong.append(f"{name}: revised to what it was: {values}")
        for one in revisions:
            told = self._known(metric, row, one.read_at)
            if one.value != told:
                self.found.wrong.append(
                    f"{name}: revision {one.revision}, read {one.read_at:%m-%d %H:%M}, is"
                    f" {one.value}, not {told}"
                )

    def _known(self, metric: Metric, row: Row, at: datetime) -> float | None:
        """What Meta told then, or last before, if it told nothing then."""
        told = self._told(metric, row.day, at)
        before = sorted(one.created_at for one in self._rows.syncs if one.created_at < at)
        while self._silences and not told and before:
            told = self._told(metric, row.day, before.pop())
        return told.get(row.breakdown)

    def _end(self, metric: Metric, day: date) -> datetime:
        is_total = metric.kind is not Kind.SERIES
        return figures_of_days.end_of_day(self._account, day, is_total=is_total)

    def _reason(self, metric: Metric, row: Row) -> str:
        """Where Meta told nothing when it was read."""
        followers = figures_of_days.followers(self._account, row.read_at)
        if metric.followers and followers < metric.followers:
            return "too_few"
        late = LATE + (ZONES if metric.kind is Kind.SERIES else timedelta(0))
        end = datetime.combine(row.day + DAY, datetime.min.time(), UTC)
        is_late = metric.kind in (Kind.SERIES, Kind.TOTAL) and row.read_at < end + late
        return "not_yet" if is_late else "no_data"

    def _told(self, metric: Metric, day: date, at: datetime) -> dict[str, float]:
        """{breakdown: the figure} as Meta told it then; {} where it told nothing."""
        account, truth = self._account, self._meta.truth
        if metric.kind is Kind.SNAPSHOT:
            posts = [post for post in self._posts_until(at) if post.at <= at]
            followers = figures_of_days.followers(account, at)
            field = {"followers_count": followers, "follows_count": 180, "media_count": len(posts)}
            return {"": field[metric.name]}
        followers = figures_of_days.followers(account, at)
        if followers < metric.followers:
            return {}
        of_days = metric.kind is not Kind.AUDIENCE
        for one in self._silences:
            if (of_days or not one.only_late) and one.hides(self._end(metric, day), at):
                return {}
        if metric.kind is Kind.AUDIENCE:
            parts = audiences.audience(account, metric.name, metric.breakdown, "this_month", at)
            return {f"{metric.breakdown}={part}": value for part, value in parts.items()}
        is_total = metric.kind is Kind.TOTAL
        if at < self._end(metric, day):
            return {}
        names = [""]
        if metric.name == "follows_and_unfollows":
            names = [GAINED, LOST]
        elif metric.breakdown:
            names += PARTS[metric.breakdown]
        told = {
            f"{metric.breakdown}={name}" if name else "": truth.told_at(
                account, metric.name, day, at, name, period=metric.period, is_total=is_total
            )
            for name in names
        }
        return {name: value for name, value in told.items() if value is not None}

    # ------------------------------------------------------------ own posts

    def _posts_until(self, at: datetime) -> list[OwnPost]:
        return [one for one in self._meta.own_posts.of(self._account) if one.at <= at]

    def _posts(self) -> None:
        """Each figure that is there, and none missing from the last sync."""
        known = {row.id: self._meta.own_posts.find(row.media_id) for row in self._rows.media}
        there = set()
        for row in self._rows.media_values:
            post = known[row.media_row]
            assert post is not None
            name = f"post {post.id} {row.metric} {row.day}"
            if row.day == self._last.day:
                there.add((post.id, row.metric))
            wanted = figure(post, row.metric, row.read_at - post.at) if _tells(post, row) else None
            if row.value is None:
                self.found.reasons += 1
                if wanted is not None and row.day == self._last.day:
                    self.found.gaps.append(f"{name}: {row.reason}, though Meta tells {wanted}")
                continue
            self.found.numbers += 1
            if row.value != wanted:
                wrong = self.found.wrong if row.value else self.found.zeros
                wrong.append(f"{name}: {row.value}, not {wanted}")
        began = self._last.created_at
        for post in self._posts_until(began):
            if post.at >= began - DAY * MEASURED_FOR:
                missing = [
                    name
                    for name in MEDIA_METRICS[post.product]
                    if (post.id, name) not in there and name in MEASURED[post.product]
                ]
                self.found.gaps += [f"post {post.id} {name}: no row" for name in missing]

    # ------------------------------------------------------------ the log

    def _log(self) -> None:
        """What the syncs say they did is what is there."""
        for sync in self._rows.syncs:
            if sync.state not in ("done", "failed", "canceled") or sync.ended_at is None:
                self.found.log.append(f"sync {sync.id} is {sync.state}")
            if sync.state == "failed" and not (sync.error and sync.message and sync.next_step):
                self.found.log.append(f"sync {sync.id} failed without a word")
        told: dict[str, Counter[str]] = defaultdict(Counter)
        for one in self._rows.results:
            if one.error and not one.message:
                self.found.log.append(f"sync {one.sync_id} {one.metric}: {one.error}, no words")
            for name in ("fetched", "written", "revised", "skipped"):
                told[one.metric][name] += getattr(one, name)
        there: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self._rows.values:
            there[_key(row)]["written" if row.value is not None else "skipped"] += 1
            there[_key(row)]["revised"] += len(self._revisions.get(row.id, []))
        for row in self._rows.media_values:
            there[POSTS]["written" if row.value is not None else "skipped"] += 1
        for metric in {*told, *there}:
            says, has = told[metric], there[metric]
            is_true = says["written"] == has["written"] and says["revised"] == has["revised"]
            if not is_true or says["skipped"] < has["skipped"] or says["fetched"] < says["written"]:
                self.found.log.append(f"{metric}: it says {dict(says)}, there are {dict(has)}")


def _key(row: Row) -> str:
    """As metrics.Metric.key."""
    if row.period in ("week", "days_28"):
        return f"{row.metric}.{row.period}"
    if row.period == "lifetime":
        return f"{row.metric}.{row.breakdown.partition('=')[0]}"
    return str(row.metric)


def _tells(post: OwnPost, row: Row) -> bool:
    is_old_video = (post.type, post.product) == ("VIDEO", "FEED")
    return row.metric in MEASURED[post.product] and not (is_old_video and row.metric == "views")
