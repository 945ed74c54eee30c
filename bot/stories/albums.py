"""Photos and videos that were sent at once: one answer for all of them.

Shared by the screen, which sees them come, and by the notices, which tell of each. In memory: after
a restart each file has a card of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST = 200
QUIET = timedelta(seconds=2)  # after its last file: Telegram delivers an album at once


@dataclass(slots=True)
class Album:
    """`message_id`: of the one answer, while it waits. `note`: what stands below the first file.
    `items`: rows of the library, in order; `known`: those that were there before. `fetching`: how
    many files are on their way here. `teller`: the notice that tells of all of it."""

    message_id: int
    note: str
    seen_at: datetime
    items: list[int] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    fetching: int = 0
    teller: int | None = None

    def is_whole(self, now: datetime) -> bool:
        """No more of it is to be expected."""
        return self.fetching == 0 and now - self.seen_at >= QUIET


class Albums:
    """By whose it is, and Telegram's id of the album."""

    def __init__(self) -> None:
        self._albums: OrderedDict[tuple[int, str], Album] = OrderedDict()

    def get(self, user_id: int, album_id: str) -> Album | None:
        return self._albums.get((user_id, album_id))

    def begin(
        self, user_id: int, album_id: str, message_id: int, note: str, now: datetime
    ) -> Album:
        album = self._albums[user_id, album_id] = Album(message_id, note, now)
        while len(self._albums) > MOST:
            self._albums.popitem(last=False)
        return album

    def with_item(self, user_id: int, item_id: int) -> Album | None:
        """The newest one that brought it."""
        return next(
            (
                album
                for (person, _), album in reversed(self._albums.items())
                if person == user_id and item_id in album.items
            ),
            None,
        )
