"""Business discovery: what is asked, what is read, and how a list ends."""

import pytest

from services.errors import BadInput, MetaChanged, MetaNotFound, RequestRefused
from services.graph.discovery import discover, discover_media
from services.graph.wire import Flavour
from tests.services.graph.meta import USER_ID, refusal

REEL = {
    "id": "17895695668004550",
    "caption": "Hello",
    "media_type": "VIDEO",
    "media_product_type": "REELS",
    "permalink": "https://www.instagram.com/reel/C1abcDEF_-9/",
    "timestamp": "2026-09-01T07:00:00+0000",
    "comments_count": 3,
    "view_count": 120,
}


def told(media=None, **changes):
    user = {"id": "17841400000000030", "username": "rosa.reels", **changes}
    if media is not None:
        user["media"] = media
    return {"business_discovery": user, "id": USER_ID}


async def test_a_profile(meta):
    there = meta(told(followers_count=12, name="Rosa"))
    found = await discover(there.account(), "rosa.reels")
    assert (found.id, found.username, found.followers) == ("17841400000000030", "rosa.reels", 12)
    assert (found.media_count, found.picture) == (None, "")
    [sent] = there.sent
    assert sent.params["fields"].startswith("business_discovery.username(rosa.reels){id,")


async def test_pages_end_without_a_cursor_and_hidden_likes_are_none(meta):
    first = {"data": [REEL, {**REEL, "like_count": 0}], "paging": {"cursors": {"after": "QVFI_a"}}}
    there = meta(told(first), told({"data": []}), told())
    page = await discover_media(there.account(), "rosa.reels", None)
    assert [one.likes for one in page.media] == [None, 0]
    assert (page.media[0].shortcode, page.media[0].views, page.after) == (
        "C1abcDEF_-9",
        120,
        "QVFI_a",
    )
    for _ in range(2):
        page = await discover_media(there.account(), "rosa.reels", page.after or "QVFI_a")
        assert (page.media, page.after) == ((), None)
    assert ".after(QVFI_a){" in there.sent[1].params["fields"]


async def test_an_odd_one_loses_itself_only_and_a_circle_is_an_error(meta):
    odd = {**REEL, "id": "1", "permalink": "https://elsewhere.example/"}
    edge = {"data": [odd, REEL], "paging": {"cursors": {"after": "QVFI_a"}}}
    there = meta(told(edge))
    page = await discover_media(there.account(), "rosa.reels", None)
    assert [one.id for one in page.media] == [REEL["id"]]
    [left] = page.odd
    assert (left.id, left.what.rpartition(".")[2], left.raw) == ("1", "permalink", odd)
    with pytest.raises(MetaChanged):
        await discover_media(there.account(), "rosa.reels", "QVFI_a")


async def test_nobody_of_that_name(meta):
    with pytest.raises(MetaNotFound):
        await discover(meta((400, refusal(110, 2207013))).account(), "quietframes")


@pytest.mark.parametrize("name", ["a)b", "x{id}", "", "with space", "a" * 31])
async def test_no_name_breaks_out_of_the_expression(meta, name):
    there = meta(told())
    with pytest.raises(BadInput):
        await discover(there.account(), name)
    with pytest.raises(RequestRefused):
        await discover_media(there.account(), "rosa.reels", "a)b")
    with pytest.raises(RequestRefused):
        await discover(there.account(Flavour.INSTAGRAM), "rosa.reels")
    assert there.sent == []
