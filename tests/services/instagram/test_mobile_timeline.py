"""Pages of the home feed, item by item, however odd the items are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.instagram.mobile_timeline import MOST_SEEN, FeedCursor, read_timeline
from services.instagram.posts import UnreadablePost

ME = "7"


def item(pk: int = 41, **more: Any) -> dict[str, Any]:
    picture = {"url": "https://cdn.example/1.jpg", "width": 5, "height": 5}
    return {
        "pk": pk,
        "id": f"{pk}_9",
        "taken_at": 1_790_000_000,
        "user": {"pk": 9, "username": "friend", "friendship_status": {"following": True}},
        "image_versions2": {"candidates": [picture]},
        **more,
    }


def feed(*items: Any, **more: Any) -> dict[str, Any]:
    return {"feed_items": [{"media_or_ad": one} for one in items], **more}


def stranger(pk: int = 8) -> dict[str, Any]:
    return {"pk": pk, "username": "stranger", "friendship_status": {"following": False}}


@pytest.mark.parametrize("mark", [{"ad_id": "1"}, {"injected": {"label": ""}}, {"dr_ad_type": 1}])
def test_ads_are_counted_and_left_out(mark: dict[str, Any]) -> None:
    page = read_timeline(feed(item(**mark), item(42)), None, ME)
    assert ([post.platform_id for post in page.posts], page.ads_skipped) == (["42"], 1)


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, True),
        ({"user": {"pk": 9, "username": "friend"}}, True),  # not said: rather one too many
        ({"user": stranger()}, False),
        ({"inventory_source": "recommended_clips_chaining_model"}, False),
        ({"inventory_source": "media_or_ad"}, True),
        ({"user": stranger(int(ME))}, True),  # nobody follows themselves
        ({"user": stranger(), "coauthor_producers": [item()["user"]]}, True),
        ({"user": stranger(), "coauthor_producers": [stranger(10)]}, False),
    ],
)
def test_only_who_is_followed_is_shown(more: dict[str, Any], *, shown: bool) -> None:
    page = read_timeline(feed(item(**more)), None, ME)
    assert (len(page.posts), page.suggestions_skipped) == ((1, 0) if shown else (0, 1))
    assert not page.unparsed


def test_what_is_no_post_by_its_kind_is_no_failure_but_a_broken_one_is() -> None:
    answer = {
        "feed_items": [
            {"suggested_users": {}},
            {"end_of_feed_demarcator": {}},
            {"media_or_ad": None},
            "text",
            {"media_or_ad": item(taken_at=None)},
            {"media_or_ad": item(43)},
        ]
    }
    page = read_timeline(answer, None, ME)
    assert [post.platform_id for post in page.posts] == ["43"]
    assert [odd.platform_id for odd in page.unparsed] == ["", "", "41"]
    assert page.unparsed[2].raw == item(taken_at=None)


def test_the_cursor_carries_what_was_seen_ads_too() -> None:
    first = read_timeline(
        feed(item(), item(42, ad_id="1"), more_available=True, next_max_id="A"), None, ME
    )
    assert first.next_cursor == FeedCursor("A", ("41_9", "42_9"))
    second = read_timeline(
        feed(item(43), more_available=True, next_max_id="B"), first.next_cursor, ME
    )
    assert second.next_cursor == FeedCursor("B", ("41_9", "42_9", "43_9"))
    old = FeedCursor("A", tuple(str(number) for number in range(MOST_SEEN)))
    third = read_timeline(feed(item(44), more_available=True, next_max_id="C"), old, ME)
    assert third.next_cursor is not None
    assert (len(third.next_cursor.seen), third.next_cursor.seen[-1]) == (MOST_SEEN, "44_9")


@pytest.mark.parametrize("max_id", [None, "", "A", {}])
def test_a_cursor_that_leads_nowhere_is_a_gap_that_can_be_seen(max_id: Any) -> None:
    page = read_timeline(
        feed(item(), more_available=True, next_max_id=max_id), FeedCursor("A", ()), ME
    )
    assert (page.has_more, page.next_cursor, len(page.posts)) == (True, None, 1)


@pytest.mark.parametrize("answer", [None, [], "text", {}, {"feed_items": None}])
def test_what_is_no_feed(answer: Any) -> None:
    with pytest.raises(UnreadablePost):
        read_timeline(answer, None, ME)


LEAF = st.sampled_from([None, True, -1, 7, 1e300, "", "x", "7"])
ODD = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(st.sampled_from(["pk", "url"]), LEAF)
FIELDS = [*item(), "ad_id", "coauthor_producers", "inventory_source", "carousel_media"]


@settings(max_examples=100)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4) | ODD, max_size=3))
def test_no_item_can_lose_its_page(items: list[Any]) -> None:
    page = read_timeline(feed(*items, item(), more_available=True, next_max_id="A"), None, ME)
    counted = len(page.unparsed) + page.ads_skipped + page.suggestions_skipped
    assert len(page.posts) + counted == len(items) + 1
    assert page.posts[-1].platform_id == "41"
