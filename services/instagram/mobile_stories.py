"""Reads the tray of stories and the stories of one account, item by item.

Pure. Called by the mobile adapter. A story is a post in Instagram's JSON, but with an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.instagram.mobile_timeline import Unparsed, read_each
from services.instagram.posts import Item, ListedPost, UnreadablePost

STORY_LIFE = timedelta(hours=24)
_LAST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class TrayReel:
    """Who has stories now. `latest_at`: of the newest one, aware UTC, None if it is not said."""

    user_id: str
    username: str
    latest_at: datetime | None
    story_ids: tuple[str, ...]
    muted: bool


@dataclass(frozen=True, slots=True)
class StoryTray:
    """`unparsed`: the entries that nobody could read."""

    reels: tuple[TrayReel, ...]
    unparsed: tuple[Unparsed, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """`expires_at`: aware, UTC; 24 hours after it was posted where Instagram does not say."""

    post: ListedPost
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StoryPage:
    """All stories of one account that are alive, oldest first."""

    stories: tuple[Story, ...]
    unparsed: tuple[Unparsed, ...]


def read_tray(content: Any) -> StoryTray:
    """Raises UnreadablePost if the answer is no tray at all."""
    entries = content.get("tray") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise UnreadablePost("an answer without a tray of stories")
    reels: list[TrayReel] = []
    unparsed: list[Unparsed] = []
    for entry in entries:
        if _is_of_no_person(entry):
            continue
        if reel := _reel(entry):
            reels.append(reel)
        else:
            item = entry if isinstance(entry, dict) else {"entry": entry}
            unparsed.append(Unparsed(str(item.get("id") or ""), "stories of nobody", item))
    return StoryTray(tuple(reels), tuple(unparsed))


def read_stories(content: Any) -> StoryPage:
    """Raises UnreadablePost if the answer says nothing about stories. None alive is an answer."""
    if not isinstance(content, dict) or "reel" not in content:
        raise UnreadablePost("an answer without stories")
    reel = content["reel"]
    items = reel.get("items") if isinstance(reel, dict) else []
    if not isinstance(items, list):
        raise UnreadablePost("stories that are no list")
    posts, unparsed = read_each(item if isinstance(item, dict) else {} for item in items)
    stories = (Story(post, _expires_at(post.raw, post.taken_at)) for post in posts)
    return StoryPage(tuple(sorted(stories, key=lambda story: story.post.taken_at)), unparsed)


def _is_of_no_person(entry: Any) -> bool:
    """Ads and what Instagram itself puts in between."""
    return isinstance(entry, dict) and entry.get("reel_type") not in (None, "user_reel")


def _reel(entry: Any) -> TrayReel | None:
    user = entry.get("user") if isinstance(entry, dict) else None
    if not isinstance(user, dict):
        return None
    number = str(user.get("pk"))
    if not (number.isascii() and number.isdecimal()):
        return None
    ids = entry.get("media_ids")
    return TrayReel(
        user_id=number,
        username=str(user.get("username") or ""),
        latest_at=_moment(entry.get("latest_reel_media")),
        story_ids=tuple(str(one).partition("_")[0] for one in ids) if isinstance(ids, list) else (),
        muted=bool(entry.get("muted")),
    )


def _expires_at(item: Item, taken_at: datetime) -> datetime:
    return _moment(item.get("expiring_at")) or taken_at + STORY_LIFE


def _moment(seconds: Any) -> datetime | None:
    if isinstance(seconds, int | float) and 0 < seconds <= _LAST_SECOND:
        return datetime.fromtimestamp(int(seconds), UTC)
    return None
