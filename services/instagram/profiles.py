"""Profiles and their reels in one form, whichever way they were asked for; pure.

Made by `mobile_profiles` and by the analysis out of what Meta says; used by all that look at them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from services.instagram.mobile_timeline import Unparsed
from services.instagram.posts import Item

_MENTION = re.compile(r"(?<![\w.@])@([A-Za-z0-9_.]{1,30})(?![\w@])")
_MAX_MENTIONS = 60


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts are None where they are not told. `picture`: an address that works for some hours."""

    platform_id: str
    username: str
    full_name: str
    biography: str
    followers: int | None
    following: int | None
    media_count: int | None
    is_private: bool
    is_verified: bool
    picture: str
    raw: Item = field(repr=False)


@dataclass(frozen=True, slots=True)
class Audio:
    """`is_original`: the author's own sound, not a song."""

    platform_id: str
    title: str
    artist: str
    is_original: bool


@dataclass(frozen=True, slots=True)
class Reel:
    """`likes` None: hidden by the author; other counts None: not told. `taken_at`: aware UTC.
    `seconds`: its length. `hashtags` and `mentions`: from the caption, lower case, without # and @,
    each once, in their order."""

    platform_id: str
    shortcode: str
    thumbnail: str
    caption: str
    likes: int | None
    comments: int | None
    views: int | None
    plays: int | None
    taken_at: datetime
    seconds: float | None
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    audio: Audio | None
    raw: Item = field(repr=False)

    @property
    def url(self) -> str:
        return f"https://www.instagram.com/reel/{self.shortcode}/"


@dataclass(frozen=True, slots=True)
class ReelPage:
    """One page, newest first. `listed`: posts that stood on it, of whatever kind. `next_cursor`:
    None at the end."""

    reels: tuple[Reel, ...]
    unread: tuple[Unparsed, ...]
    listed: int
    next_cursor: str | None


def mentions(caption: str) -> tuple[str, ...]:
    """Without "@", lower case, each once, in the order of the caption; no addresses of e-mail."""
    found = (name.lower().rstrip(".") for name in _MENTION.findall(caption))
    return tuple(dict.fromkeys(name for name in found if name))[:_MAX_MENTIONS]
