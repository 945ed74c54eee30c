"""The small parts that every card is made of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot import callbacks
from bot.callbacks import Tap
from bot.cards import Button, Card, bar, button, clock_time, count, day, esc, verb
from tests.bot.factories import NOW


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("a < b & c", 20, "a &lt; b &amp; c"),
        ('"it\'s"', 20, "&quot;it&#x27;s&quot;"),
        ("<<<<<<", 3, "&lt;&lt;…"),  # shortened before it is escaped: no half reference
        ("abc", 3, "abc"),
        ("\ud800x", 9, "?x"),
        (None, 9, "None"),
    ],
)
def test_a_foreign_string_is_shortened_and_escaped(text: object, limit: int, shown: str) -> None:
    assert esc(text, limit) == shown


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [(0, 10, "░" * 10), (5, 10, "▓" * 5 + "░" * 5), (10, 10, "▓" * 10), (0, 0, "░" * 10)],
)
def test_a_bar_shows_a_share(done: int, total: int, shown: str) -> None:
    assert bar(done, total) == shown


def test_numbers_and_their_words() -> None:
    assert count(1, "post") == "1 post"
    assert count(0, "post") == "0 posts"
    assert count(1234, "person", "people") == "1,234 people"
    assert [verb(n, "is", "are") for n in (0, 1, 2)] == ["are", "is", "are"]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "15:30"),
        ("Europe/Berlin", "16:30"),
        ("Asia/Tokyo", "00:30"),  # already tomorrow there, and so is "now"
        ("Pacific/Kiritimati", "05:30"),
    ],
)
def test_a_time_of_today_is_shown_in_the_persons_zone(zone: str, shown: str) -> None:
    now = datetime(2026, 11, 20, 15, 10, tzinfo=UTC)
    assert clock_time(datetime(2026, 11, 20, 15, 30, tzinfo=UTC), zone, now) == shown


def test_a_time_of_another_day_names_the_day() -> None:
    assert clock_time(datetime(2026, 11, 21, 9, 0, tzinfo=UTC), "UTC", NOW) == "Sat 21 Nov 09:00"
    assert day(datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "Europe/Berlin") == "1 Jan 2027"


def test_a_button_says_what_it_does_in_one_of_three_ways() -> None:
    card = Card(
        "x",
        (
            (button("Tap", "imp", "show", 7), Button("Open", url="https://t.me/x")),
            (),
            (Button("Copy", copy="text"),),
        ),
    )
    keyboard = card.keyboard()
    assert keyboard is not None
    first, last = keyboard.inline_keyboard  # an empty row is left out
    assert first[0].callback_data == "v1:imp:show:7"
    assert first[1].url == "https://t.me/x"
    assert last[0].copy_text is not None
    assert Card("x").keyboard() is None


@pytest.mark.parametrize(
    "tap", [Tap("imp", "show", "7"), Tap("menu", "home"), Tap("a", "b_c", "1-2")]
)
def test_what_a_button_carries_is_read_back(tap: Tap) -> None:
    assert callbacks.read(tap.data()) == tap


@pytest.mark.parametrize(
    "data",
    [
        "",
        "v1",
        "v2:imp:show:1",
        "v1:imp",
        "v1:IMP:show",
        "v1:imp:show:",
        "v1:imp:show:a b",
        "v1:imp:show:1\n",
    ],
)
def test_what_this_version_never_wrote_is_no_tap(data: str) -> None:
    assert callbacks.read(data) is None


@pytest.mark.parametrize(
    ("ref", "row"),
    [("7", 7), ("", 0), ("x", 0), ("-7", 0), ("9" * 18, int("9" * 18)), ("9" * 19, 0), ("７", 0)],
)
def test_a_ref_that_is_no_row_number_names_no_row(ref: str, row: int) -> None:
    assert Tap("imp", "show", ref).id == row
