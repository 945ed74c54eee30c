"""What a collection leaves out, and what a person typed to say so. Pure.

Called by the import for each listed post, by services.importing.collections and by the chat.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from services.errors import BadInput
from services.instagram.posts import ListedPost, hashtags

Kind = Literal["video", "photo"]
DAYS = {"week": 7, "month": 30, "year": 365}  # what "the last …" reaches back to
MAX_TAGS = 20
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TAG = re.compile(r"\w{1,100}")


@dataclass(frozen=True, slots=True)
class ImportFilters:
    """None and empty let everything through; those that are set must all agree.

    `kind`: a carousel has the kinds of all its files. `within`: a word of DAYS, counted back from
    each import. `since`, `until`: days of the person's zone, both included. `tags`: any of them.
    """

    kind: Kind | None = None
    within: str | None = None
    since: date | None = None
    until: date | None = None
    tags: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        return self != ImportFilters()


def passes(filters: ImportFilters, post: ListedPost, now: datetime, zone: str) -> bool:
    if filters.kind and not any(
        file.kind == ("video" if filters.kind == "video" else "image") for file in post.media
    ):
        return False
    if filters.within and post.taken_at < now - timedelta(days=DAYS[filters.within]):
        return False
    day = post.taken_at.astimezone(ZoneInfo(zone)).date()
    if (filters.since and day < filters.since) or (filters.until and day > filters.until):
        return False
    return not filters.tags or not set(filters.tags).isdisjoint(hashtags(post.caption))


# ---------------------------------------------------------------- as it is stored


def to_json(filters: ImportFilters) -> dict[str, Any]:
    """Only what is set; dates in ISO form."""
    stored = {name: value for name, value in asdict(filters).items() if value}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in stored.items()
    }


def from_json(stored: dict[str, Any]) -> ImportFilters:
    since, until = stored.get("since"), stored.get("until")
    return ImportFilters(
        kind=cast("Kind | None", stored.get("kind")),
        within=stored.get("within"),
        since=date.fromisoformat(since) if since else None,
        until=date.fromisoformat(until) if until else None,
        tags=tuple(stored.get("tags", ())),
    )


# ---------------------------------------------------------------- as it is typed


def read_range(text: str) -> tuple[date, date | None]:
    """ "2026-01-01 … 2026-03-31", in either order, or one day for "since then". Errors: BadInput"""
    try:
        days = sorted(date.fromisoformat(found) for found in _DATE.findall(text[:200]))
    except ValueError:
        days = []
    if not 1 <= len(days) <= 2:
        raise BadInput(
            "I can't read those dates.",
            "Send the first and the last day like this: 2026-01-01 … 2026-03-31, or one day for "
            "everything since then.",
        )
    return days[0], days[1] if len(days) == 2 else None


def read_tags(text: str) -> tuple[str, ...]:
    """ "#beats, lofi" as ("beats", "lofi"). Errors: BadInput"""
    tags = tuple(dict.fromkeys(tag.lower() for tag in _TAG.findall(text[:2000])))
    if not 1 <= len(tags) <= MAX_TAGS:
        raise BadInput(
            "I see no hashtags in that." if not tags else f"{MAX_TAGS} hashtags are the most.",
            "Send them like this: #beats #lofi. A post with any of them is imported.",
        )
    return tags
