"""What counts as the views of a reel, and what every figure is: a number and of how many reels.

Pure. Used by all modules of figures, and by the tables that are exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from services.instagram.profiles import Reel

MIN_REELS = 12  # fewer are too few to say where it goes, or when is best
MIN_GROUP = 3  # reels in a group (a weekday, an hour, a hashtag) before it is compared


@dataclass(frozen=True, slots=True)
class Figure:
    """`n`: reels that it was computed from. `value` None: nothing to compute it from."""

    value: float | None
    n: int


class Measure(StrEnum):
    """PLAYS: how often it was started, what the app itself shows as views. VIEWS: what is told
    under that name (by Meta's business discovery: `view_count`)."""

    PLAYS = "plays"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class Seen:
    """A reel whose views are told."""

    reel: Reel
    views: int


def measure_of(reels: Iterable[Reel]) -> Measure:
    """Of one analysis: plays and views are not the same thing, and a median of both would be of
    neither."""
    told = [(reel.plays is not None, reel.views is not None) for reel in reels]
    return better_of(sum(one[0] for one in told), sum(one[1] for one in told))


def better_of(plays: int, views: int) -> Measure:
    """What more reels tell; plays if it is as many."""
    return Measure.PLAYS if plays >= views else Measure.VIEWS


def views_of(reel: Reel, measure: Measure) -> int | None:
    return reel.plays if measure is Measure.PLAYS else reel.views


def seen(reels: Iterable[Reel], measure: Measure) -> list[Seen]:
    """Those that tell their views, oldest first."""
    told = [Seen(reel, views) for reel in reels if (views := views_of(reel, measure)) is not None]
    return sorted(told, key=lambda one: (one.reel.taken_at, one.reel.platform_id))


def middle(values: Sequence[float]) -> Figure:
    """Their median."""
    return Figure(float(median(values)) if values else None, len(values))


def ratio(part: float | None, whole: float | None) -> float | None:
    """None where one is not known, or the whole is nothing."""
    return None if part is None or not whole else part / whole
