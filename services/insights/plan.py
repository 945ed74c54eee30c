"""What a sync asks of Meta: the days of each metric of which too little is known. Pure.

Called by the sync for each of its parts. Nothing of it is stored: what a sync has asked for is
there, read since the sync began, and so is not due any more.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter

from services.insights.metrics import Kind, Metric
from services.insights.states import OPEN, Reason, may_change
from storage.insights import Held

# days that every sync reads: a new one, and the last three again, which Meta may still change; of
# a series a week costs no request more
RECENT = {Kind.TOTAL: 4, Kind.SERIES: 7}
SPREAD = 30  # days: a refusal of a metric is written to as many
BLOCK = 29  # days of a series with one request: with its two edges, 30 and no more
FRUITLESS = 30  # days without anything, and what lies before them is not asked for
_DAY = timedelta(days=1)
_REFUSED = frozenset({Reason.REMOVED, Reason.TOO_FEW})  # asked for again once the metric answers
_NOTHING = frozenset({Reason.NO_DATA, Reason.TOO_FEW})

Known = dict[date, Held]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: for these days, both included. Of the account's fields, the first stands for
    all of them."""

    metric: Metric
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Newest first."""
        return [self.last - n * _DAY for n in range((self.last - self.first).days + 1)]


def plan(
    metrics: Sequence[Metric],
    held: Iterable[Held],
    day: date,
    first_day: date,
    started_at: datetime,
    today: date,
) -> list[Ask]:
    """In the order in which it is asked: the last days of every metric, days that were missed,
    newest first, then back to `first_day`. `day`: the last one that is over. `today`: at Meta."""
    known = by_metric(metrics, held)
    recent: list[Ask] = []
    missed: list[tuple[int, Ask]] = []
    older: list[tuple[int, Ask]] = []
    for metric in metrics:
        days = known[metric]
        if metric.kind in (Kind.SNAPSHOT, Kind.AUDIENCE):
            if _wants_reading(metric, days, day, started_at):
                recent.append(Ask(metric, day, day))
            continue
        oldest = min(days, default=day)
        for ask in _asks(metric, due_days(metric, days, day, first_day, started_at, today)):
            if is_recent(metric, ask.last, day) or _is_unsettled(days.get(ask.last)):
                recent.append(ask)
            elif ask.last > oldest:
                missed.append(((day - ask.last).days, ask))
            else:
                older.append(((day - ask.last).days // BLOCK, ask))
    turns = (*sorted(missed, key=itemgetter(0)), *sorted(older, key=itemgetter(0)))
    return [*_one_snapshot(recent), *(ask for _, ask in turns)]


def due_days(
    metric: Metric, known: Known, day: date, first_day: date, started_at: datetime, today: date
) -> list[date]:
    """Of a metric that is told by days, newest first."""
    oldest = min(known, default=day)
    back_to = oldest if _is_fruitless(known) else min(first_day, oldest)
    back_to = max(
        min(back_to, day - (RECENT[metric.kind] - 1) * _DAY), today - metric.oldest * _DAY
    )
    days = [day - n * _DAY for n in range((day - back_to).days + 1)]
    again = OPEN if _is_refused(known) else OPEN | _REFUSED
    return [
        one
        for one in days
        if _is_due(known.get(one), is_recent(metric, one, day), started_at, again)
    ]


def is_recent(metric: Metric, one: date, day: date) -> bool:
    """Always so for what is not told by days."""
    return one > day - RECENT.get(metric.kind, 1) * _DAY


def by_metric(metrics: Iterable[Metric], held: Iterable[Held]) -> dict[Metric, Known]:
    rows: dict[tuple[str, str, str], Known] = {}
    for one in held:
        rows.setdefault((one.metric, one.period, one.dimension), {})[one.day] = one
    return {
        metric: rows.get((metric.name, metric.period, dimension(metric)), {}) for metric in metrics
    }


def dimension(metric: Metric) -> str:
    """By which it is told apart from others of its name."""
    return metric.breakdown if metric.kind is Kind.AUDIENCE else ""


def _is_due(
    held: Held | None, recent: bool, started_at: datetime, again: Container[str | None]
) -> bool:
    if held is None:
        return True
    wanted = recent or held.reason in again or _is_unsettled(held)
    return wanted and held.read_at < started_at


def _is_refused(known: Known) -> bool:
    """Still: Meta may give a metric back, and followers come."""
    return bool(known) and known[max(known)].reason in _REFUSED


def _is_unsettled(held: Held | None) -> bool:
    """A number that was last read while Meta could still change it."""
    return held is not None and held.reason is None and may_change(held.end_time, held.read_at)


def _wants_reading(metric: Metric, days: Known, day: date, started_at: datetime) -> bool:
    if not days:
        return True
    newest = days[max(days)]
    if newest.read_at >= started_at:
        return False
    again = newest.reason in OPEN or newest.reason == Reason.REMOVED
    return again or (day - newest.day).days >= metric.every or metric.every == 1


def _is_fruitless(known: Known) -> bool:
    oldest = sorted(known)[:FRUITLESS]
    return len(oldest) == FRUITLESS and all(known[one].reason in _NOTHING for one in oldest)


def _asks(metric: Metric, days: Sequence[date]) -> list[Ask]:
    """`days`: newest first."""
    if metric.kind is Kind.TOTAL:
        return [Ask(metric, one, one) for one in days]
    asks: list[Ask] = []
    for one in days:
        if asks and (asks[-1].last - one).days < BLOCK:
            asks[-1] = Ask(metric, one, asks[-1].last)
        else:
            asks.append(Ask(metric, one, one))
    return asks


def _one_snapshot(asks: Sequence[Ask]) -> list[Ask]:
    """All fields of the account are one request."""
    fields = [ask for ask in asks if ask.metric.kind is Kind.SNAPSHOT]
    return [*fields[:1], *(ask for ask in asks if ask.metric.kind is not Kind.SNAPSHOT)]
