"""Where the views of a profile go, and how sure that is; pure. Used by services.analysis.figures.

Theil and Sen's line through the logarithms of the views: the median of the slopes between all
pairs, which a few breakouts do not bend. Its interval is Sen's, from the variance of Kendall's S
(P. K. Sen, 1968, doi:10.1080/01621459.1968.10480934). Nothing is drawn at random.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp, expm1, log1p, sqrt
from statistics import NormalDist, median

from services.analysis.measure import MIN_REELS, Seen

GROWING = timedelta(days=3)  # a younger reel still gathers views: it would look like a decline
MIN_SPAN = timedelta(days=14)  # what happens within fewer days is not a matter of months
MOST_REELS = 500  # the newest; more say nothing more, and their pairs grow with the square
CONFIDENCE = 0.95
MONTH = 30  # days

_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_DAY = timedelta(days=1)


class Direction(StrEnum):
    """UNCLEAR: the interval holds both growth and decline."""

    RISING = "rising"
    FALLING = "falling"
    UNCLEAR = "unclear"


class Why(StrEnum):
    FEW = "few"  # fewer than MIN_REELS
    SHORT = "short"  # all within MIN_SPAN


@dataclass(frozen=True, slots=True)
class NoTrend:
    """Too little to say. `n` reels told their views and were old enough; `growing` were not."""

    why: Why
    n: int
    growing: int


@dataclass(frozen=True, slots=True)
class Trend:
    """Changes are shares per 30 days: 0.1 is ten per cent more; `low` to `high` is where it lies
    with 95 % confidence, if reels do not depend on one another.

    Of `n` reels between `first` and `last` (aware UTC); `growing`: younger than three days when
    they were looked at, and left out. The line is in the logarithm of views + 1, around `pivot`.
    """

    change: float
    low: float
    high: float
    n: int
    growing: int
    first: datetime
    last: datetime
    pivot: datetime
    level: float
    level_low: float
    level_high: float
    slope: float  # per day
    slope_low: float
    slope_high: float

    @property
    def direction(self) -> Direction:
        if self.low > 0:
            return Direction.RISING
        return Direction.FALLING if self.high < 0 else Direction.UNCLEAR

    @property
    def corners(self) -> tuple[datetime, datetime, datetime]:
        """Between these moments line and band are straight, on a logarithmic axis."""
        return self.first, self.pivot, self.last

    def views_at(self, moment: datetime) -> tuple[float, float, float]:
        """(low, likely, high) views on the line and at the edges of its band."""
        days = (moment - self.pivot) / _DAY
        slopes = (self.slope_low * days, self.slope_high * days)
        logs = (
            self.level_low + min(slopes),
            self.level + self.slope * days,
            self.level_high + max(slopes),
        )
        low, likely, high = (max(0.0, exp(min(one, 40)) - 1) for one in logs)
        return low, likely, high


def trend(reels: Iterable[Seen], now: datetime) -> Trend | NoTrend:
    """`reels`: oldest first; `now`: when they were looked at."""
    told = list(reels)
    grown = [one for one in told if now - one.reel.taken_at >= GROWING]
    growing = len(told) - len(grown)
    grown = grown[-MOST_REELS:]
    if len(grown) < MIN_REELS:
        return NoTrend(Why.FEW, len(grown), growing)
    first, last = grown[0].reel.taken_at, grown[-1].reel.taken_at
    if last - first < MIN_SPAN:
        return NoTrend(Why.SHORT, len(grown), growing)
    days = [(one.reel.taken_at - first) / _DAY for one in grown]
    logs = [log1p(one.views) for one in grown]
    low, slope, high = slopes(days, logs)
    middle = median(days)
    at_middle = sorted(y - slope * (x - middle) for x, y in zip(days, logs, strict=True))
    below, above = _median_interval(at_middle)
    return Trend(
        change=_monthly(slope),
        low=_monthly(low),
        high=_monthly(high),
        n=len(grown),
        growing=growing,
        first=first,
        last=last,
        pivot=first + timedelta(days=middle),
        level=median(at_middle),
        level_low=below,
        level_high=above,
        slope=slope,
        slope_low=low,
        slope_high=high,
    )


def slopes(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float]:
    """(low, median, high) of the slopes between all pairs that differ in x, of which there is one
    at least."""
    n = len(xs)
    found = sorted(
        (ys[j] - ys[i]) / (xs[j] - xs[i]) for i in range(n) for j in range(i) if xs[i] != xs[j]
    )
    apart = n * (n - 1) * (2 * n + 5) - _ties(xs) - _ties(ys)
    reach = _Z * sqrt(max(0, apart) / 18)
    last = len(found) - 1
    low = found[max(0, round((len(found) - reach) / 2) - 1)]
    high = found[min(last, round((len(found) + reach) / 2))]
    return low, median(found), high


def _ties(values: Sequence[float]) -> int:
    """What equal values take from the variance of S."""
    return sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values() if t > 1)


def _median_interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Where the median lies, by the sign test."""
    n = len(ordered)
    out = max(0, int((n - _Z * sqrt(n)) / 2))
    return ordered[out], ordered[n - 1 - out]


def _monthly(slope: float) -> float:
    return expm1(min(slope * MONTH, 40))
