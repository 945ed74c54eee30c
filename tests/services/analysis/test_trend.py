"""The trend: what it finds, when it is silent, and that its interval is Sen's."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analysis.measure import Measure, Seen, seen
from services.analysis.trend import Direction, NoTrend, Trend, Why, slopes, trend
from tests.services.analysis.reels import NOW, reel


def weekly(views: list[int], *, first_days_ago: float = 200) -> list[Seen]:
    reels = [reel(n, first_days_ago - 7 * n, one) for n, one in enumerate(views)]
    return seen(reels, Measure.PLAYS)


def found(reels: list[Seen]) -> Trend:
    told = trend(reels, NOW)
    assert isinstance(told, Trend)
    return told


def test_growth_is_found_whatever_a_breakout_says() -> None:
    views = [round(1_000 * 1.1 ** (n * 7 / 30)) for n in range(20)]
    views[3] *= 40
    told = found(weekly(views))
    assert told.direction is Direction.RISING
    assert told.change == pytest.approx(0.1, abs=0.01)
    assert told.low < told.change < told.high
    assert (told.n, told.growing) == (20, 0)
    low, likely, high = told.views_at(told.last)
    assert low < likely < high
    assert likely == pytest.approx(views[-1], rel=0.05)


def test_decline_and_noise_are_told_apart() -> None:
    assert found(weekly([10_000 - 400 * n for n in range(15)])).direction is Direction.FALLING
    noise = [1_000, 3_000, 400, 1_200, 900, 2_500, 700, 1_100, 800, 2_000, 600, 1_500]
    assert found(weekly(noise)).direction is Direction.UNCLEAR
    assert found(weekly([5] * 12)).direction is Direction.UNCLEAR


def test_eleven_reels_are_too_few_to_say() -> None:
    assert trend(weekly([100] * 11), NOW) == NoTrend(Why.FEW, 11, 0)
    assert isinstance(trend(weekly([100] * 12), NOW), Trend)


def test_young_reels_are_left_out_and_counted() -> None:
    grown = [reel(n, 7 * n + 3, 1_000) for n in range(12)]
    young = [reel(f"y{n}", 2.9 - n / 10, 5) for n in range(8)]
    told = found(seen([*grown, *young], Measure.PLAYS))
    assert (told.n, told.growing, told.change) == (12, 8, 0)
    assert trend(seen([*grown[1:], *young], Measure.PLAYS), NOW) == NoTrend(Why.FEW, 11, 8)


def test_a_busy_fortnight_is_no_matter_of_months() -> None:
    reels = [reel(n, 20 - n / 2, 100 * n) for n in range(20)]
    assert trend(seen(reels, Measure.PLAYS), NOW) == NoTrend(Why.SHORT, 20, 0)


def test_only_the_newest_are_taken_of_very_many() -> None:
    old = [reel(f"o{n}", 900 - n / 10, 10**6) for n in range(100)]
    new = [reel(n, 600 - n, 100) for n in range(500)]
    told = found(seen([*old, *new], Measure.PLAYS))
    assert (told.n, told.change) == (500, 0)
    assert told.first == new[0].taken_at


points = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=2, max_size=25)


@given(points.filter(lambda many: len({x for x, _ in many}) > 1))
def test_slopes_are_those_of_all_pairs(many: list[tuple[int, int]]) -> None:
    xs, ys = [x for x, _ in many], [y for _, y in many]
    pairs = [(d - b) / (c - a) for (a, b), (c, d) in itertools.combinations(many, 2) if c != a]
    low, middle, high = slopes(xs, ys)
    assert middle == pytest.approx(statistics.median(pairs))
    # Sen's interval, as scipy.stats.theilslopes computes it
    n = len(many)
    ties = sum(
        k * (k - 1) * (2 * k + 5)
        for values in (xs, ys)
        for k in (values.count(one) for one in set(values))
        if k > 1
    )
    sigma = math.sqrt(max(0, n * (n - 1) * (2 * n + 5) - ties) / 18)
    pairs.sort()
    upper = min(round((len(pairs) + 1.959964 * sigma) / 2), len(pairs) - 1)
    lower = max(round((len(pairs) - 1.959964 * sigma) / 2) - 1, 0)
    assert (low, high) == (pytest.approx(pairs[lower]), pytest.approx(pairs[upper]))
    assert low <= middle <= high


@given(st.lists(st.integers(0, 10**9), min_size=12, max_size=30))
def test_any_views_have_a_trend_in_order(views: list[int]) -> None:
    told = found(weekly(views, first_days_ago=400))
    assert -1 <= told.low <= told.change <= told.high
    for moment in (told.first, told.pivot, told.last):
        low, likely, high = told.views_at(moment)
        assert 0 <= low <= likely <= high
