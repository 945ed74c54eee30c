"""Stories as Instagram's JSON tells them, however odd the entries are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.instagram.mobile_stories import TrayReel, read_stories, read_tray
from services.instagram.posts import UnreadablePost
from tests.services.instagram.test_mobile_timeline import item

AT = datetime.fromtimestamp(1_790_000_000, UTC)


def test_an_end_that_is_not_said_is_a_day_later() -> None:
    said = int((AT + timedelta(hours=5)).timestamp())
    items = [item(42, taken_at=1_790_000_060), item(41, expiring_at=said), item(43, taken_at="x")]
    page = read_stories({"reel": {"items": items}})
    assert [story.post.platform_id for story in page.stories] == ["41", "42"]
    assert [story.expires_at - AT for story in page.stories] == [
        timedelta(hours=5),
        timedelta(hours=24, minutes=1),
    ]
    assert [odd.platform_id for odd in page.unparsed] == ["43"]


def test_nobody_tells_a_story() -> None:
    assert read_stories({"reel": None}).stories == ()
    assert read_tray({"tray": []}).reels == ()


def test_a_tray_with_odd_entries() -> None:
    friend = {
        "user": {"pk": 9, "username": "friend"},
        "latest_reel_media": int(AT.timestamp()),
        "media_ids": ["41_9", 42],
        "muted": True,
    }
    entries: list[Any] = [
        friend,
        {"user": {"pk": "10"}},
        {"reel_type": "ads_reel", "user": {"pk": 11}},
        {"user": {"pk": "²"}},
        {"user": None},
        "text",
    ]
    tray = read_tray({"tray": entries})
    first, second = tray.reels
    assert first == TrayReel("9", "friend", AT, ("41", "42"), muted=True)
    assert second == TrayReel("10", "", None, (), muted=False)
    assert [odd.raw for odd in tray.unparsed] == [entries[3], entries[4], {"entry": "text"}]


@pytest.mark.parametrize("answer", [None, [], {}, {"tray": None}, {"reel": {"items": 3}}])
def test_what_is_neither(answer: Any) -> None:
    with pytest.raises(UnreadablePost):
        read_tray(answer)
    with pytest.raises(UnreadablePost):
        read_stories(answer)
