"""What a span of days says: only what is known counts, and only what is alike is compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.days import end_of
from services.insights.figures import (
    GAINED,
    LOST,
    Change,
    Gap,
    Series,
    Span,
    Summary,
    What,
    Why,
    absent,
    change,
    figure,
    part,
    series,
    span_of,
    summary,
)
from services.insights.metrics import BY_KEY, METRICS, Kind, Metric
from services.insights.states import Reason, State
from storage.insight_reads import Value

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LAST = date(2026, 11, 19)
WEEK = Span.until(LAST, 7)
REACH, LIKES, FOLLOWERS = BY_KEY["reach"], BY_KEY["likes"], BY_KEY["followers_count"]
VIEWS, FOLLOWS = BY_KEY["views"], BY_KEY["follows_and_unfollows"]


def row(metric: Metric, day: date, value: float | None, **changes: Any) -> Value:
    made = Value(
        metric=metric.name,
        period=metric.period,
        end_time=end_of(day),
        breakdown="",
        day=day,
        value=value,
        reason=None if value is not None else Reason.NO_DATA.value,
        said="",
        revision=0,
        read_at=NOW,
    )
    return replace(made, **changes)


def rows(metric: Metric, last: date, *values: float | None) -> list[Value]:
    """One for each day until `last`, oldest first; None: there is no row."""
    first = last - timedelta(len(values) - 1)
    return [
        row(metric, first + timedelta(n), value)
        for n, value in enumerate(values)
        if value is not None
    ]


def test_a_point_for_each_day_with_its_truth() -> None:
    days = WEEK.each()
    told = [
        row(LIKES, days[0], 5.0, revision=2),
        row(LIKES, days[1], None, reason=Reason.REMOVED.value, said="(#100) gone"),
        row(LIKES, days[2], None, reason=Reason.FAILED.value),
        row(LIKES, days[5], 0.0),
        row(LIKES, LAST + timedelta(1), 99.0),
        row(VIEWS, days[3], 99.0),
    ]
    points = series(LIKES, told, WEEK, NOW).points
    assert [point.day for point in points] == days
    assert [point.state for point in points] == [
        State.NUMBER, State.NOT_AVAILABLE, State.FAILED, State.NOT_YET, State.NOT_YET,
        State.NUMBER, State.NOT_YET,
    ]  # fmt: skip
    assert [point.value for point in points] == [5, None, None, None, None, 0, None]
    assert isinstance(points[0].value, int)
    assert (points[0].revision, points[0].may_change, points[0].read_at) == (2, False, NOW)
    assert (points[1].reason, points[1].said) == (Reason.REMOVED, "(#100) gone")
    # nobody has asked for the fourth; the last may still come; of the day before it, a number may
    # still change
    assert (points[3].reason, points[3].read_at) == (None, None)
    assert (points[6].reason, points[6].may_change) == (Reason.NOT_YET, True)
    assert points[5].may_change
    assert series(LIKES, told, WEEK, NOW).may_change == (False,) * 5 + (True, False)


@pytest.mark.parametrize(
    ("key", "days_ago", "reason", "state"),
    [
        ("reach", 0, Reason.NOT_YET, State.NOT_YET),  # not over
        ("reach", 2, Reason.NOT_YET, State.NOT_YET),
        ("reach", 3, None, State.NOT_YET),
        ("follower_count", 30, None, State.NOT_YET),
        ("follower_count", 31, Reason.NOT_READ, State.NOT_AVAILABLE),  # Meta tells 30 days
        ("followers_count", 0, Reason.NOT_YET, State.NOT_YET),
        ("followers_count", 1, Reason.NOT_READ, State.NOT_AVAILABLE),
    ],
)
def test_why_nothing_is_there(key: str, days_ago: int, reason: Reason | None, state: State) -> None:
    point = absent(BY_KEY[key], NOW.date() - timedelta(days_ago), NOW)
    assert (point.reason, point.state, point.value) == (reason, state, None)


@pytest.mark.parametrize("reason", [Reason.NOT_YET, Reason.FAILED])
def test_what_meta_has_forgotten_meanwhile_neither_comes_nor_is_tried_again(reason: Reason) -> None:
    def point(days_ago: int) -> tuple[Reason | None, State, bool]:
        day = NOW.date() - timedelta(days_ago)
        told = [row(BY_KEY["follower_count"], day, None, reason=reason.value)]
        one = series(BY_KEY["follower_count"], told, Span.until(day, 1), NOW).points[0]
        return one.reason, one.state, one.may_change

    assert point(30) == (reason, State(reason), reason is Reason.NOT_YET)
    assert point(31) == (Reason.NOT_READ, State.NOT_AVAILABLE, False)


def test_of_two_readings_of_one_day_the_newer_counts_and_a_number_before_a_reason() -> None:
    moved = row(LIKES, LAST, 7.0, end_time=end_of(LAST) - timedelta(hours=1))
    older = row(LIKES, LAST, 3.0, read_at=NOW - timedelta(hours=5))
    why = row(LIKES, LAST, None, read_at=NOW + timedelta(1), end_time=NOW)
    for told in ([moved, older, why], [why, older, moved]):
        assert series(LIKES, told, WEEK, NOW).points[-1].value == 7


def test_parts_add_up_only_where_the_whole_is_not_told() -> None:
    def views(*whole: Value) -> float | None:
        told = [row(VIEWS, LAST, 3.0, breakdown=GAINED), row(VIEWS, LAST, 4.0, breakdown=LOST)]
        return series(VIEWS, [*told, *whole], WEEK, NOW).points[-1].value

    assert (views(), views(row(VIEWS, LAST, 9.0))) == (7, 9)
    unique = [row(REACH, LAST, 3.0, breakdown=GAINED)]
    assert series(REACH, unique, WEEK, NOW).points[-1].value is None


def test_reach_is_never_summed_and_weeks_are_metas_own() -> None:
    rolling = BY_KEY["reach.week"]
    days = rows(REACH, LAST, *[10.0] * 14)
    daily = figure(REACH, days, WEEK, NOW)
    assert (daily.headline.what, daily.headline.value) == (What.MEAN, 10)
    assert daily.change == Change(0, 0, What.MEAN)

    # the last day's is not there yet
    own = [row(rolling, LAST - timedelta(1), 40.0), row(rolling, LAST - timedelta(8), 50.0)]
    told = figure(REACH, [*days, *own], WEEK, NOW)
    assert told.headline == Summary(What.UNIQUE, 40, 1, 1, LAST - timedelta(1), may_change=True)
    assert (told.before.value, told.daily.value) == (50, 10)
    assert told.change == Change(-0.2, -10, What.UNIQUE)
    # never against days that overlap
    shifted = [own[0], row(rolling, LAST - timedelta(7), 50.0)]
    assert figure(REACH, [*days, *shifted], WEEK, NOW).change.why is Why.NOTHING_BEFORE
    assert figure(REACH, [*days, *own], Span.until(LAST, 8), NOW).headline.what is What.MEAN


def test_a_sum_says_of_how_many_days_it_is() -> None:
    told = [*rows(LIKES, LAST, 1.0, None, 3.0, 4.5), row(LIKES, WEEK.first, None)]
    one = summary(series(LIKES, told, WEEK, NOW))
    assert (one.value, one.known, one.of, one.whole) == (8.5, 3, 7, False)
    assert one.gaps == (Gap(None, 3), Gap(Reason.NO_DATA, 1))
    nothing = summary(series(LIKES, [], WEEK, NOW))
    assert (nothing.value, nothing.known) == (None, 0)


def test_a_level_is_the_newest_and_its_days_reach_until_today() -> None:
    span = span_of(FOLLOWERS, LAST, 7, NOW)
    assert span.last == NOW.date()
    assert span_of(LIKES, LAST, 7, NOW) == WEEK
    told = rows(FOLLOWERS, LAST, 80.0, *[None] * 6, 100.0, None, 120.0, None)
    one = figure(FOLLOWERS, told, span, NOW)
    assert (one.headline.value, one.headline.day) == (120, LAST - timedelta(1))
    assert (one.before.value, one.headline.may_change) == (80, False)
    assert one.change == Change(0.5, 40, What.LAST)
    assert one.headline.gaps[0] == Gap(Reason.NOT_READ, 4)


def test_follows_are_the_gained_without_the_lost() -> None:
    told = [
        row(FOLLOWS, LAST, 9.0, breakdown=GAINED),
        row(FOLLOWS, LAST, 4.0, breakdown=LOST, revision=1),
        row(FOLLOWS, WEEK.first, 6.0, breakdown=GAINED),  # how many were lost is not known
    ]
    one = figure(FOLLOWS, told, WEEK, NOW)
    assert one.follows is not None
    assert (one.follows.gained.value, one.follows.lost.value) == (15, 4)
    assert (one.headline.value, one.headline.known, one.follows.net) == (5, 1, one.daily)
    assert (one.series.points[-1].revision, one.series.points[0].value) == (1, None)
    assert [(of.name, of.summary.value) for of in one.parts] == [(GAINED, 15), (LOST, 4)]
    assert part(FOLLOWS, LOST, told, WEEK, NOW).values[-1] == 4


def total(value: float | None, known: int = 7, of: int = 7) -> Summary:
    return Summary(What.SUM, value, known, of)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (total(150), total(100), Change(0.5, 50, What.SUM)),
        (total(60, 6), total(70), Change(0, 0, What.MEAN)),
        (total(60, 6), total(60, 6), Change(0, 0, What.MEAN)),
        (total(50, 5), total(70), Change(None, why=Why.GAPS)),
        (total(70), total(50, 5), Change(None, why=Why.GAPS)),
        (total(None, 0), total(70), Change(None, why=Why.NOTHING_NOW)),
        (total(70), total(None, 0), Change(None, why=Why.NOTHING_BEFORE)),
        (total(70), total(0), Change(None, 70, What.SUM, Why.NOT_ABOVE_ZERO)),
        (total(0), total(70), Change(-1, -70, What.SUM)),
        (total(5), total(-5), Change(None, 10, What.SUM, Why.NOT_ABOVE_ZERO)),
    ],
)
def test_only_what_is_alike_is_compared(now: Summary, before: Summary, expected: Change) -> None:
    assert change(now, before) == expected


# ---------------------------------------------------------------- of any figures

plain = st.sampled_from([metric for metric in METRICS if metric.kind is not Kind.AUDIENCE])
numbers = st.integers(0, 10**9).map(float)
days = st.lists(numbers | st.none(), min_size=7, max_size=7)


def a_week(metric: Metric, values: list[float | None]) -> Series:
    """None: a reason is stored."""
    told = [row(metric, day, value) for day, value in zip(WEEK.each(), values, strict=True)]
    return series(metric, told, WEEK, NOW)


@given(plain.filter(lambda metric: metric is not FOLLOWS), days)
def test_what_is_not_known_counts_for_nothing(metric: Metric, values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    one = summary(a_week(metric, values))
    assert (one.known, sum(gap.days for gap in one.gaps)) == (len(known), 7 - len(known))
    if not known:
        assert one.value is None
        return
    expected = {
        What.SUM: sum(known), What.MEAN: sum(known) / len(known), What.LAST: known[-1],
    }  # fmt: skip
    assert one.value == expected[one.what]
    assert isinstance(one.value, int) or not one.value.is_integer()


@given(plain, days, st.integers(1, 20))
def test_a_day_more_without_a_number_changes_no_figure(
    metric: Metric, values: list[float | None], more: int
) -> None:
    told = [row(metric, day, value) for day, value in zip(WEEK.each(), values, strict=True)]
    here = summary(series(metric, told, WEEK, NOW))
    longer = summary(series(metric, told, Span(WEEK.first - timedelta(more), LAST), NOW))
    assert (longer.value, longer.known, longer.of) == (here.value, here.known, here.of + more)


@given(plain, days, days)
def test_there_and_back_is_where_one_was(
    metric: Metric, one: list[float | None], other: list[float | None]
) -> None:
    here, there = summary(a_week(metric, one)), summary(a_week(metric, other))
    up, down = change(here, there), change(there, here)
    assert (up.ratio is None) == (up.why is not None)
    if up.difference is None:
        assert down.difference is None
    else:
        assert down.difference == pytest.approx(-up.difference)
    if up.ratio is not None and down.ratio is not None:
        assert (1 + up.ratio) * (1 + down.ratio) == pytest.approx(1)
    assert change(here, here).ratio in (0, None)
