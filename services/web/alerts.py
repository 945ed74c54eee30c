"""Tells the owners what is ill: once per incident, and again when it is over.

A tick of the clock. What counts as ill is a pure function of figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.clock import Now
from services.errors import GalleryDlFailed, RateLimited, SessionRefused, UpstreamChanged
from services.feed.status import trouble
from services.importing.decisions import Reason
from services.web.health import Health
from storage import audit, feed_status, figures, importing, notices, pace, people
from storage.database import Database

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MIN_POSTS = 10  # fewer say nothing about a share
MIN_CALLS = 4
NO_SYNC = timedelta(days=2)  # though the log-in at Meta works


@dataclass(frozen=True, slots=True)
class Figures:
    """`failing`: (import id, failed, settled); `hour` and `minute`: {outcome of calls: number};
    `gallery`: those of `hour` that gallery-dl made."""

    failing: list[tuple[int, int, int]]
    hour: dict[str, int]
    gallery: dict[str, int]
    minute: dict[str, int]
    unstored: list[int]  # imports that are paused because nothing can be stored
    dead_loops: list[str]
    bad_checks: set[str]  # names of health checks
    unread: list[str]  # labels of accounts whose polls nobody wakes, so that nobody was told
    unsynced: list[str]  # names of accounts whose figures have not been read for NO_SYNC


Incident = tuple[str, str]
"""(kind, subject): the kinds are listed in bot/notices.py."""

KINDS = (
    "import_failing",
    "sessions_refused",
    "rate_limits",
    "gallery_dl",
    "storage",
    "loop",
    "disk",
    "feed_stale",
    "sync_stale",
)
"""Those that this module opens and closes; other incidents are somebody else's."""


def ill(now: Figures) -> set[Incident]:
    found: set[Incident] = {
        ("import_failing", f"import {import_id}")
        for import_id, failed, settled in now.failing
        if settled >= MIN_POSTS and failed / settled > 0.2
    }
    if now.hour.get(SessionRefused.__name__, 0) > 10:
        found.add(("sessions_refused", ""))
    if now.minute.get(RateLimited.__name__, 0) > 5:
        found.add(("rate_limits", ""))
    calls = sum(now.gallery.values())
    broken = sum(now.gallery.get(kind.__name__, 0) for kind in (GalleryDlFailed, UpstreamChanged))
    if calls >= MIN_CALLS and broken / calls > 0.5:
        found.add(("gallery_dl", ""))
    found |= {("storage", f"import {import_id}") for import_id in now.unstored}
    found |= {("loop", name) for name in now.dead_loops}
    found |= {("feed_stale", label) for label in now.unread}
    found |= {("sync_stale", name) for name in now.unsynced}
    if "disk" in now.bad_checks:
        found.add(("disk", ""))
    return found


class Alerts:
    def __init__(self, database: Database, health: Health, now: Now) -> None:
        self._database = database
        self._health = health
        self._now = now

    async def check(self) -> None:
        bad = {check.name for check in await self._health.report() if not check.good}
        now = self._now()
        async with self._database.write() as db:
            stopped = await importing.in_states(db, "paused", reason=Reason.STORAGE)
            read = await feed_status.accounts(db)
            synced = await figures.last_syncs(db)
            current = ill(
                Figures(
                    failing=await figures.failing_imports(db, now - HOUR),
                    hour=await pace.outcomes_since(db, now - HOUR),
                    gallery=await pace.outcomes_since(db, now - HOUR, besides=pace.MOBILE),
                    minute=await pace.outcomes_since(db, now - MINUTE),
                    unstored=[item.id for item in stopped],
                    dead_loops=self._health.dead_loops(),
                    bad_checks=bad,
                    unread=[one.label for one in read if not one.ill and trouble(one, now)],
                    unsynced=[f"@{name}" for name, at in synced if at < now - NO_SYNC],
                )
            )
            told = await audit.open_incidents(db)
            known = {(kind, subject) for kind, subject, _ in told if kind in KINDS}
            leaders = await people.leaders(db)
            for kind, subject in sorted(current - known):
                await audit.open_incident(db, kind, subject, now)
                for leader in leaders:
                    await notices.add(db, leader, "alert", now, alert=kind, subject=subject)
            for kind, subject in sorted(known - current):
                await audit.close_incident(db, kind, subject, now)
                for leader in leaders:
                    await notices.add(db, leader, "alert_over", now, alert=kind, subject=subject)
