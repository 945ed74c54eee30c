"""Who asks: a reader by its token, how often, and what is noted. Called by services/web/feeds.

What was read from the database holds for FRESH, so a reader that asks again costs no query, and a
revoked token opens nothing a second later, in every process.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.feed.once import Once
from services.tokens import token_hash
from storage import feeds, notices, readers
from storage.database import Database, Unavailable
from storage.feeds import Feed
from storage.readers import Fetched

FRESH = timedelta(seconds=1)
REMEMBERED = 2000
"""Readers that are kept in memory; the one that has been away longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`burst` questions at once, then one `every` so often. Ten minutes, as the feed itself asks
    for, leave room for some hundred feeds of single authors."""

    burst: int = 60
    every: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Access:
    """What a token opens. `key`: its hash; "" for everybody (FEED_PUBLIC), who are no reader and
    have no `reader_id`. `zone`: IANA name."""

    key: str
    reader_id: int | None
    feed: Feed
    zone: str


@dataclass(slots=True)
class _Visitor:
    """`paid_until`: the moment at which its whole burst is there again."""

    access: Access
    fresh_until: datetime
    paid_until: datetime
    warned: bool = False


@dataclass(slots=True)
class _Tally:
    last: datetime
    fetches: int = 0
    not_modified: int = 0


class Visits:
    """`now`, where it is asked for, is the moment of the request."""

    def __init__(self, database: Database, allowance: Allowance | None = None) -> None:
        self._database = database
        self._allowance = allowance or Allowance()
        self._at_once = self._allowance.every * (self._allowance.burst - 1)
        self._visitors: OrderedDict[str, _Visitor] = OrderedDict()
        self._lookups: Once[str, Access | None] = Once()
        self._tallies: dict[int, _Tally] = {}

    # ------------------------------------------------------------ who is it?

    async def enter(self, token: str | None, now: datetime) -> Access | None:
        """`token`: None for everybody, who see the owner's feed of all accounts. None: it opens
        nothing (any more). Errors: Unavailable."""
        key = "" if token is None else token_hash(token)
        known = self._visitors.get(key)
        if known is not None and now < known.fresh_until:
            return known.access
        return await self._lookups.do(key, lambda: self._look_up(key, now))

    async def _look_up(self, key: str, now: datetime) -> Access | None:
        async with self._database.read() as db:
            if key:
                found = await readers.by_token(db, key)
                access = Access(key, *found) if found else None
            else:
                shown = await feeds.of_the_owner(db)
                access = Access(key, None, *shown) if shown else None
        if access is None:
            self._visitors.pop(key, None)
            return None
        visitor = self._visitors.setdefault(key, _Visitor(access, now, now))
        visitor.access, visitor.fresh_until = access, now + FRESH
        self._visitors.move_to_end(key)
        while len(self._visitors) > REMEMBERED:
            self._visitors.popitem(last=False)
        return access

    # ------------------------------------------------------------ how often?

    def wait(self, access: Access, now: datetime) -> int:
        """Takes one turn of the reader's allowance. 0: go on; else seconds until its next turn."""
        visitor = self._visitors.get(access.key)
        if visitor is None or access.reader_id is None:
            return 0
        paid_until = max(visitor.paid_until, now)
        free_at = paid_until - self._at_once
        if free_at > now:
            return max(1, math.ceil((free_at - now).total_seconds()))
        visitor.paid_until = paid_until + self._allowance.every
        return 0

    async def warn(self, access: Access, now: datetime) -> None:
        """Its person is told, once, that this reader asks too often. Errors: Unavailable."""
        visitor = self._visitors.get(access.key)
        if visitor is None or visitor.warned or access.reader_id is None:
            return
        visitor.warned = True
        async with self._database.write() as db:
            first = await readers.warn(db, access.reader_id, now)
            if first:
                user_id, name = first
                await notices.add(
                    db, user_id, "reader_too_often", now, reader_id=access.reader_id, name=name
                )

    # ------------------------------------------------------------ what is noted

    def note(self, access: Access, now: datetime, *, not_modified: bool) -> None:
        """Counted in memory; `flush` writes it down."""
        if access.reader_id is None:
            return
        tally = self._tallies.get(access.reader_id)
        if tally is None:
            tally = self._tallies[access.reader_id] = _Tally(now)
        tally.last = now
        tally.fetches += 1
        tally.not_modified += not_modified

    async def flush(self) -> None:
        """From the clock, and at the end: one statement for all readers. Errors: Unavailable, and
        then nothing is forgotten."""
        taken, self._tallies = self._tallies, {}
        fetched = [
            Fetched(reader_id, tally.fetches, tally.not_modified, tally.last)
            for reader_id, tally in sorted(taken.items())
        ]
        if not fetched:
            return
        try:
            async with self._database.write() as db:
                await readers.note(db, fetched)
        except Unavailable:
            for reader_id, tally in taken.items():
                newer = self._tallies.setdefault(reader_id, _Tally(tally.last))
                newer.fetches += tally.fetches
                newer.not_modified += tally.not_modified
            raise
