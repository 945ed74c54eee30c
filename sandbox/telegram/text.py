"""Texts and captions of messages: parse mode, limits, and the entities that Telegram finds itself.

Called by the methods that write text and by what a person says.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

from sandbox.telegram.errors import bad_request
from sandbox.telegram.html import HtmlError, parse_html, utf16_length
from sandbox.telegram.wire import Json

TEXT_LIMIT = 4096  # UTF-16 units, after parsing
CAPTION_LIMIT = 1024
ENTITY_LIMIT = 100
RAW_LIMIT = 32 * 1024  # bytes, before parsing
EDGE_SPACES = " \t\r\n\v\f"

# What Telegram marks by itself, the most specific first; ends of sentences are no part of a link.
FOUND_TYPES = (
    ("url", re.compile(r"https?://[^\s<>\"]+[^\s<>\".,:;!?)'\]]", re.IGNORECASE)),
    ("email", re.compile(r"(?<![\w.@+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b", re.IGNORECASE)),
    (
        "url",
        re.compile(
            r"(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|me|tv|app|dev)\b"
            r"(?:/[^\s<>\"]*[^\s<>\".,:;!?)'\]])?",
            re.IGNORECASE,
        ),
    ),
    (
        "bot_command",
        re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])"),
    ),
    ("mention", re.compile(r"(?<![\w/])@[A-Za-z0-9_]{3,32}\b")),
    ("hashtag", re.compile(r"(?<![\w#])#(?=\w*[^\W\d_])\w+")),
)
VERBATIM = ("code", "pre")  # they hold no other entity and cut others into pieces
AROUND_CODE = ("blockquote", "expandable_blockquote")
CLOSED = (*VERBATIM, "text_link", "text_mention", "url")  # nothing is found inside


@dataclass(frozen=True)
class Formatted:
    """Text as a Message carries it. Offsets and lengths are UTF-16 units."""

    text: str
    entities: list[Json] = field(default_factory=list)

    def as_text(self) -> Json:
        """The fields of a text Message."""
        fields: Json = {"text": self.text}
        if self.entities:
            fields["entities"] = self.entities
        return fields

    def as_caption(self) -> Json:
        """The fields of a Message with media; none at all when there is no caption."""
        fields: Json = {"caption": self.text} if self.text else {}
        if self.entities:
            fields["caption_entities"] = self.entities
        return fields


def plain(text: str) -> Formatted:
    """Text without markup: trimmed, with the entities that Telegram finds itself."""
    return formatted(text, [])


def parse(source: str, parse_mode: str, entities: list[Json] | None = None) -> Formatted:
    """Source text of a method call. Raises ApiError 400."""
    if len(source.encode()) > RAW_LIMIT:
        raise bad_request("text is too long")
    if not parse_mode:
        return formatted(source, entities or [])
    if parse_mode.lower() != "html":
        # Real Telegram also knows two Markdowns; nobody here writes them.
        raise bad_request("unsupported parse_mode")
    try:
        return formatted(*parse_html(source))
    except HtmlError as problem:
        raise bad_request(f"can't parse entities: {problem}") from None


def formatted(text: str, entities: list[Json]) -> Formatted:
    """Trims the text, moves the entities along, and adds what Telegram finds itself."""
    lead = len(text) - len(text.lstrip(EDGE_SPACES))
    stripped = text.strip(EDGE_SPACES)
    size = utf16_length(stripped)
    kept: list[Json] = []
    for entity in entities:
        start = max(0, entity["offset"] - lead)  # what is trimmed counts one unit each
        stop = min(size, entity["offset"] - lead + entity["length"])
        if stop > start:
            kept.append({**entity, "offset": start, "length": stop - start})
    kept = _cut_by_verbatim(kept)
    # What Telegram finds itself never makes a text too rich.
    kept += _found(stripped, kept, ENTITY_LIMIT - len(kept))
    kept.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return Formatted(stripped, kept)


def checked(content: Formatted, limit: int, what: str) -> Formatted:
    """Raises ApiError 400 when the text is longer than Telegram takes. `what`: "message"…"""
    if utf16_length(content.text) > limit:
        raise bad_request(f"{what} is too long")
    if len(content.entities) > ENTITY_LIMIT:
        raise bad_request("ENTITIES_TOO_LONG")
    return content


def _span(entity: Json) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]


def _cut_by_verbatim(entities: list[Json]) -> list[Json]:
    """Code holds no other entity: bold around it stays on both sides only."""
    verbatim = [entity for entity in entities if entity["type"] in VERBATIM]
    result = [
        {k: v for k, v in e.items() if (e["type"], k) != ("code", "language")} for e in verbatim
    ]
    for entity in entities:
        if entity in verbatim:
            continue
        pieces = [_span(entity)]
        if entity["type"] not in AROUND_CODE:
            for hole in map(_span, verbatim):
                pieces = [part for piece in pieces for part in _without(piece, hole)]
        result += [{**entity, "offset": a, "length": b - a} for a, b in pieces]
    return result


def _without(piece: tuple[int, int], hole: tuple[int, int]) -> list[tuple[int, int]]:
    (a, b), (start, stop) = piece, hole
    if stop <= a or b <= start:
        return [piece]
    return [(left, right) for left, right in ((a, start), (stop, b)) if left < right]


def _found(text: str, given: list[Json], limit: int) -> list[Json]:
    units = [0, *itertools.accumulate(map(utf16_length, text))]  # before each character
    taken = [_span(entity) for entity in given if entity["type"] in CLOSED]
    found: list[Json] = []
    for kind, pattern in FOUND_TYPES:
        for match in pattern.finditer(text):
            if len(found) >= limit:
                return found
            start, stop = units[match.start()], units[match.end()]
            if all(stop <= a or start >= b for a, b in taken):
                taken.append((start, stop))
                found.append({"type": kind, "offset": start, "length": stop - start})
    return found
