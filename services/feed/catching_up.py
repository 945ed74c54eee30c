"""How far back a timeline is read: pure functions. Called by services.feed.polling.

A chain is the walk from the newest page back to a post that is known. It may be cut by a crash or a
freeze after any page; where it stood is stored with that page, and the next run goes on from there,
or what lies between would never be read.
"""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass

from services.instagram.mobile_timeline import FeedCursor, TimelinePage

MOST_PAGES = 4


@dataclass(frozen=True, slots=True)
class Chain:
    """`cursor`: of the next page, None for the newest one; `pages`: read so far."""

    cursor: FeedCursor | None = None
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """`chain`: how it goes on, None if it has ended. `gap`: it ended before it met a known post."""

    chain: Chain | None
    gap: bool = False


def follow(chain: Chain, page: TimelinePage, known: Set[str], *, first: bool) -> Step:
    """What this page of the chain leads to.

    known: the platform ids of those of its posts that were known before it came; first: nothing
    good was ever read before, so nothing can be missed.
    """
    own = {entry.partition("_")[0] for entry in chain.cursor.seen} if chain.cursor else set()
    if known - own or not page.has_more:
        return Step(None)
    pages = chain.pages + 1
    repeats = bool(known)  # the pages before came again: that leads nowhere
    if page.next_cursor is None or repeats or pages >= MOST_PAGES:
        return Step(None, gap=not first)
    return Step(Chain(page.next_cursor, pages))


def to_text(chain: Chain | None) -> str | None:
    """For polls.cursor."""
    if chain is None or chain.cursor is None:
        return None
    content = {"max_id": chain.cursor.max_id, "seen": chain.cursor.seen, "pages": chain.pages}
    return json.dumps(content)


def from_text(text: str | None) -> Chain:
    if text is None:
        return Chain()
    content = json.loads(text)
    return Chain(FeedCursor(content["max_id"], tuple(content["seen"])), content["pages"])
