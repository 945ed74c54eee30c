"""The comparison of an export with the truth: each way in which a product can be wrong is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.graph import Meta
from sandbox.graph.figures_of_days import end_of_day
from sandbox.tours.checking import Found, Shown, compare, read
from sandbox.tours.told import NO_DATA, Cell, Sync, Told
from sandbox.tours.visitor import TourFailed
from sandbox.world import World

DAY = timedelta(days=1)
FIRST = date(2026, 3, 2)
HISTORY, SYNCS = 4, 3
REVISED = Cell("likes", "day", FIRST)


@pytest.fixture
def told(world: World) -> Told:
    """Three syncs; the likes of the first day were 5 and are 6."""
    meta = Meta(world)
    mia = meta.people.account("mia")
    end = end_of_day(mia, FIRST, is_total=True)
    for hours, value in ((0, 5), (20, 6)):
        meta.truth.correct(mia, "likes", FIRST, value, end + timedelta(hours=hours))
    begun = [datetime(2026, 3, 3, 14, tzinfo=UTC) + n * DAY for n in range(SYNCS)]
    syncs = [Sync(at.date() - DAY, at, at + timedelta(seconds=20)) for at in begun]
    return Told(meta, mia, syncs, HISTORY)


def right(told: Told) -> Iterator[Shown]:
    """An export in which everything is."""
    for cell in told.cells():
        key, wanted = (cell.metric, cell.period, cell.day), told.of(cell)
        for breakdown in wanted.numbers:
            *earlier, value = wanted.parts[breakdown].sure
            yield Shown(*key, breakdown, value, "number", None, tuple(earlier))
        if not wanted.numbers:
            [(state, reason)] = wanted.states
            yield Shown(*key, wanted.gap, None, state, reason)


def differs(told: Told, shown: list[Shown]) -> dict[str, int]:
    """By how much, from an export in which everything is right."""
    good, bad = compare(list(right(told)), told), compare(shown, told)
    assert bad.differences or bad.duplicates or bad == good
    names = [name for name in Found.__slots__ if name != "differences"]
    changes = {name: getattr(bad, name) - getattr(good, name) for name in names}
    return {name: change for name, change in changes.items() if change}


def changed(told: Told, which: Shown, *instead: Shown) -> dict[str, int]:
    shown = list(right(told))
    place = shown.index(which)
    return differs(told, [*shown[:place], *instead, *shown[place + 1 :]])


@pytest.fixture
def number(told: Told) -> Shown:
    """A figure that was never another."""
    return next(
        one for one in right(told) if one.metric == "views" and one.value and not one.earlier
    )


@pytest.fixture
def gap(told: Told) -> Shown:
    """A day of which Meta tells nothing."""
    return next(one for one in right(told) if (one.state, one.reason) == NO_DATA)


@pytest.fixture
def revised(told: Told) -> Shown:
    return next(one for one in right(told) if one.cell == REVISED)


def test_a_right_export_is_right(told: Told) -> None:
    shown = list(right(told))
    found = compare(shown, told)
    numbers = [one for one in shown if one.value is not None]
    assert found.values_equal == found.values_expected == len(numbers) > 150
    assert found.revisions == sum(len(one.earlier) for one in numbers) > 0
    assert (found.states_wrong, found.wrong_zeros, found.gaps_left, found.duplicates) == (0,) * 4
    assert found.differences == []


def test_a_wrong_figure_is_not_equal(told: Told, number: Shown) -> None:
    assert number.value is not None
    assert changed(told, number, replace(number, value=number.value + 1)) == {"values_equal": -1}


def test_a_number_that_calls_itself_none_has_a_wrong_state(told: Told, number: Shown) -> None:
    found = changed(told, number, replace(number, state="not_yet", reason="not_yet"))
    assert found == {"values_equal": -1, "states_wrong": 1}


def test_no_data_is_not_zero(told: Told, gap: Shown, number: Shown) -> None:
    zero = replace(gap, value=0, state="number", reason=None)
    assert changed(told, gap, zero) == {"wrong_zeros": 1}
    assert changed(told, gap, replace(gap, value=0)) == {"wrong_zeros": 1}
    assert changed(told, gap, replace(zero, value=3)) == {"states_wrong": 1}
    assert changed(told, number, replace(number, value=0)) == {"values_equal": -1, "wrong_zeros": 1}


@pytest.mark.parametrize(
    ("state", "reason"),
    [("not_yet", "not_yet"), ("failed", "failed"), ("not_available", "too_few")],
)
def test_a_wrong_state_is_seen(told: Told, gap: Shown, state: str, reason: str) -> None:
    assert changed(told, gap, replace(gap, state=state, reason=reason)) == {"states_wrong": 1}


def test_a_duplicate_is_seen(told: Told, gap: Shown, number: Shown) -> None:
    for one in (gap, number):
        assert changed(told, one, one, one).pop("duplicates") == 1
    beside = replace(gap, metric=number.metric, period=number.period, day=number.day)
    assert changed(told, number, number, beside).pop("duplicates") == 1


def test_a_gap_is_seen(told: Told, gap: Shown, number: Shown) -> None:
    lost = {"values_equal": -1, "gaps_left": 1}
    assert changed(told, number) == lost
    assert changed(told, gap) == {"gaps_left": 1}
    single = next(one for one in right(told) if one.metric == "likes" and one.value)
    reason = replace(single, value=None, state="not_yet", reason="not_yet", earlier=())
    assert changed(told, single, reason).pop("gaps_left") == 1


def test_a_revision_that_is_missed_or_made_up_is_seen(
    told: Told, revised: Shown, number: Shown
) -> None:
    assert (revised.earlier, revised.value) == ((5,), 6)
    missed = {"values_equal": -1, "revisions": -1}
    assert changed(told, revised, replace(revised, value=5, earlier=())) == missed
    assert changed(told, revised, replace(revised, earlier=())) == missed
    assert changed(told, revised, replace(revised, value=5, earlier=(6,))) == missed
    assert changed(told, number, replace(number, earlier=(1,))) == {"values_equal": -1}


def test_what_nobody_asked_for_has_to_be_right_too(told: Told, number: Shown) -> None:
    shown = list(right(told))
    made_up = replace(number, metric="impressions")
    assert differs(told, [*shown, made_up]) == {"states_wrong": 1}
    older = Cell("follows_count", "now", FIRST - 30 * DAY)
    assert told.of(older).numbers == []
    assert differs(
        told, [*shown, Shown(older.metric, older.period, older.day, "", 180, "number", None)]
    ) == {"states_wrong": 1}


def test_an_export_is_read_as_it_is_written() -> None:
    row = {
        "metric": "engaged_audience_demographics",
        "period": "lifetime",
        "day": "2026-03-02",
        "breakdown": "age=18-24&timeframe=THIS_MONTH",
        "value": 7,
        "state": "number",
        "reason": None,
        "earlier_values": ["5", "6.5"],
    }
    [one] = read(json.dumps({"about": {"lines": 1}, "values": [row]}).encode())
    assert (one.breakdown, one.value, one.earlier) == ("age=18-24", 7, (5.0, 6.5))
    assert one.cell.dimension == "age"
    for other in ({"about": {"lines": 2}, "values": [row]}, [row]):
        with pytest.raises(TourFailed):
            read(json.dumps(other).encode())
