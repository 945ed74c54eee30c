"""What a feed holds, in no format yet. Made by services.feed.pages, written by the renderers.

The texts may hold anything that people type; each renderer cleans and escapes what it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EntryMedia:
    """One picture or film. `url`: ours, absolute, for ever. `bytes`: the true length."""

    url: str
    mime: str
    bytes: int
    width: int | None = None
    height: int | None = None

    @property
    def medium(self) -> str:
        """image or video, as Media RSS calls it."""
        return "video" if self.mime.startswith("video/") else "image"


@dataclass(frozen=True, slots=True)
class Entry:
    """One post, or (`notice`) one word of the feed about itself. Times are aware.

    `guid`: frozen at first sight, a URI, independent of the feed's address. `caption`: plain text.
    `missing`: it has pictures that could not be saved.
    """

    guid: str
    title: str
    author: str
    caption: str
    link: str
    published: datetime
    updated: datetime
    media: tuple[EntryMedia, ...] = ()
    missing: bool = False
    notice: bool = False


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One feed as it is now. `updated`: its newest change, never the clock.

    `guid`: a URI that stays when the address changes. `address`: the page for people.
    `self_address`: where these bytes are served.
    """

    guid: str
    title: str
    description: str
    address: str
    self_address: str
    updated: datetime
    entries: tuple[Entry, ...]
    language: str = "en"
    ttl_minutes: int = 10
