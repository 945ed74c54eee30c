"""Entries and pages to write, and captions as hostile as can be drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from services.feed.render.entries import Entry, EntryMedia, FeedPage
from tests.support.rows import NOW

BASE = "https://reelay.example/f/TOKEN/"
HOSTILE = (
    "]]>",
    "<script>alert(1)</script>",
    "&amp; &lt; &#0; &nbsp;",
    "\x00\x01\x08\x0b\x0c\x1f\x7f\x85",
    "\ud800 \udfff",  # lone surrogates
    "\ufffe\uffff",
    "\u202eabc\u202c \u2066x\u2069",
    "שלום עולם",
    "👩‍👩‍👧‍👦 🇩🇪 é e\u0301",
    "a\r\nb\rc\n\n\nd\u2028e",
    "\"quotes\" 'too' <!-- --> <?pi ?> <![CDATA[",
    "\t  \u00a0 ",
)


def captions() -> st.SearchStrategy[str]:
    """Any code points, lone surrogates too, and pieces that break what is not careful."""
    anything = st.text(st.characters(exclude_categories=()), max_size=12)
    return st.lists(st.sampled_from(HOSTILE) | anything, max_size=5).map("".join)


def picture(number: int = 0, **changes: Any) -> EntryMedia:
    values: dict[str, Any] = {
        "url": f"{BASE}media/7/{number}.jpg",
        "mime": "image/jpeg",
        "bytes": 1000 + number,
        "width": 1080,
        "height": 1350,
    }
    return EntryMedia(**(values | changes))


def film(number: int = 0, **changes: Any) -> EntryMedia:
    return picture(
        number, **({"url": f"{BASE}media/7/{number}.mp4", "mime": "video/mp4"} | changes)
    )


def entry(guid: str = "tag:instagram.com,2010:7", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "guid": guid,
        "title": "Sunset",
        "author": "mia",
        "caption": "Sunset\nover the sea",
        "link": "https://www.instagram.com/p/abc/",
        "published": NOW - timedelta(days=3),
        "updated": NOW,
        "media": (picture(),),
    }
    return Entry(**(values | changes))


def page(*entries: Entry, **changes: Any) -> FeedPage:
    values: dict[str, Any] = {
        "guid": "urn:uuid:5b0a7a9e-6a1d-4f0e-9a55-0f4f1d0c6f5e",
        "title": "Home of mia & co <3",
        "description": "Posts",
        "address": BASE,
        "self_address": f"{BASE}feed.xml?limit=5&days=3",
        "updated": NOW,
        "entries": entries,
    }
    return FeedPage(**(values | changes))
