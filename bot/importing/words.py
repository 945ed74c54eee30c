"""The words that several cards of importing share. Pure."""

from __future__ import annotations

from bot.cards import esc
from services.importing.filters import ImportFilters, from_json
from services.importing.service import View

TAGS_SHOWN = 5


def title(view: View) -> str:
    return esc(view.item.title, 60)


def by(view: View) -> str:
    """ " (films, #beats)": what the collection's filters let through."""
    words = filter_words(from_json(view.item.filters))
    return f" ({words})" if words else ""


def filter_words(filters: ImportFilters) -> str:
    """ "films, the last month, #beats or #lofi", as HTML; "" if everything passes."""
    words = []
    if filters.kind:
        words.append("films" if filters.kind == "video" else "photos")
    if filters.within:
        words.append(f"the last {filters.within}")
    if filters.since and filters.until:
        words.append(f"{filters.since} … {filters.until}")
    elif filters.since:
        words.append(f"since {filters.since}")
    if filters.tags:
        more = " …" if len(filters.tags) > TAGS_SHOWN else ""
        tags = " or ".join(f"#{esc(tag, 30)}" for tag in filters.tags[:TAGS_SHOWN])
        words.append(tags + more)
    return ", ".join(words)
