"""Figures in both of Meta's shapes, from the samples of its pages."""

from datetime import UTC, datetime, timedelta

import pytest

from services.errors import MetaChanged, NotMeasured, RequestRefused
from services.graph.insights import (
    Figure,
    Question,
    Snapshot,
    account_figures,
    figures,
    media_figures,
    snapshot,
)
from services.graph.reading import Fields
from services.graph.wire import Flavour
from tests.services.graph.meta import USER_ID, refusal

DAY = datetime(2026, 9, 2, 7, tzinfo=UTC)
SERIES = {
    "name": "reach",
    "period": "day",
    "values": [{"value": 12, "end_time": "2026-09-02T07:00:00+0000"}],
    "title": "Reach",
    "description": "…",
    "id": "17841/insights/reach/day",
}
POSTS = {
    "dimension_keys": ["media_product_type"],
    "results": [{"dimension_values": ["POST"], "value": 124}],
}
TOTAL = {
    "name": "reach",
    "period": "day",
    "title": "Accounts reached",
    "description": "…",
    "total_value": {"value": 224, "breakdowns": [POSTS]},
    "id": "17841/insights/reach/day",
}
OF_POSTS = (("media_product_type", "POST"),)


def read(*rows):
    return figures(Fields({"data": list(rows)}, "insights"))


async def test_a_series_and_a_total(meta):
    there = meta({"data": [SERIES]}, {"data": [TOTAL]})
    account = there.account(Flavour.INSTAGRAM)
    since = datetime(2026, 9, 1, tzinfo=UTC)
    asked = Question("reach", since=since, until=since + timedelta(days=30))
    assert await account_figures(account, asked) == [Figure("reach", "day", 12, DAY)]
    asked = Question("reach", metric_type="total_value", breakdown="media_product_type")
    assert await account_figures(account, asked) == [
        Figure("reach", "day", 224),
        Figure("reach", "day", 124, None, OF_POSTS),
    ]
    first, second = there.sent
    assert int(first.params["until"]) - int(first.params["since"]) == 2_592_000
    assert set(second.params) == {"metric", "period", "metric_type", "breakdown"}


async def test_a_storys_figures(meta):
    navigation = {**SERIES, "name": "navigation", "period": "lifetime", "values": [{"value": 25}]}
    there = meta({"data": [{**navigation, "total_value": TOTAL["total_value"]}]})
    found = await media_figures(
        there.account(), "1789", "navigation", "story_navigation_action_type"
    )
    assert found == [
        Figure("navigation", "lifetime", 25),
        Figure("navigation", "lifetime", 124, None, OF_POSTS),
    ]


async def test_no_data_is_no_figure(meta):
    assert await account_figures(meta({"data": []}).account(), Question("reach")) == []


async def test_too_few_viewers(meta):
    told = refusal(10, message="(#10) Not enough viewers for the media to show insights")
    with pytest.raises(NotMeasured):
        await media_figures(meta((400, told)).account(), "1789", "reach")


async def test_a_window_that_meta_would_refuse_is_not_asked_for(meta):
    there = meta({"data": []})
    since = datetime(2026, 9, 1, tzinfo=UTC)
    for days in (31, -1):
        asked = Question("reach", since=since, until=since + timedelta(days=days))
        with pytest.raises(RequestRefused):
            await account_figures(there.account(), asked)
    assert there.sent == []


def test_figures_by_hour_as_text_and_null():
    hours = {**SERIES, "values": [{"value": {"0": 12, "23": "7"}}]}
    assert [(one.value, one.breakdown) for one in read(hours)] == [
        (12, (("hour", "0"),)),
        (7, (("hour", "23"),)),
    ]
    assert [one.value for one in read({**SERIES, "values": [{"value": "12"}, {}]})] == [12, None]


def test_a_total_of_nothing_but_breakdowns():
    assert read({**TOTAL, "total_value": {"breakdowns": [POSTS]}}) == [
        Figure("reach", "day", 124, None, OF_POSTS)
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"name": "reach"},
        {"name": "reach", "period": "day"},
        {**SERIES, "values": [{"value": "many"}]},
        {**SERIES, "values": [{"value": 1, "end_time": "soon"}]},
        {**TOTAL, "total_value": {"breakdowns": [{"dimension_keys": ["a"]}]}},
        {**TOTAL, "total_value": {"breakdowns": [{**POSTS, "dimension_keys": ["a", "b"]}]}},
    ],
)
def test_other_shapes_are_not_guessed_at(row):
    with pytest.raises(MetaChanged):
        read(row)


async def test_the_accounts_own_numbers(meta):
    body = {"followers_count": 120, "follows_count": 3, "id": USER_ID}
    assert await snapshot(meta(body).account()) == Snapshot(120, 3, None)
