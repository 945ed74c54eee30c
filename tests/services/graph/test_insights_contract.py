"""Every question about figures is one that Meta takes, and every answer of its pages is read.

Three sides are held against each other: what the product asks for, the contract, and the stand-in
of the sandbox. Samples are those of Meta's pages and of public reports of live answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.graph import Meta as StandIn
from sandbox.world import World
from services.errors import RequestRefused
from services.graph.account import Account
from services.graph.insights import Figure, Question, account_figures, figures, media_figures
from services.graph.own_media import own_media
from services.graph.reading import Fields
from services.graph.wire import Addresses, Flavour, GraphClient
from services.insights.metrics import MEDIA_METRICS, METRICS, Kind
from services.insights.plan import Ask
from services.insights.reading import question
from storage.vault import Secret
from tests.contracts.check_graph import CONTRACT, check_request, check_response, endpoints_for
from tests.support.clock import StillClock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LAST = NOW.date() - timedelta(days=1)
MEASURED = [metric for metric in METRICS if metric.kind is not Kind.SNAPSHOT]
OF_ACCOUNT, OF_MEDIA = "GET /{ig-user-id}/insights", "GET /{ig-media-id}/insights"


class Stage:
    """The stand-in behind a client that holds every request and answer against the contract."""

    def __init__(self, meta: StandIn, http: httpx.AsyncClient, clock: StillClock) -> None:
        self.meta = meta
        self.asked: list[str] = []
        at = meta.addresses
        addresses = Addresses(
            facebook=at["graph.facebook.com"], instagram=at["graph.instagram.com"]
        )
        self.client = GraphClient(http, clock, addresses=addresses)
        http.event_hooks["response"] = [self._check]

    def account(self, flavour: Flavour, name: str = "mia") -> Account:
        meta = self.meta
        is_facebook = flavour is Flavour.FACEBOOK
        token = meta.page_token(name) if is_facebook else meta.instagram_token(name)
        return Account(self.client, flavour, meta.people.account(name).id, Secret(token))

    async def _check(self, response: httpx.Response) -> None:
        await response.aread()
        url = str(response.request.url).removeprefix(self.meta.origin + "/")
        host = url.partition("/")[0]
        params = dict(response.request.url.params)
        fitting = [
            name
            for name in endpoints_for("GET", f"https://{url}")
            if not check_request(name, params, host)
            and not check_response(name, response.json(), response.status_code)
        ]
        assert fitting, (url, response.text)
        self.asked.append(fitting[0])


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    clock = StillClock(NOW)
    async with StandIn(world, now=clock) as meta, httpx.AsyncClient(trust_env=False) as http:
        yield Stage(meta, http, clock)


def questions() -> list[Question]:
    """As a sync asks: for yesterday, and for as much as one request may hold, years ago too."""
    asks = [Ask(metric, LAST, LAST) for metric in MEASURED]
    for metric in MEASURED:
        if metric.kind is Kind.SERIES:
            oldest = NOW.date() - timedelta(days=metric.oldest)
            asks.append(Ask(metric, LAST - timedelta(days=28), LAST))
            asks.append(Ask(metric, oldest, oldest + timedelta(days=min(28, metric.oldest - 1))))
        if metric.kind is Kind.TOTAL:
            oldest = NOW.date() - timedelta(days=metric.oldest)
            asks.append(Ask(metric, oldest, oldest))
    return [question(ask, NOW) for ask in asks]


@pytest.mark.parametrize("asked", questions(), ids=lambda asked: asked.metric)
@pytest.mark.parametrize("host", ["graph.facebook.com", "graph.instagram.com"])
def test_every_question_fits_the_contract(asked: Question, host: str) -> None:
    assert check_request(OF_ACCOUNT, asked.params(), host) == []


@pytest.mark.parametrize("flavour", list(Flavour))
async def test_meta_takes_every_question_about_an_account(stage: Stage, flavour: Flavour) -> None:
    told = set()
    for name in ("mia", "leo"):
        account = stage.account(flavour, name)
        for asked in questions():
            found = await account_figures(account, asked)
            told |= {(name, one.metric) for one in found}
            for one in found:
                assert (one.metric, one.period) == (asked.metric, asked.period)
                assert (one.end_time is None) == (asked.metric_type == "total_value")
                assert {dimension for dimension, _ in one.breakdown} <= {
                    asked.breakdown,
                    "timeframe",
                }
    assert set(stage.asked) == {OF_ACCOUNT}
    assert {metric for name, metric in told if name == "mia"} == {one.name for one in MEASURED}
    few = {metric.name for metric in MEASURED if metric.followers}
    assert not few & {metric for name, metric in told if name == "leo"}


@pytest.mark.parametrize("flavour", list(Flavour))
async def test_meta_takes_every_question_about_a_post(stage: Stage, flavour: Flavour) -> None:
    account = stage.account(flavour)
    listing = await own_media(account, NOW - timedelta(days=30))
    posts = {one.id: one for one in stage.meta.own_posts.of(stage.meta.people.account("mia"))}
    assert 9 < len(listing.media) < 16
    told, refused = set(), set()
    for one in listing.media:
        for metric in MEDIA_METRICS[one.product]:
            try:
                [figure] = await media_figures(account, one.id, metric)
            except RequestRefused:
                refused.add((posts[one.id].type, posts[one.id].product, metric))
            else:
                told.add((one.product, figure.metric))
    for product, metrics in MEDIA_METRICS.items():
        assert {metric for found, metric in told if found == product} == set(metrics)
    assert {(type_, product) for type_, product, _ in refused} <= {("VIDEO", "FEED")}


def test_what_is_asked_of_media_is_in_the_contract() -> None:
    for product, metrics in MEDIA_METRICS.items():
        for metric in metrics:
            assert check_request(OF_MEDIA, {"metric": metric}, "graph.instagram.com") == []
            assert product in CONTRACT["_insights_media"][metric]["media_product_type"]


# ------------------------------------------------------------------ documented answers


def _row(name: str, period: str = "day", **told: Any) -> dict[str, Any]:
    words = {"title": name, "description": "…"}
    return {
        "name": name,
        "period": period,
        **words,
        **told,
        "id": f"17841/insights/{name}/{period}",
    }


def _parts(*keys: str, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"dimension_keys": list(keys), "results": results}]


END = datetime(2026, 9, 2, 7, tzinfo=UTC)
AT = "2026-09-02T07:00:00+0000"
NEXT = {"previous": "https://graph.facebook.com/a", "next": "https://graph.facebook.com/b"}
POSTS = _parts("media_product_type", results=[{"dimension_values": ["POST"], "value": 124}])
AGES = _parts(
    "timeframe", "age", results=[{"dimension_values": ["THIS_MONTH", "18-24"], "value": 12}]
)
CITIES = _parts(
    "city", results=[{"dimension_values": ["São Paulo, São Paulo (state)"], "value": 3}]
)
CAME = _parts(
    "follow_type",
    results=[
        {"dimension_values": ["FOLLOWER"], "value": 5},
        {"dimension_values": ["NON_FOLLOWER"], "value": 2},
    ],
)
TAPS = _parts(
    "story_navigation_action_type", results=[{"dimension_values": ["tap_forward"], "value": 20}]
)
SAMPLES: dict[str, tuple[dict[str, Any], list[Figure]]] = {
    "a series": (
        {"data": [_row("reach", values=[{"value": 12, "end_time": AT}])], "paging": NEXT},
        [Figure("reach", "day", 12, END)],
    ),
    "a series of text": (
        {"data": [_row("reach", values=[{"value": "12", "end_time": AT}])]},
        [Figure("reach", "day", 12, END)],
    ),
    "weeks, and winter": (
        {
            "data": [
                _row("reach", "week", values=[{"value": 9, "end_time": "2026-01-11T08:00:00+0000"}])
            ]
        },
        [Figure("reach", "week", 9, datetime(2026, 1, 11, 8, tzinfo=UTC))],
    ),
    "a zero": (
        {"data": [_row("follower_count", values=[{"value": 0, "end_time": AT}])]},
        [Figure("follower_count", "day", 0, END)],
    ),
    "a total": (
        {"data": [_row("views", total_value={"value": 224})]},
        [Figure("views", "day", 224)],
    ),
    "a total with its parts": (
        {"data": [_row("reach", total_value={"value": 224, "breakdowns": POSTS})]},
        [
            Figure("reach", "day", 224),
            Figure("reach", "day", 124, None, (("media_product_type", "POST"),)),
        ],
    ),
    "parts alone": (
        {"data": [_row("follows_and_unfollows", total_value={"breakdowns": CAME})]},
        [
            Figure("follows_and_unfollows", "day", value, None, (("follow_type", kind),))
            for kind, value in (("FOLLOWER", 5), ("NON_FOLLOWER", 2))
        ],
    ),
    "an audience, with its timeframe": (
        {"data": [_row("follower_demographics", "lifetime", total_value={"breakdowns": AGES})]},
        [
            Figure(
                "follower_demographics",
                "lifetime",
                12,
                None,
                (("timeframe", "THIS_MONTH"), ("age", "18-24")),
            )
        ],
    ),
    "an audience, without": (
        {"data": [_row("follower_demographics", "lifetime", total_value={"breakdowns": CITIES})]},
        [
            Figure(
                "follower_demographics",
                "lifetime",
                3,
                None,
                (("city", "São Paulo, São Paulo (state)"),),
            )
        ],
    ),
    "parts of which there are none": (
        {
            "data": [
                _row(
                    "views",
                    total_value={"value": 3, "breakdowns": _parts("follow_type", results=[])},
                )
            ]
        },
        [Figure("views", "day", 3)],
    ),
    "followers by hour": (
        {
            "data": [
                _row(
                    "online_followers",
                    "lifetime",
                    values=[
                        {"value": {"0": 12, "23": 7}, "end_time": AT},
                        {"value": {}, "end_time": AT},
                    ],
                )
            ]
        },
        [
            Figure("online_followers", "lifetime", value, END, (("hour", hour),))
            for hour, value in (("0", 12), ("23", 7))
        ],
    ),
    "no data": ({"data": []}, []),
    "no data, with pages": ({"data": [], "paging": NEXT}, []),
    "a story's": (
        {
            "data": [
                _row(
                    "navigation",
                    "lifetime",
                    values=[{"value": 25}],
                    total_value={"value": 25, "breakdowns": TAPS},
                )
            ]
        },
        [
            Figure("navigation", "lifetime", 25),
            Figure(
                "navigation",
                "lifetime",
                20,
                None,
                (("story_navigation_action_type", "tap_forward"),),
            ),
        ],
    ),
    "a share in percent": (
        {"data": [_row("reels_skip_rate", "lifetime", values=[{"value": 41.27}])]},
        [Figure("reels_skip_rate", "lifetime", 41.27)],
    ),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_documented_answers_are_read(sample: str) -> None:
    body, expected = SAMPLES[sample]
    assert check_response(OF_ACCOUNT, body) == []
    assert figures(Fields(body, "insights")) == expected


@pytest.mark.parametrize(
    "written",
    [
        "2026-09-02T07:00:00+0000",
        "2026-09-02T07:00:00+00:00",
        "2026-09-02T07:00:00Z",
        "2026-09-02T07:00:00",
        "2026-09-02T00:00:00-0700",
        "2026-09-02T12:30:00+0530",
    ],
)
def test_every_form_of_a_time_is_the_same_moment(written: str) -> None:
    row = _row("reach", values=[{"value": 1, "end_time": written}])
    [one] = figures(Fields({"data": [row]}, "insights"))
    assert one.end_time == END
