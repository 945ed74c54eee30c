"""Conditional and range requests (RFC 9110, sections 8.8, 12.5.3, 13 and 14), as pure functions.

The one place for them: feeds, pages, media and downloads are answered through services/web/answers
by what is decided here. Readers of feeds are known to get these headers wrong, so what can be
understood is understood, and what can't is ignored, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256

from aiohttp import hdrs

GZIP_MARK = "-gzip"
"""Ends the tag of compressed bytes: two sequences of bytes may not share a strong tag."""

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*(?:,|$)')
_STRONG = re.compile(r'(?:W/)?"[^"]*"')
_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


# ---------------------------------------------------------------- is it still the same?


def etag_of(body: bytes) -> str:
    """A strong tag, quoted: the same bytes have the same one, after a restart too."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def gzip_etag(etag: str) -> str:
    """The tag of the same content compressed."""
    return f'{etag[:-1]}{GZIP_MARK}"'


def is_fresh(headers: Mapping[str, str], etag: str, modified: datetime | None) -> bool:
    """Does the client hold this already? To a GET or HEAD the answer is then 304.

    `etag`: quoted. The comparison is weak, so `W/"x"` is as good as `"x"`, and the compressed and
    the plain form count as one. If-None-Match, where it is sent, decides alone.
    """
    wanted = headers.get(hdrs.IF_NONE_MATCH)
    if wanted is not None:
        if wanted == etag:  # as nearly all of them send it
            return True
        tags = _tags(wanted)
        return "*" in tags or _bare(etag) in tags
    since = http_date(headers.get(hdrs.IF_MODIFIED_SINCE))
    return since is not None and modified is not None and _second(modified) <= since


def is_refused(headers: Mapping[str, str], etag: str, modified: datetime | None) -> bool:
    """Does the client want another version or none? The answer is then 412; asked before is_fresh.

    The comparison is strong, so `W/"x"` is never the one. If-Match, where it is sent, decides
    alone.
    """
    wanted = headers.get(hdrs.IF_MATCH)
    if wanted is not None:
        tags = _STRONG.findall(wanted)
        return bool(tags) and etag not in tags and gzip_etag(etag) not in tags
    until = http_date(headers.get(hdrs.IF_UNMODIFIED_SINCE))
    return until is not None and modified is not None and _second(modified) > until


def _tags(header: str) -> set[str]:
    """The tags of a list without W/, quotes and mark; some readers send them without quotes."""
    if header.strip() == "*":
        return {"*"}
    found, at = set(), 0
    while match := _TAG.match(header, at):
        found.add(match[1].removesuffix(GZIP_MARK))
        at = match.end()
        if at >= len(header):
            return found
    bare = (part.strip().removeprefix("W/").strip('"') for part in header[at:].split(","))
    return found | {part.removesuffix(GZIP_MARK) for part in bare if part and part != "*"}


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"').removesuffix(GZIP_MARK)


def http_date(value: str | None) -> datetime | None:
    """The moment of an HTTP date; None if there is none or it is no date."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def http_date_of(moment: datetime) -> str:
    """As headers have it: to the second, which is why two changes in one look alike."""
    return format_datetime(_second(moment), usegmt=True)


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


# ---------------------------------------------------------------- compressed or plain?


@lru_cache(maxsize=64)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is as welcome as plain bytes; `q=0` refuses, `*` means what is not named."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights.setdefault(name, _weight(parameters))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if re.fullmatch(r"\s*[0-9]{1,3}(\.[0-9]{0,3})?\s*", value) else 0.0
    return 1.0


# ---------------------------------------------------------------- which part of it?


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to and without `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.stop - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Nothing of what was asked for exists: 416, with the true size."""

    size: int

    @property
    def content_range(self) -> str:
        return f"bytes */{self.size}"


def parse_range(header: str | None, size: int) -> Span | Unsatisfiable | None:
    """What a Range header asks of `size` bytes; None: all of it, because there is no header, it
    can't be understood, or it asks for several parts (a server may answer that with the whole)."""
    match = _RANGE.fullmatch(header or "")
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":  # the last so many
        length = int(match[2])
        return Span(max(0, size - length), size) if length and size else Unsatisfiable(size)
    start = int(match[1])
    stop = int(match[2]) + 1 if match[2] else max(size, start + 1)
    if stop <= start:
        return None
    return Span(start, min(stop, size)) if start < size else Unsatisfiable(size)


def wanted_span(
    headers: Mapping[str, str], size: int, etag: str, modified: datetime | None
) -> Span | Unsatisfiable | None:
    """As parse_range, but all of it if If-Range names an older version: the comparison is strong,
    so a weak tag never matches, and a date only to the second."""
    condition = headers.get(hdrs.IF_RANGE)
    if condition is not None:
        condition = condition.strip()
        same = (
            condition == etag
            if condition.startswith(('"', "W/"))
            else modified is not None and http_date(condition) == _second(modified)
        )
        if not same or etag.startswith("W/"):
            return None
    return parse_range(headers.get(hdrs.RANGE), size)
