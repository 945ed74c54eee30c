"""What an answer means for each day that was asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.errors import (
    MetaChanged,
    MetaError,
    MetaNotFound,
    MetaSaid,
    NotMeasured,
    PermissionMissing,
    PublishingBlocked,
    RequestRefused,
)
from services.graph.insights import Breakdown, Figure, Snapshot
from services.insights.days import end_of
from services.insights.metrics import BY_KEY, METRICS, Kind
from services.insights.plan import Ask
from services.insights.reading import (
    Read,
    breakdown_text,
    empty,
    judge,
    question,
    read,
    read_snapshot,
    refused,
)
from services.insights.states import Reason
from storage.insights import NewFigure, NewGap

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = date(2026, 11, 19)
REACH, VIEWS, AGE = BY_KEY["reach"], BY_KEY["views"], BY_KEY["follower_demographics.age"]
NEW_FOLLOWERS = BY_KEY["follower_count"]
MIDNIGHT = datetime(2026, 11, 19, 23, tzinfo=UTC)  # of the 19th in Berlin


def ago(days: int) -> date:
    return DAY - timedelta(days)


def told(value: float | None, end: datetime | None = MIDNIGHT, *parts: tuple[str, str]) -> Figure:
    return Figure("reach", "day", value, end, parts)


def answer(*figures: Figure, days: int = 1) -> Read:
    return read(Ask(REACH, ago(days - 1), DAY), figures, ZONE, NOW, None)


def test_a_series_is_read_by_its_ends() -> None:
    found = answer(told(5), told(4, MIDNIGHT - timedelta(days=2)), days=4)
    assert [(one.day, one.value, one.end_time) for one in found.figures] == [
        (DAY, 5, MIDNIGHT),
        (ago(2), 4, MIDNIGHT - timedelta(days=2)),
    ]
    assert [(one.day, one.reason, one.end_time) for one in found.gaps] == [
        (ago(1), Reason.NOT_YET, end_of(ago(1))),
        (ago(3), Reason.NO_DATA, end_of(ago(3))),
    ]


def test_a_day_that_is_not_over_and_null_are_no_figures() -> None:
    found = answer(told(5, NOW + timedelta(hours=11)), told(None))
    assert not found.figures
    assert [one.day for one in found.gaps] == [DAY]
    assert answer(told(0)).figures[0].value == 0  # but 0 is one


def test_a_total_is_of_the_day_that_was_asked_for() -> None:
    parts = (("follow_type", "FOLLOWER"),)
    figures = [Figure("views", "day", 7), Figure("views", "day", 3, MIDNIGHT, parts)]
    found = read(Ask(VIEWS, DAY, DAY), figures, ZONE, NOW, None)
    assert found.figures == [
        NewFigure(end_of(DAY), "", DAY, 7),
        NewFigure(end_of(DAY), "follow_type=FOLLOWER", DAY, 3),
    ]
    assert not found.gaps


def test_an_audience_is_its_parts() -> None:
    figures = [
        Figure(AGE.name, "lifetime", 10),
        Figure(AGE.name, "lifetime", 4, None, (("age", "18-24"),)),
    ]
    found = read(Ask(AGE, DAY, DAY), figures, ZONE, NOW, 2_000)
    assert found.figures == [NewFigure(end_of(DAY), "age=18-24", DAY, 4)]
    assert read(Ask(AGE, DAY, DAY), [], ZONE, NOW, 99).gaps == [
        NewGap(end_of(DAY), "age", DAY, Reason.TOO_FEW)
    ]


@pytest.mark.parametrize(
    "figures",
    [
        [Figure("views", "day", 1, MIDNIGHT)],
        [told(1), told(2)],
        [told(1, None)],
    ],
)
def test_an_answer_that_makes_no_sense_is_none(figures: list[Figure]) -> None:
    with pytest.raises(MetaChanged):
        answer(*figures)


def test_a_breakdown_is_written_in_one_way() -> None:
    parts: Breakdown = (("b", "2\0"), ("a", "1"))
    assert breakdown_text(parts) == breakdown_text(parts[::-1]) == "a=1&b=2"
    assert breakdown_text(()) == ""
    assert breakdown_text((("timeframe", "THIS_MONTH"), ("a", "1"))) == "a=1"


def test_the_account_as_it_stands_is_of_the_day_on_which_it_is_read() -> None:
    metrics = [metric for metric in METRICS if metric.kind is Kind.SNAPSHOT]
    first, second, third = read_snapshot(metrics, Snapshot(5, 0, None), NOW)
    assert first.figures == [NewFigure(end_of(NOW.date()), "", NOW.date(), 5)]
    assert second.figures[0].value == 0
    assert [one.reason for one in third.gaps] == [Reason.NO_DATA]


@pytest.mark.parametrize(
    ("key", "hours", "followers", "expected"),
    [
        ("views", 47, None, Reason.NOT_YET),
        ("views", 48, None, Reason.NO_DATA),
        ("reach", 59, None, Reason.NOT_YET),  # its day may end 12 hours after the UTC day
        ("reach", 60, None, Reason.NO_DATA),
        ("follower_count", 1, 99, Reason.TOO_FEW),
        ("follower_count", 1, 100, Reason.NOT_YET),
        ("follower_count", 1, None, Reason.NOT_YET),
        ("reach", 1, 0, Reason.NOT_YET),
        ("follower_demographics.age", 1, 100, Reason.NO_DATA),
    ],
)
def test_why_there_is_nothing(
    key: str, hours: int, followers: float | None, expected: Reason
) -> None:
    assert empty(BY_KEY[key], DAY, end_of(DAY) + timedelta(hours=hours), followers) is expected


@pytest.mark.parametrize(
    ("error", "followers", "expected"),
    [
        (RequestRefused(said=MetaSaid(code=100)), 2_000, Reason.REMOVED),
        (RequestRefused(said=MetaSaid(code=100)), 61, Reason.TOO_FEW),
        (RequestRefused(), 2_000, Reason.FAILED),  # ours: it was never sent
        (PermissionMissing(), 2_000, Reason.NO_PERMISSION),
        (NotMeasured(), 2_000, Reason.TOO_FEW),
        (MetaChanged(), 2_000, Reason.FAILED),
        (MetaNotFound(), 2_000, Reason.FAILED),
        (PublishingBlocked(), 2_000, Reason.FAILED),
        (MetaError(), 2_000, Reason.FAILED),
    ],
)
def test_why_meta_refuses(error: MetaError, followers: float, expected: Reason) -> None:
    assert judge(error, NEW_FOLLOWERS, followers) is expected


def test_metas_words_are_kept_beside_a_refusal() -> None:
    error = RequestRefused(said=MetaSaid(code=100, text="(#100) no\0 more"))
    gaps = refused(REACH, [DAY, ago(1)], error, None).gaps
    assert [(one.day, one.said) for one in gaps] == [
        (DAY, "(#100) no more"),
        (ago(1), "(#100) no more"),
    ]


def test_questions() -> None:
    def asked(key: str, first: date, last: date) -> dict[str, str]:
        params = question(Ask(BY_KEY[key], first, last), NOW).params()
        for name in ("since", "until"):
            if name in params:
                params[name] = f"{datetime.fromtimestamp(int(params[name]), UTC):%d %H:%M}"
        return params

    assert asked("reach", ago(2), DAY) == {
        "metric": "reach", "period": "day", "since": "17 00:00", "until": "21 00:00"
    }  # fmt: skip
    assert asked("reach.week", DAY, DAY)["period"] == "week"
    assert asked("follower_count", date(2026, 10, 1), DAY) == {
        "metric": "follower_count", "period": "day", "since": "21 00:00", "until": "20 00:00"
    }  # fmt: skip
    assert asked("views", ago(1), ago(1)) == {
        "metric": "views",
        "period": "day",
        "metric_type": "total_value",
        "breakdown": "follow_type",
        "since": "18 00:00",
        "until": "19 00:00",
    }
    assert asked("follower_demographics.age", DAY, DAY) == {
        "metric": "follower_demographics",
        "period": "lifetime",
        "metric_type": "total_value",
        "breakdown": "age",
        "timeframe": "this_month",
    }
