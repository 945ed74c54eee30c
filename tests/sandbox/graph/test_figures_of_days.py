"""The truth about an account's figures: it never changes, and comes as late as Meta's."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.graph.figures_of_days import (
    GAINED,
    LOST,
    PARTS,
    Truth,
    arrival,
    days_ending,
    end_of_day,
    followers,
)
from sandbox.graph.people import Account, People

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YEAR = [date(2025, 12, 1) + n * DAY for n in range(365)]
MIA, LEO = (People().account(name) for name in ("mia", "leo"))


def test_days_come_late_and_are_corrected_as_metas_are() -> None:
    kinds = Counter(_kind(day) for day in YEAR)
    assert set(kinds) == {"at once", "hours", "a day", "corrected", "corrected late", "never"}
    assert kinds["at once"] > 180
    assert kinds["never"] < 30


def _kind(day: date) -> str:
    """As a client sees it that asks every hour."""
    truth, end = Truth(), end_of_day(MIA, day)
    told = [truth.told_at(MIA, "reach", day, end + hour * HOUR) for hour in range(73)]
    final = truth.final(MIA, "reach", day)
    assert told[-1] == final
    changes = [hour for hour in range(1, 73) if told[hour] != told[hour - 1]]
    if final is None:
        assert changes == []
        return "never"
    if not changes:
        return "at once"
    [hour] = changes
    if told[0] is None:
        return "hours" if hour <= 12 else "a day"
    assert told[0] < final
    return "corrected" if hour <= 48 else "corrected late"


def test_a_day_that_is_not_over_grows() -> None:
    [day] = [one for one in YEAR[:9] if arrival(LEO, "views", one).settles == timedelta(0)][:1]
    end, truth = end_of_day(LEO, day, is_total=True), Truth()
    told = [
        truth.told_at(LEO, "views", day, end - hours * HOUR, is_total=True) for hours in (24, 12, 0)
    ]
    assert told[0] is None
    assert 0 < told[1] < told[2] == truth.final(LEO, "views", day)


@pytest.mark.parametrize(
    ("metric", "breakdown"), [("views", "follow_type"), ("reach", "media_product_type")]
)
def test_parts_are_the_whole(metric: str, breakdown: str) -> None:
    truth = Truth()
    for day in YEAR[:50]:
        parts = [truth.final(MIA, metric, day, part) for part in PARTS[breakdown]]
        whole = truth.final(MIA, metric, day)
        assert parts == [None] * len(parts) if whole is None else sum(parts) == whole


def test_followers_are_those_of_the_day_before_and_who_came_and_went() -> None:
    truth = Truth()
    for account, fewest, most in ((MIA, 1_900, 3_000), (LEO, 40, 99)):
        for day in YEAR:
            there = followers(account, end_of_day(account, day))
            before = followers(account, end_of_day(account, day) - HOUR)
            assert fewest < there < most
            name = "follows_and_unfollows"
            gained, lost = (truth.final(account, name, day, part) for part in (GAINED, LOST))
            if gained is not None and lost is not None:
                assert there - before == gained - lost
                assert truth.final(account, "follower_count", day) in (gained, None)
    assert len({followers(MIA, end_of_day(MIA, day)) for day in YEAR}) > 100


def test_longer_periods_are_not_the_sum_of_their_days() -> None:
    truth, day = Truth(), YEAR[40]
    told = {
        n: [truth.final(MIA, "reach", day - back * DAY) or 0 for back in range(n)] for n in (7, 28)
    }
    for period, days in (("week", 7), ("days_28", 28)):
        reached = truth.final(MIA, "reach", day, period=period)
        assert reached is not None
        assert max(told[days]) < reached < sum(told[days])


def test_a_day_can_be_corrected() -> None:
    truth, day = Truth(), YEAR[0]
    at = end_of_day(MIA, day) + 60 * HOUR
    before = truth.told_at(MIA, "views", day, at)
    truth.correct(MIA, "views", day, 7_000, at + HOUR)
    assert truth.told_at(MIA, "views", day, at) == before
    assert truth.told_at(MIA, "views", day, at + HOUR) == truth.final(MIA, "views", day) == 7_000
    assert truth.final(MIA, "views", day, "FOLLOWER") == 3_850
    assert truth.final(LEO, "views", day) != 7_000
    truth.correct(MIA, "follows_and_unfollows", day, 30, at)
    parts = [truth.final(MIA, "follows_and_unfollows", day, part) for part in (GAINED, LOST)]
    assert sum(one or 0 for one in parts) == 30


@pytest.mark.parametrize(
    ("account", "hours"), [(MIA, [7, 7, 8, 8]), (LEO, [18.5, 18.5, 18.5, 18.5])], ids=["mia", "leo"]
)
def test_days_end_at_midnight_of_the_account(account: Account, hours: list[float]) -> None:
    """Across the end of America's summer time."""
    since = datetime(2026, 10, 31, tzinfo=UTC)
    ends = [end_of_day(account, day) for day in days_ending(account, since, since + 4 * DAY)]
    assert [end.hour + end.minute / 60 for end in ends] == hours
    assert [end.date() for end in ends] == [(since + n * DAY).date() for n in range(4)]


def test_what_is_no_metric_of_days_has_no_truth() -> None:
    with pytest.raises(KeyError):
        Truth().final(MIA, "impressions", YEAR[0])
    with pytest.raises(KeyError):
        Truth().final(MIA, "views", YEAR[1], "NOBODY")
