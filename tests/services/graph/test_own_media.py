"""The listing of own media: both log-ins, pages, and what is not guessed at."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import MetaChanged, RequestRefused
from services.graph.own_media import PAGE_SIZE, OwnMedia, own_media
from services.graph.wire import Flavour
from tests.services.graph.meta import refusal

SINCE = datetime(2026, 9, 1, tzinfo=UTC)
REEL = {
    "id": "17900000000000001",
    "media_type": "VIDEO",
    "media_product_type": "REELS",
    "timestamp": "2026-09-05T10:00:00+0000",
    "permalink": "https://www.instagram.com/reel/AbC/",
    "caption": "🌊" * 300,
}
PHOTO = {"id": "17900000000000002", "media_type": "IMAGE", "timestamp": "2026-09-04T10:00:00+0000"}
OLD = {**PHOTO, "id": "17900000000000003", "timestamp": "2026-08-31T23:59:59+0000"}
READ_REEL = OwnMedia(
    "17900000000000001",
    "VIDEO",
    "REELS",
    datetime(2026, 9, 5, 10, tzinfo=UTC),
    "https://www.instagram.com/reel/AbC/",
    "🌊" * 200,
)


def page(*rows, after=""):
    paging = {"cursors": {"before": "b", "after": after or "end"}}
    if after:
        paging["next"] = "https://graph.facebook.com/next"
    return {"data": list(rows), "paging": paging}


async def test_pages_until_the_first_that_is_too_old(meta):
    there = meta(page(REEL, after="a1"), page(PHOTO, OLD, after="a2"))
    found = await own_media(there.account(), SINCE)
    assert found.media[0] == READ_REEL
    assert [(one.product, one.permalink) for one in found.media] == [
        ("REELS", READ_REEL.permalink),
        ("FEED", ""),
    ]
    assert found.requests == len(there.sent) == 2
    assert there.endpoints == ["GET /{ig-user-id}/media"] * 2
    assert [sent.params.get("after") for sent in there.sent] == [None, "a1"]
    assert {sent.params["limit"] for sent in there.sent} == {str(PAGE_SIZE)}


async def test_the_last_page_has_a_cursor_but_no_next_one(meta):
    there = meta(page(REEL), page())
    assert len((await own_media(there.account(), SINCE)).media) == 1
    assert len(there.sent) == 1
    assert (await own_media(there.account(), SINCE)).media == ()


async def test_whether_the_list_is_whole(meta):
    """So what is not in it is gone. One that is empty may be Meta's bad day."""
    assert (await own_media(meta(page(PHOTO, OLD, after="a1")).account(), SINCE)).whole
    assert (await own_media(meta(page(OLD)).account(), SINCE)).whole
    assert (await own_media(meta(page(REEL, after="a1"), page()).account(), SINCE)).whole
    assert not (await own_media(meta(page()).account(), SINCE)).whole
    assert not (await own_media(meta(page(REEL, after="a1")).account(), SINCE, pages=1)).whole


async def test_instagram_login_may_not_ask_for_every_field(meta):
    """Once more without, and for the pages that follow, too."""
    bare = {name: REEL[name] for name in ("id", "media_type", "timestamp", "permalink")}
    told = refusal(100, message="(#100) Tried accessing nonexisting field (caption)")
    there = meta((400, told), page(bare, after="a1"), page(PHOTO))
    found = await own_media(there.account(Flavour.INSTAGRAM), SINCE, pages=2)
    assert [(one.product, one.caption) for one in found.media] == [("REELS", ""), ("FEED", "")]
    assert found.requests == 3
    assert ["caption" in sent.params["fields"] for sent in there.sent] == [True, False, False]
    for flavour, answers in ((Flavour.FACEBOOK, 1), (Flavour.INSTAGRAM, 2)):
        there = meta((400, told))
        with pytest.raises(RequestRefused):
            await own_media(there.account(flavour), SINCE)
        assert len(there.sent) == answers


async def test_no_more_than_some_pages(meta):
    there = meta(page(REEL, after="a1"), page(PHOTO, after="a2"), page(after="a3"))
    assert len((await own_media(there.account(), SINCE, pages=2)).media) == 2
    assert len(there.sent) == 2


@pytest.mark.parametrize(
    "row",
    [
        {**REEL, "id": "../1"},
        {**REEL, "timestamp": "yesterday"},
        {**REEL, "media_type": None},
        {**REEL, "caption": 7},
    ],
)
async def test_other_shapes_are_not_guessed_at(meta, row):
    with pytest.raises(MetaChanged):
        await own_media(meta((200, json.dumps(page(row)).encode())).account(), SINCE)


async def test_pages_that_lead_nowhere(meta):
    there = meta(page(REEL, after="a1"))
    with pytest.raises(MetaChanged):
        await own_media(there.account(), SINCE)
    assert len(there.sent) == 2


async def test_an_address_elsewhere_is_none(meta):
    row = {**REEL, "permalink": "https://www.instagram.com.evil.example/reel/1"}
    [one] = (await own_media(meta(page(row)).account(), SINCE - timedelta(days=9))).media
    assert one.permalink == ""
