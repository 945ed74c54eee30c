"""When a collection refreshes itself, as pure functions.

Called by services.importing.collections.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = {"daily": 1, "weekly": 7}
YEAR = 366  # days


def first_refresh(every: str, now: datetime, zone: str) -> datetime:
    """A day or a week from now at the same time of the person's day.

    A time that some night of the year does not have is moved to the next hour: a refresh that met
    that night would stay an hour late from then on. Aware UTC, whole minutes.
    """
    local = now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0, fold=0)
    while not all(_exists(local + timedelta(days=day)) for day in range(1, YEAR)):
        local += timedelta(hours=1)
    return (local + timedelta(days=DAYS[every])).astimezone(UTC)


def next_refresh(every: str, due: datetime, now: datetime, zone: str) -> datetime:
    """The first time after `now` that is whole days or weeks after `due` on the person's calendar:
    many that were missed are one. Aware UTC."""
    local = due.astimezone(ZoneInfo(zone)).replace(fold=0)
    step = timedelta(days=DAYS[every])
    missed = max(0, (now - due) // step - 1)  # a jump over a long downtime; the loop does the rest
    local += missed * step
    while local.astimezone(UTC) <= max(now, due):
        local += step
    return local.astimezone(UTC)


def _exists(local: datetime) -> bool:
    """Not within the hour that clocks skip in spring."""
    again = local.astimezone(UTC).astimezone(local.tzinfo)
    return again.replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0)
