"""Atom (RFC 4287), with every file as an enclosure. Called by services.feed."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from services.feed.render import text
from services.feed.render.entries import Entry, FeedPage
from services.feed.render.xml import ATOM, MEDIA, add, add_media, document, rfc3339

MIME = "application/atom+xml"


def render(page: FeedPage) -> bytes:
    root = ET.Element("feed", {"xmlns": ATOM, "xmlns:media": MEDIA, "xml:lang": page.language})
    add(root, "id", page.guid)
    add(root, "title", page.title)
    add(root, "subtitle", page.description)
    add(root, "updated", rfc3339(page.updated))
    add(root, "link", rel="alternate", type="text/html", href=page.address)
    add(root, "link", rel="self", type=MIME, href=page.self_address)
    add(root, "generator", "Reelay")
    for entry in page.entries:
        _add_entry(root, entry)
    return document(root)


def _add_entry(root: ET.Element, entry: Entry) -> None:
    item = add(root, "entry")
    add(item, "id", entry.guid)
    add(item, "title", entry.title)
    add(item, "published", rfc3339(entry.published))
    add(item, "updated", rfc3339(entry.updated))
    add(add(item, "author"), "name", entry.author)
    add(item, "link", rel="alternate", type="text/html", href=entry.link)
    for media in entry.media:
        size = {"length": str(media.bytes)} if media.bytes > 0 else {}
        add(item, "link", rel="enclosure", type=media.mime, href=media.url, **size)
    add(item, "content", text.html(entry), type="html")
    add_media(item, entry)
