"""The charts, one function each. Runs in the media process, as the task "chart"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log2
from pathlib import Path

from services.media.chart_canvas import (
    HUGE,
    MARGIN,
    PLAIN,
    Canvas,
    Ink,
    Plot,
    Point,
    below,
    legend,
    mix,
    plot,
    short,
)
from services.media.charts import (
    HEIGHT,
    WIDTH,
    Cell,
    Chart,
    Colour,
    Dot,
    LineChart,
    Theme,
    TrendChart,
    ViewsChart,
    WeekChart,
)

TOP, BOTTOM = 200, HEIGHT - 202
LEGEND, LAST_LINE = HEIGHT - 102, HEIGHT - 52
FAR = 12  # the highest in medians, from which on the axis is logarithmic
STRONGEST = 3.0  # in medians: the strongest colour of the heat map


def draw(chart: Chart, theme: Theme, target: Path) -> None:
    """PNG of WIDTH x HEIGHT."""
    canvas = Canvas(theme)
    match chart:
        case ViewsChart():
            _views(canvas, chart)
        case TrendChart():
            _trend(canvas, chart)
        case WeekChart():
            _week(canvas, chart)
        case LineChart():
            _line(canvas, chart)
    canvas.save(target)


def _views(canvas: Canvas, chart: ViewsChart) -> None:
    values = [dot.value for dot in chart.dots]
    highest = max(values, default=0)
    log = bool(chart.median) and highest > FAR * chart.median
    canvas.heading(chart.title, chart.subtitle)
    where = plot(
        canvas, _span(chart.dots), [*values, chart.median], top=TOP, bottom=BOTTOM, log=log
    )
    below(canvas, where, [(tick.at, tick.label) for tick in chart.ticks])
    _dots(canvas, where, chart.dots)
    y = where.y_of(chart.median)
    canvas.dashes((where.left, y), (where.right, y), canvas.palette.text)
    legend(canvas, [(canvas.palette.dots[key.colour], key.label) for key in chart.legend], LEGEND)
    canvas.dashes((MARGIN, LAST_LINE), (MARGIN + 66, LAST_LINE), canvas.palette.text)
    canvas.text((MARGIN + 86, LAST_LINE), chart.median_label)


def _trend(canvas: Canvas, chart: TrendChart) -> None:
    canvas.heading(chart.title, chart.subtitle)
    values = [dot.value for dot in chart.dots]
    # a band is as wide as it is unsure: it does not set the scale, it is cut at the plot
    values += [edge.likely for edge in chart.line]
    where = plot(canvas, _span(chart.dots), values, top=TOP, bottom=HEIGHT - 158, log=True)
    blue = canvas.palette.accent
    band = mix(blue, canvas.palette.paper, 0.24)
    upper = _within(where, [(edge.at, edge.high) for edge in chart.line])
    lower = _within(where, [(edge.at, edge.low) for edge in chart.line])
    canvas.area([*upper, *reversed(lower)], band)
    below(canvas, where, [(tick.at, tick.label) for tick in chart.ticks])
    _dots(canvas, where, chart.dots)
    points = [(where.x_of(edge.at), where.held(where.y_of(edge.likely))) for edge in chart.line]
    canvas.line(points, canvas.palette.paper, 12)
    canvas.line(points, blue, 7)
    y, x = LAST_LINE, MARGIN + 86 + canvas.width(chart.line_label) + 48
    canvas.line([(MARGIN + 4, y), (MARGIN + 62, y)], blue, 7)
    canvas.text((MARGIN + 86, y), chart.line_label)
    canvas.box((x, y - 15), (x + 44, y + 15), 8, band)
    canvas.text((x + 62, y), chart.band_label, room=WIDTH - MARGIN - x - 62)


def _within(where: Plot, line: Sequence[Point], steps: int = 24) -> list[Point]:
    """The line in so many steps between its points, so that where it leaves the plot it runs along
    the edge instead of taking another slope."""
    points = [(where.x_of(at), where.y_of(value)) for at, value in line]
    return [
        (x + (to_x - x) * step / steps, where.held(y + (to_y - y) * step / steps))
        for (x, y), (to_x, to_y) in pairwise(points)
        for step in range(steps + 1)
    ]


def _week(canvas: Canvas, chart: WeekChart) -> None:
    canvas.heading(chart.title, chart.subtitle)
    left = MARGIN + max(canvas.width(label) for label in chart.rows) + 20
    across, down = len(chart.columns), len(chart.rows)
    wide = (WIDTH - MARGIN - left) / across
    top, bottom = 224.0, HEIGHT - 118.0
    high = (bottom - top) / down
    gap = 3 if across > 12 else 5
    free = 0.0
    for column, label in enumerate(chart.columns):
        x, half = left + (column + 0.5) * wide, canvas.width(label) / 2
        if label and x - half > free:
            canvas.text((x, top - 24), label, ink=canvas.palette.muted, anchor="mm")
            free = x + half + 10
    for row, (label, cells) in enumerate(zip(chart.rows, chart.cells, strict=True)):
        y = top + row * high
        canvas.text((MARGIN, y + high / 2), label, ink=canvas.palette.muted)
        for column, cell in enumerate(cells):
            x = left + column * wide
            begin, end = (x + gap, y + gap), (x + wide - gap, y + high - gap)
            _cell(canvas, chart, cell, begin, end)
    _scale(canvas, chart)


def _cell(canvas: Canvas, chart: WeekChart, cell: Cell, begin: Point, end: Point) -> None:
    """Colour and number; the number of reels below it, where there is room."""
    palette, radius = canvas.palette, min(12.0, (end[0] - begin[0]) / 4)
    if cell.value is None:
        canvas.box(begin, end, radius, mix(palette.grid, palette.paper, 0.45))
        return
    ink = mix(palette.accent, palette.paper, 0.12 + 0.88 * heat(cell.value, chart.typical))
    sure = cell.n >= chart.enough
    canvas.box(begin, end, radius, ink if sure else mix(ink, palette.paper, 0.3))
    number = short(cell.value)
    if canvas.width(number, 26, bold=True) > end[0] - begin[0] - 8:
        return
    x, y = (begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2
    on = _readable(ink) if sure else palette.muted
    canvas.text((x, y - 12), number, 26, ink=on, bold=sure, anchor="mm")
    small = mix(on, ink, 0.85) if sure else on
    canvas.text((x, y + 18), f"n {cell.n}", 21, ink=small, anchor="mm")


def heat(value: float, typical: float) -> float:
    """0 to 1, in doublings: 0 at a STRONGEST-th of what is typical, 1 at STRONGEST times it."""
    if typical <= 0 or value <= 0:
        return 1.0 if value > typical else 0.0
    return min(1.0, max(0.0, 0.5 + log2(value / typical) / (2 * log2(STRONGEST))))


def _readable(ground: Ink) -> Ink:
    """Black or white on it, by how light it looks (ITU-R BT.601)."""
    red, green, blue = ground
    return (17, 24, 39) if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else (255, 255, 255)


def _scale(canvas: Canvas, chart: WeekChart) -> None:
    """Less to more, and what a shade means."""
    palette, y = canvas.palette, LAST_LINE
    canvas.text((MARGIN, y), chart.less, ink=palette.muted)
    x = MARGIN + canvas.width(chart.less) + 20
    for step in range(5):
        ink = mix(palette.accent, palette.paper, 0.12 + 0.88 * step / 4)
        canvas.box((x, y - 15), (x + 38, y + 15), 8, ink)
        x += 44
    canvas.text((x + 14, y), chart.more, ink=palette.muted)
    x += 14 + canvas.width(chart.more) + 48
    if chart.note:
        ink = mix(palette.accent, palette.paper, 0.3 * 0.56)
        canvas.box((x, y - 15), (x + 38, y + 15), 8, ink)
        canvas.text((x + 54, y), chart.note, ink=palette.muted, room=WIDTH - MARGIN - x - 54)


def _line(canvas: Canvas, chart: LineChart) -> None:
    palette = canvas.palette
    canvas.heading(chart.title, chart.subtitle)
    canvas.text((MARGIN, 214), chart.figure, HUGE, bold=True)
    if chart.change:
        x = MARGIN + canvas.width(chart.figure, HUGE, bold=True) + 32
        tone = palette.muted if chart.better is None else (palette.bad, palette.good)[chart.better]
        width = canvas.width(chart.change, PLAIN, bold=True) + 40
        canvas.box((x, 190), (x + width, 244), 27, mix(tone, palette.paper, 0.18))
        canvas.text((x + 20, 217), chart.change, PLAIN, ink=tone, bold=True)
    known = [value for value in chart.values if value is not None]
    last = max(1, len(chart.values) - 1)
    where = plot(canvas, (0, last), known or [0.0], top=310, bottom=HEIGHT - 110, log=False)
    below(canvas, where, list(_some(chart.labels)))
    found = [
        [(where.x_of(place), where.y_of(value)) for place, value in piece]
        for piece in pieces(chart.values)
    ]
    lines = [piece for piece in found if len(piece) > 1]
    if known and min(known) >= 0:
        canvas.fade(lines, where.bottom, palette.accent)
    for piece in lines:
        canvas.line(piece, palette.accent, 5)
    _marks(canvas, chart, where, {piece[0] for piece in found if len(piece) == 1})


def _marks(canvas: Canvas, chart: LineChart, where: Plot, lone: set[Point]) -> None:
    """A dot for the newest value and for those between two gaps; hollow ones that may change."""
    accent, newest = canvas.palette.accent, len(chart.values) - 1
    for place, value in enumerate(chart.values):
        if value is None:
            continue
        at = (where.x_of(place), where.y_of(value))
        may_change = place < len(chart.may_change) and chart.may_change[place]
        radius = 11 if place == newest else 8 if may_change else 6
        if place == newest or may_change or at in lone:
            canvas.dot(at, radius, accent, ring=5 if place == newest else 0)
        if may_change:
            canvas.dot(at, radius / 2, canvas.palette.paper)


def pieces(values: Iterable[float | None]) -> list[list[tuple[int, float]]]:
    """The runs of values between gaps, each value with its place."""
    found: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((place, value))
    return [piece for piece in found if piece]


def _some(labels: Sequence[str], most: int = 6) -> Iterable[tuple[float, str]]:
    """Evenly spread ones, the last among them."""
    every = max(1, -(-len(labels) // most))
    first = (len(labels) - 1) % every
    return ((float(place), labels[place]) for place in range(first, len(labels), every))


def _span(dots: Sequence[Dot]) -> tuple[float, float]:
    places = [dot.at for dot in dots] or [0.0]
    return min(places), max(places)


def _dots(canvas: Canvas, where: Plot, dots: Sequence[Dot]) -> None:
    """The common ones first, so that the rare ones lie on top; smaller where there are many."""
    radius = 10.0 if len(dots) <= 120 else 7.5 if len(dots) <= 400 else 4.0
    rank = list(Colour)
    for dot in sorted(dots, key=lambda dot: -rank.index(dot.colour)):
        at = (where.x_of(dot.at), where.held(where.y_of(dot.value)))
        canvas.dot(at, radius, canvas.palette.dots[dot.colour], ring=radius / 5)
