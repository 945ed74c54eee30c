"""Slots on the clock of the wall, and whose turn each of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stories.schedule import Turn, instants, plan, runway
from storage.story_accounts import Blackout, Category, Slot
from storage.story_items import StoryItem
from tests.bot.stories import factories as make
from tests.support.rows import NOW

DAY = timedelta(days=1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # back and forth around Ramadan
    "America/Havana",  # at midnight
    "America/Nuuk",  # across midnight
    "Asia/Kolkata",  # never
)
minutes = st.integers(0, 24 * 60 - 1)
moments = st.integers(0, 2 * 365 * 24 * 60).map(lambda minute: NOW + timedelta(minutes=minute))


def daily(*times: str) -> list[Slot]:
    """ "18:30", every day."""
    of_day = [int(one[:2]) * 60 + int(one[3:]) for one in times]
    pairs = [(weekday, minute) for weekday in range(7) for minute in of_day]
    return [Slot(number, *pair) for number, pair in enumerate(pairs)]


def told(slots: Sequence[Slot], zone: str, first: str, *off: Blackout) -> list[str]:
    """On the two local days from this one on."""
    since = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = instants(slots, off, zone, since, since + timedelta(hours=47))
    return [f"{at:%d %H:%M}" for at in found]


# ---------------------------------------------------------------- when


@pytest.mark.parametrize(
    ("zone", "night", "slot", "expected"),
    [
        ("Europe/Berlin", "2027-03-28", "02:30", ["28 01:30", "29 00:30"]),  # skipped: 3:30
        ("Europe/Berlin", "2026-10-25", "02:30", ["25 00:30", "26 01:30"]),  # twice: the first
        ("America/New_York", "2027-03-14", "02:00", ["14 07:00", "15 06:00"]),
        ("America/New_York", "2026-11-01", "01:59", ["01 05:59", "02 06:59"]),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", ["03 15:45", "04 15:15"]),  # 2:45
        ("Australia/Lord_Howe", "2027-04-04", "01:45", ["03 14:45", "04 15:15"]),
        ("America/Havana", "2027-03-14", "00:30", ["14 05:30", "15 04:30"]),
        ("Asia/Kolkata", "2027-03-28", "02:30", ["27 21:00", "28 21:00"]),
    ],
)
def test_a_night_of_the_clock_change_has_each_slot_once(
    zone: str, night: str, slot: str, expected: list[str]
) -> None:
    assert told(daily(slot), zone, night) == expected


def test_two_slots_that_a_skipped_hour_lays_upon_each_other_are_one() -> None:
    assert told(daily("02:30", "03:30"), "Europe/Berlin", "2027-03-28")[:1] == ["28 01:30"]
    assert len(told(daily("02:30", "03:30"), "Europe/Berlin", "2027-03-28")) == 3


@given(st.sampled_from(ZONES), minutes, st.dates(date(2026, 1, 1), date(2028, 1, 1)))
@settings(deadline=None, max_examples=200)
def test_every_local_day_has_its_slot_once(zone: str, minute: int, day: date) -> None:
    there, slot = ZoneInfo(zone), Slot(1, day.weekday(), minute)
    midnight = datetime.combine(day, time(), UTC)
    [at] = instants([slot], [], zone, midnight - 3 * DAY, midnight + 4 * DAY)
    shown = at.astimezone(there).replace(tzinfo=None)
    named = datetime.combine(day, time(minute // 60, minute % 60))
    assert named <= shown <= named + timedelta(hours=1)
    exists = datetime.combine(day, named.time(), there).astimezone(UTC).astimezone(there)
    assert shown == named or exists.replace(tzinfo=None) != named, "only a skipped time may move"


@given(
    st.sampled_from(ZONES),
    st.sets(st.builds(Slot, st.just(1), st.integers(0, 6), minutes), min_size=1, max_size=9),
    st.lists(moments, min_size=3, max_size=3).map(sorted),
)
@settings(deadline=None, max_examples=100)
def test_however_the_time_is_cut_no_slot_is_lost_or_doubled(
    zone: str, slots: set[Slot], cuts: list[datetime]
) -> None:
    first, cut, last = cuts[0], cuts[1], min(cuts[2], cuts[1] + 20 * DAY)
    first = max(first, cut - 20 * DAY)
    known = list(slots)
    parts = instants(known, [], zone, first, cut) + instants(known, [], zone, cut, last)
    assert parts == instants(known, [], zone, first, last)


def test_a_slot_that_is_moved_across_midnight_is_found_on_either_side() -> None:
    """In Nuuk the clock of a Saturday in March goes from 23:00 to Sunday's 0:00."""
    there = ZoneInfo("America/Nuuk")
    slot, sunday = Slot(1, 5, 23 * 60 + 30), datetime(2027, 3, 28, tzinfo=there).astimezone(UTC)
    moved = sunday + timedelta(minutes=30)
    assert instants([slot], [], "America/Nuuk", sunday - DAY, sunday + DAY) == [moved]
    assert instants([slot], [], "America/Nuuk", sunday, sunday + DAY) == [moved]
    off = Blackout(1, date(2027, 3, 28), date(2027, 3, 28))
    assert instants([slot], [off], "America/Nuuk", sunday - DAY, sunday + DAY) == []


def test_days_without_stories_are_local_ones_with_both_ends() -> None:
    off = Blackout(1, date(2026, 11, 21), date(2026, 11, 22))
    since = datetime(2026, 11, 20, tzinfo=UTC)
    for zone, expected in (
        # 00:30 in Auckland is 11:30 UTC of the day before, 23:30 in Honolulu 9:30 of the day after
        ("Pacific/Auckland", ["20 10:30", "22 11:30", "23 10:30", "23 11:30"]),
        ("Pacific/Honolulu", ["20 09:30", "20 10:30", "21 09:30", "23 10:30"]),
    ):
        found = instants(daily("00:30", "23:30"), [off], zone, since, since + 4 * DAY)
        assert [f"{at:%d %H:%M}" for at in found] == expected, zone


# ---------------------------------------------------------------- whose turn


def kinds(*shares: int) -> list[Category]:
    return [Category(number, 1, f"k{number}", share, "ask") for number, share in enumerate(shares)]


def files(*category_ids: int | None, **columns: object) -> list[StoryItem]:
    return [
        make.item(id=number, category_id=category_id, **columns)
        for number, category_id in enumerate(category_ids)
    ]


def by_and_by(
    categories: Sequence[Category],
    items: Sequence[StoryItem],
    count: int,
    every: timedelta = DAY,
    before: Sequence[int] = (),
) -> list[int]:
    """Who fills the slots, when each is planned on its own, as the clock does."""
    filled = list(before)
    for number in range(count):
        [turn] = plan([NOW + number * every], categories, items, filled, timedelta(0))
        filled.append(turn.category.id)
    return filled[len(before) :]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.lists(st.integers(0, 4)))
@settings(deadline=None, max_examples=15)
def test_in_the_long_run_everybody_has_their_share(shares: list[int], before: list[int]) -> None:
    known, slots = kinds(*shares), 20 * sum(shares)
    counted = Counter(by_and_by(known, files(*range(len(shares))), slots, before=before))
    for one in known:
        assert counted[one.id] == pytest.approx(20 * one.share, rel=0.1, abs=3)


@pytest.mark.parametrize("every", [timedelta(hours=3), DAY, 7 * DAY])
@pytest.mark.parametrize("shares", [(9, 1), (1, 5), (9,) * 11 + (1,)])
def test_nobody_is_starved_however_small_the_share(every: timedelta, shares: tuple[int]) -> None:
    small = shares.index(1)
    found = by_and_by(kinds(*shares), files(*range(len(shares))), 3 * sum(shares), every)
    assert 2 <= found.count(small) <= 4


def test_a_new_category_takes_its_turns_and_not_all_of_them() -> None:
    found = by_and_by(kinds(1, 1), files(0, 1), 60, before=[0] * 90)
    assert found[:10].count(0) >= 2
    assert 9 <= found[-20:].count(0) <= 11
    assert "000" not in "".join(map(str, found))


def test_who_has_nothing_is_stood_in_for_by_their_shares() -> None:
    found = by_and_by(kinds(4, 2, 1), files(1, 2), 30)
    assert Counter(found) == {1: 20, 2: 10}


def test_the_days_ahead_are_told_as_they_will_be_filled() -> None:
    known, items = kinds(5, 3, 1, 0), files(0, 1, 2, 3)
    times = [NOW + number * DAY for number in range(40)]
    turns = plan(times, known, items, [0, 0, 3], timedelta(0))
    assert [turn.category.id for turn in turns] == by_and_by(known, items, 40, before=[0, 0, 3])
    assert plan(times, kinds(0), files(0), [], timedelta(0)) == []


# ---------------------------------------------------------------- which file


def test_files_rest_and_locked_ones_never_come() -> None:
    items = [
        make.item(id=4, category_id=0, locked=True),
        make.item(id=3, category_id=0, locked=True, locked_until=NOW),
        make.item(id=2, category_id=0, locked_until=NOW + 3 * DAY),
        make.item(id=1, category_id=0, last_used_at=NOW - 90 * DAY),
        make.item(id=0, category_id=0),
        make.item(id=5, category_id=None),
    ]
    turns = plan([NOW + n * DAY for n in range(7)], kinds(1), items, [], 4 * DAY)
    assert [turn.item.id if turn.item else None for turn in turns] == [0, 1, None, 2, 0, 1, None]


def test_a_rest_of_a_week_ends_by_the_next_weeks_slot() -> None:
    """Posting took some seconds, and the clock may have changed in between."""
    over = NOW + 7 * DAY + timedelta(minutes=61)
    item = make.item(category_id=0, locked_until=over)
    [turn] = plan([NOW + 7 * DAY], kinds(1), [item], [], 7 * DAY)
    assert turn.item == item


# ---------------------------------------------------------------- how long it lasts


def test_the_runway_ends_with_the_first_slot_that_others_must_fill() -> None:
    first, second = kinds(1, 1)
    item = make.item()
    turns = [
        Turn(NOW + timedelta(hours=12), first, first, item),
        Turn(NOW + timedelta(hours=36), second, second, item),
        Turn(NOW + timedelta(hours=60), first, second, item),
        Turn(NOW + timedelta(hours=84), second, second, None),
    ]
    assert runway(turns, first.id, NOW) == 2
    assert runway(turns, second.id, NOW) == 3
    assert runway(turns[:2], first.id, NOW) is None
    assert runway([turns[1], turns[3]], first.id, NOW) == 3, "nobody has anything left"
    assert runway(turns[2:], first.id, NOW + 5 * DAY) == 0
