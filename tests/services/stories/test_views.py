"""The table to take along, and times of the next day."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.stories.screen import same_time_tomorrow
from services.stories.views import _cells, _names
from storage.database import Database
from storage.story_history import Row
from tests.bot.factories import NOW
from tests.support.rows import MIA, person


def test_a_line_tells_its_times_with_their_offset() -> None:
    row = Row(7, NOW, None, "posted", "manual", 1, None, "beach.jpg", "", True, "Meta refused")
    assert _cells(row, "Mia", "Asia/Kathmandu") == (
        "7",
        "2026-11-20T19:50+05:45",
        "",
        "posted",
        "manual",
        "Mia",
        "",
        "beach.jpg",
        "",
        "yes",
        "Meta refused",
    )


async def test_who_has_left_is_somebody(database: Database) -> None:
    await person(database)
    async with database.read() as db:
        assert await _names(db, [MIA, 999, MIA]) == {MIA: f"User {MIA}", 999: "somebody"}
        assert await _names(db, []) == {}


@pytest.mark.parametrize(
    ("due", "now", "told"),
    [
        ("2026-11-20T17:00+00:00", "2026-11-20T16:30+00:00", "2026-11-21T17:00+00:00"),
        # long over: the day after today
        ("2026-11-10T17:00+00:00", "2026-11-20T16:30+00:00", "2026-11-21T17:00+00:00"),
        # the clock goes back that night: 18:00 in Berlin is an hour later in UTC
        ("2026-10-24T16:00+00:00", "2026-10-24T15:00+00:00", "2026-10-25T17:00+00:00"),
    ],
)
def test_tomorrow_is_the_same_time_on_the_clock_on_the_wall(due: str, now: str, told: str) -> None:
    found = same_time_tomorrow(
        datetime.fromisoformat(due), "Europe/Berlin", datetime.fromisoformat(now)
    )
    assert found == datetime.fromisoformat(told)
