"""What the stored values of a metric say about a span of days, against the span before. Pure.

Called by looking, digest and, for their types, by the chat and the page. Nothing here is text for
people: what can't be said is None, with its reason. A day without a number counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from services.insights import days as calendar
from services.insights.metrics import BY_KEY, DAYS_28, NOW, WEEK, Adds, Kind, Metric, is_forgotten
from services.insights.states import Reason, State, may_change, state_of
from storage.insight_reads import Value

Number = int | float

FOLLOWS = "follows_and_unfollows"
GAINED, LOST = "follow_type=FOLLOWER", "follow_type=NON_FOLLOWER"
REACH = BY_KEY["reach"]
ENOUGH = 3 / 4  # of the days of both spans must be known for their means to be compared
UNIQUE = {7: f"reach.{WEEK}", 28: f"reach.{DAYS_28}"}  # days: Meta's own figure for so many


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days, both ends in it."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, days: int) -> Span:
        return cls(last - timedelta(days - 1), last)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Span:
        """As many days, right before it."""
        return Span.until(self.first - calendar.DAY, self.days)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def each(self) -> list[date]:
        return [self.first + timedelta(n) for n in range(self.days)]


@dataclass(frozen=True, slots=True)
class Point:
    """A day. `value` None: `reason` says why; where that is None too, nobody has asked yet. `said`:
    Meta's words, foreign. `revision`: how often Meta has changed it. `may_change`: Meta may still
    correct it, or tell it. `read_at`: None if it was never asked for."""

    day: date
    state: State
    value: Number | None
    reason: Reason | None
    said: str = ""
    revision: int = 0
    may_change: bool = False
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A point for each day of a span, oldest first."""

    metric: Metric
    points: tuple[Point, ...]

    @property
    def known(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.value is not None)

    @property
    def values(self) -> tuple[float | None, ...]:
        """For a chart: None is a gap."""
        return tuple(point.value for point in self.points)

    @property
    def may_change(self) -> tuple[bool, ...]:
        """Beside `values`: which numbers may still change."""
        return tuple(point.value is not None and point.may_change for point in self.points)


class What(StrEnum):
    """What the one figure of a span is."""

    SUM = "sum"  # of the known days
    MEAN = "mean"  # per known day
    LAST = "last"  # the newest level
    UNIQUE = "unique"  # Meta's own for as many days: each account once


@dataclass(frozen=True, slots=True)
class Gap:
    """`reason` None: nobody has asked yet."""

    reason: Reason | None
    days: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`value` None: nothing is known. `known` of `of` days have a number (of Meta's own figure: 1
    of 1). `day`: of LAST and UNIQUE, the day that it is of, or that it ends with. `may_change`:
    part of it may. `gaps`: the days without a number; the most common reason first."""

    what: What
    value: Number | None
    known: int
    of: int
    day: date | None = None
    may_change: bool = False
    gaps: tuple[Gap, ...] = ()

    @property
    def whole(self) -> bool:
        return self.known == self.of


class Why(StrEnum):
    """Why there is no comparison, or no percentage."""

    NOTHING_NOW = "nothing_now"
    NOTHING_BEFORE = "nothing_before"
    GAPS = "gaps"  # too many days without a number
    NOT_ABOVE_ZERO = "not_above_zero"  # before: there is a difference, but no percentage of it


@dataclass(frozen=True, slots=True)
class Change:
    """Against the span before. `ratio`: 0.25 is a quarter more; None: `why` says. `difference`: in
    the metric's own unit, of what `by` says; None where nothing can be compared."""

    ratio: float | None
    difference: Number | None = None
    by: What | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Of a metric that is told in parts. `name`: "follow_type=FOLLOWER"."""

    name: str
    summary: Summary


@dataclass(frozen=True, slots=True)
class Follows:
    """Accounts that followed and that stopped; `net` counts the days on which both are known."""

    gained: Summary
    lost: Summary
    net: Summary


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric over a span. `headline`: of unique accounts Meta's own figure, where Meta has one
    for so many days; else as `daily`, which is made of the days. `before`: the headline of the span
    before. `follows`: of that metric only, whose days are the net."""

    metric: Metric
    span: Span
    series: Series
    headline: Summary
    daily: Summary
    before: Summary
    change: Change
    parts: tuple[Part, ...] = ()
    follows: Follows | None = None


# ---------------------------------------------------------------- days


def series(metric: Metric, rows: Iterable[Value], span: Span, now: datetime) -> Series:
    """`rows`: any; those of other metrics and days are passed over. `now`: aware."""
    by_day: dict[date, list[Value]] = {}
    for row in rows:
        if _is_of(row, metric) and row.day in span:
            by_day.setdefault(row.day, []).append(row)
    return Series(metric, tuple(_point(metric, day, by_day.get(day), now) for day in span.each()))


def part(of: Metric, name: str, rows: Iterable[Value], span: Span, now: datetime) -> Series:
    """The days of one part alone."""
    mine: dict[date, Value] = {}
    for row in rows:
        if _is_of(row, of) and row.day in span and row.breakdown == name and row.value is not None:
            known = mine.get(row.day)
            mine[row.day] = _newer(known, row) if known else row
    points = (_told(mine[day], now) if day in mine else absent(of, day, now) for day in span.each())
    return Series(of, tuple(points))


def absent(metric: Metric, day: date, now: datetime) -> Point:
    """Of a day that nothing is stored of."""
    end = calendar.end_of(day)
    if metric.kind is Kind.SNAPSHOT:
        reason: Reason | None = Reason.NOT_READ if now >= end else Reason.NOT_YET
    elif may_change(end, now):
        reason = Reason.NOT_YET
    elif is_forgotten(metric.name, metric.period, day, now):
        reason = Reason.NOT_READ
    else:
        reason = None
    state = State.NOT_YET if reason is None else state_of(reason)
    return Point(day, state, None, reason, may_change=state is State.NOT_YET)


def reason_of(row: Value, now: datetime) -> Reason | None:
    """Why it is no number, as of now: Meta is not asked any more for what it has forgotten, so that
    it does not come, and nothing tries again."""
    reason = Reason(row.reason) if row.reason else None
    if reason in (Reason.NOT_YET, Reason.FAILED) and is_forgotten(
        row.metric, row.period, row.day, now
    ):
        return Reason.NOT_READ
    return reason


def _is_of(row: Value, metric: Metric) -> bool:
    return row.metric == metric.name and row.period == metric.period


def _newer(one: Value, other: Value) -> Value:
    """Two readings of one day: Meta has moved the end of its day, or the account its zone."""
    return max(one, other, key=lambda row: (row.read_at, row.end_time))


def _point(metric: Metric, day: date, rows: Sequence[Value] | None, now: datetime) -> Point:
    if not rows:
        return absent(metric, day, now)
    told: dict[str, Value] = {}
    why: Value | None = None
    for row in rows:
        if row.value is None:
            why = _newer(why, row) if why else row
        else:
            known = told.get(row.breakdown)
            told[row.breakdown] = _newer(known, row) if known else row
    if metric.name == FOLLOWS:
        if GAINED in told and LOST in told:
            gained, lost = told[GAINED], told[LOST]
            return _together([gained, lost], _value(gained) - _value(lost), now)
    elif "" in told:
        return _told(told[""], now)
    elif told and metric.adds is Adds.SUM:  # told in parts only
        return _together(list(told.values()), sum(map(_value, told.values())), now)
    if why is None:
        return absent(metric, day, now)
    reason = reason_of(why, now) or Reason.NO_DATA
    state = state_of(reason)
    open_yet = state is State.NOT_YET
    return Point(day, state, None, reason, why.said, 0, open_yet, why.read_at)


def _told(row: Value, now: datetime) -> Point:
    return _together([row], _value(row), now)


def _together(rows: Sequence[Value], value: Number, now: datetime) -> Point:
    newest = max(rows, key=lambda row: row.read_at)
    # nobody corrects a level that we read ourselves
    late = any(row.period != NOW and may_change(row.end_time, now) for row in rows)
    revision = max(row.revision for row in rows)
    day, read_at = newest.day, newest.read_at
    return Point(day, State.NUMBER, tidy(value), None, "", revision, late, read_at)


def _value(row: Value) -> float:
    assert row.value is not None, "only numbers are added"
    return row.value


def tidy(value: Number) -> Number:
    """An int where it is a whole number."""
    return int(value) if float(value).is_integer() else value


# ---------------------------------------------------------------- a span


def summary(one: Series) -> Summary:
    """By the metric's `adds`; of unique accounts the mean per known day, never a sum."""
    known, of = one.known, len(one.points)
    numbers = [point.value for point in known if point.value is not None]
    late = any(point.may_change for point in known)
    counts = Counter(point.reason for point in one.points if point.value is None)
    lacking = tuple(Gap(reason, days) for reason, days in counts.most_common())
    match one.metric.adds:
        case Adds.LAST:
            newest = known[-1] if known else None
            value = newest.value if newest else None
            day = newest.day if newest else None
            return Summary(What.LAST, value, len(known), of, day, late, lacking)
        case Adds.SUM:
            total = tidy(sum(numbers)) if numbers else None
            return Summary(What.SUM, total, len(known), of, None, late, lacking)
        case Adds.NEVER:
            mean = tidy(sum(numbers) / len(numbers)) if numbers else None
            return Summary(What.MEAN, mean, len(known), of, None, late, lacking)


def unique(rolling: Series, day: date | None = None) -> Summary | None:
    """Meta's own figure for the days that end then; `day` None: the newest. None: it has none."""
    told = [point for point in rolling.known if day is None or point.day == day]
    if not told:
        return None
    newest = told[-1]
    return Summary(What.UNIQUE, newest.value, 1, 1, newest.day, newest.may_change)


def change(now: Summary, before: Summary) -> Change:
    """Both of the same kind. Whole spans are compared by what they are; else the means per known
    day are, if enough days of both are known."""
    if now.value is None or before.value is None:
        return Change(None, why=Why.NOTHING_NOW if now.value is None else Why.NOTHING_BEFORE)
    is_level = now.what in (What.LAST, What.UNIQUE)
    new, old, by = now.value, before.value, now.what
    if not is_level and not (now.whole and before.whole):
        if min(now.known / now.of, before.known / before.of) < ENOUGH:
            return Change(None, why=Why.GAPS)
        new, old, by = _per_day(now), _per_day(before), What.MEAN
    difference = tidy(new - old)
    if old <= 0:
        return Change(None, difference, by, Why.NOT_ABOVE_ZERO)
    return Change((new - old) / old, difference, by)


def _per_day(one: Summary) -> float:
    assert one.value is not None, "something is known"
    return one.value / one.known if one.what is What.SUM else one.value


# ---------------------------------------------------------------- a metric


def span_of(metric: Metric, last: date, days: int, now: datetime) -> Span:
    """`last`: the last day that is over (days.last_day). A level is read in the morning after, so
    its days reach until today."""
    today = now.astimezone(UTC).date()
    return Span.until(today if metric.kind is Kind.SNAPSHOT else last, days)


def rolling_of(metric: Metric, span: Span) -> Metric | None:
    """Meta's own figure of this metric for so many days at once, where it has one."""
    return BY_KEY[UNIQUE[span.days]] if metric == REACH and span.days in UNIQUE else None


def figure(metric: Metric, rows: Sequence[Value], span: Span, now: datetime) -> Figure:
    """`rows`: of the span and of the one before; of reach also Meta's own for several days."""
    here, there = series(metric, rows, span, now), series(metric, rows, span.before, now)
    daily = summary(here)
    headline, before = daily, summary(there)
    if (own := _own(metric, rows, span, now)) is not None:
        headline, before = own
    return Figure(
        metric=metric,
        span=span,
        series=here,
        headline=headline,
        daily=daily,
        before=before,
        change=change(headline, before),
        parts=_parts(metric, rows, span, now),
        follows=_follows(metric, rows, span, now, daily),
    )


def _own(
    metric: Metric, rows: Sequence[Value], span: Span, now: datetime
) -> tuple[Summary, Summary] | None:
    """Meta's figure for so many days, and its figure for as many right before those."""
    rolling = rolling_of(metric, span)
    if rolling is None:
        return None
    found = unique(series(rolling, rows, span, now))
    if found is None or found.day is None:
        return None
    earlier = found.day - timedelta(span.days)
    there = unique(series(rolling, rows, span.before, now), earlier)
    return found, there or Summary(What.UNIQUE, None, 0, 1)


def _parts(metric: Metric, rows: Sequence[Value], span: Span, now: datetime) -> tuple[Part, ...]:
    names = {row.breakdown for row in rows if _is_of(row, metric) and row.day in span}
    found = [
        Part(name, summary(part(metric, name, rows, span, now))) for name in sorted(names - {""})
    ]
    return tuple(sorted(found, key=lambda one: -(one.summary.value or 0)))


def _follows(
    metric: Metric, rows: Sequence[Value], span: Span, now: datetime, net: Summary
) -> Follows | None:
    if metric.name != FOLLOWS:
        return None
    gained, lost = (summary(part(metric, name, rows, span, now)) for name in (GAINED, LOST))
    return Follows(gained, lost, net)
