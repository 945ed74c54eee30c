"""The figures of an account for every day that ever was, and when Meta tells them. Pure.

`account_insights` answers with them; tours and tests ask here what is true. Nothing is stored but
corrections that are ordered: every figure is drawn from its account, metric and day. They are late
as Meta's are: most are told when their day ends, some hours later, some first wrong and then
right, a few never.
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.graph.people import Account

DAY = timedelta(days=1)
PERIODS = {"day": 1, "week": 7, "days_28": 28}
UNIQUE = frozenset({"reach", "accounts_engaged"})  # people: who comes on two days is one
INTERACTIONS = ("likes", "comments", "shares", "saves", "replies", "reposts")
SHARES = {  # of the followers, on a middling day
    "reach": 0.6,
    "views": 1.1,
    "accounts_engaged": 0.045,
    "likes": 0.035,
    "comments": 0.004,
    "shares": 0.006,
    "saves": 0.008,
    "replies": 0.0012,
    "reposts": 0.0008,
    "profile_links_taps": 0.005,
    "profile_views": 0.05,
    "website_clicks": 0.004,
}
PARTS = {  # breakdown -> its values, with their share of the whole
    "media_product_type": {"POST": 0.3, "REEL": 0.52, "STORY": 0.18},
    "follow_type": {"FOLLOWER": 0.55, "NON_FOLLOWER": 0.41, "UNKNOWN": 0.04},
    "contact_button_type": {"EMAIL": 0.5, "DIRECTION": 0.3, "CALL": 0.15, "TEXT": 0.05},
}
GAINED, LOST = "FOLLOWER", "NON_FOLLOWER"  # the values of follows_and_unfollows
SWING, SWING_DAYS = 0.2, 400.0  # by how much, and in which time, followers come and go
OVERLAP = 0.134  # 28 days of reach were 1.56 times what Meta told of the 28 days together
PARTIAL = 0.9  # of a day that is not over, and of one that is told too early


@dataclass(frozen=True, slots=True)
class Arrival:
    """After the day's end. `appears` None: Meta has no data of this day, ever. Until `settles` the
    figure is too low; where they are the same it never was."""

    appears: timedelta | None
    settles: timedelta


class Truth:
    """`day`: of the account's zone for a series, of UTC for a total. `part`: one value of a
    breakdown, "" for the whole; it tells its breakdown by itself."""

    def __init__(self) -> None:
        self._corrections: dict[tuple[str, str, str, date], list[tuple[datetime, int]]] = {}

    def final(
        self, account: Account, metric: str, day: date, part: str = "", *, period: str = "day"
    ) -> int | None:
        """What it is once all corrections are made. None: there is no data of this day, ever.

        KeyError for a metric that is not of days.
        """
        corrections = self._corrections.get((account.id, metric, period, day))
        if corrections:
            return _part(account, metric, day, corrections[-1][1], part)
        if arrival(account, metric, day, period).appears is None:
            return None
        return _part(account, metric, day, _drawn(account, metric, day, period), part)

    def told_at(
        self,
        account: Account,
        metric: str,
        day: date,
        at: datetime,
        part: str = "",
        *,
        period: str = "day",
        is_total: bool = False,
    ) -> int | None:
        """What Meta answers then (aware). None: nothing, yet or ever. `is_total`: of a UTC day."""
        start = end_of_day(account, day - DAY, is_total=is_total)
        end = end_of_day(account, day, is_total=is_total)
        made = [
            value
            for since, value in self._corrections.get((account.id, metric, period, day), ())
            if since <= at
        ]
        if made:
            return _part(account, metric, day, made[-1], part)
        when = arrival(account, metric, day, period)
        drawn = _drawn(account, metric, day, period)
        share = 1.0
        if when.appears is None or at <= start or (at < end and when.appears):
            return None
        if at < end:  # the day that is not over yet
            share = PARTIAL * ((at - start) / (end - start))
        elif at < end + when.appears:
            return None
        elif at < end + when.settles:
            share = PARTIAL
        return _part(account, metric, day, int(drawn * share), part)

    def correct(
        self,
        account: Account,
        metric: str,
        day: date,
        value: int,
        at: datetime,
        *,
        period: str = "day",
    ) -> None:
        """From `at` on Meta tells this of the whole day. Longer periods keep what they told."""
        corrections = self._corrections.setdefault((account.id, metric, period, day), [])
        corrections.append((at, value))
        corrections.sort()


# ------------------------------------------------------------------ days


def end_of_day(account: Account, day: date, *, is_total: bool = False) -> datetime:
    """Aware UTC. Of a series it is midnight in the account's zone, of a total it is UTC's."""
    zone = UTC if is_total else ZoneInfo(account.zone)
    return datetime.combine(day + DAY, time(), zone).astimezone(UTC)


def days_ending(account: Account, since: datetime, until: datetime) -> list[date]:
    """The days of a series that end after `since` and not after `until`, oldest first."""
    day, found = since.date() - 2 * DAY, []
    while day <= until.date() + DAY:
        if since < end_of_day(account, day) <= until:
            found.append(day)
        day += DAY
    return found


@functools.lru_cache(1 << 16)
def arrival(account: Account, metric: str, day: date, period: str = "day") -> Arrival:
    """Of 100 figures 60 are told and right when their day ends, 14 some hours later, 9 after more
    than a day; 12 are corrected within Meta's 48 hours and 2 after them; 3 are never told."""
    drawn = unit(account.id, metric, period, day, "arrival")
    hours = unit(account.id, metric, period, day, "hours")
    if drawn < 0.60:
        return _arrival(0, 0)
    if drawn < 0.74:
        return _arrival(1 + 11 * hours)
    if drawn < 0.83:
        return _arrival(26 + 14 * hours)
    if drawn < 0.95:
        return _arrival(0, 6 + 41 * hours)
    if drawn < 0.97:
        return _arrival(0, 49 + 21 * hours)
    return Arrival(None, timedelta(0))


def _arrival(appears: float, settles: float | None = None) -> Arrival:
    first = timedelta(hours=appears)
    return Arrival(first, first if settles is None else timedelta(hours=settles))


# ------------------------------------------------------------------ figures


def followers(account: Account, at: datetime) -> int:
    """How many it has then; they come and go at midnight of the account's zone."""
    return _level(account, at.astimezone(ZoneInfo(account.zone)).date() - DAY)


def unique(days: list[int]) -> int:
    """How many people there were together, of those of each day."""
    return int(sum(days) * len(days) ** -OVERLAP) if days else 0


def split(whole: int, shares: dict[str, float]) -> dict[str, int]:
    """Into whole numbers that are together the whole."""
    *most, last = shares
    told = {name: int(whole * shares[name]) for name in most}
    return {**told, last: whole - sum(told.values())}


def _level(account: Account, day: date) -> int:
    """Followers at the end of the day: around the account's number, never far from it."""
    turns = day.toordinal() / SWING_DAYS + unit(account.id, "phase")
    return int(account.followers * (1 + SWING * math.sin(2 * math.pi * turns)))


def _lost(account: Account, day: date) -> int:
    net = _level(account, day) - _level(account, day - DAY)
    churn = unit(account.id, day, "churn") * account.followers * 0.0016
    return max(-net, 0) + int(churn)


def _gained(account: Account, day: date) -> int:
    return _level(account, day) - _level(account, day - DAY) + _lost(account, day)


@functools.lru_cache(1 << 16)
def _drawn(account: Account, metric: str, day: date, period: str) -> int:
    """Errors: KeyError."""
    if period != "day":
        days = [day - DAY * back for back in range(PERIODS[period])]
        return unique([_drawn(account, metric, one, "day") for one in days])
    if metric == "follower_count":
        return _gained(account, day)
    if metric == "follows_and_unfollows":
        return _gained(account, day) + _lost(account, day)
    if metric == "total_interactions":
        return sum(_drawn(account, one, day, "day") for one in INTERACTIONS)
    week = 1.15 if day.weekday() >= 5 else 1.0
    noise = 0.55 + 0.9 * unit(account.id, metric, day)
    return int(account.followers * SHARES[metric] * week * noise)


def _part(account: Account, metric: str, day: date, whole: int, part: str) -> int:
    """Errors: KeyError for what is no value of any breakdown."""
    if not part:
        return whole
    if metric == "follows_and_unfollows":
        drawn = _gained(account, day) + _lost(account, day)
        lost = _lost(account, day) * whole // drawn if drawn else 0
        return {GAINED: whole - lost, LOST: lost}[part]
    for shares in PARTS.values():
        if part in shares:
            return split(whole, shares)[part]
    raise KeyError(part)


def unit(*parts: object) -> float:
    """From 0 to 1, the same for ever."""
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest()) / (1 << 48)
