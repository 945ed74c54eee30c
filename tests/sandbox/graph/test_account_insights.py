"""An account's figures as Meta tells them, in both shapes, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sandbox.graph import Meta
from sandbox.graph.figures_of_days import arrival, end_of_day, followers
from tests.sandbox.graph.conftest import FACEBOOK, INSTAGRAM, Client, numbers
from tests.support.clock import StillClock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
TOTAL = {"metric_type": "total_value"}
AUDIENCE = {**TOTAL, "period": "lifetime", "timeframe": "this_month", "breakdown": "age"}


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


def window(since: datetime, until: datetime) -> dict[str, str]:
    return {"since": str(int(since.timestamp())), "until": str(int(until.timestamp()))}


class Reader:
    """Asks as one account, by Instagram Login."""

    def __init__(self, client: Client, name: str = "mia") -> None:
        self.client = client
        self.account = client.meta.people.account(name)
        self.truth = client.meta.truth
        self.token = client.meta.instagram_token(name)

    async def ask(self, metric: str, **params: str) -> dict[str, Any]:
        url = f"{INSTAGRAM}/v25.0/{self.account.id}/insights"
        asked = {"metric": metric, "period": "day", **params}
        return await self.client.get(url, self.token, **asked)

    async def series(self, metric: str, **params: str) -> dict[str, int]:
        """end_time to value."""
        [row] = (await self.ask(metric, **params))["data"]
        return {one["end_time"]: one["value"] for one in row["values"]}

    async def total(self, metric: str, **params: str) -> dict[str, Any]:
        [row] = (await self.ask(metric, **TOTAL, **params))["data"]
        assert "values" not in row
        total: dict[str, Any] = row["total_value"]
        return total


@pytest.fixture
def mia(client: Client) -> Reader:
    return Reader(client)


@pytest.fixture
def leo(client: Client) -> Reader:
    return Reader(client, "leo")


# ------------------------------------------------------------------ series


async def test_a_series_tells_each_day_once_it_is_there(mia: Reader, clock: StillClock) -> None:
    missing = 0
    for passed in range(20):
        until = TODAY + (passed + 1) * DAY
        told = await mia.series("reach", **window(until - 5 * DAY, until))
        expected = {}
        for back in range(2, 7):
            day = (until - back * DAY).date()
            value = mia.truth.told_at(mia.account, "reach", day, clock())
            end = end_of_day(mia.account, day)
            expected[f"{end:%Y-%m-%dT%H:%M:%S}+0000"] = value
        assert told == {end: value for end, value in expected.items() if value is not None}
        missing += len(expected) - len(told)
        clock.advance(days=1)
    assert missing > 0


async def test_a_series_ends_its_days_at_the_accounts_midnight(leo: Reader) -> None:
    told = await leo.series("reach", **window(TODAY - 9 * DAY, TODAY))
    assert {end[11:] for end in told} == {"18:30:00+0000"}


async def test_without_a_window_the_last_24_hours(mia: Reader) -> None:
    told = await mia.series("online_followers", period="lifetime", metric_type="time_series")
    [(end, hours)] = told.items()
    assert end == "2026-11-20T08:00:00+0000"
    assert list(hours) == [str(hour) for hour in range(24)]


async def test_pages_are_the_windows_before_and_after(mia: Reader) -> None:
    body = await mia.ask("reach", **window(TODAY - 2 * DAY, TODAY))
    paging = body["paging"]
    assert paging["previous"].startswith(f"https://{INSTAGRAM}/v25.0/{mia.account.id}/insights?")
    assert f"until={int((TODAY - 2 * DAY).timestamp())}" in paging["previous"]
    assert f"since={int(TODAY.timestamp())}" in paging["next"]
    assert mia.token not in paging["next"]


async def test_more_days_reach_fewer_people_than_the_sum_of_them(mia: Reader) -> None:
    asked = window(TODAY - 8 * DAY, TODAY - DAY)
    days = await mia.series("reach", **window(TODAY - 28 * DAY, TODAY))
    for period in ("week", "days_28"):
        longer = await mia.series("reach", period=period, **asked)
        assert longer
        assert max(days.values()) < min(longer.values())
        assert max(longer.values()) < sum(days.values())
    total = (await mia.total("reach", **asked))["value"]
    assert total < sum([value for end, value in days.items() if "-12T" <= end[7:11] <= "-19T"])


# ------------------------------------------------------------------ totals


async def test_a_total_of_one_day_and_its_parts(mia: Reader) -> None:
    day = _good_day(mia, "views")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    asked = window(start, start + DAY)
    total = await mia.total("views", breakdown="follow_type", **asked)
    assert total["value"] == mia.truth.final(mia.account, "views", day)
    [breakdown] = total["breakdowns"]
    assert breakdown["dimension_keys"] == ["follow_type"]
    for row in breakdown["results"]:
        [part] = row["dimension_values"]
        assert row["value"] == mia.truth.final(mia.account, "views", day, part)
    assert await mia.total("views", **asked) == {"value": total["value"]}


async def test_a_total_of_several_days_is_their_sum(mia: Reader) -> None:
    asked = window(TODAY - 20 * DAY, TODAY - 10 * DAY)
    days = [(TODAY - back * DAY).date() for back in range(11, 21)]
    expected = sum(mia.truth.final(mia.account, "likes", day) or 0 for day in days)
    assert (await mia.total("likes", **asked))["value"] == expected
    half = window(TODAY - 20 * DAY, TODAY - 20 * DAY + DAY / 2)
    whole = mia.truth.final(mia.account, "views", days[-1])
    assert whole
    assert (await mia.total("views", **half))["value"] == whole // 2


async def test_who_came_and_who_went(mia: Reader) -> None:
    day = _good_day(mia, "follows_and_unfollows")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    asked = window(start, start + DAY)
    total = await mia.total("follows_and_unfollows", breakdown="follow_type", **asked)
    assert "value" not in total
    assert [one["dimension_values"] for one in total["breakdowns"][0]["results"]] == [
        ["FOLLOWER"],
        ["NON_FOLLOWER"],
    ]
    assert (await mia.ask("follows_and_unfollows", **TOTAL, **asked))["data"] == []


def _good_day(reader: Reader, metric: str) -> date:
    days = [(TODAY - back * DAY).date() for back in range(5, 30)]
    return next(day for day in days if arrival(reader.account, metric, day).appears is not None)


async def test_of_whom_the_audience_is(mia: Reader, clock: StillClock) -> None:
    there = followers(mia.account, NOW)
    for metric, keys in (
        ("follower_demographics", ["age"]),
        ("engaged_audience_demographics", ["timeframe", "age"]),
    ):
        [row] = (await mia.ask(metric, **AUDIENCE))["data"]
        [breakdown] = row["total_value"]["breakdowns"]
        assert (row["period"], breakdown["dimension_keys"]) == ("lifetime", keys)
        assert 0 < sum(one["value"] for one in breakdown["results"]) < there


async def test_no_data_is_an_empty_list(mia: Reader, leo: Reader) -> None:
    """Below 100 followers, of a day without data, and of a day to come."""
    assert (await leo.ask("follower_count"))["data"] == []
    assert (await leo.ask("online_followers", period="lifetime", metric_type="time_series"))[
        "data"
    ] == []
    assert (await leo.ask("follower_demographics", **AUDIENCE))["data"] == []
    asked = {**TOTAL, "breakdown": "follow_type"}
    assert (await leo.ask("follows_and_unfollows", **asked))["data"] == []
    assert await leo.total("views")
    days = [(TODAY - back * DAY).date() for back in range(5, 300)]
    day = next(one for one in days if arrival(mia.account, "views", one).appears is None)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert (await mia.ask("views", **TOTAL, **window(start, start + DAY)))["data"] == []
    assert (await mia.ask("views", **TOTAL, **window(TODAY + DAY, TODAY + 2 * DAY)))["data"] == []


async def test_several_metrics_are_answered_together_or_not_at_all(mia: Reader) -> None:
    asked = {**TOTAL, **window(TODAY - 5 * DAY, TODAY - 3 * DAY)}
    body = await mia.ask("likes,saves", **asked)
    assert [row["name"] for row in body["data"]] == ["likes", "saves"]
    assert numbers(await mia.ask("likes,impressions", **asked)) == (100, None)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("metric", "params", "words"),
    [
        ("impressions", {}, "metric[0] must be one of the following values: reach, follower_count"),
        ("reach,email_contacts", {}, "metric[1] must be one of"),
        ("threads_views", TOTAL, "not supported"),
        (
            "likes,reach,views",
            {},
            "The following metrics (likes, views) should be specified with parameter"
            " metric_type=total_value",
        ),
        ("views", {"metric_type": "time_series"}, "metric_type=total_value"),
        ("profile_views", {"metric_type": "default"}, "metric_type=total_value"),
        ("follower_count", TOTAL, "metric_type=time_series"),
        ("views", {**TOTAL, "period": "week"}, "Incompatible period (week) for metric (views)"),
        ("reach", {"period": "lifetime"}, "Incompatible period (lifetime) for metric (reach)"),
        ("reach", {"period": "day,week"}, "Incompatible period"),
        ("reach", {"period": "[]"}, "Incompatible period"),
        (
            "replies",
            {**TOTAL, "breakdown": "follow_type"},
            "Incompatible breakdowns (follow_type) for metric (replies)",
        ),
        ("reach", {"breakdown": "follow_type"}, "Incompatible breakdowns (follow_type)"),
        ("reach", {"metric_type": "sum"}, "metric_type must be one of"),
        ("reach", {"timeframe": "this_week"}, "Incompatible timeframe"),
        ("reach", window(TODAY - 31 * DAY, TODAY), "more than 30 days (2592000 s)"),
        ("reach", {"since": window(TODAY - 31 * DAY, TODAY)["since"]}, "more than 30 days"),
        ("reach", window(TODAY, TODAY - DAY), "since must not be after until"),
        ("reach", window(NOW - 731 * DAY, NOW - 730 * DAY), "last 2 years"),
        ("follower_count", window(TODAY - 31 * DAY, TODAY - 5 * DAY), "for the last 30 days"),
        ("follower_count", window(TODAY - DAY, NOW), "excluding the current day"),
        ("follower_demographics", {**AUDIENCE, "timeframe": "last_30_days"}, "timeframe"),
        ("follower_demographics", {**AUDIENCE, "timeframe": ""}, "timeframe is required"),
        ("follower_demographics", {**AUDIENCE, "breakdown": ""}, "breakdown is required"),
        ("follower_demographics", {**AUDIENCE, "breakdown": "age,city"}, "Incompatible breakdowns"),
        ("follower_demographics", {**AUDIENCE, "period": "day"}, "Incompatible period"),
        ("follower_demographics", {**AUDIENCE, "metric_type": ""}, "metric_type=total_value"),
        ("follower_demographics", AUDIENCE | window(TODAY - DAY, TODAY), "since is not supported"),
    ],
)
async def test_questions(mia: Reader, metric: str, params: dict[str, str], words: str) -> None:
    sent = {name: value for name, value in params.items() if value}
    body = await mia.ask(metric, **sent)
    assert numbers(body) == (100, None)
    assert words in body["error"]["message"]


async def test_who_may_not_read_them(client: Client, mia: Reader, leo: Reader) -> None:
    mia.token = client.meta.instagram_token("mia", scopes=frozenset({"instagram_business_basic"}))
    assert numbers(await mia.ask("reach")) == (10, None)
    mia.token = leo.token
    assert numbers(await mia.ask("reach")) == (100, 33)


async def test_both_hosts_tell_the_same(client: Client, mia: Reader) -> None:
    asked = window(TODAY - 5 * DAY, TODAY - DAY)
    url = f"{FACEBOOK}/v25.0/{mia.account.id}/insights"
    page = client.meta.page_token("mia")
    body = await client.get(url, page, metric="reach", period="day", **asked)
    assert body["data"] == (await mia.ask("reach", **asked))["data"]


# ------------------------------------------------------------------ bad days, rates


async def test_bad_days_of_insights(mia: Reader, clock: StillClock) -> None:
    days = mia.client.meta.bad_days
    asked = window(TODAY - 9 * DAY, TODAY + DAY)
    usual = await mia.series("reach", **asked)
    days.switch("meta-insights-late", True)
    late = await mia.series("reach", **asked)
    assert late
    assert late == {end: value for end, value in usual.items() if end < "2026-11-18T12"}
    days.switch("meta-insights-late", False)
    days.switch("meta-insights-removed", True)
    assert (
        "metric[0] must be one of" in (await mia.ask("profile_views", **TOTAL))["error"]["message"]
    )
    assert "data" in await mia.ask("reach")
    days.switch("meta-insights-empty", True)
    assert (await mia.ask("reach", **asked)) == {"data": []}
    days.switch("meta-no-insights-permission", True)
    assert numbers(await mia.ask("reach")) == (10, None)


async def test_rates_can_be_ordered(mia: Reader, meta: Meta) -> None:
    await mia.ask("reach")
    assert "X-App-Usage" not in mia.client.headers
    meta.bad_days.switch("meta-busy", True)
    await mia.ask("reach")
    assert '"call_count": 80' in mia.client.headers["X-App-Usage"]
    meta.usage.told = (95, 7)
    assert "data" in await mia.ask("reach")
    told = mia.client.headers["X-Business-Use-Case-Usage"]
    assert '"call_count": 95' in told
    assert '"estimated_time_to_regain_access": 7' in told
