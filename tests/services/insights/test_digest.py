"""The weekly digest: of the last full week, once, when its figures can be there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.digest import Digests, due
from storage import notices
from storage.database import Database
from tests.services.insights import kept
from tests.support.clock import StillClock
from tests.support.rows import MIA

MONDAY = datetime(2026, 11, 16, 10, tzinfo=UTC)
WEEK = date(2026, 11, 9)


@pytest.mark.parametrize(
    ("now", "zone", "told", "expected"),
    [
        (MONDAY, "UTC", None, WEEK),
        (MONDAY - timedelta(seconds=1), "UTC", None, None),
        (MONDAY, "America/New_York", None, None),
        (MONDAY, "UTC", WEEK, None),
        (MONDAY + timedelta(6), "UTC", WEEK, None),
        (MONDAY + timedelta(6), "UTC", WEEK - timedelta(21), WEEK),  # it was off for weeks
        (MONDAY + timedelta(7), "UTC", WEEK, WEEK + timedelta(7)),
    ],
)
def test_when_it_is_due(now: datetime, zone: str, told: date | None, expected: date | None) -> None:
    assert due(now, ZoneInfo(zone), told) == expected


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles"]),
)
def test_a_week_is_full_and_told_once(now: datetime, zone: str) -> None:
    week = due(now, ZoneInfo(zone), None)
    if week is not None:
        assert week.weekday() == 0
        assert timedelta(7) <= now.astimezone(ZoneInfo(zone)).date() - week < timedelta(14)
        assert due(now, ZoneInfo(zone), week) is None


async def test_it_is_written_once_when_sunday_was_asked_for(database: Database) -> None:
    sunday = WEEK + timedelta(6)
    mine = await kept.account(database, digest=True, synced_day=sunday)
    behind = await kept.account(database, 12, digest=True, synced_day=sunday - timedelta(1))
    await kept.account(database, 13, synced_day=sunday)
    clock = StillClock(MONDAY)
    digests = Digests(database, clock)
    assert [await digests.write_due(), await digests.write_due()] == [1, 0]
    clock.advance(hours=23, minutes=59)
    assert await digests.write_due() == 0
    clock.advance(minutes=1)
    assert [await digests.write_due(), await digests.write_due()] == [1, 0]
    async with database.read() as db:
        told = [(one.user_id, one.kind, one.data) for one in await notices.due(db, clock())]
    assert told == [
        (MIA, "insights_digest", {"account_id": mine, "week": "2026-11-09"}),
        (12, "insights_digest", {"account_id": behind, "week": "2026-11-09"}),
    ]
