"""When an account's timeline is read next: a pure function. Called by services.feed.polling.

The interval that is set is the fastest. At night and for accounts that are quiet it is stretched,
but never beyond LONGEST, so that an hour without a good poll always means that something is wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

LONGEST = timedelta(minutes=45)
JITTER = 0.25  # of the pause at most, always added
NIGHT = range(1, 6)  # hours of the person's day
NIGHT_FACTOR = 2.0
QUIET = (  # without a new post for so long: so many times slower
    (timedelta(days=3), 3.0),
    (timedelta(days=1), 2.0),
    (timedelta(hours=6), 1.5),
)
REST = timedelta(hours=1)  # after three runs that led nowhere
THAW = timedelta(minutes=1)  # after the end of a freeze, at most


def after_good(
    now: datetime,
    interval: timedelta,
    *,
    zone: str,
    newest_post: datetime | None,
    chance: float,
) -> datetime:
    """`zone`: IANA name of the person's zone; `chance` in 0..1 spreads the polls."""
    factor = NIGHT_FACTOR if now.astimezone(ZoneInfo(zone)).hour in NIGHT else 1.0
    quiet = now - newest_post if newest_post else timedelta(0)
    factor *= next((slower for least, slower in QUIET if quiet >= least), 1.0)
    pause = min(interval * factor * (1 + JITTER * chance), LONGEST)
    return now + max(pause, interval * (1 + JITTER * chance))


def after_bad(
    now: datetime, interval: timedelta, *, frozen_until: datetime | None, chance: float
) -> datetime:
    """As fast as on a good day, but not before the freeze is over."""
    usual = now + interval * (1 + JITTER * chance)
    return max(usual, frozen_until + THAW * chance) if frozen_until else usual
