"""Reads one page of the home feed, item by item: posts, and what is none is counted.

Pure. Called by the mobile adapter. What marks an ad or a suggestion is not documented anywhere;
the rules here are what clients of the private API have found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.instagram.posts import Item, ListedPost, UnreadablePost, read_post

MOST_SEEN = 200  # ids sent along with a cursor; the app sends no more either
_AD_MARKS = ("ad_id", "injected", "dr_ad_type", "ad_action")


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """Where the next page begins. `seen`: what was shown before; without it page 1 comes again."""

    max_id: str
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unparsed:
    """An item that nobody could read: whose it is where that is known, why, and its JSON."""

    platform_id: str
    what: str
    raw: Item = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """`next_cursor` is None at the end, or (with `has_more`) where Instagram hid how to go on."""

    posts: tuple[ListedPost, ...]
    unparsed: tuple[Unparsed, ...]
    ads_skipped: int
    suggestions_skipped: int
    has_more: bool
    next_cursor: FeedCursor | None


def read_timeline(content: Any, cursor: FeedCursor | None, me: str) -> TimelinePage:
    """`cursor` asked for this page; `me` is the account's number.

    Raises UnreadablePost if the answer is no page of a feed at all.
    """
    entries = content.get("feed_items") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise UnreadablePost("an answer without feed items")
    items = [item for entry in entries if (item := _post_in(entry)) is not None]
    ads = [item for item in items if _is_ad(item)]
    strange = [item for item in items if not _is_ad(item) and _is_suggested(item, me)]
    skipped = {id(item) for item in (*ads, *strange)}
    posts, unparsed = read_each(item for item in items if id(item) not in skipped)
    has_more = bool(content.get("more_available"))
    return TimelinePage(
        posts=posts,
        unparsed=unparsed,
        ads_skipped=len(ads),
        suggestions_skipped=len(strange),
        has_more=has_more,
        next_cursor=_next(content.get("next_max_id"), items, cursor) if has_more else None,
    )


def read_each(items: Iterable[Item]) -> tuple[tuple[ListedPost, ...], tuple[Unparsed, ...]]:
    """Each item by itself: one that is odd never loses the others."""
    posts: list[ListedPost] = []
    unparsed: list[Unparsed] = []
    for item in items:
        try:
            posts.append(read_post(item))
        except UnreadablePost as odd:
            unparsed.append(Unparsed(odd.platform_id, odd.what, item))
    return tuple(posts), tuple(unparsed)


def _post_in(entry: Any) -> Item | None:
    """The post of an entry; None for what is none by its kind: suggested people, "all caught up".

    An entry that claims to hold a post and does not becomes an empty one, which is then counted.
    """
    if not isinstance(entry, dict):
        return {}
    for key in ("media_or_ad", "media"):
        if key in entry:
            return entry[key] if isinstance(entry[key], dict) else {}
    return None


def _is_ad(item: Item) -> bool:
    return any(item.get(mark) for mark in _AD_MARKS)


def _is_suggested(item: Item, me: str) -> bool:
    """Of somebody whom the account does not follow. Not known counts as followed: to show a post
    too many is better than to lose one."""
    if str(item.get("inventory_source")).startswith("recommended"):
        return True
    others = item.get("coauthor_producers")
    authors = [item.get("user"), *(others if isinstance(others, list) else ())]
    return all(_is_stranger(author, me) for author in authors)


def _is_stranger(author: Any, me: str) -> bool:
    if not isinstance(author, dict) or str(author.get("pk")) == me:
        return False
    friendship = author.get("friendship_status")
    return isinstance(friendship, dict) and friendship.get("following") is False


def _next(max_id: Any, items: Iterable[Item], cursor: FeedCursor | None) -> FeedCursor | None:
    """None for a cursor that does not lead on: the same page would be read for ever."""
    if not isinstance(max_id, str | int) or str(max_id) in {"", cursor.max_id if cursor else ""}:
        return None
    now = [str(item["id"]) for item in items if isinstance(item.get("id"), str | int)]
    seen = dict.fromkeys((*(cursor.seen if cursor else ()), *now))
    return FeedCursor(str(max_id), tuple(seen)[-MOST_SEEN:])
