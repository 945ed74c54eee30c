"""How often a profile posts, and when its reels do best; pure. Used by services.analysis.figures.

Days and hours are those of the person who looks, as their clocks show them on that day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from services.analysis.measure import MIN_GROUP, MIN_REELS, Figure, Seen, middle, ratio
from services.instagram.profiles import Reel

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`per_week`: gaps per week between the first reel and the last. The longest gap began at
    `longest_from`. `n` reels, so n - 1 gaps; None where there is none."""

    per_week: float | None
    median_gap: timedelta | None
    longest_gap: timedelta | None
    longest_from: datetime | None
    n: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A weekday (0 is Monday) or an hour (0 to 23). `median_views` has its own n; `times` the
    median of all reels."""

    at: int
    median_views: Figure
    times: float | None


@dataclass(frozen=True, slots=True)
class Times:
    """By their local time. A slot is the best only if it holds MIN_GROUP reels, is above the median
    of all, and there are MIN_REELS in all; else None: too few to say, or none stands out."""

    weekdays: tuple[Slot, ...]
    hours: tuple[Slot, ...]
    best_weekday: Slot | None
    best_hour: Slot | None
    n: int


def rhythm(reels: Iterable[Reel]) -> Rhythm:
    moments = sorted(reel.taken_at for reel in reels)
    gaps = [(later - earlier, earlier) for earlier, later in pairwise(moments)]
    if not gaps:
        return Rhythm(None, None, None, None, len(moments))
    span = moments[-1] - moments[0]
    longest, began = max(gaps, key=lambda gap: gap[0])
    return Rhythm(
        per_week=len(gaps) * (_WEEK / span) if span else None,
        median_gap=timedelta(seconds=median(gap.total_seconds() for gap, _ in gaps)),
        longest_gap=longest,
        longest_from=began,
        n=len(moments),
    )


def times(reels: Sequence[Seen], zone: ZoneInfo) -> Times:
    local = [(one.reel.taken_at.astimezone(zone), one.views) for one in reels]
    overall = middle([views for _, views in local]).value
    weekdays = _slots(7, [(moment.weekday(), views) for moment, views in local], overall)
    hours = _slots(24, [(moment.hour, views) for moment, views in local], overall)
    enough = len(local) >= MIN_REELS
    return Times(
        weekdays=weekdays,
        hours=hours,
        best_weekday=_best(weekdays) if enough else None,
        best_hour=_best(hours) if enough else None,
        n=len(local),
    )


def week(reels: Iterable[Seen], zone: ZoneInfo, hours: int = 1) -> list[list[Figure]]:
    """Median views by weekday (seven rows, Monday first) and by so many hours of the day, a
    divisor of 24."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in reels:
        moment = one.reel.taken_at.astimezone(zone)
        cells[moment.weekday(), moment.hour // hours].append(one.views)
    return [[middle(cells[day, hour]) for hour in range(24 // hours)] for day in range(7)]


def _slots(
    count: int, views_at: Iterable[tuple[int, int]], overall: float | None
) -> tuple[Slot, ...]:
    groups: dict[int, list[int]] = defaultdict(list)
    for at, views in views_at:
        groups[at].append(views)
    figures = [middle(groups[at]) for at in range(count)]
    return tuple(Slot(at, one, ratio(one.value, overall)) for at, one in enumerate(figures))


def _best(slots: Iterable[Slot]) -> Slot | None:
    """The highest median; of equal ones that of more reels, then the earlier. Where the others hold
    too few reels to be told, the highest can lie below the median of all, and is not the best."""
    known = [
        (one.times, one.median_views.n, -one.at, one)
        for one in slots
        if one.times is not None and one.times > 1 and one.median_views.n >= MIN_GROUP
    ]
    return max(known, key=lambda one: one[:3])[3] if known else None
