"""Is Reelay well? One list of checks, read by /ready, by /admin and by the alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.clock import Now
from services.feed.status import trouble
from services.jobs.clock import Clock
from storage import audit, feed_status
from storage.database import Database, Unavailable
from storage.feed_status import Account
from storage.objects import ObjectStore

POLL_AGE = timedelta(seconds=60)  # a long poll is held open for 10 s
LOW_DISK = 0.05

ILLNESSES = {
    "session_dead": "Instagram asks to log in again",
    "checkpoint": "Instagram wants to see the account's owner",
    "frozen": "Instagram asks to slow down",
    "stale": "no good poll for an hour",
}


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is a stable word, `text` a sentence for people. One that is not `vital` is told, but
    Reelay is ready all the same: a feed whose source is ill is still served."""

    name: str
    good: bool
    text: str
    vital: bool = True


class Health:
    """`last_poll`: when getUpdates last answered, None where this process does not poll."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        clock: Clock,
        now: Now,
        last_poll: Callable[[], datetime | None],
    ) -> None:
        self._database = database
        self._objects = objects
        self._clock = clock
        self._now = now
        self._last_poll = last_poll

    async def report(self) -> list[Check]:
        return [
            await self._database_check(),
            self._poll_check(),
            self._loops(),
            await self._disk(),
            await self._feed(),
        ]

    async def ready(self) -> tuple[bool, list[Check]]:
        checks = await self.report()
        return all(check.good for check in checks if check.vital), checks

    def dead_loops(self) -> list[str]:
        return self._clock.dead()

    async def _database_check(self) -> Check:
        try:
            async with self._database.read() as db:
                incidents = await audit.open_incidents(db)
        except Unavailable as error:
            return Check("database", False, f"The database does not answer: {error}")
        if incidents:
            kinds = ", ".join(sorted({kind for kind, _, _ in incidents}))
            return Check("database", True, f"The database answers. Open alerts: {kinds}")
        return Check("database", True, "The database answers")

    def _poll_check(self) -> Check:
        last = self._last_poll()
        if last is None:
            return Check("telegram", True, "This process does not poll Telegram")
        age = self._now() - last
        words = f"Telegram last answered {age.total_seconds():.0f} s ago"
        return Check("telegram", age < POLL_AGE, words)

    def _loops(self) -> Check:
        dead = self.dead_loops()
        if dead:
            return Check("loops", False, f"Loops that have stopped: {', '.join(dead)}")
        return Check("loops", True, f"All {len(self._clock.loops)} loops are running")

    async def _disk(self) -> Check:
        try:
            free = await self._objects.free_share()
        except OSError as error:
            return Check("disk", False, f"The media folder can't be read: {error.strerror}")
        return Check("disk", free >= LOW_DISK, f"{free:.0%} of the disk is free")

    async def _feed(self) -> Check:
        try:
            async with self._database.read() as db:
                accounts = await feed_status.accounts(db)
        except Unavailable:
            return Check("feed", False, "The database does not answer", vital=False)
        return feed_check([account for account in accounts if account.on], self._now())


def feed_check(accounts: list[Account], now: datetime) -> Check:
    """`accounts`: those that are read. Names nobody: /ready answers whoever asks."""
    if not accounts:
        return Check("feed", True, "No account is read for a feed", vital=False)
    ill = [(one, kind) for one in accounts if (kind := trouble(one, now))]
    if not ill:
        return Check("feed", True, f"All {len(accounts)} feeds are read", vital=False)
    reasons = sorted({_reason(account, kind) for account, kind in ill})
    words = f"{len(ill)} of {len(accounts)} feeds can't be read: {'; '.join(reasons)}"
    return Check("feed", False, words, vital=False)


def _reason(account: Account, kind: str) -> str:
    since = account.ill_since or account.last_good_at or account.since
    when = f" (since {since:%Y-%m-%d %H:%M} UTC)" if since else ""
    return ILLNESSES.get(kind, kind) + when
