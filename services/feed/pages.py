"""From rows to a feed that has no format yet; pure functions. Called by services.feed.serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import uuid5

from services.feed import notices as told
from services.feed.render.entries import Entry, EntryMedia, FeedPage
from services.feed.render.text import title_of
from storage.feed_notices import Notice
from storage.feeds import STORIES, Feed, File, Item

KINDS = {"photo": "Photo", "video": "Video", "carousel": "Carousel", "story": "Story"}
SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
}
"""Types that are served as what they are; any other is served as bytes to keep, not to show."""


def guid_of(platform: str, platform_id: str) -> str:
    """Of a post, to be frozen at first sight. RFC 4151: unique, and no address that could move."""
    return f"tag:{platform}.com,2010:{platform_id}"


def file_name(position: int, mime: str) -> str:
    """What a file of a post is called in the feed's addresses."""
    return f"{position}.{SUFFIXES.get(mime, 'bin')}"


class Place(NamedTuple):
    """Where a feed is served: `base`, absolute, ends in a slash; `document` is below it."""

    base: str
    document: str

    @property
    def address(self) -> str:
        return self.base + self.document


def entry_of(item: Item, files: Sequence[File], base: str) -> Entry:
    """`base`: where the feed is served, ends in a slash; "" makes addresses relative to it."""
    return Entry(
        guid=item.guid,
        title=title_of(item.caption, f"{KINDS.get(item.kind, 'Post')} by {item.author}"),
        author=item.author,
        caption=item.caption,
        link=_link(item),
        published=item.taken_at,
        updated=item.shown_at,
        media=tuple(_media(item.post_id, file, base) for file in files),
        missing=item.state == "placeholder",
    )


def _link(item: Item) -> str:
    """Where it is on Instagram; a story for a day."""
    if item.kind == "story":
        return f"https://www.instagram.com/stories/{item.author}/{item.platform_id}/"
    return f"https://www.instagram.com/p/{item.shortcode}/"


def _media(post_id: int, file: File, base: str) -> EntryMedia:
    url = f"{base}media/{post_id}/{file_name(file.position, file.mime)}"
    return EntryMedia(url, file.mime, file.bytes, file.width, file.height)


def feed_page(
    feed: Feed,
    items: Sequence[Item],
    files: Mapping[int, Sequence[File]],
    notices: Sequence[Notice],
    place: Place,
    *,
    author: str = "",
) -> FeedPage:
    """Notices first, then the posts as they came; `author`: of one person only.

    `updated` is the newest change of what is listed, so it stands still while nothing changes.
    """
    entries = [told.entry_of(notice, place.base) for notice in notices]
    entries += [entry_of(item, files.get(item.post_id, ()), place.base) for item in items]
    uuid = told.feed_uuid(feed)
    return FeedPage(
        guid=uuid5(uuid, f"author {author}").urn if author else uuid.urn,
        title=title_of_feed(feed, author),
        description=f"{_what(feed, author)}, archived by Reelay",
        address=f"{place.base}?author={author}" if author else place.base,
        self_address=place.address,
        updated=max((entry.updated for entry in entries), default=feed.created_at),
        entries=tuple(entries),
    )


def title_of_feed(feed: Feed, author: str = "") -> str:
    """As it stands among the other feeds of a reader, which are not Instagram's."""
    return f"@{author} · {feed.title}" if author else f"Instagram · {feed.title}"


def _what(feed: Feed, author: str) -> str:
    if feed.lists == STORIES:
        return f"Stories of {f'@{author}' if author else 'those who are followed'}"
    return f"Posts of @{author}" if author else feed.title
