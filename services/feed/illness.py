"""What is wrong with an account's timeline, since when, and who is told.

One incident at a time for each account: an item in its feeds, one notice in the chat, both of which
end by themselves at the next good poll. Called by services.feed.polling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.errors import Checkpoint, RateLimited, ReelayError, SessionRefused
from services.feed import schedule
from services.feed.notices import guid_of
from storage import audit, feed_notices, feeds, notices
from storage.database import Transaction
from storage.polls import Poll

ILL = ("session_dead", "checkpoint", "frozen", "stale")
_SUBJECT = "feed "
GAP = "gap"  # not ill, but said in the feed
SILENT = timedelta(hours=1)  # without a good poll
LONG_FREEZE = timedelta(minutes=30)


class NoProgress(ReelayError):
    """Three runs in a row were cut short before they had read anything."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a poll that failed. `incident`: one of ILL, None as long as it may be a hiccup."""

    state: str  # waiting | ill
    next_at: datetime
    incident: str | None


def judge(
    error: ReelayError, poll: Poll, now: datetime, interval: timedelta, chance: float
) -> Outcome:
    """Pure. `interval` between two polls; `chance` in 0..1 spreads them."""
    # after a downtime the first failure is a hiccup as on any other day
    silent = poll.failures > 0 and is_silent(poll, now, interval)
    match error:
        case SessionRefused():  # polled again as soon as the session works again
            return Outcome("ill", now, "session_dead")
        case Checkpoint():
            return Outcome("ill", now, "checkpoint")
        case NoProgress():
            return Outcome("ill", now + schedule.REST, "stale")
        case RateLimited(until=until):
            long = until is not None and until - now >= LONG_FREEZE
            next_at = schedule.after_bad(now, interval, frozen_until=until, chance=chance)
            return Outcome("waiting", next_at, "frozen" if long or silent else None)
    next_at = schedule.after_bad(now, interval, frozen_until=None, chance=chance)
    return Outcome("waiting", next_at, "stale" if silent else None)


def is_silent(poll: Poll, now: datetime, interval: timedelta) -> bool:
    """No good poll for an hour, or for two intervals where those are longer."""
    return now - (poll.last_good_at or poll.since) > max(SILENT, 2 * interval)


# ---------------------------------------------------------------- told, in the caller's transaction


async def tell(
    db: Transaction, poll: Poll, incident: str, now: datetime, *, cause: str = ""
) -> None:
    """Once; an incident of another kind that is open gives way, for it is the same trouble.
    `cause`: name of the error; "" where nobody came to read."""
    for other in ILL:
        if other != incident:
            await _close(db, poll, other, now)
    opened = await _open(db, poll, incident, now)
    if opened is not None:
        await notices.add(
            db,
            poll.user_id,
            "feed_ill",
            now,
            once=f"feed incident {opened}",
            connection_id=poll.connection_id,
            incident=incident,
            cause=cause,
        )


async def tell_gap(db: Transaction, poll: Poll, now: datetime) -> None:
    """In the feeds only."""
    await _open(db, poll, GAP, now)


async def well(db: Transaction, poll: Poll, now: datetime) -> None:
    """A good poll: whatever was wrong is over."""
    closed = [await _close(db, poll, kind, now) for kind in ILL]
    if any(closed):
        await notices.add(db, poll.user_id, "feed_well", now, connection_id=poll.connection_id)


async def gap_over(db: Transaction, poll: Poll, now: datetime) -> None:
    await _close(db, poll, GAP, now)


async def forget(db: Transaction, feed_id: int, now: datetime) -> None:
    """Nobody reads that account any more: there is nothing to be repaired."""
    for kind in (*ILL, GAP):
        await _close_subject(db, kind, _subject(feed_id), now)


async def _open(db: Transaction, poll: Poll, kind: str, now: datetime) -> int | None:
    """The new incident's id; None if it is open already."""
    if not await audit.open_incident(db, kind, _subject(poll.feed_id), now):
        return None
    incident_id = await audit.incident_id(db, kind, _subject(poll.feed_id))
    assert incident_id is not None, "it has just been opened"
    told = [poll.feed_id, poll.all_feed_id]
    if kind != GAP and poll.stories_at and poll.stories_feed_id:  # a gap is the timeline's only
        told.append(poll.stories_feed_id)
    own = await feeds.get(db, poll.feed_id)
    for feed_id in sorted(told):
        feed = await feeds.get(db, feed_id)
        assert feed is not None, "a feed goes with its user, and so does the poll"
        guid = guid_of(feed, incident_id)
        whose = own.title if own and feed_id != poll.feed_id else ""
        await feed_notices.open_notice(
            db, feed_id, incident_id, kind=kind, guid=guid, now=now, whose=whose
        )
    return incident_id


async def _close(db: Transaction, poll: Poll, kind: str, now: datetime) -> bool:
    return await _close_subject(db, kind, _subject(poll.feed_id), now)


async def _close_subject(db: Transaction, kind: str, subject: str, now: datetime) -> bool:
    """False if it was not open."""
    incident_id = await audit.incident_id(db, kind, subject)
    if incident_id is None:
        return False
    await feed_notices.close_notices(db, incident_id, now)
    return await audit.close_incident(db, kind, subject, now)


def _subject(feed_id: int) -> str:
    return f"{_SUBJECT}{feed_id}"


def feeds_told(incidents: Sequence[tuple[str, str, datetime]]) -> set[int]:
    """Ids of the feeds that these open incidents are about."""
    return {
        int(number)
        for kind, subject, _ in incidents
        if kind in (*ILL, GAP) and (number := subject.removeprefix(_SUBJECT)).isdecimal()
    }
