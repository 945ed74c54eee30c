"""JSON Feed 1.1 (jsonfeed.org/version/1.1). Called by services.feed."""

from __future__ import annotations

import json
from typing import Any

from services.feed.render import text
from services.feed.render.entries import Entry, EntryMedia, FeedPage
from services.feed.render.text import clean
from services.feed.render.xml import rfc3339

MIME = "application/feed+json"


def render(page: FeedPage) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": clean(page.title),
        "home_page_url": page.address,
        "feed_url": page.self_address,
        "description": clean(page.description),
        "language": page.language,
        "items": [_item(entry) for entry in page.entries],
    }
    return json.dumps(feed, ensure_ascii=False).encode()


def _item(entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": clean(entry.guid),
        "title": clean(entry.title),
        "content_html": text.html(entry),
        "content_text": clean(entry.caption),
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "authors": [{"name": clean(entry.author)}],
        "url": clean(entry.link),
    }
    cover = next((media.url for media in entry.media if media.medium == "image"), None)
    if cover:
        item["image"] = cover
    if entry.media:
        item["attachments"] = [_attachment(media) for media in entry.media]
    return item


def _attachment(media: EntryMedia) -> dict[str, Any]:
    attachment: dict[str, Any] = {"url": media.url, "mime_type": media.mime}
    if media.bytes > 0:
        attachment["size_in_bytes"] = media.bytes
    return attachment
