"""What Meta has told of an account in the syncs of a tour, and so what has to be known at its end.

Used by the tour of insights. It follows from the stand-in's truth, from Meta's rules (its page on
account insights: up to 48 hours late, follower_count of the last 30 days) and from what the guide
promises; it shares no line with the product, so a wrong decision there is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sandbox.graph import Meta
from sandbox.graph.audiences import GROUPS, audience
from sandbox.graph.figures_of_days import DAY, GAINED, LOST, PARTS, end_of_day, followers
from sandbox.graph.people import Account

LATE = timedelta(hours=48)
AGAIN = 3  # days before the newest that each sync reads again
AUDIENCE_EVERY = 7  # days
RECENT = 30  # days, for which there is a follower_count
FOLLOWS = 180  # of everybody in the stand-in
NOW, LIFETIME = "now", "lifetime"
FRAME = "this_month"

SERIES = (("reach", "day"), ("reach", "week"), ("reach", "days_28"), ("follower_count", "day"))
WHOLE = ("",)
FOLLOW_TYPES = tuple(f"follow_type={part}" for part in PARTS["follow_type"])
TAPS = tuple(f"contact_button_type={part}" for part in PARTS["contact_button_type"])
TOTALS: Mapping[str, tuple[str, ...]] = {  # metric -> the breakdowns under which it is told
    **dict.fromkeys(
        (
            *("profile_views", "accounts_engaged", "total_interactions", "likes", "comments"),
            *("shares", "saves", "replies", "reposts"),
        ),
        WHOLE,
    ),
    "views": (*WHOLE, *FOLLOW_TYPES),
    "profile_links_taps": (*WHOLE, *TAPS),
    "follows_and_unfollows": (f"follow_type={GAINED}", f"follow_type={LOST}"),
}
LEVELS = ("followers_count", "follows_count", "media_count")
AUDIENCES = ("follower_demographics", "engaged_audience_demographics")


@dataclass(frozen=True, slots=True)
class Sync:
    """`day`: the last one that was over. `whole`: nothing cut it short. `late`: Meta told nothing
    before its 48 hours were over."""

    day: date
    begun: datetime
    ended: datetime
    whole: bool = True
    late: bool = False

    @property
    def moments(self) -> list[datetime]:
        """At which it may have asked: its first, its last, and one in each day between."""
        days = (self.ended - self.begun) // DAY
        return [*(self.begun + n * DAY for n in range(days + 1)), self.ended]


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of a metric, with all its breakdowns. `dimension`: of an audience."""

    metric: str
    period: str
    day: date
    dimension: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of one value: oldest first, without repetitions. `sure`: what Meta told in the
    readings that are promised. `told`: what it told in any."""

    sure: tuple[int, ...] = ()
    told: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """`parts`: by breakdown. `states`: (state, reason) of a day without a number, which stands
    under the breakdown `gap`."""

    parts: Mapping[str, Answers]
    states: frozenset[tuple[str, str]]
    gap: str = ""

    @property
    def numbers(self) -> list[str]:
        """Breakdowns that have to be there."""
        return [breakdown for breakdown, answers in self.parts.items() if answers.sure]


NOT_YET, NO_DATA = ("not_yet", "not_yet"), ("not_available", "no_data")
NOTHING = Wanted({}, frozenset())


class Told:
    """`syncs`: of the tour, oldest first. `history`: days that the first of them reads."""

    def __init__(self, meta: Meta, account: Account, syncs: Sequence[Sync], history: int) -> None:
        self._truth = meta.truth
        self._posts = meta.own_posts
        self._account = account
        self._syncs = syncs
        self._first_day = syncs[0].day - (history - 1) * DAY
        self._connected = syncs[0].begun.date()

    def cells(self) -> Iterator[Cell]:
        """All of which something has to be known, if only why there is no number."""
        days = [self._first_day]
        while days[-1] < self._syncs[-1].day:
            days.append(days[-1] + DAY)
        for metric, period in (*SERIES, *((name, "day") for name in TOTALS)):
            is_recent = metric == "follower_count"
            oldest = self._connected - RECENT * DAY if is_recent else self._first_day
            yield from (Cell(metric, period, day) for day in days if day >= oldest)
        whole = [sync for sync in self._syncs if sync.whole]
        for metric in LEVELS:
            yield from (Cell(metric, NOW, sync.begun.date()) for sync in whole)
        for metric in AUDIENCES:
            for day in _weekly(whole):
                yield from (Cell(metric, LIFETIME, day, dimension) for dimension in GROUPS)

    def of(self, cell: Cell) -> Wanted:
        """NOTHING for what Meta never tells."""
        if cell.metric in LEVELS and cell.period == NOW:
            return self._level(cell)
        if cell.metric in AUDIENCES and cell.period == LIFETIME and cell.dimension in GROUPS:
            return self._audience(cell)
        if (cell.metric, cell.period) in SERIES:
            return self._of_day(cell, WHOLE, is_total=False)
        if cell.metric in TOTALS and cell.period == "day":
            return self._of_day(cell, TOTALS[cell.metric], is_total=True)
        return NOTHING

    # ------------------------------------------------------------ told by days

    def _of_day(self, cell: Cell, breakdowns: Iterable[str], *, is_total: bool) -> Wanted:
        end = end_of_day(self._account, cell.day, is_total=is_total)
        asked = [sync for sync in self._syncs if sync.day >= cell.day]
        promised = _promised(asked, cell.day, end)

        def told(breakdown: str) -> Callable[[Sync, datetime], int | None]:
            part = breakdown.partition("=")[2]

            def at(sync: Sync, moment: datetime) -> int | None:
                if moment < end + (LATE if sync.late else timedelta(0)):
                    return None
                if cell.metric == "follower_count" and not _is_recent(end, moment):
                    return None
                return self._truth.told_at(
                    self._account,
                    cell.metric,
                    cell.day,
                    moment,
                    part,
                    period=cell.period,
                    is_total=is_total,
                )

            return at

        parts = {one: _answers(asked, promised, told(one)) for one in breakdowns}
        read_at = (promised or asked)[-1].moments if asked else []
        states = {NOT_YET if at < end + LATE else NO_DATA for at in read_at}
        return Wanted(parts, frozenset(states))

    # ------------------------------------------------------------ told as they are

    def _level(self, cell: Cell) -> Wanted:
        """The last reading of a day is what counts."""
        there = [s for s in self._syncs if any(at.date() == cell.day for at in s.moments)]
        whole = [sync for sync in there if sync.whole][-1:]

        def told(_sync: Sync, at: datetime) -> int | None:
            return self._level_at(cell.metric, at) if at.date() == cell.day else None

        return Wanted({"": _answers(there, whole, told)}, frozenset())

    def _level_at(self, metric: str, at: datetime) -> int:
        if metric == "followers_count":
            return followers(self._account, at)
        if metric == "follows_count":
            return FOLLOWS
        return sum(post.at <= at for post in self._posts.of(self._account))

    def _audience(self, cell: Cell) -> Wanted:
        asked = [sync for sync in self._syncs if sync.day == cell.day]
        whole = [sync for sync in asked if sync.whole]

        def told(part: str) -> Callable[[Sync, datetime], int | None]:
            def at(_sync: Sync, moment: datetime) -> int | None:
                who = (self._account, cell.metric, cell.dimension, FRAME, moment)
                return audience(*who).get(part)

            return at

        parts = {
            f"{cell.dimension}={part}": _answers(asked, whole, told(part))
            for part in GROUPS[cell.dimension]
        }
        return Wanted(parts, frozenset([NO_DATA]), cell.dimension)


def _promised(asked: Sequence[Sync], day: date, end: datetime) -> list[Sync]:
    """Those that have to read this day: the new one, the next three, and if the product was away
    meanwhile the first after Meta's 48 hours."""
    promised: list[Sync] = []
    for sync in asked:
        is_settled = any(one.begun >= end + LATE for one in promised)
        if sync.whole and (day >= sync.day - AGAIN * DAY or not is_settled):
            promised.append(sync)
    return promised


def _answers(
    asked: Iterable[Sync],
    promised: Sequence[Sync],
    told: Callable[[Sync, datetime], int | None],
) -> Answers:
    sure: list[int | None] = []
    every: list[int | None] = []
    for sync in asked:
        found = [told(sync, at) for at in sync.moments]
        every += found
        if sync in promised and len(set(found)) == 1:  # else it changed while it was asked
            sure += found
    return Answers(_changes(sure), _changes(every))


def _changes(values: Iterable[int | None]) -> tuple[int, ...]:
    """Where nothing is told the number stays."""
    found: list[int] = []
    for value in values:
        if value is not None and found[-1:] != [value]:
            found.append(value)
    return tuple(found)


def _is_recent(end: datetime, at: datetime) -> bool:
    """ "the last 30 days excluding the current day"."""
    today = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    return today - RECENT * DAY < end <= today


def _weekly(syncs: Iterable[Sync]) -> Iterator[date]:
    last: date | None = None
    for sync in syncs:
        if last is None or (sync.day - last).days >= AUDIENCE_EVERY:
            last = sync.day
            yield last
