"""Paper, pens and axes for the charts. Runs in the media process; used by chart_drawing.

Everything is drawn at twice its size and reduced, for smooth edges. Letters are DejaVu's, which
know Latin, Cyrillic and Greek; what they can't show (emoji, Chinese) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from services.media.charts import HEIGHT, WIDTH, Colour, Theme

SCALE = 2
MARGIN = 56
SMALL, PLAIN, TITLE, HUGE = 27, 30, 44, 84  # of letters
DEEPEST = 300  # below the middle value, on a logarithmic axis
FONTS = Path(__file__).parent / "fonts"

Point = tuple[float, float]
Ink = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    paper: Ink
    text: Ink
    muted: Ink
    grid: Ink
    good: Ink
    bad: Ink
    dots: dict[Colour, Ink]

    @property
    def accent(self) -> Ink:
        return self.dots[Colour.BLUE]


def _ink(code: str) -> Ink:
    return (int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16))


def _palette(paper: str, text: str, muted: str, grid: str, bad: str, dots: str) -> Palette:
    inks = [_ink(code) for code in dots.split()]
    colours = dict(zip(Colour, inks, strict=True))
    return Palette(
        paper=_ink(paper),
        text=_ink(text),
        muted=_ink(muted),
        grid=_ink(grid),
        good=colours[Colour.GREEN],
        bad=_ink(bad),
        dots=colours,
    )


PALETTES = {
    Theme.DARK: _palette(
        "#121827", "#f4f6fb", "#98a5bd", "#263049", "#ff7a7a", "#ffb938 #35d6a4 #7a94ff #6b7894"
    ),
    Theme.LIGHT: _palette(
        "#ffffff", "#111827", "#5d6b82", "#e5e9f1", "#d63a3a", "#e58a00 #0c9f78 #4a68f0 #a5afc2"
    ),
}


def mix(over: Ink, under: Ink, share: float) -> Ink:
    """`share` of the first colour on the second, as glass would show it."""
    red, green, blue = (
        round(a * share + b * (1 - share)) for a, b in zip(over, under, strict=True)
    )
    return red, green, blue


@lru_cache(maxsize=16)
def _font(size: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size * SCALE)


@lru_cache(maxsize=4096)
def _known(letter: str) -> bool:
    """Is it in the font? What is not is drawn as one and the same box."""
    font = _font(SMALL, bold=False)
    if letter == " " or not letter.isprintable():
        return letter == " "
    return bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))


def showable(text: str) -> str:
    """In one line, without what the font lacks."""
    kept = "".join(one for one in " ".join(text.split()) if _known(one))
    return " ".join(kept.split())


class Canvas:
    """Coordinates in pixels of the finished picture, from the upper left."""

    def __init__(self, theme: Theme) -> None:
        self.palette = PALETTES[theme]
        self._image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), self.palette.paper)
        self._pen = ImageDraw.Draw(self._image)

    def save(self, target: Path) -> None:
        small = self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        small.save(target, "PNG")

    # ------------------------------------------------------------ letters

    def width(self, text: str, size: int = SMALL, *, bold: bool = False) -> float:
        return _font(size, bold=bold).getlength(showable(text)) / SCALE

    def text(
        self,
        at: Point,
        text: str,
        size: int = SMALL,
        *,
        ink: Ink | None = None,
        bold: bool = False,
        anchor: str = "lm",
        room: float = WIDTH - 2 * MARGIN,
    ) -> None:
        """What does not fit into `room` ends in dots. `anchor` as Pillow has it."""
        shown = showable(text)
        if not shown:
            return
        if self.width(shown, size, bold=bold) > room:
            while shown and self.width(shown + "…", size, bold=bold) > room:
                shown = shown[:-1]
            shown = shown.rstrip() + "…"
        where = (at[0] * SCALE, at[1] * SCALE)
        font = _font(size, bold=bold)
        self._pen.text(where, shown, font=font, fill=ink or self.palette.text, anchor=anchor)

    def heading(self, title: str, subtitle: str) -> None:
        self.text((MARGIN, 74), title, TITLE, bold=True)
        self.text((MARGIN, 128), subtitle, PLAIN, ink=self.palette.muted)

    # ------------------------------------------------------------ shapes

    def line(self, points: Sequence[Point], ink: Ink, width: float = 2) -> None:
        """With round joints and ends."""
        thick = max(1, round(width * SCALE))
        self._pen.line([_scaled(point) for point in points], fill=ink, width=thick, joint="curve")
        if width > 2:
            for end in (points[0], points[-1]):
                self.dot(end, width / 2, ink)

    def dashes(self, start: Point, end: Point, ink: Ink, width: float = 3) -> None:
        """Level ones."""
        left = start[0]
        while left < end[0]:
            self.line([(left, start[1]), (min(left + 14, end[0]), end[1])], ink, width)
            left += 26

    def dot(self, at: Point, radius: float, ink: Ink, ring: float = 0) -> None:
        """`ring`: of paper around it, so that dots that touch are seen as two."""
        if ring:
            self._circle(at, radius + ring, self.palette.paper)
        self._circle(at, radius, ink)

    def _circle(self, at: Point, radius: float, ink: Ink) -> None:
        x, y = _scaled(at)
        r = radius * SCALE
        self._pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def area(self, corners: Sequence[Point], ink: Ink) -> None:
        self._pen.polygon([_scaled(corner) for corner in corners], fill=ink)

    def box(self, begin: Point, end: Point, radius: float, ink: Ink) -> None:
        corners = (*_scaled(begin), end[0] * SCALE - 1, end[1] * SCALE - 1)
        self._pen.rounded_rectangle(corners, radius * SCALE, fill=ink)

    def fade(self, pieces: Sequence[Sequence[Point]], floor: float, ink: Ink) -> None:
        """Fills what is between each of them and `floor`, ever lighter towards it."""
        mask = Image.new("L", self._image.size, 0)
        pen = ImageDraw.Draw(mask)
        for points in pieces:
            corners = [*points, (points[-1][0], floor), (points[0][0], floor)]
            pen.polygon([_scaled(corner) for corner in corners], fill=255)
        top = round(min((y for points in pieces for _, y in points), default=floor) * SCALE)
        depth = max(1, round(floor * SCALE) - top)
        shade = Image.new("L", (1, self._image.height), 0)
        for y in range(depth):
            shade.putpixel((0, min(top + y, shade.height - 1)), round(90 * (1 - y / depth)))
        nothing = Image.new("L", self._image.size, 0)
        veil = Image.composite(shade.resize(self._image.size), nothing, mask)
        self._image.paste(ink, (0, 0, *self._image.size), veil)


def _scaled(point: Point) -> Point:
    return point[0] * SCALE, point[1] * SCALE


# ---------------------------------------------------------------- axes


@dataclass(frozen=True, slots=True)
class Plot:
    """Where the data are drawn: `x_of` takes places in time, `y_of` values. A value that is not in
    the plot is above or below it; `held` keeps it in."""

    left: float
    right: float
    top: float
    bottom: float
    x_of: Callable[[float], float]
    y_of: Callable[[float], float]

    def held(self, y: float) -> float:
        return min(self.bottom, max(self.top, y))


def plot(
    canvas: Canvas,
    span: tuple[float, float],
    values: Sequence[float],
    *,
    top: float,
    bottom: float,
    log: bool,
) -> Plot:
    """Draws the grid with its numbers, and says where things are then. `values`: all that has to
    be in it. `span`: the first and the last place on the axis of time."""
    lowest, highest = min(values), max(values)
    if log:  # one reel that nobody saw must not press the others to the ceiling: it is at the floor
        lowest = max(lowest, sorted(values)[len(values) // 2] / DEEPEST, 1)
        highest = max(highest, 2 * lowest)
    marks = log_marks(lowest, highest) if log else even_marks(lowest, highest)
    labels = [short(mark) for mark in marks]
    left = MARGIN + max(canvas.width(label) for label in labels) + 18
    right = WIDTH - MARGIN
    scale: Callable[[float], float] = (lambda value: log10(max(value, 1))) if log else float
    low, high = scale(min(marks[0], lowest)), scale(max(marks[-1], highest))
    inner = 16  # so that no dot is cut at the edge

    def y_of(value: float) -> float:
        return bottom - (scale(value) - low) / ((high - low) or 1) * (bottom - top)

    def x_of(place: float) -> float:
        share = (place - span[0]) / (span[1] - span[0]) if span[1] > span[0] else 0.5
        return left + inner + share * (right - left - 2 * inner)

    canvas.line([(left, bottom), (right, bottom)], canvas.palette.grid)
    for mark, label in zip(marks, labels, strict=True):
        y = y_of(mark)
        canvas.line([(left, y), (right, y)], canvas.palette.grid)
        canvas.text((left - 18, y), label, ink=canvas.palette.muted, anchor="rm")
    return Plot(left, right, top, bottom, x_of, y_of)


def below(canvas: Canvas, where: Plot, labels: Sequence[tuple[float, str]]) -> None:
    """Labels under the plot, (place in time, text), in order of time. One that would stick out is
    moved; one that would touch the next is left out, for the newest matter most."""
    free = float(WIDTH)
    for place, label in reversed(labels):
        half = canvas.width(label) / 2
        x = min(max(where.x_of(place), where.left + half), where.right - half)
        if x + half <= free:
            canvas.text((x, where.bottom + 38), label, ink=canvas.palette.muted, anchor="mm")
            free = x - half - 24


def legend(canvas: Canvas, entries: Sequence[tuple[Ink, str]], y: float) -> None:
    """Dots with their words, side by side; equal shares of the line where they would not fit."""
    if not entries:
        return
    room, gap = WIDTH - 2 * MARGIN, 40
    widths = [34 + canvas.width(label) for _, label in entries]
    share = (room + gap) / len(entries) - gap
    if sum(widths) + gap * (len(widths) - 1) > room:
        widths = [share] * len(entries)
    x = float(MARGIN)
    for (ink, label), width in zip(entries, widths, strict=True):
        canvas.dot((x + 11, y), 11, ink)
        canvas.text((x + 34, y), label, room=width - 33)
        x += width + gap


def even_marks(lowest: float, highest: float, wanted: int = 5) -> list[float]:
    """Round numbers around all of it and zero: an axis that is cut off exaggerates."""
    low, high = min(0.0, lowest), max(0.0, highest)
    if high - low < 1e-9:
        return [0.0, 1.0]
    raw = (high - low) / wanted
    power = 10.0 ** floor(log10(raw))
    step = next(power * by for by in (1, 2, 2.5, 5, 10) if power * by >= raw * 0.999)
    step = max(step, 1.0) if high - low >= 2 else step  # what is counted has no halves
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [step * n for n in range(first, last + 1)]


def log_marks(lowest: float, highest: float, most: int = 7) -> list[float]:
    """Round numbers within, or nearly so: with twos and fives where there is room, or threes, or
    powers of ten alone; two of them at least. Both are at least 1."""
    low, high = floor(log10(lowest)), ceil(log10(highest))
    marks = [10.0**low, 10.0 ** max(high, low + 1)]
    for factors in ((1,), (1, 3), (1, 2, 5)):
        every = [factor * 10.0**power for power in range(low, high + 1) for factor in factors]
        within = [mark for mark in every if lowest * 0.7 <= mark <= highest * 1.4]
        if 2 <= len(within) <= most:
            marks = within
        elif len(within) > most and factors == (1,):
            marks = within[:: -(-len(within) // most)]
    return marks


def short(number: float) -> str:
    """12 k, 1.5 M: two digits are enough for an axis, three where they are there anyway."""
    for size, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size * 0.9995:
            of = number / size
            text = f"{of:.1f}".removesuffix(".0") if abs(of) < 9.95 else f"{of:.0f}"
            return f"{text}\u00a0{suffix}"
    return f"{number:.3g}"
