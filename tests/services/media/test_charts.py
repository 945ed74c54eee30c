"""Charts: what is asked for is in the picture, on any figures, light and dark."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from services.media.chart_canvas import (
    PALETTES,
    Canvas,
    Ink,
    even_marks,
    log_marks,
    short,
    showable,
)
from services.media.chart_drawing import draw, heat, pieces
from services.media.charts import (
    HEIGHT,
    MOST_POINTS,
    WIDTH,
    Cell,
    Chart,
    Colour,
    Dot,
    Edge,
    Key,
    LineChart,
    Theme,
    Tick,
    TrendChart,
    ViewsChart,
    WeekChart,
    arguments,
    calendar_ticks,
    read,
)
from services.media.runner import MediaRunner

DAY = 86_400.0
VIEWS = ViewsChart(
    "@neonloops",
    "3 reels",
    (Dot(0, 100, Colour.GREY), Dot(DAY, 1_000), Dot(2 * DAY, 90_000, Colour.GOLD)),
    (Tick(0, "1 Nov"), Tick(2 * DAY, "3 Nov")),
    1_000,
    "median 1 k",
    (Key(Colour.GOLD, "breakout 1"), Key(Colour.BLUE, "typical 1"), Key(Colour.GREY, "weak 1")),
)
TREND = TrendChart(
    "@neonloops",
    "trend",
    VIEWS.dots,
    VIEWS.ticks,
    (Edge(0, 50, 100, 400), Edge(2 * DAY, 500, 9_000, 10**6)),
    "+12 % a month",
    "95 % sure",
)
WEEK = WeekChart(
    "@neonloops",
    "when",
    ("Mon", "Tue"),
    ("0", "6", "12", "18"),
    ((Cell(900, 5), Cell(100, 4), Cell(None, 0), Cell(300, 1)),) * 2,
    300,
    3,
    "less",
    "more",
    "fewer than 3 reels",
)
LINE = LineChart("Reach", "", (1.0, 2.0, None, 3.0), ("a", "b", "c", "d"), "3", "+1", True)


def pixels(chart: Chart, tmp_path: Path, theme: Theme = Theme.DARK) -> NDArray[np.uint8]:
    draw(chart, theme, tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as picture:
        return np.asarray(picture.convert("RGB"))


def has(picture: NDArray[np.uint8], ink: Ink) -> NDArray[np.bool_]:
    return (np.abs(picture.astype(int) - ink) < 12).all(axis=2)


@pytest.mark.parametrize("theme", list(Theme))
def test_each_tier_has_its_colour_at_its_height(tmp_path: Path, theme: Theme) -> None:
    picture = pixels(VIEWS, tmp_path, theme)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    plot = picture[180:670]  # without title and legend
    inks = PALETTES[theme].dots
    rows = [np.nonzero(has(plot, inks[one]))[0] for one in (Colour.GOLD, Colour.GREY)]
    assert np.median(rows[0]) < 100  # at the top, and the weak one at the floor
    assert np.median(rows[1]) > 400
    assert not has(plot, inks[Colour.GREEN]).any()
    margins = np.concatenate([picture[:, :40].reshape(-1, 3), picture[:, -40:].reshape(-1, 3)])
    assert (margins == PALETTES[theme].paper).all()


def test_a_gap_is_a_gap(tmp_path: Path) -> None:
    whole = (1.0, 2.0, 2.5, 3.0)
    accent = PALETTES[Theme.DARK].accent

    def columns(values: tuple[float | None, ...]) -> NDArray[np.bool_]:
        chart = LineChart("", "", values, ("",) * 4, "", "", None)
        return has(pixels(chart, tmp_path)[290:], accent).any(axis=0)

    assert columns(whole)[150:960].all()
    gone = np.nonzero(~columns((1.0, 2.0, None, 3.0))[150:960])[0]
    assert len(gone) > 350  # from the second value to the fourth


def test_a_lone_figure_is_seen_and_one_that_may_change_is_hollow(tmp_path: Path) -> None:
    inks = PALETTES[Theme.DARK]

    def middle(*may_change: bool) -> tuple[bool, bool]:
        """Whether there is a dot in the middle, and whether its own middle is empty."""
        values = (0.0, None, 5.0, None, 10.0)
        chart = LineChart("", "", values, ("",) * 5, "", "", None, may_change)
        around = pixels(chart, tmp_path)[490:570, 520:610]
        rows, columns = np.nonzero(has(around, inks.accent))
        if not len(rows):
            return False, False
        at = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
        return True, bool(has(around, inks.paper)[at])

    assert middle() == (True, False)
    assert middle(False, False, True, False, False) == (True, True)


def test_more_days_than_there_are_pixels_are_not_drawn() -> None:
    told = {**asdict(LINE), "values": [1.0] * (MOST_POINTS + 1)}
    with pytest.raises(ValueError, match="values"):
        read("LineChart", told)


def test_years_with_a_gap_at_every_second_day_are_shaded_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shaded: list[int] = []
    fade = Canvas.fade

    def count(canvas: Canvas, pieces: Any, *rest: Any) -> None:
        shaded.append(len(pieces))
        fade(canvas, pieces, *rest)

    monkeypatch.setattr(Canvas, "fade", count)
    values = (1.0, 2.0, None) * 400
    pixels(LineChart("", "", values, ("",) * len(values), "", "", None), tmp_path)
    assert shaded == [400]


def test_a_cell_of_too_few_is_only_a_shade(tmp_path: Path) -> None:
    picture = pixels(WEEK, tmp_path)
    inks = PALETTES[Theme.DARK]
    cells = picture[224:746]
    assert has(cells[:, 141:353], inks.accent).sum() > 10_000  # three times what is typical
    assert not has(cells[:, 358:], inks.accent).any()


@pytest.mark.parametrize("chart", [VIEWS, TREND, WEEK, LINE])
def test_a_chart_goes_through_json(chart: Chart, tmp_path: Path) -> None:
    told = json.loads(json.dumps(arguments(chart, Theme.LIGHT, tmp_path)))
    assert read(told["kind"], told["chart"]) == chart


async def test_the_media_process_draws_it(tmp_path: Path) -> None:
    target = tmp_path / "trend.png"
    told = await MediaRunner().run("chart", arguments(TREND, Theme.DARK, target))
    assert told == {"bytes": target.stat().st_size}


values = st.none() | st.floats(-1e12, 1e12)
words = st.text(max_size=60)
dots = st.lists(st.builds(Dot, st.floats(0, 2e9), st.floats(0, 1e12)), max_size=5).map(tuple)


@settings(max_examples=3, deadline=None)
@given(dots, st.lists(values, max_size=9), words)
def test_any_figures_and_words_can_be_drawn(
    tmp_path_factory: pytest.TempPathFactory,
    dots: tuple[Dot, ...],
    values: list[float | None],
    word: str,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    pixels(ViewsChart(word, word, dots, (Tick(1, word),), 5, word, VIEWS.legend), folder)
    pixels(TrendChart(word, word, dots, (), TREND.line, word, word), folder)
    pixels(LineChart(word, word, tuple(values), (word,) * len(values), word, word, None), folder)


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_even_marks_are_round_and_hold_everything_and_zero(one: float, other: float) -> None:
    low, high = sorted((one, other))
    marks = even_marks(low, high)
    assert 2 <= len(marks) <= 9
    little = 1e-6 * (marks[-1] - marks[0])
    assert marks[0] <= min(0, low) + little
    assert marks[-1] >= max(0, high) - little
    assert any(abs(mark) < little for mark in marks)


@given(st.floats(1, 1e12), st.floats(1, 1e12))
def test_log_marks_are_few_and_rise(one: float, other: float) -> None:
    low, high = sorted((one, other))
    marks = log_marks(low, max(high, 2 * low))
    assert 2 <= len(marks) <= 8
    assert marks == sorted(set(marks))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1_000, "1 k"), (1_250, "1.2 k"), (12_345, "12 k"),
     (999_600, "1 M"), (1_500_000, "1.5 M"), (2e9, "2 B"), (-12_345, "-12 k"), (0.5, "0.5")],
)  # fmt: skip
def test_thousands_are_short(number: float, text: str) -> None:
    assert short(number).replace("\u00a0", " ") == text


def test_what_the_font_lacks_is_left_out() -> None:
    assert showable("Reach 🎉 日本 Охват · 5 %") == "Reach Охват · 5 %"


def test_pieces_are_what_is_between_gaps() -> None:
    assert pieces([None, 1, 2, None, None, 3]) == [[(1, 1), (2, 2)], [(5, 3)]]
    assert pieces([]) == []


def test_heat_is_half_at_what_is_typical() -> None:
    assert [heat(value, 300) for value in (0, 100, 300, 900, 10**9)] == [
        0, pytest.approx(0), 0.5, pytest.approx(1), 1,
    ]  # fmt: skip
    assert (heat(0, 0), heat(5, 0)) == (0, 1)


@given(
    st.datetimes(datetime(2015, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 4_000),
)
def test_ticks_are_midnights_within(first: datetime, days: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    ticks = calendar_ticks(first, first + timedelta(days=days), zone)
    assert len(ticks) <= 5
    assert ticks == sorted(ticks)
    assert bool(ticks) or days < 62
    for tick in ticks:
        assert first <= tick <= first + timedelta(days=days)
        assert (tick.hour, tick.minute) == (0, 0)
        assert days < 60 or tick.day == 1 or tick.weekday() == 0
