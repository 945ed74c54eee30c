"""Zones whose clocks change soon: as the machine's own reader of zones takes them."""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.zones import AHEAD, Zone, Zones
from tests.support.clock import StillClock

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["00:30", "12:59", "14:30", "23:58"])
def zones(request: pytest.FixtureRequest) -> Iterator[Zones]:
    """At several times of the day, by which the zones lie all around the globe."""
    at = datetime.combine(date(2026, 3, 3), time.fromisoformat(request.param), UTC)
    made = Zones(StillClock(at))
    zoneinfo.reset_tzpath(made.environment["PYTHONTZPATH"].split(os.pathsep))
    yield made
    zoneinfo.reset_tzpath()
    made.close()


def clock(zone: Zone, after: timedelta) -> str:
    there = (zone.change + after).astimezone(ZoneInfo(zone.name))
    return f"{there:%a %H:%M %Z}"


def test_the_hour_from_two_comes_twice_in_autumn(zones: Zones) -> None:
    zone = zones.autumn()
    assert AHEAD <= zone.change - zones._now() <= AHEAD + MINUTE
    assert [clock(zone, minutes * MINUTE) for minutes in (-60, -1, 0, 59, 60)] == [
        f"{zone.weekday} 02:00 DST",
        f"{zone.weekday} 02:59 DST",
        f"{zone.weekday} 02:00 STD",
        f"{zone.weekday} 02:59 STD",
        f"{zone.weekday} 03:00 STD",
    ]


def test_the_hour_from_two_never_comes_in_spring(zones: Zones) -> None:
    zone = zones.spring()
    assert [clock(zone, minutes * MINUTE) for minutes in (-60, -1, 0)] == [
        f"{zone.weekday} 01:00 STD",
        f"{zone.weekday} 01:59 STD",
        f"{zone.weekday} 03:00 DST",
    ]


def test_the_machines_own_zones_are_found_besides(zones: Zones) -> None:
    assert zones.spring().name in zoneinfo.available_timezones()
    assert ZoneInfo("Europe/Berlin").key == "Europe/Berlin"
