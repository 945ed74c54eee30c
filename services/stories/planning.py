"""The week's plan becomes stories: each slot gets its file some minutes ahead, once.

Called by the clock, and by the chat for the days to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.clock import Now
from services.stories import schedule
from services.stories.accounts import tell_team
from services.stories.machine import LATE, State
from services.stories.schedule import RUNWAY_DAYS, WARN_DAYS, Turn
from storage import stories, story_accounts, story_items
from storage.database import Database, Transaction
from storage.stories import Story
from storage.story_accounts import Blackout, Category, Slot, StoryAccount

AHEAD = timedelta(minutes=5)  # of its slot a story is made, at least


@dataclass(frozen=True, slots=True)
class Week:
    """`turns`: what would go out in the days ahead. `stories`: what is queued, with its time.
    `runway`: {category id: days until it has nothing to show}, None: not within 90 days."""

    account: StoryAccount
    categories: list[Category]
    slots: list[Slot]
    blackouts: list[Blackout]
    turns: list[Turn]
    stories: list[Story]
    runway: dict[int, int | None]


@dataclass(frozen=True, slots=True)
class Planning:
    database: Database
    now: Now

    async def week(self, account: StoryAccount, days: int = 7) -> Week:
        """The days ahead, by the rules that fill them."""
        now = self.now()
        async with self.database.read() as db:
            slots = await story_accounts.slots_of(db, account.id)
            blackouts = await story_accounts.blackouts_of(db, account.id, _today(account, now))
            categories = await story_accounts.categories_of(db, account.id)
            queued = await stories.of_account(db, account.id, stories.OPEN, 100)
            turns = await _turns(db, account, now, now + timedelta(days=RUNWAY_DAYS))
        until = now + timedelta(days=days)
        return Week(
            account,
            categories,
            slots,
            blackouts,
            [turn for turn in turns if turn.at < until],
            queued,
            {one.id: schedule.runway(turns, one.id, now) for one in categories if one.share > 0},
        )

    async def fill(self) -> int:
        """Makes the stories of the slots that come next, and of those just missed: these are asked
        about, for they may be slots only since now. Returns how many; what was missed by hours
        stays missed."""
        now = self.now()
        async with self.database.read() as db:
            accounts = await story_accounts.everyones(db)
        return sum([await self._fill(account, now) for account in accounts])

    async def _fill(self, account: StoryAccount, now: datetime) -> int:
        ahead = max(timedelta(minutes=account.ask_minutes), AHEAD)
        async with self.database.write() as db:
            # another process that plans now would use up files between two of these reads
            await story_accounts.lock(db, account.id)
            turns = await _turns(db, account, now - LATE, now + ahead)
            made = 0
            for turn in turns:
                made += await _make(db, account, turn, now)
        return made

    async def warn(self) -> int:
        """Says once a day which categories will soon have nothing to show; returns how many."""
        now = self.now()
        async with self.database.read() as db:
            accounts = await story_accounts.everyones(db)
        warned = 0
        for account in accounts:
            today = _today(account, now)
            if account.warned_runway == today:
                continue
            week = await self.week(account)
            short = {key: days for key, days in week.runway.items() if days is not None}
            short = {key: days for key, days in short.items() if days <= WARN_DAYS}
            if not short:
                continue
            async with self.database.write() as db:
                await story_accounts.change(db, account.id, warned_runway=today)
                await tell_team(
                    db,
                    account.user_id,
                    "story_runway",
                    now,
                    f"runway-{account.id}-{today}",
                    account=account.id,
                    days=sorted([key, days] for key, days in short.items()),
                )
            warned += 1
        return warned


async def _turns(
    db: Transaction, account: StoryAccount, since: datetime, until: datetime
) -> list[Turn]:
    """Slots in this time that have no story yet."""
    slots = await story_accounts.slots_of(db, account.id)
    if not slots:
        return []
    blackouts = await story_accounts.blackouts_of(db, account.id, _today(account, since))
    taken = await stories.slots_taken(db, account.id, since)
    times = schedule.instants(slots, blackouts, account.zone, since, until)
    free = [at for at in times if at not in taken]
    if not free:
        return []
    return schedule.plan(
        free,
        await story_accounts.categories_of(db, account.id),
        await story_items.candidates(db, account.id),
        await stories.filled(db, account.id, schedule.HISTORY),
        timedelta(days=account.lock_days),
    )


async def _make(db: Transaction, account: StoryAccount, turn: Turn, now: datetime) -> int:
    over = turn.at < now
    if turn.item is None:
        if over:  # nothing can be sent for it any more
            return 0
        await tell_team(
            db,
            account.user_id,
            "story_slot_empty",
            now,
            f"slot-{account.id}-{turn.at.isoformat()}",
            account=account.id,
            at=turn.at.isoformat(),
        )
        return 0
    mode = "ask" if over and turn.category.mode == "automatic" else turn.category.mode
    ahead = timedelta(minutes=account.ask_minutes if mode == "ask" else 0)
    story_id = await stories.make(
        db,
        account.id,
        turn.item.id,
        now,
        state=State.SCHEDULED,
        mode=mode,
        due_at=turn.at,
        next_at=turn.at - ahead,
        category_id=turn.category.id,
        slot_at=turn.at,
    )
    if story_id is None:
        return 0
    await stories.note(db, story_id, "planned", now)
    return 1


def _today(account: StoryAccount, at: datetime) -> date:
    return at.astimezone(ZoneInfo(account.zone)).date()
