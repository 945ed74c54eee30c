"""The truth about a figure: a number, not yet, not available, or failed. Pure.

Used by the sync, which finds it, and by all that show it. No data is never 0.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

LATE = timedelta(hours=48)  # after its end a figure may still come, or change. Source: Meta


class State(StrEnum):
    NUMBER = "number"
    NOT_YET = "not_yet"
    NOT_AVAILABLE = "not_available"
    FAILED = "failed"


class Reason(StrEnum):
    """Why there is no number. What Meta said is stored beside it."""

    NOT_YET = "not_yet"  # Meta may still tell it
    NO_DATA = "no_data"  # Meta has none, and its 48 hours are over
    TOO_FEW = "too_few"  # followers; Meta wants 100
    REMOVED = "removed"  # Meta refuses the metric
    NO_PERMISSION = "no_permission"  # the log-in may not read insights
    NOT_READ = "not_read"  # of a day without a sync, and Meta keeps no history of it
    FAILED = "failed"  # asked in vain


# another answer may come for these, however old the day is
OPEN = frozenset({Reason.NOT_YET, Reason.NO_PERMISSION, Reason.FAILED})


def state_of(reason: str | None) -> State:
    """`reason` None: there is a number."""
    match reason:
        case None:
            return State.NUMBER
        case Reason.NOT_YET:
            return State.NOT_YET
        case Reason.FAILED:
            return State.FAILED
        case _:
            return State.NOT_AVAILABLE


def may_change(end_time: datetime, now: datetime) -> bool:
    """Whether Meta may still correct a figure of this time."""
    return now < end_time + LATE
