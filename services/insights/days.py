"""Which day a figure is of, and when a day is over. Pure.

Meta counts 24 hours whose end it tells as `end_time`: midnight in the account's zone, or Pacific
midnight as on Meta's pages, or none of these. What it is asked for by window ends at a UTC day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
PACIFIC = ZoneInfo("America/Los_Angeles")
SETTLING = timedelta(minutes=5)  # after midnight, before Meta is asked


def day_of(end_time: datetime, zone: ZoneInfo) -> date:
    """Of the 24 hours that end then; `zone`: the account's."""
    for one in (zone, PACIFIC, UTC):
        local = end_time.astimezone(one)
        if local.time() == time():
            return (local - timedelta(seconds=1)).date()
    return (end_time - DAY / 2).astimezone(UTC).date()  # the day that holds most of them


def end_of(day: date) -> datetime:
    """Of the window by which Meta is asked for it: a UTC day."""
    return datetime.combine(day + DAY, time(), UTC)


def last_day(now: datetime, zone: ZoneInfo) -> date:
    """The last one that is over both on the account's clock and at Meta."""
    at = now - SETTLING
    return min(at.astimezone(zone).date(), at.astimezone(UTC).date()) - DAY
