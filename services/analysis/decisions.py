"""What an error means for an analysis: it waits, is paused or is over. Pure. Called by the job.

Nothing here ends a list early: a page that did not come is asked for again at its own cursor, or
the analysis says that it is not whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.errors import (
    Checkpoint,
    ConsentWanted,
    MetaChanged,
    MetaRateLimited,
    MetaUnavailable,
    PermissionMissing,
    RateLimited,
    ReelayError,
    Remedy,
    SessionRefused,
    StorageFailed,
    Suspended,
    TokenRefused,
    Unavailable,
    UpstreamChanged,
)

MAX_IDLE_RUNS = 3
TRIES = 5  # of one page, before it is given up
PAGES_WITHOUT_END = 50  # more than the reels that are wanted can need
_BACKOFF = (1, 2, 5, 15)  # minutes after the first try, the second, …
_META_PAUSE = timedelta(minutes=30)  # where Meta does not say how long

# the errors that are over when the account works again
OF_SESSION = tuple(kind.__name__ for kind in (SessionRefused, Checkpoint, ConsentWanted, Suspended))
OF_LOGIN = (TokenRefused.__name__, PermissionMissing.__name__)


class NoProgress(ReelayError):
    """Three runs in a row were cut short before they had brought anything."""

    default_message = "The analysis was cut short three times without getting any further."
    default_next_step = "What was read is kept. Press Try again; if it stays, tell whoever runs me."


class AnotherIsRunning(ReelayError):
    """`analysis_id`: the unfinished one of the same profile."""

    remedy = Remedy.NEEDS_PERSON
    default_message = "This profile is being analysed already, under its other name."
    default_next_step = "Open /reports: it is the one that is running."

    def __init__(self, analysis_id: int) -> None:
        super().__init__()
        self.analysis_id = analysis_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state`: waiting | paused | failed. `tries`: of the page that did not come."""

    state: str
    wait_until: datetime | None
    tries: int


def judge(error: ReelayError, tries: int, now: datetime) -> Outcome:
    """`tries`: those that this page has cost before."""
    match error:
        case RateLimited(until=until):  # a freeze is no fault of the page
            return Outcome("waiting", until or now + _after(tries), tries)
        case MetaRateLimited(until=until):
            return Outcome("waiting", until or now + _META_PAUSE, tries)
        case SessionRefused() | Checkpoint() | TokenRefused() | PermissionMissing():
            return Outcome("paused", None, tries)
        case StorageFailed():
            return Outcome("paused", None, tries)
        case Unavailable() | UpstreamChanged() | MetaUnavailable() | MetaChanged():
            if tries + 1 < TRIES:
                return Outcome("waiting", now + _after(tries), tries + 1)
    return Outcome("failed", None, tries)


def most_pages(wanted: int, page_size: int) -> int:
    """Of one analysis; a list that goes on for longer has no end."""
    return -(-wanted // page_size) + PAGES_WITHOUT_END


def _after(tries: int) -> timedelta:
    return timedelta(minutes=_BACKOFF[min(tries, len(_BACKOFF) - 1)])
