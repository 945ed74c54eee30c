"""The chart of a figure by day, as shapes for inline SVG. Pure; used by services.web.insight_page.

Shapes lie in a square of SIDE that the page stretches: lines and dots keep their thickness. Words
stand outside of it: levels in the first LEFT per cent of the whole, days below the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import ceil, floor, log10

from services.insights.figures import Point
from services.web.numbers import short

SIDE = 1000
LEFT = 14
_EDGE = 25  # free at each side of the square, so that no dot is cut
_STEPS = (1, 2, 5, 10)
_LEVELS = 3  # steps between lines of the grid, about
_LABELS = 3  # steps between days that are named


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at an axis: `at` per cent of the whole from the left, or of the square from above."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LinePicture:
    """Paths, "" for none. `line`: between two days that are known for good; `draft`: where one of
    them may still change. `lone`: days between two gaps; `open`: days that may still change.
    `gaps`: (left, width) of the days without a number. `zero`: height of 0, where values lie on
    both sides of it."""

    line: str
    draft: str
    lone: str
    open: str
    gaps: tuple[tuple[float, float], ...]
    zero: float | None
    levels: tuple[Mark, ...]
    days: tuple[Mark, ...]


def line_picture(points: Sequence[Point], *, from_zero: bool) -> LinePicture | None:
    """`points`: a day each. None where none has a number. `from_zero`: the axis begins at 0, as
    that of a count has to."""
    values = [float(point.value) for point in points if point.value is not None]
    if not values:
        return None
    if from_zero:
        values.append(0.0)
    marks = _marks(min(values), max(values))
    low, high = min(*values, marks[0]), max(*values, marks[-1])
    room = (SIDE - 2 * _EDGE) / max(1, len(points) - 1)

    def x_of(place: float) -> float:
        return _EDGE + room * place if len(points) > 1 else SIDE / 2

    def y_of(value: float) -> float:
        return SIDE - _EDGE - (SIDE - 2 * _EDGE) * (value - low) / ((high - low) or 1)

    known = [
        (place, f"{x_of(place):.0f} {y_of(point.value):.0f}", point.may_change)
        for place, point in enumerate(points)
        if point.value is not None
    ]
    line: list[str] = []
    draft: list[str] = []
    joined: set[int] = set()
    for (place, here, early), (following, there, late) in pairwise(known):
        if following == place + 1:
            (draft if early or late else line).append(f"M{here}L{there}")
            joined |= {place, following}
    return LinePicture(
        line="".join(line),
        draft="".join(draft),
        lone="".join(f"M{at}h0" for place, at, may in known if not may and place not in joined),
        open="".join(f"M{at}h0" for _, at, may in known if may),
        gaps=tuple(
            _strip(x_of(first - 0.5), x_of(first + days - 0.5)) for first, days in _gaps(points)
        ),
        zero=round(y_of(0)) if low < 0 < high else None,
        levels=tuple(
            Mark(round(y_of(mark) / SIDE * 100, 1), label)
            for mark, label in zip(marks, _labels(marks), strict=True)
        ),
        days=_days(points, x_of(0), room),
    )


def _gaps(points: Sequence[Point]) -> list[tuple[int, int]]:
    """(first place, days) of each run of days without a number."""
    runs = groupby(range(len(points)), key=lambda place: points[place].value is None)
    found = [list(places) for is_gap, places in runs if is_gap]
    return [(places[0], len(places)) for places in found]


def _strip(left: float, right: float) -> tuple[float, float]:
    """(left, width), within the square."""
    begin, end = max(0, round(left)), min(SIDE, round(right))
    return begin, end - begin


def _marks(low: float, high: float) -> list[float]:
    """Round whole numbers, the first at or below `low` and the last at or above `high`."""
    reach = max(high - low, 1.0) / _LEVELS
    size = 10.0 ** floor(log10(reach))
    step = max(1.0, next(size * one for one in _STEPS if size * one >= reach * 0.999))
    first, last = floor(low / step), max(ceil(high / step), floor(low / step) + 1)
    return [step * n for n in range(first, last + 1)]


def _labels(marks: Sequence[float]) -> list[str]:
    """In short, unless two of them were the same then."""
    told = [short(mark) for mark in marks]
    return told if len(set(told)) == len(told) else [f"{mark:,.0f}" for mark in marks]


def _days(points: Sequence[Point], left: float, room: float) -> tuple[Mark, ...]:
    """Evenly spread, the last day among them."""
    every = max(1, ceil((len(points) - 1) / _LABELS))
    return tuple(
        Mark(_across(left + room * place), f"{points[place].day:%-d %b}")
        for place in range((len(points) - 1) % every, len(points), every)
    )


def _across(x: float) -> float:
    return round(LEFT + (100 - LEFT) * x / SIDE, 1)
