"""RSS 2.0 with content:encoded, Media RSS, dc:creator and atom:link. Called by services.feed.

Checked against the W3C validator's rules (level AA): an enclosure has a length above zero, dates
are RFC 822, the guid is no permalink.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from email.utils import format_datetime

from services.feed.render import text
from services.feed.render.entries import Entry, FeedPage
from services.feed.render.xml import ATOM, MEDIA, add, add_media, document

MIME = "application/rss+xml"


def render(page: FeedPage) -> bytes:
    root = ET.Element(
        "rss",
        {
            "version": "2.0",
            "xmlns:atom": ATOM,
            "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
            "xmlns:dc": "http://purl.org/dc/elements/1.1/",
            "xmlns:media": MEDIA,
        },
    )
    channel = add(root, "channel")
    add(channel, "title", page.title)
    add(channel, "link", page.address)
    add(channel, "description", page.description)
    add(channel, "language", page.language)
    add(channel, "lastBuildDate", _rfc822(page.updated))
    add(channel, "generator", "Reelay")
    add(channel, "ttl", str(page.ttl_minutes))
    add(channel, "atom:link", href=page.self_address, rel="self", type=MIME)
    for entry in page.entries:
        _add_item(channel, entry)
    return document(root)


def _add_item(channel: ET.Element, entry: Entry) -> None:
    item = add(channel, "item")
    add(item, "title", entry.title)
    add(item, "link", entry.link)
    add(item, "guid", entry.guid, isPermaLink="false")
    add(item, "pubDate", _rfc822(entry.published))
    add(item, "dc:creator", entry.author)
    add(item, "description", text.summary(entry))
    add(item, "content:encoded", text.html(entry))
    first = next((media for media in entry.media if media.bytes > 0), None)
    if first:
        add(item, "enclosure", url=first.url, type=first.mime, length=str(first.bytes))
    add_media(item, entry)


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
