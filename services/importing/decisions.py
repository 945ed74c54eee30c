"""What an import decides, as pure functions. Called by the rest of services.importing."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from services.errors import (
    Checkpoint,
    InstagramError,
    NotFound,
    OutOfCredits,
    PostGone,
    RateLimited,
    ReelayError,
    SessionRefused,
    StorageFailed,
)
from storage.import_items import Tally

BATCH = 50
MAX_PAGES = 400  # about 8,000 posts: where walking a list ends whatever it says
MAX_TRIES = 3  # of one page
MAX_IDLE_RUNS = 3  # runs without progress before an import is given up
BACKOFF = (timedelta(seconds=10), timedelta(seconds=60))
PAGE = 21  # posts that Instagram sends at once, about


class Reason(StrEnum):
    """Why an import waits, is paused or failed. The chat has a text for each."""

    USER = "user"
    COOKIES = "cookies"
    CHECKPOINT = "checkpoint"
    CREDITS = "credits"
    RATE = "rate"
    UPSTREAM = "upstream"
    STORAGE = "storage"
    NOT_FOUND = "not_found"
    GONE = "gone"
    RUNNING_ALREADY = "running_already"
    NO_PROGRESS = "no_progress"


class Verdict(StrEnum):
    """What an error does to the import."""

    WAIT = "waiting"
    PAUSE = "paused"
    FAIL = "failed"


def judge(error: ReelayError, tries: int) -> tuple[Verdict, Reason]:
    """`tries`: how often this page has failed before, from 0."""
    match error:
        case RateLimited():
            return Verdict.WAIT, Reason.RATE
        case SessionRefused():
            return Verdict.PAUSE, Reason.COOKIES
        case Checkpoint():
            return Verdict.PAUSE, Reason.CHECKPOINT
        case OutOfCredits():
            return Verdict.PAUSE, Reason.CREDITS
        case StorageFailed():
            return Verdict.PAUSE, Reason.STORAGE
        case NotFound():
            return Verdict.FAIL, Reason.NOT_FOUND
        case PostGone():
            return Verdict.FAIL, Reason.GONE
        case InstagramError():
            last = tries + 1 >= MAX_TRIES
            return (Verdict.PAUSE if last else Verdict.WAIT), Reason.UPSTREAM
    raise error


def backoff(tries: int) -> timedelta:
    """The wait after the n-th failure of a page, n from 0."""
    return BACKOFF[min(tries, len(BACKOFF) - 1)]


def wants_page(pending: int, wanted: int, limit: int, more: bool, pages: int) -> bool:
    """Whether to list another page before the next batch.

    `pending`: listed and waiting for their turn; `wanted`: all that count against the limit.
    """
    return more and pages < MAX_PAGES and wanted < limit and pending < min(BATCH, limit)


def affordable(pending: int, balance: int) -> int:
    """How many posts the next batch takes. Errors: OutOfCredits, with what is missing."""
    if pending and not balance:
        raise OutOfCredits(missing=pending)
    return min(BATCH, pending, balance)


def is_news(known: bool, met: bool | None, passes: bool) -> bool:
    """Whether a refresh lists this post at all: only what is new to the collection.

    `known`: it is in the library; `met`: None if the collection has never met it, else whether its
    filters have always left it out. One that was taken out of the library, is gone or has failed
    does not come back by itself; one that the filters let through by now does.
    """
    return met is None or (met and passes and not known)


def worth_telling(by_clock: bool, tally: Tally) -> bool:
    """A refresh that ended well without a post of its own is not spoken of."""
    return not by_clock or bool(tally.saved + tally.gone + tally.failed)


def minutes(posts: int, seconds_per_request: float, seconds_per_post: float = 0.4) -> int:
    """A rough estimate for the preview, at least 1."""
    requests = -(-posts // PAGE)
    return max(1, round((requests * seconds_per_request + posts * seconds_per_post) / 60))
