"""How often and when: on the calendar and the clock of who looks, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from services.analysis.measure import Measure, seen
from services.analysis.rhythm import rhythm, times, week
from services.instagram.profiles import Reel
from tests.services.analysis.reels import any_reels, reel

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_reel_every_other_day_is_three_and_a_half_a_week() -> None:
    told = rhythm([reel(n, 2 * n) for n in range(8)])
    assert told.per_week == 3.5
    assert told.median_gap == told.longest_gap == timedelta(days=2)
    assert told.n == 8


def test_the_longest_gap_is_found() -> None:
    reels = [reel(1, 1), reel(2, 2), reel(3, 30), reel(4, 31)]
    told = rhythm(reels)
    assert (told.longest_gap, told.longest_from) == (timedelta(days=28), reels[2].taken_at)


def test_one_reel_has_no_rhythm() -> None:
    told = rhythm([reel()])
    assert (told.per_week, told.median_gap, told.n) == (None, None, 1)
    assert rhythm([reel(1), reel(2)]).per_week is None  # at the same moment


def at(name: str, *moment: int, plays: int = 100) -> Reel:
    return reel(name, taken_at=datetime(*moment, tzinfo=UTC), plays=plays)  # type: ignore[misc]


def test_hours_are_local_on_both_sides_of_the_change() -> None:
    """Sunday 25 October 2026: 00:30 UTC is half past two in summer time, 01:30 UTC in winter's."""
    reels = [at("a", 2026, 10, 25, 0, 30), at("b", 2026, 10, 25, 1, 30), at("c", 2026, 7, 1, 22)]
    told = times(seen(reels, Measure.PLAYS), BERLIN)
    assert {slot.at: slot.median_views.n for slot in told.hours if slot.median_views.n} == {
        2: 2, 0: 1,
    }  # fmt: skip
    assert told.weekdays[6].median_views.n == 2
    assert told.weekdays[3].median_views.n == 1  # Thursday already


def test_the_best_slot_needs_three_reels_and_twelve_in_all() -> None:
    monday = datetime(2026, 11, 2, 9, tzinfo=UTC)
    reels = [reel(n, taken_at=monday + timedelta(weeks=n), plays=300) for n in range(3)]
    reels += [reel(f"t{n}", taken_at=monday + timedelta(days=1 + n, hours=9)) for n in range(2)]
    usual = [
        reel(f"w{n}", taken_at=monday + timedelta(days=2, weeks=n), plays=100) for n in range(7)
    ]
    told = times(seen([*reels, *usual], Measure.PLAYS), ZoneInfo("UTC"))
    assert told.best_weekday
    assert told.best_weekday.at == 0  # Tuesday's one reel has 1,000
    assert (told.best_weekday.median_views.value, told.best_weekday.median_views.n) == (300, 3)
    fewer = times(seen([*reels, *usual[:-1]], Measure.PLAYS), ZoneInfo("UTC"))
    assert (fewer.best_weekday, fewer.best_hour, fewer.n) == (None, None, 11)


def test_what_is_below_the_median_is_not_the_best() -> None:
    """Of three reels at nine o'clock and one in each other hour, nine is the only one to tell."""
    day = datetime(2026, 11, 2, tzinfo=UTC)
    weak = [reel(n, taken_at=day + timedelta(days=n, hours=9), plays=50) for n in range(3)]
    rest = [reel(f"r{n}", taken_at=day + timedelta(hours=n), plays=900) for n in range(10, 19)]
    told = times(seen([*weak, *rest], Measure.PLAYS), ZoneInfo("UTC"))
    assert (told.n, told.best_hour) == (12, None)
    same = [reel(n, taken_at=day + timedelta(days=n), plays=0) for n in range(28)]
    told = times(seen(same, Measure.PLAYS), ZoneInfo("UTC"))
    assert (told.best_weekday, told.best_hour) == (None, None)


@settings(max_examples=30, deadline=None)
@given(any_reels)
def test_every_reel_is_in_one_cell(reels: list[Reel]) -> None:
    told = seen(reels, Measure.PLAYS)
    for hours in (1, 3):
        cells = week(told, BERLIN, hours)
        assert [len(row) for row in cells] == [24 // hours] * 7
        assert sum(cell.n for row in cells for cell in row) == len(told)
    slots = times(told, BERLIN)
    assert [sum(cell.n for cell in row) for row in week(told, BERLIN)] == [
        slot.median_views.n for slot in slots.weekdays
    ]


def test_times_are_in_medians() -> None:
    reels = [at("a", 2026, 11, 2, 9, plays=100), at("b", 2026, 11, 3, 9, plays=300)]
    told = times(seen(reels, Measure.PLAYS), ZoneInfo("UTC"))
    assert told.weekdays[1].times == pytest.approx(1.5)
    assert told.weekdays[2].times is None
