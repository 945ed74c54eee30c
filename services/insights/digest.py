"""The weekly digest: what the last full week of an account was like, told once.

Called by the clock (`Digests.write_due`), and by looking for what a digest says. A week is from
Monday to Sunday on the clock of the account's person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.clock import Now
from services.insights.best import Ranking, Top
from services.insights.days import end_of
from services.insights.figures import Figure, Span
from storage import insight_digests, notices
from storage.database import Database
from storage.insight_digests import Wanted
from storage.insights import InsightAccount

HOUR = 10  # of Monday, from which on it is told
PATIENCE = timedelta(days=1, hours=HOUR)  # with a sync that has not yet asked for Sunday


@dataclass(frozen=True, slots=True)
class Digest:
    """`figures`: the headlines of the week against the week before; those without any number have
    their gaps. `post`, `story`: the best of the week; None: there is none, or none tells its
    reach."""

    account: InsightAccount
    week: Span
    figures: tuple[Figure, ...]
    post: Top | None
    story: Top | None
    posts: int
    stories: int


def due(now: datetime, zone: ZoneInfo, digested_week: date | None) -> date | None:
    """The Monday of the last full week, if it is to be told now. `now`: aware."""
    local = now.astimezone(zone)
    monday = local.date() - timedelta(local.weekday())
    if local.date() == monday and local.hour < HOUR:
        return None
    week = monday - timedelta(7)
    return week if digested_week is None or digested_week < week else None


def digest(
    account: InsightAccount, week: Span, figures: Sequence[Figure], posts: Ranking, stories: Ranking
) -> Digest:
    return Digest(
        account,
        week,
        tuple(figures),
        posts.top[0] if posts.top else None,
        stories.top[0] if stories.top else None,
        posts.of,
        stories.of,
    )


@dataclass(frozen=True, slots=True)
class Digests:
    """What the clock does."""

    database: Database
    now: Now

    async def write_due(self) -> int:
        """Tells of each account whose week is over, once, by the notice "insights_digest"
        (account_id, week: its Monday as YYYY-MM-DD); returns of how many."""
        now = self.now()
        async with self.database.read() as db:
            wanted = await insight_digests.wanted(db)
        told = 0
        for one in wanted:
            account = one.account
            week = due(now, ZoneInfo(one.zone), account.digested_week)
            if week is None or not _ready(one, week, now):
                continue
            async with self.database.write() as db:
                if await insight_digests.tell(db, account.id, week):
                    await notices.add(
                        db,
                        account.user_id,
                        "insights_digest",
                        now,
                        account_id=account.id,
                        week=week.isoformat(),
                    )
                    told += 1
        return told


def _ready(one: Wanted, week: date, now: datetime) -> bool:
    """Its Sunday was asked for; else, after a while, there is told what there is."""
    sunday = week + timedelta(6)
    synced = one.account.synced_day is not None and one.account.synced_day >= sunday
    return (synced and not one.at_work) or now >= end_of(sunday) + PATIENCE
