"""What RSS and Atom share: elements, the Media RSS group, and the bytes of a document."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from services.feed.render.entries import Entry
from services.feed.render.text import clean

ATOM = "http://www.w3.org/2005/Atom"
MEDIA = "http://search.yahoo.com/mrss/"


def add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    """`name` with its prefix; the root declares the prefixes."""
    element = ET.SubElement(parent, name, {key: clean(value) for key, value in attributes.items()})
    element.text = None if text is None else clean(text)
    return element


def add_media(parent: ET.Element, entry: Entry) -> None:
    """All files of an entry, of which RSS itself can name only the first. Media RSS 1.5.1."""
    if not entry.media:
        return
    group = add(parent, "media:group")
    for media in entry.media:
        known = {"width": media.width, "height": media.height, "fileSize": media.bytes}
        add(
            group,
            "media:content",
            url=media.url,
            type=media.mime,
            medium=media.medium,
            **{key: str(value) for key, value in known.items() if value},
        )
    cover = next((media for media in entry.media if media.medium == "image"), None)
    if cover:
        add(parent, "media:thumbnail", url=cover.url)


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(root: ET.Element) -> bytes:
    """The validator asks for hexadecimal references in titles; they mean the same everywhere."""
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml.replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")
