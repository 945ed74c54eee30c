"""When a timeline is read next: never faster than set, never so slow that silence means nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feed import schedule
from services.feed.schedule import JITTER, LONGEST, THAW, after_bad, after_good
from tests.support.rows import NOW

MINUTE = timedelta(minutes=1)
moments = st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda passed: NOW - passed)
intervals = st.floats(5, 1440).map(lambda minutes: minutes * MINUTE)
chances = st.floats(0, 1)
zones = st.sampled_from(["UTC", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Apia"])


@given(moments, intervals, zones, st.none() | moments, chances)
def test_a_good_poll_is_followed_within_bounds(now, interval, zone, newest, chance) -> None:  # type: ignore[no-untyped-def]
    pause = after_good(now, interval, zone=zone, newest_post=newest, chance=chance) - now
    assert interval <= pause <= max(LONGEST, interval * (1 + JITTER))


@given(intervals, chances, chances)
def test_chance_only_spreads(interval: timedelta, one: float, other: float) -> None:
    less, more = sorted((one, other))
    for pause in (
        lambda chance: after_good(NOW, interval, zone="UTC", newest_post=NOW, chance=chance),
        lambda chance: after_bad(NOW, interval, frozen_until=None, chance=chance),
    ):
        assert pause(less) <= pause(more)


@pytest.mark.parametrize(
    ("hour", "quiet", "minutes"),
    [
        (12, 0, 10),
        (12, 5, 10),
        (12, 6, 15),
        (12, 24, 20),
        (12, 72, 30),
        (1, 0, 20),
        (5, 24, 40),
        (3, 72, 45),  # not 60
        (6, 0, 10),
    ],
)
def test_nights_and_quiet_accounts_are_slower(hour: int, quiet: int, minutes: int) -> None:
    now = NOW.replace(hour=hour)
    newest = now - timedelta(hours=quiet)
    at = after_good(now, 10 * MINUTE, zone="UTC", newest_post=newest, chance=0)
    assert at - now == minutes * MINUTE


def test_the_night_is_the_persons() -> None:
    at = after_good(NOW, 10 * MINUTE, zone="Pacific/Auckland", newest_post=None, chance=0)
    assert at - NOW == 20 * MINUTE  # 12:00 UTC is 1:00 there


@given(intervals, st.none() | st.timedeltas(timedelta(0), timedelta(days=1)), chances)
def test_no_poll_into_a_freeze(
    interval: timedelta, freeze: timedelta | None, chance: float
) -> None:
    until = NOW + freeze if freeze is not None else None
    at = after_bad(NOW, interval, frozen_until=until, chance=chance)
    assert at >= max(NOW + interval, until or NOW)
    assert at <= max(NOW + interval * (1 + JITTER), (until or NOW) + THAW)


def test_an_hour_of_silence_is_longer_than_any_pause() -> None:
    from services.feed.illness import SILENT

    assert schedule.LONGEST < SILENT
