"""What is asked of Meta for a day, and what its answer means: figures, or why there is none. Pure.

Called by the sync, between the request and the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.errors import (
    MetaChanged,
    MetaError,
    NotMeasured,
    PermissionMissing,
    RequestRefused,
)
from services.graph.insights import Breakdown, Figure, Question, Snapshot
from services.insights.days import day_of, end_of
from services.insights.metrics import Kind, Metric
from services.insights.plan import Ask, dimension
from services.insights.states import LATE, Reason
from services.instagram.posts import clean_text
from storage.insights import NewFigure, NewGap

TIMEFRAME = "this_month"  # the last 30 days, since v20
_LONGEST = 200  # letters of a breakdown's value, which is foreign
_WESTMOST = timedelta(hours=12)  # after the UTC day its zone's ends; nobody tells a series' zone
_DAY = timedelta(days=1)
_LAST_30 = 30  # Metric.oldest of those that Meta tells "excluding the current day"


@dataclass(frozen=True, slots=True)
class Read:
    """Of one metric. `gaps`: the days that were asked for and have no figure."""

    metric: Metric
    figures: Sequence[NewFigure] = ()
    gaps: Sequence[NewGap] = ()


def question(ask: Ask, now: datetime) -> Question:
    """Whole UTC days, 30 at most; around a series' days so that they lie inside in any zone."""
    metric, midnight = ask.metric, _midnight(now.astimezone(UTC).date())
    since, until = _midnight(ask.first), _midnight(ask.last + _DAY)
    if metric.kind is Kind.AUDIENCE:
        return Question(
            metric.name, metric.period, "total_value", metric.breakdown, timeframe=TIMEFRAME
        )
    if metric.kind is Kind.TOTAL:
        return Question(
            metric.name, metric.period, "total_value", metric.breakdown, since=since, until=until
        )
    until += _DAY
    if metric.oldest <= _LAST_30:
        until = min(until, midnight)
        since = min(max(since, midnight - metric.oldest * _DAY), until)
    return Question(metric.name, metric.period, since=since, until=until)


def read(
    ask: Ask, told: Iterable[Figure], zone: ZoneInfo, now: datetime, followers: float | None
) -> Read:
    """`zone`: of the account's person. `followers`: as they were last told.

    Errors: MetaChanged for an answer to another question, or one that contradicts itself.
    """
    metric = ask.metric
    figures: dict[tuple[datetime, str], NewFigure] = {}
    for one in told:
        if one.metric != metric.name:
            raise MetaChanged(subject=f"{metric.key} {one.metric}")
        new = _figure(ask, one, zone, now)
        if new is None:
            continue
        if figures.setdefault((new.end_time, new.breakdown), new) != new:
            raise MetaChanged(subject=f"{metric.key} told twice")
    known = {one.day for one in figures.values()}
    gaps = [
        gap(metric, day, empty(metric, day, now, followers)) for day in ask.days if day not in known
    ]
    return Read(metric, list(figures.values()), gaps)


def read_snapshot(metrics: Iterable[Metric], told: Snapshot, now: datetime) -> list[Read]:
    """As it stands on the UTC day on which it is read."""
    day = now.astimezone(UTC).date()
    values = {
        "followers_count": told.followers,
        "follows_count": told.follows,
        "media_count": told.media,
    }
    found = []
    for metric in metrics:
        value = values[metric.name]
        if value is None:
            found.append(Read(metric, gaps=[gap(metric, day, Reason.NO_DATA)]))
        else:
            found.append(Read(metric, [NewFigure(end_of(day), "", day, value)]))
    return found


def empty(metric: Metric, day: date, now: datetime, followers: float | None) -> Reason:
    """Why Meta has told nothing of that day."""
    if metric.followers and followers is not None and followers < metric.followers:
        return Reason.TOO_FEW
    late = {Kind.TOTAL: LATE, Kind.SERIES: LATE + _WESTMOST}.get(metric.kind)
    return Reason.NOT_YET if late and now < end_of(day) + late else Reason.NO_DATA


def judge(error: MetaError, metric: Metric, followers: float | None) -> Reason:
    """Why there is no figure, where Meta has refused."""
    match error:
        case NotMeasured():
            return Reason.TOO_FEW
        case PermissionMissing():
            return Reason.NO_PERMISSION
        case RequestRefused() if error.said.code is not None:
            few = metric.followers and followers is not None and followers < metric.followers
            return Reason.TOO_FEW if few else Reason.REMOVED
        case _:  # also what we did not send, because Meta would refuse it
            return Reason.FAILED


def refused(
    metric: Metric, days: Iterable[date], error: MetaError, followers: float | None
) -> Read:
    reason, said = judge(error, metric, followers), clean_text(error.said.text)
    return Read(metric, gaps=[gap(metric, day, reason, said) for day in days])


def gap(metric: Metric, day: date, reason: Reason, said: str = "") -> NewGap:
    return NewGap(end_of(day), dimension(metric), day, reason, said)


def breakdown_text(parts: Breakdown) -> str:
    """ "age=18-24", the same however Meta orders them; "" for the whole. Some answers repeat the
    timeframe that was asked for, others do not."""
    told = [(name, clean_text(value)[:_LONGEST]) for name, value in sorted(parts)]
    return "&".join(f"{name}={value}" for name, value in told if name != "timeframe")


def _figure(ask: Ask, told: Figure, zone: ZoneInfo, now: datetime) -> NewFigure | None:
    """None for what is no figure: null, of a day that is not over, or of an audience as a whole,
    which every one of its breakdowns would tell."""
    metric, breakdown = ask.metric, breakdown_text(told.breakdown)
    if told.value is None:
        return None
    if metric.kind is not Kind.SERIES:
        if metric.kind is Kind.AUDIENCE and not breakdown:
            return None
        return NewFigure(end_of(ask.last), breakdown, ask.last, told.value)
    if told.end_time is None:
        raise MetaChanged(subject=f"{metric.key} end_time")
    if told.end_time > now:
        return None
    return NewFigure(told.end_time, breakdown, day_of(told.end_time, zone), told.value)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
