"""Profiles and reels as Instagram's JSON tells them, however odd it is."""

from __future__ import annotations

from typing import Any

import pytest

from services.errors import ProfileGated
from services.instagram.mobile_profiles import read_profile, read_reel, read_reels
from services.instagram.posts import UnreadablePost
from services.instagram.profiles import Audio, mentions
from tests.services.instagram.test_mobile_timeline import item


def user(**changes: Any) -> dict[str, Any]:
    return {"user": {"pk": 9, "username": "friend", "follower_count": 5, **changes}}


def test_a_profile_with_what_is_told() -> None:
    found = read_profile(
        user(hd_profile_pic_url_info={"url": "https://x/l.jpg"}, media_count="7", full_name="A\0b")
    )
    assert (found.platform_id, found.username, found.followers) == ("9", "friend", 5)
    assert (found.following, found.media_count, found.is_private) == (None, None, False)
    assert (found.picture, found.full_name) == ("https://x/l.jpg", "Ab")
    assert found.raw["pk"] == 9


def test_an_age_limit_keeps_all_but_the_name_back() -> None:
    with pytest.raises(ProfileGated):
        read_profile(user(gating={"gating_type": "appealable"}, follower_count=0))


@pytest.mark.parametrize("answer", [None, {}, {"user": None}, user(pk="x"), user(username="")])
def test_what_is_no_profile(answer: Any) -> None:
    with pytest.raises(UnreadablePost):
        read_profile(answer)


@pytest.mark.parametrize(
    ("told", "likes", "plays"),
    [
        ({"like_count": 0, "play_count": 0}, 0, 0),
        ({"like_count": 3, "play_count": 9, "like_and_view_counts_disabled": True}, None, 9),
        ({"like_count": 3, "play_count": 0, "like_and_view_counts_disabled": True}, None, None),
        ({"like_count": -1, "play_count": -1}, None, None),
        ({"like_count": None, "play_count": None, "ig_play_count": 4}, None, 4),
        ({"like_count": "12", "play_count": 1 << 70}, None, None),
        ({"like_count": True}, None, None),
    ],
)
def test_a_count_that_is_not_told_is_none(
    told: dict[str, Any], likes: int | None, plays: int | None
) -> None:
    reel = read_reel(item(41, **told))
    assert (reel.likes, reel.plays) == (likes, plays)


def test_a_reel_whose_film_is_kept_back_has_its_figures() -> None:
    reel = read_reel(
        item(
            41,
            media_type=2,
            video_versions=None,
            image_versions2={"candidates": [{"url": "https://x/b", "width": 9}, {"url": "s"}]},
            video_duration=12.5,
            play_count=8,
            caption={"text": "#Tag with @Kaede.Moves. and @kaede.moves, me@example.org #tag"},
        )
    )
    assert (reel.plays, reel.seconds, reel.thumbnail) == (8, 12.5, "s")
    assert (reel.hashtags, reel.mentions) == (("tag",), ("kaede.moves",))
    assert reel.url == f"https://www.instagram.com/reel/{reel.shortcode}/"


def test_whose_sound_it_is() -> None:
    song = {"audio_cluster_id": 8, "title": "Paper Boats", "display_artist": "Lumen"}
    own = {
        "audio_asset_id": "77",
        "original_audio_title": "Original audio",
        "ig_artist": {"username": "friend"},
    }
    sounds = [
        ({"music_info": {"music_asset_info": song}}, Audio("8", "Paper Boats", "Lumen", False)),
        ({"original_sound_info": own}, Audio("77", "Original audio", "friend", True)),
        ({"music_info": None, "original_sound_info": None}, None),
        ("odd", None),
    ]
    for metadata, audio in sounds:
        assert read_reel(item(41, clips_metadata=metadata)).audio == audio


def test_an_odd_reel_loses_itself_only() -> None:
    entries = [{"media": item(42)}, {"media": item(43, taken_at=None)}, "text"]
    page = read_reels(
        {"items": entries, "paging_info": {"max_id": "Q", "more_available": True}}, None
    )
    assert [reel.platform_id for reel in page.reels] == ["42"]
    assert [odd.platform_id for odd in page.unread] == ["43", ""]
    assert (page.listed, page.next_cursor) == (3, "Q")


def test_the_end_is_said_and_a_cut_is_none() -> None:
    some = {"items": [{"media": item(42)}]}
    end = {"max_id": "", "more_available": False}
    assert read_reels({**some, "paging_info": end}, "Q").next_cursor is None
    assert read_reels({"items": []}, None).next_cursor is None
    for paging in (None, {"more_available": True}, {"max_id": "Q", "more_available": True}):
        with pytest.raises(UnreadablePost):
            read_reels({**some, "paging_info": paging}, "Q")
    with pytest.raises(UnreadablePost):  # behind a page that said more would follow
        read_reels({"items": []}, "Q")


def test_mentions_are_names_and_no_addresses() -> None:
    assert mentions("@a @A, (@b_c) x@y.de @@d @é @e.") == ("a", "b_c", "e")
