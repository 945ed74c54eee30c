"""Business discovery at the stand-in: who is found, what is told of them, and how it refuses."""

from __future__ import annotations

import pytest

from sandbox.graph.tokens import FACEBOOK_SCOPES
from sandbox.world import PROLIFIC, Kind, World
from tests.sandbox.graph.conftest import FACEBOOK, INSTAGRAM, Client, numbers

FIELDS = "id,caption,media_product_type,permalink,like_count,view_count,timestamp"


def asked(name: str, inner: str = "id,username,followers_count,media_count") -> str:
    return f"business_discovery.username({name}){{{inner}}}"


def url(client: Client, host: str = FACEBOOK) -> str:
    return f"{host}/v25.0/{client.meta.people.account('mia').id}"


async def test_all_that_a_professional_account_posts(client: Client, world: World) -> None:
    token, posts = client.meta.page_token("mia"), world.posts_by(PROLIFIC.username)
    seen: list[str] = []
    after = ""
    while True:
        inner = f"id,media_count,media.limit(40){after}{{{FIELDS}}}"
        body = await client.get(url(client), token, fields=asked(PROLIFIC.username, inner))
        found = body["business_discovery"]
        assert found["media_count"] == len(posts)
        for row, post in zip(found["media"]["data"], posts[len(seen) :], strict=False):
            assert row.get("like_count") == (None if post.hides_likes else post.likes)
            assert row.get("view_count") == (post.plays if post.kind is Kind.REEL else None)
        seen += [row["permalink"] for row in found["media"]["data"]]
        cursor = found["media"]["paging"]["cursors"].get("after")
        if cursor is None:
            break
        after = f".after({cursor})"
    assert seen == [post.url for post in posts]


@pytest.mark.parametrize("name", ["nobody", "quietframes", "locked.diary", "midnight.still", "zoe"])
async def test_nobody_says_which_of_the_reasons_it_is(client: Client, name: str) -> None:
    body = await client.get(url(client), client.meta.page_token("mia"), fields=asked(name))
    assert numbers(body) == (110, 2207013)


async def test_what_is_refused(client: Client) -> None:
    token, name = client.meta.page_token("mia"), PROLIFIC.username
    for inner in (
        "account_type",
        "media{saved_count}",
        "media.limit(101){id}",
        "media.after(x){id}",
    ):
        body = await client.get(url(client), token, fields=asked(name, inner))
        assert numbers(body) == (100, None)
    assert numbers(await client.get(url(client), token, fields="business_discovery{id}"))[0] == 100
    few = client.meta.facebook_token("mia", scopes=FACEBOOK_SCOPES - {"instagram_manage_insights"})
    assert numbers(await client.get(url(client), few, fields=asked(name))) == (10, None)
    other = client.meta.instagram_token("mia")
    refused = await client.http.get(
        f"{client.meta.origin}/{url(client, INSTAGRAM)}",
        params={"fields": asked(name), "access_token": other},
    )
    assert numbers(refused.json()) == (100, None)
