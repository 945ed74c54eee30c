"""What can be drawn as a chart; the drawing itself is in chart_drawing, in the media process.

Called by the capabilities: they make one of these, with every word that stands in it, and give
`arguments` to MediaRunner.run("chart", …). Places on a time axis are POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

WIDTH, HEIGHT = 1080, 864  # pixels, for a phone: the smallest letters are then 9 points high
MOST_POINTS = 20_000  # of a chart; there are no more pixels


class Theme(StrEnum):
    LIGHT = "light"
    DARK = "dark"


class Colour(StrEnum):
    """Of a dot; the analysis colours its tiers with them, from rare to common to poor."""

    GOLD = "gold"
    GREEN = "green"
    BLUE = "blue"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on the axis of time."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    at: float
    value: float
    colour: Colour = Colour.BLUE


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend."""

    colour: Colour
    label: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A line with its band at one place: low <= likely <= high."""

    at: float
    low: float
    likely: float
    high: float


@dataclass(frozen=True, slots=True)
class Cell:
    """`value` None: nothing there. `n`: what it is the median of."""

    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class ViewsChart:
    """Each reel as a dot, and the median as a line, which the legend names too. The axis of values
    is logarithmic where the highest would else press all others to the floor."""

    title: str
    subtitle: str
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    median: float
    median_label: str
    legend: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class TrendChart:
    """Dots, and through them a line within its band; two edges or more, straight between them on
    a logarithmic axis. The labels stand in the legend."""

    title: str
    subtitle: str
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    line: tuple[Edge, ...]
    line_label: str
    band_label: str


@dataclass(frozen=True, slots=True)
class WeekChart:
    """A heat map: seven rows of equally many cells. A cell is the stronger the further it is above
    `typical`; with fewer than `enough` it is only a shade. `columns` may have empty labels."""

    title: str
    subtitle: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    typical: float
    enough: int
    less: str  # the ends of the scale in words
    more: str
    note: str  # what a shade is


@dataclass(frozen=True, slots=True)
class LineChart:
    """One value for each day or the like, None where there is none: a gap. `figure` is large,
    `change` beside it, green if it is for the `better`, red if not, grey if None. `may_change`:
    beside `values`, or empty; those values get a hollow dot."""

    title: str
    subtitle: str
    values: tuple[float | None, ...]
    labels: tuple[str, ...]  # one for each value
    figure: str
    change: str
    better: bool | None
    may_change: tuple[bool, ...] = ()


Chart = ViewsChart | TrendChart | WeekChart | LineChart
_KINDS = {kind.__name__: kind for kind in (ViewsChart, TrendChart, WeekChart, LineChart)}
_PARTS: dict[str, type[Any]] = {"dots": Dot, "ticks": Tick, "legend": Key, "line": Edge}


def arguments(chart: Chart, theme: Theme, target: Path) -> dict[str, Any]:
    """For MediaRunner.run("chart", …), which writes a PNG of WIDTH x HEIGHT to `target`."""
    return {
        "kind": type(chart).__name__,
        "chart": asdict(chart),
        "theme": theme.value,
        "target": str(target),
    }


def read(kind: str, told: Mapping[str, Any]) -> Chart:
    """The chart that went through JSON. Errors: KeyError, TypeError, ValueError."""
    chart = _KINDS[kind]
    return chart(**{field.name: _read(field.name, told[field.name]) for field in fields(chart)})


def _read(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) > MOST_POINTS:
        raise ValueError(f"more than {MOST_POINTS} {name}")
    if part := _PARTS.get(name):
        return tuple(part(**one) for one in value)
    if name == "cells":
        return tuple(tuple(Cell(**one) for one in row) for row in value)
    return tuple(value) if isinstance(value, list) else value


def calendar_ticks(
    first: datetime, last: datetime, zone: ZoneInfo, most: int = 5
) -> list[datetime]:
    """Midnights of `zone` to put labels at: days, Mondays or firsts of a month, at most so many."""
    begin, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    for days in (1, 2, 7, 14):
        if (end - begin).days // days < most:
            to_monday = -begin.weekday() % 7 if days >= 7 else 0
            found = _every(begin + timedelta(days=to_monday), end, days)
            return _midnights(found, first, last, zone)
    months = [
        date(year, month, 1) for year in range(begin.year, end.year + 1) for month in range(1, 13)
    ]
    within = [month for month in months if begin <= month <= end]
    for step in (1, 2, 3, 6, 12):
        found = [month for month in within if (month.month - 1) % step == 0]
        if len(found) <= most:
            return _midnights(found, first, last, zone)
    years = [month for month in within if month.month == 1]
    return _midnights(years[:: -(-len(years) // most)], first, last, zone)


def _every(begin: date, end: date, days: int) -> list[date]:
    return [begin + timedelta(days=n) for n in range(0, (end - begin).days + 1, days)]


def _midnights(days: list[date], first: datetime, last: datetime, zone: ZoneInfo) -> list[datetime]:
    moments = [datetime.combine(day, time(), zone) for day in days]
    return [moment for moment in moments if first <= moment <= last]
