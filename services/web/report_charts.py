"""The charts of a report, as shapes for inline SVG and as a table of levels. Pure.

Used by services.web.report_page. Shapes lie in a square of SIDE that the page stretches: lines and
dots keep their thickness, and words stand outside of it, at a share (per cent) of the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log, log10
from zoneinfo import ZoneInfo

from services.analysis.figures import Figures, Placed, Tier
from services.analysis.measure import MIN_GROUP, Figure
from services.analysis.trend import Trend
from services.media.charts import calendar_ticks
from services.web.numbers import short

SIDE = 1000
HOURS = 3  # of a column of the week
_EDGE = 25  # free at each side of the square, so that no dot is cut
_DEEPEST = 300  # medians; what is further below lies at the bottom
_STEPS = (1, 2, 5)
_MOST_LEVELS = 5
_STRONGEST = 9  # levels of colour in the week
_BASE = 9  # three times the median is the strongest, a third of it none


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at an axis: `at` per cent of the way from the left, or from the top."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class ViewsPicture:
    """Each reel as a dot, on a logarithmic axis. `dots`: a path of the reels of each tier, common
    ones first. `median`: height of its line. `band`, `line`: paths of the trend, "" without one."""

    dots: tuple[tuple[Tier, str], ...]
    median: float
    band: str
    line: str
    levels: tuple[Mark, ...]
    dates: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """`level`: 0 to 9, by how far above the median; None: nothing there. `few`: not to be relied
    on."""

    level: int | None
    value: float | None
    n: int
    few: bool


def views_picture(
    placed: Sequence[Placed], figures: Figures, zone: ZoneInfo
) -> ViewsPicture | None:
    """None where fewer than two moments have views. `placed`: of `figures`."""
    typical = figures.median_views.value
    moments = [one.reel.taken_at for one in placed]
    if not typical or min(moments) == max(moments):
        return None
    first, last = min(moments), max(moments)
    lowest = max(1.0, typical / _DEEPEST)
    values = [max(lowest, one.views) for one in placed]
    low, high = log10(min(values)), log10(max(values))
    reach = max(high - low, 0.1)

    def x_of(moment: datetime) -> float:
        return _EDGE + (SIDE - 2 * _EDGE) * ((moment - first) / (last - first))

    def y_of(views: float) -> float:
        share = (log10(max(lowest, views)) - low) / reach
        return SIDE - _EDGE - (SIDE - 2 * _EDGE) * share

    dots: dict[Tier, list[str]] = defaultdict(list)
    for one in placed:
        dots[one.tier].append(f"M{x_of(one.reel.taken_at):.0f} {y_of(one.views):.0f}h0")
    trend = figures.trend if isinstance(figures.trend, Trend) else None
    edges = [(x_of(at), *trend.views_at(at)) for at in trend.corners] if trend else []
    upper = [(x, y_of(top)) for x, _, _, top in edges]
    lower = [(x, y_of(bottom)) for x, bottom, _, _ in edges]
    return ViewsPicture(
        dots=tuple((tier, "".join(dots[tier])) for tier in reversed(Tier) if dots[tier]),
        median=round(y_of(typical)),
        band=_path([*upper, *reversed(lower)]) + "z" if edges else "",
        line=_path([(x, y_of(likely)) for x, _, likely, _ in edges]),
        levels=tuple(
            Mark(round(y_of(value) / SIDE * 100, 1), short(value))
            for value in _levels(10**low, 10**high)
        ),
        dates=_dates(calendar_ticks(first, last, zone), x_of, zone),
    )


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "".join(f"{'L' if n else 'M'}{x:.0f} {y:.0f}" for n, (x, y) in enumerate(points))


def _dates(
    moments: Sequence[datetime], x_of: Callable[[datetime], float], zone: ZoneInfo
) -> tuple[Mark, ...]:
    local = [moment.astimezone(zone) for moment in moments]
    years = len({moment.year for moment in local}) > 1
    monthly = all(moment.day == 1 for moment in local)
    form = ("%b %Y" if years else "%b") if monthly else "%-d %b"
    return tuple(
        Mark(round(x_of(moment) / SIDE * 100, 1), moment.strftime(form)) for moment in local
    )


def _levels(low: float, high: float) -> list[float]:
    """Round numbers between the two, evenly spread on a logarithmic axis."""
    found = [
        step * 10.0**power
        for power in range(int(log10(low)), int(log10(high)) + 1)
        for step in _STEPS
        if low <= step * 10**power <= high
    ]
    return found[:: -(-len(found) // _MOST_LEVELS)] if found else []


def week_cells(week: Sequence[Sequence[Figure]], typical: float) -> list[list[Cell]]:
    """`week`: as services.analysis.rhythm has it; `typical`: the median of all."""
    return [[_cell(one, typical) for one in day] for day in week]


def _cell(one: Figure, typical: float) -> Cell:
    if one.value is None:
        return Cell(None, None, 0, few=True)
    share = 0.5 + log(one.value / typical, _BASE) if typical and one.value else 0.0
    level = round(_STRONGEST * min(1.0, max(0.0, share)))
    return Cell(level, one.value, one.n, few=one.n < MIN_GROUP)


def tier_spans(figures: Figures) -> list[tuple[Tier, int, float, float]]:
    """(tier, reels, per cent from the left, per cent wide) of those that are there."""
    total = sum(figures.tiers.values())
    spans, left = [], 0.0
    for tier, count in figures.tiers.items():
        if count:
            width = 100 * count / total
            spans.append((tier, count, round(left, 2), round(width, 2)))
            left += width
    return spans
