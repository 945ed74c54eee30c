"""The account's own posts: listed by pages, new ones with the days, with figures that grow."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.graph import Meta
from sandbox.graph.own_posts import OwnPost, figure
from sandbox.graph.post_insights import MEASURED
from tests.sandbox.graph.conftest import FACEBOOK, INSTAGRAM, Client, numbers
from tests.support.clock import StillClock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIELDS = "id,media_type,timestamp,permalink"
ALL_FIELDS = f"{FIELDS},media_product_type,caption,like_count"


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


async def read(
    client: Client, host: str, path: str, fields: str = "", **params: str
) -> dict[str, Any]:
    meta = client.meta
    token = meta.page_token("mia") if host == FACEBOOK else meta.instagram_token("mia")
    given = {"fields": fields, **params} if fields else params
    return await client.get(f"{host}/v25.0/{path}", token, **given)


def newest(meta: Meta, type_: str, product: str) -> OwnPost:
    posts = meta.own_posts.of(meta.people.account("mia"))
    return next(post for post in posts if (post.type, post.product) == (type_, product))


async def test_a_list_by_pages(client: Client, meta: Meta) -> None:
    mia = meta.people.account("mia")
    posts = meta.own_posts.of(mia)
    found, after = [], {}
    while True:
        page = await read(client, FACEBOOK, f"{mia.id}/media", ALL_FIELDS, limit="40", **after)
        found += page["data"]
        if "next" not in page["paging"]:
            break
        after = {"after": page["paging"]["cursors"]["after"]}
    assert [row["id"] for row in found] == [post.id for post in posts]
    times = [row["timestamp"] for row in found]
    assert times == sorted(times, reverse=True)
    profile = await read(client, FACEBOOK, mia.id, "media_count")
    assert profile["media_count"] == len(posts) > 100
    gaps = {a.at.date() - b.at.date() for a, b in itertools.pairwise(posts)}
    assert gaps == {timedelta(days=2), timedelta(days=3)}
    kinds = {(row["media_type"], row["media_product_type"]) for row in found}
    assert len(kinds) == 4
    since = str(int((NOW - timedelta(days=30)).timestamp()))
    recent = await read(client, FACEBOOK, f"{mia.id}/media", FIELDS, since=since)
    assert 9 < len(recent["data"]) < 16
    assert "caption" not in recent["data"][0]


async def test_new_ones_come_with_the_days(meta: Meta, clock: StillClock) -> None:
    mia, leo = (meta.people.account(name) for name in ("mia", "leo"))
    before = meta.own_posts.of(mia)
    clock.advance(days=40)
    after = meta.own_posts.of(mia)
    assert after[-len(before) :] == before
    assert 14 < len(after) - len(before) < 20
    assert not {post.id for post in after} & {post.id for post in meta.own_posts.of(leo)}


async def test_what_is_told_to_facebook_login_only(client: Client, meta: Meta) -> None:
    mia, reel = meta.people.account("mia"), newest(meta, "VIDEO", "REELS")
    for path in (f"{mia.id}/media", reel.id):
        for field in ("caption", "media_product_type"):
            body = await read(client, INSTAGRAM, path, field)
            assert f"nonexisting field ({field})" in body["error"]["message"]
    meta.own_posts.tells_all = True
    body = await read(client, INSTAGRAM, reel.id, ALL_FIELDS)
    assert (body["media_product_type"], body["permalink"]) == ("REELS", reel.permalink)
    assert "/reel/" in reel.permalink
    assert body["timestamp"] == f"{reel.at:%Y-%m-%dT%H:%M:%S}+0000"


@pytest.mark.parametrize(("type_", "product"), [("VIDEO", "REELS"), ("IMAGE", "FEED")])
async def test_figures_grow(
    client: Client, meta: Meta, clock: StillClock, type_: str, product: str
) -> None:
    post = newest(meta, type_, product)
    names = ",".join(MEASURED[product])
    told = []
    for days in (0, 2, 20):
        clock.advance(days=days)
        body = await read(client, INSTAGRAM, f"{post.id}/insights", metric=names)
        told.append({row["name"]: row["values"][0]["value"] for row in body["data"]})
        assert {row["period"] for row in body["data"]} == {"lifetime"}
        assert told[-1] == {
            name: figure(post, name, clock() - post.at) for name in MEASURED[product]
        }
    assert told[0]["reach"] < told[1]["reach"] < told[2]["reach"]
    parts = ("likes", "comments", "saved", "shares", "reposts")
    assert told[2]["total_interactions"] == sum(told[2][name] for name in parts)


async def test_a_breakdown_of_a_post(client: Client, meta: Meta) -> None:
    path = f"{newest(meta, 'IMAGE', 'FEED').id}/insights"
    body = await read(client, INSTAGRAM, path, metric="profile_activity", breakdown="action_type")
    [row] = body["data"]
    [breakdown] = row["total_value"]["breakdowns"]
    assert sum(one["value"] for one in breakdown["results"]) == row["values"][0]["value"]


@pytest.mark.parametrize(
    ("type_", "product", "params", "expected", "words"),
    [
        ("VIDEO", "REELS", {"metric": "facebook_views"}, (-1, 2207086), "Fatal"),
        ("VIDEO", "REELS", {"metric": "reach,crossposted_views"}, (-1, 2207086), "Fatal"),
        ("VIDEO", "REELS", {"metric": "plays"}, (100, None), "no longer supported"),
        ("VIDEO", "REELS", {"metric": "follows"}, (100, None), "does not support the follows"),
        ("VIDEO", "REELS", {"metric": "colour"}, (100, None), "metric[0] must be one of"),
        ("VIDEO", "REELS", {}, (100, None), "metric is required"),
        ("VIDEO", "FEED", {"metric": "views"}, (100, None), "does not support the views"),
        ("IMAGE", "FEED", {"metric": "ig_reels_avg_watch_time"}, (100, None), "does not support"),
        ("IMAGE", "FEED", {"metric": "total_views"}, (100, None), "does not support"),
        (
            "IMAGE",
            "FEED",
            {"metric": "views", "breakdown": "follow_type"},
            (100, None),
            "Incompatible breakdowns (follow_type) for metric (views)",
        ),
    ],
)
async def test_questions(
    client: Client,
    meta: Meta,
    type_: str,
    product: str,
    params: dict[str, str],
    expected: tuple[int, int | None],
    words: str,
) -> None:
    path = f"{newest(meta, type_, product).id}/insights"
    body = await read(client, INSTAGRAM, path, **params)
    assert numbers(body) == expected
    assert words in body["error"]["message"]


async def test_who_sees_what(client: Client, meta: Meta) -> None:
    post = newest(meta, "VIDEO", "REELS")
    leo = meta.instagram_token("leo")
    for path in (post.id, f"{post.id}/insights"):
        body = await client.get(f"{INSTAGRAM}/v25.0/{path}", leo, metric="reach")
        assert body["error"]["code"] == 100
    told = await read(client, FACEBOOK, f"{post.id}/insights", metric="total_views")
    assert told["data"][0]["values"][0]["value"] == figure(post, "views", NOW - post.at)
    meta.bad_days.switch("meta-no-insights-permission", True)
    refused = await read(client, INSTAGRAM, f"{post.id}/insights", metric="reach")
    assert numbers(refused) == (10, None)
