"""When stories go out, and which: slots on the wall's clock, and whose turn it is. Pure.

Called by services.stories.planning, which fills slots, and shows the week by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from storage.story_accounts import Blackout, Category, Slot
from storage.story_items import StoryItem

RUNWAY_DAYS = 90  # how far ahead it is counted
WARN_DAYS = 3
HISTORY = 400  # filled slots that `plan` can make use of
_MEMORY = 4  # rounds, each as long as the smallest share needs for one slot
# A rest is counted in days: the slot of the same day is not missed because posting took a minute,
# or because the clock was put forward in between.
_SAME_DAY = timedelta(hours=12)
_DAY = timedelta(days=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


def instants(
    slots: Sequence[Slot],
    blackouts: Sequence[Blackout],
    zone: str,
    since: datetime,
    until: datetime,
) -> list[datetime]:
    """When the slots of since <= t < until fall, aware UTC, in order.

    Two that `instant` lays upon each other are one.
    """
    there = ZoneInfo(zone)
    # from the day before: a gap at midnight moves a slot to the next day
    day, last = since.astimezone(there).date() - _DAY, until.astimezone(there).date()
    found = set()
    while day <= last:
        for slot in slots:
            if slot.weekday == day.weekday():
                found.add(instant(day, slot.minute, there))
        day += _DAY
    return sorted(
        at
        for at in found
        if since <= at < until and not _is_off(at.astimezone(there).date(), blackouts)
    )


def _is_off(day: date, blackouts: Sequence[Blackout]) -> bool:
    return any(blackout.first <= day <= blackout.last for blackout in blackouts)


def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """When the clock on the wall shows that minute of the day, aware UTC.

    A time that it skips in spring is the moment after the gap (02:30 becomes 03:30); one that it
    shows twice in autumn is the first of both. Errors: OverflowError at the end of the calendar.
    """
    # fold=0: the first of two; for a skipped time the offset before the gap, so it lands after it
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """`wanted`: whose turn it is by the shares; `category`: who fills it, another one where that
    has nothing to show; `item` None: nobody has."""

    at: datetime
    wanted: Category
    category: Category
    item: StoryItem | None


def plan(
    times: Iterable[datetime],
    categories: Sequence[Category],
    items: Sequence[StoryItem],
    filled: Sequence[int],
    lock: timedelta,
) -> list[Turn]:
    """Whose turn each time is, in order; every file at most once, then after `lock` again.

    `filled`: ids of the categories that filled the last slots, the last one at the end. Of a
    category's files the one that was not used for longest comes first, those never used before
    them, the oldest first.
    """
    shares = [category for category in categories if category.share > 0]
    if not shares:
        return []
    given = _Given(shares, filled)
    free_at = {item.id: item.locked_until or _NEVER for item in items}
    last_used = {item.id: item.last_used_at or _NEVER for item in items}
    files: dict[int | None, list[StoryItem]] = {}
    for one in items:
        if not one.locked:
            files.setdefault(one.category_id, []).append(one)

    def next_of(category: Category, at: datetime) -> StoryItem | None:
        known = files.get(category.id, ())
        ready = (item for item in known if free_at[item.id] <= at + _SAME_DAY)
        return min(ready, key=lambda item: (last_used[item.id], item.id), default=None)

    turns = []
    for at in times:
        behind = given.most_behind_first()
        able = ((category, item) for category in behind if (item := next_of(category, at)))
        category, item = next(able, (behind[0], None))
        if item is not None:
            given.count(category.id)
            free_at[item.id] = at + lock
            last_used[item.id] = at
        turns.append(Turn(at, behind[0], category, item))
    return turns


class _Given:
    """How many slots each category was given lately; one counts the less, the longer ago it was.

    Without an edge in time nobody is starved, however few the slots and small the share; and who
    comes new, or had nothing for a while, catches up on some slots, not on all of a month.
    """

    def __init__(self, shares: Sequence[Category], filled: Iterable[int]) -> None:
        self._shares = shares
        self._given = dict.fromkeys((category.id for category in shares), 0.0)
        one_round = sum(one.share for one in shares) / min(one.share for one in shares)
        self._fading = 1 - 1 / (_MEMORY * one_round)
        for category_id in filled:
            self.count(category_id)

    def count(self, category_id: int) -> None:
        if category_id in self._given:
            for known in self._given:
                self._given[known] *= self._fading
            self._given[category_id] += 1

    def most_behind_first(self) -> list[Category]:
        """Half a slot is added before dividing (Webster's rule), which favours no size of share."""
        return sorted(
            self._shares, key=lambda one: ((self._given[one.id] + 0.5) / one.share, one.id)
        )


def runway(turns: Sequence[Turn], category_id: int, now: datetime) -> int | None:
    """Whole days until the first slot for which the category has nothing: one of its own that
    another fills, or any that nobody can. None if there is none among the turns."""
    for turn in turns:
        passed_over = turn.wanted.id == category_id and turn.category != turn.wanted
        if passed_over or turn.item is None:
            return max((turn.at - now).days, 0)
    return None
