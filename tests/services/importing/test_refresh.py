"""When a collection refreshes itself: on the person's calendar, also when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.importing.refresh import DAYS, first_refresh, next_refresh

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
every = st.sampled_from(tuple(DAYS))
zones = st.sampled_from(ZONES)


@given(every, moments, zones)
def test_the_first_is_a_day_or_a_week_away(every: str, now: datetime, zone: str) -> None:
    wait = first_refresh(every, now, zone) - now
    days = timedelta(days=DAYS[every])
    assert days - timedelta(hours=1, minutes=1) <= wait <= days + timedelta(hours=2)


@given(every, moments, zones, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_next_is_the_first_one_after_now(
    every: str, due: datetime, zone: str, late: timedelta
) -> None:
    now = due + late
    following = next_refresh(every, due, now, zone)
    step = timedelta(days=DAYS[every])
    assert now < following <= now + step + timedelta(hours=1)
    gone = (
        following.astimezone(ZoneInfo(zone)).date() - due.astimezone(ZoneInfo(zone)).date()
    ).days
    assert gone % DAYS[every] == 0


@settings(max_examples=20)
@given(moments, zones)
def test_the_time_of_day_stays_the_same_for_a_year(now: datetime, zone: str) -> None:
    at = first_refresh("daily", now, zone)
    wall = at.astimezone(ZoneInfo(zone)).time()
    for _ in range(360):
        at = next_refresh("daily", at, at, zone)
        assert at.astimezone(ZoneInfo(zone)).time() == wall


@pytest.mark.parametrize(
    ("hour", "wall"), [(1, "03:30"), (0, "01:30"), (2, "03:30")], ids=["skipped", "before", "after"]
)
def test_an_hour_that_one_night_does_not_have_is_moved_at_once(hour: int, wall: str) -> None:
    """In Berlin 02:00-03:00 is skipped on 29 March 2026."""
    now = datetime(2026, 3, 25, hour, 30, tzinfo=UTC)
    at = first_refresh("daily", now, "Europe/Berlin").astimezone(ZoneInfo("Europe/Berlin"))
    assert f"{at:%H:%M}" == wall
