"""What Meta has told in the syncs of a tour: worked out by hand, for days whose figures are set."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.graph import Meta
from sandbox.graph.figures_of_days import arrival, end_of_day
from sandbox.graph.people import Account
from sandbox.tours.told import NO_DATA, NOT_YET, NOTHING, Answers, Cell, Sync, Told
from sandbox.world import World

DAY = timedelta(days=1)
FIRST = date(2026, 3, 2)


@pytest.fixture
def meta(world: World) -> Meta:
    """Not started: nothing is asked of it."""
    return Meta(world)


@pytest.fixture
def mia(meta: Meta) -> Account:
    return meta.people.account("mia")


def sync(number: int, *, days: int = 0, whole: bool = True, late: bool = False) -> Sync:
    """Of the day FIRST + number, at two in the afternoon of the next. `days`: that it lasts."""
    day = FIRST + number * DAY
    begun = datetime(day.year, day.month, day.day, 14, tzinfo=UTC) + DAY
    ended = begun + days * DAY + timedelta(seconds=20)
    return Sync(day, begun, ended, whole=whole, late=late)


def of(meta: Meta, mia: Account, cell: Cell, syncs: list[Sync]) -> Answers:
    return Told(meta, mia, syncs, 5).of(cell).parts[""]


def tells(meta: Meta, mia: Account, day: date, *values: tuple[float, int]) -> None:
    """Of the likes of that day. `values`: (hours after its end, from then on)."""
    end = end_of_day(mia, day, is_total=True)
    for hours, value in values:
        meta.truth.correct(mia, "likes", day, value, end + timedelta(hours=hours))


LIKES = Cell("likes", "day", FIRST)


def test_each_reading_that_is_promised_counts(meta: Meta, mia: Account) -> None:
    """The new day and the next three syncs; later ones may have read it."""
    tells(meta, mia, FIRST, (0, 5), (20, 6), (70, 7), (100, 8))
    found = of(meta, mia, LIKES, [sync(n) for n in range(6)])
    assert found == Answers(sure=(5, 6, 7), told=(5, 6, 7, 8))


def test_after_a_downtime_it_is_read_until_its_48_hours_were_over(meta: Meta, mia: Account) -> None:
    tells(meta, mia, FIRST, (0, 5), (100, 6), (140, 7))
    assert of(meta, mia, LIKES, [sync(0), sync(5), sync(6)]).sure == (5, 6)
    assert of(meta, mia, LIKES, [sync(0), sync(2), sync(6)]).sure == (5,)


def test_what_was_cut_short_may_have_read_it(meta: Meta, mia: Account) -> None:
    tells(meta, mia, FIRST, (0, 5), (30, 6), (60, 7))
    syncs = [sync(0), sync(1, days=2, whole=False), sync(3)]
    assert of(meta, mia, LIKES, syncs) == Answers(sure=(5, 7), told=(5, 6, 7))


def test_what_changes_while_it_is_asked_is_not_sure(meta: Meta, mia: Account) -> None:
    tells(meta, mia, FIRST, (0, 5), (14.001, 6))
    assert of(meta, mia, LIKES, [sync(0)]) == Answers(sure=(), told=(5, 6))


def test_on_a_late_day_nothing_is_told_before_48_hours(meta: Meta, mia: Account) -> None:
    tells(meta, mia, FIRST, (0, 5))
    told = Told(meta, mia, [sync(0, late=True), sync(1, late=True)], 5)
    assert told.of(LIKES).numbers == []
    assert told.of(LIKES).states == {NOT_YET}
    later = Told(meta, mia, [sync(0, late=True), sync(1), sync(2)], 5)
    assert later.of(LIKES).numbers == [""]


def test_a_day_without_data_is_open_for_48_hours(meta: Meta, mia: Account) -> None:
    day = FIRST
    while arrival(mia, "likes", day).appears is not None:
        day += DAY
    number = (day - FIRST).days
    for syncs, state in ((2, NOT_YET), (3, NO_DATA)):
        told = Told(meta, mia, [sync(number + n) for n in range(syncs)], 5)
        assert told.of(Cell("likes", "day", day)).states == {state}
        assert told.of(Cell("likes", "day", day)).numbers == []


def test_new_followers_are_told_of_30_days_and_not_of_the_last(meta: Meta, mia: Account) -> None:
    told = Told(meta, mia, [sync(0)], 60)
    cells = [cell.day for cell in told.cells() if cell.metric == "follower_count"]
    assert cells == [FIRST - (29 - n) * DAY for n in range(30)]
    known = [day for day in cells if told.of(Cell("follower_count", "day", day)).numbers]
    assert len(known) > 20
    assert FIRST not in known
    assert not told.of(Cell("follower_count", "day", cells[0] - 5 * DAY)).numbers


def test_levels_and_audiences_are_as_they_were_read(meta: Meta, mia: Account) -> None:
    syncs = [sync(n) for n in (0, 1, 6, 7)]
    told = Told(meta, mia, syncs, 5)
    cells = list(told.cells())
    levels = [cell for cell in cells if cell.metric == "follows_count"]
    assert [cell.day for cell in levels] == [one.day + DAY for one in syncs]
    assert told.of(levels[0]).parts[""] == Answers((180,), (180,))
    ages = [c for c in cells if (c.metric, c.dimension) == ("follower_demographics", "age")]
    assert [cell.day for cell in ages] == [FIRST, FIRST + 7 * DAY]
    assert "age=18-24" in told.of(ages[0]).numbers
    assert told.of(Cell("impressions", "day", FIRST)) is NOTHING
