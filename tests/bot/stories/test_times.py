"""Times and days as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.stories.times import read_days, read_slots, read_when
from services.errors import BadInput

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday, 13:00 in Berlin
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("18:30", "2026-11-20 17:30"),
        ("9:00", "2026-11-21 08:00"),  # over today
        ("9am", "2026-11-21 08:00"),
        ("12 pm", "2026-11-21 11:00"),
        ("today at 18.30", "2026-11-20 17:30"),
        ("Tomorrow,  9:00", "2026-11-21 08:00"),
        ("Sat 18:00", "2026-11-21 17:00"),
        ("sunday at 0:00", "2026-11-21 23:00"),
        ("24 Dec 18:00", "2026-12-24 17:00"),
        ("1 January 10:00", "2027-01-01 09:00"),
        ("24.12.2026 18:00", "2026-12-24 17:00"),
        ("2026-12-24 18:00", "2026-12-24 17:00"),
        ("2027-03-28 2:30", "2027-03-28 01:30"),  # skipped that night: 3:30
        ("2027-10-31 2:30", "2027-10-31 00:30"),  # shown twice: the first
    ],
)
def test_a_time_is_meant_on_the_accounts_clock(text: str, told: str) -> None:
    assert f"{read_when(text, BERLIN, NOW):%Y-%m-%d %H:%M}" == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "later",
        "tomorrow",
        "25:00",
        "18:60",
        "13pm",
        "Fri 12:30",  # over
        "yesterday 9:00",
        "30 Feb 9:00",
        "2026-11-19 9:00",
        "2030-01-01 9:00",
        "9999-12-31 23:59",
        "9:00 9:30 maybe",
    ],
)
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_when(text, BERLIN, NOW)


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("Mon 9:00 18:30", [(0, 540), (0, 1110)]),
        ("mon, wed 9:00", [(0, 540), (2, 540)]),
        ("Sat-Mon 8am", [(0, 480), (5, 480), (6, 480)]),
        ("daily 12:00", [(day, 720) for day in range(7)]),
        ("Tue 9:00; Thursday 10:00 and 11:00", [(1, 540), (3, 600), (3, 660)]),
    ],
)
def test_slots_are_read_by_rules(text: str, slots: list[tuple[int, int]]) -> None:
    assert read_slots(text) == slots


@pytest.mark.parametrize("text", ["", "9:00", "Mon", "Foo 9:00", "Mon 9:00 perhaps", "Mon- 9:00"])
def test_what_is_no_slot_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_slots(text)


def test_days_may_be_one_or_many() -> None:
    today = date(2026, 11, 20)
    assert read_days("24 Dec", today) == (date(2026, 12, 24),) * 2
    assert read_days("24 Dec - 2 Jan", today) == (date(2026, 12, 24), date(2027, 1, 2))
    days = (date(2026, 12, 24), date(2026, 12, 26))
    assert read_days("2026-12-24 to 2026-12-26", today) == days
    for text in ("", "someday", "24 Dec - 2 Jan - 3 Jan", "31 Nov"):
        with pytest.raises(BadInput):
            read_days(text, today)
