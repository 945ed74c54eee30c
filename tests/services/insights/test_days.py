"""Every form in which Meta writes a time is one moment, and of the right day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.graph.reading import moment
from services.insights.days import PACIFIC, day_of, end_of, last_day

ZONES = st.sampled_from(
    [
        *("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Asia/Kathmandu"),
        *("Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe", "America/Sao_Paulo"),
    ]
).map(ZoneInfo)
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
OFFSETS = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@given(DAYS, ZONES, OFFSETS)
@example(date(2026, 3, 29), ZoneInfo("Europe/Berlin"), timedelta(0))  # 23 hours
@example(date(2026, 10, 25), ZoneInfo("Europe/Berlin"), timedelta(hours=-7))  # 25 hours
@example(date(2026, 11, 1), PACIFIC, timedelta(hours=5, minutes=30))
@example(
    date(2026, 4, 5), ZoneInfo("Australia/Lord_Howe"), timedelta(0)
)  # a change of half an hour
def test_every_form_of_a_time_is_one_key_and_one_day(
    day: date, zone: ZoneInfo, offset: timedelta
) -> None:
    ends = midnight(day + timedelta(1), zone)
    there = ends.astimezone(timezone(offset))
    forms = {
        there.strftime("%Y-%m-%dT%H:%M:%S%z"),  # +0530, as Meta writes it
        there.isoformat(),  # +05:30
        ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ends.replace(tzinfo=None).isoformat(),  # naive: UTC
    }
    assert {moment(form) for form in forms} == {ends}
    assert day_of(ends, zone) == day


@given(DAYS, ZONES)
def test_pages_of_meta_end_their_days_at_the_pacific(day: date, zone: ZoneInfo) -> None:
    ends = midnight(day + timedelta(1), PACIFIC)
    assume(ends.astimezone(zone).time() != time())
    assert day_of(ends, zone) == day


@given(DAYS, ZONES)
def test_a_window_of_utc_is_of_its_day(day: date, zone: ZoneInfo) -> None:
    ends = end_of(day)
    assert ends == midnight(day + timedelta(1), ZoneInfo("UTC"))
    assume(ends.astimezone(zone).time() != time())
    assert day_of(ends, zone) == day


@given(DAYS, st.integers(1, 23))
def test_hours_that_end_anywhere_are_of_the_day_that_holds_most_of_them(
    day: date, hour: int
) -> None:
    ends = end_of(day - timedelta(1)) + timedelta(hours=hour, minutes=1)
    assert day_of(ends, ZoneInfo("UTC")) == (day if hour >= 12 else day - timedelta(1))


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2026-11-20T00:04:59+00:00", "UTC", 18),  # Meta gets some minutes
        ("2026-11-20T00:05:00+00:00", "UTC", 19),
        ("2026-11-20T11:00:00+00:00", "Pacific/Kiritimati", 19),  # it is the 21st there
        ("2026-11-20T07:00:00+00:00", "America/Los_Angeles", 18),  # and still the 19th here
        ("2026-11-20T08:05:00+00:00", "America/Los_Angeles", 19),
    ],
)
def test_a_day_is_over_when_it_is_over_for_both(now: str, zone: str, expected: int) -> None:
    found = last_day(datetime.fromisoformat(now), ZoneInfo(zone))
    assert found == date(2026, 11, expected)
