"""Where stories go to, and the week's plan as people set it. Called by bot/stories.

A person has a place for stories from the beginning, posted by hand until an account is connected at
Meta; from then on it is that account's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.clock import Now
from services.errors import BadInput, NotAllowed
from storage import meta_accounts, notices, people, story_accounts, story_items
from storage.database import Database, Transaction
from storage.meta_accounts import MetaAccount
from storage.story_accounts import Category, StoryAccount

MAX_SLOTS = 100
MAX_CATEGORIES = 12
MAX_BLACKOUTS = 50
NAME = 40  # characters of a category
MAX_SHARE = 9
LOCK_DAYS = (0, 7, 14, 30, 60, 90, 365)
ASK_MINUTES = (0, 15, 30, 60, 120)
MODES = ("ask", "automatic", "manual")


@dataclass(frozen=True, slots=True)
class Accounts:
    database: Database
    now: Now

    # ------------------------------------------------------------ whose

    async def of_user(self, user_id: int) -> list[StoryAccount]:
        """Those that the person works at, at least one: their own, then those of the team, which is
        everybody who leads this bot. What is connected at Meta by now has its place."""
        async with self.database.read() as db:
            mine = await reached(db, user_id)
            metas = await meta_accounts.of_user(db, user_id)
        placed = {account.meta_id for account in mine}
        if mine and all(meta.id in placed for meta in metas):
            return mine
        async with self.database.write() as db:
            return await self._place(db, user_id)

    async def _place(self, db: Transaction, user_id: int) -> list[StoryAccount]:
        user = await people.get(db, user_id)
        if user is None:
            raise NotAllowed
        for meta in await meta_accounts.of_user(db, user_id):
            mine = await story_accounts.of_user(db, user_id)
            place = _place_for(meta, mine)
            if place is None:
                await story_accounts.add(
                    db,
                    user_id,
                    f"@{meta.username}",
                    user.zone,
                    self.now(),
                    meta_id=meta.id,
                    identity=meta.identity,
                )
            elif place.meta_id != meta.id:
                await story_accounts.change(
                    db,
                    place.id,
                    meta_id=meta.id,
                    identity=meta.identity,
                    name=f"@{meta.username}",
                )
        if not await reached(db, user_id):
            whose = (await people.owner(db) if user.leads else None) or user  # a team has one place
            await story_accounts.add(db, whose.id, whose.name, whose.zone, self.now())
        return await reached(db, user_id)

    async def one(self, user_id: int, account_id: int = 0) -> StoryAccount:
        """The account, 0 for that of `for_files`. Errors: NotAllowed."""
        if not account_id:
            return (await self.for_files(user_id))[0]
        async with self.database.read() as db:
            return await theirs(db, user_id, account_id)

    async def for_files(self, user_id: int, chosen: int = 0) -> tuple[StoryAccount, bool]:
        """(where the person's next file goes, whether there are others): the one that was chosen,
        else that of their last file, else the first."""
        accounts = await self.of_user(user_id)
        async with self.database.read() as db:
            last = await story_items.last_account(db, user_id)
        known = {account.id: account for account in accounts}
        found = known.get(chosen) or known.get(last or 0) or accounts[0]
        return found, len(accounts) > 1

    async def metas(self, user_id: int) -> list[MetaAccount]:
        """What the person has connected at Meta."""
        async with self.database.read() as db:
            return await meta_accounts.of_user(db, user_id)

    async def meta(self, account: StoryAccount) -> MetaAccount | None:
        if account.meta_id is None:
            return None
        async with self.database.read() as db:
            return await meta_accounts.get(db, account.meta_id)

    # ------------------------------------------------------------ the account's own settings

    async def set_zone(self, user_id: int, account_id: int, name: str) -> None:
        """Errors: BadInput, NotAllowed."""
        try:
            zone = ZoneInfo(name.strip()).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadInput(
                "I don't know that time zone.", "Send one such as Europe/Berlin or America/Lima."
            ) from None
        await self._change(user_id, account_id, zone=zone)

    async def set_api(self, user_id: int, account_id: int, on: bool) -> None:
        await self._change(user_id, account_id, by_api=on)

    async def set_lock_days(self, user_id: int, account_id: int, days: int) -> None:
        if days not in LOCK_DAYS:
            raise NotAllowed
        await self._change(user_id, account_id, lock_days=days)

    async def set_ask_minutes(self, user_id: int, account_id: int, minutes: int) -> None:
        if minutes not in ASK_MINUTES:
            raise NotAllowed
        await self._change(user_id, account_id, ask_minutes=minutes)

    async def _change(self, user_id: int, account_id: int, **to: object) -> None:
        async with self.database.write() as db:
            await theirs(db, user_id, account_id)
            await story_accounts.change(db, account_id, **to)

    # ------------------------------------------------------------ slots

    async def add_slots(self, user_id: int, account_id: int, times: list[tuple[int, int]]) -> None:
        """`times`: (weekday, minute of the day); weekday 0 is Monday. Errors: BadInput."""
        async with self.database.write() as db:
            await theirs(db, user_id, account_id)
            there = {(one.weekday, one.minute) for one in await _slots(db, account_id)}
            wanted = there | set(times)
            if len(wanted) > MAX_SLOTS:
                raise BadInput(
                    f"A week has at most {MAX_SLOTS} slots; Meta takes no more posts.",
                    "Remove some first.",
                )
            await story_accounts.set_slots(db, account_id, sorted(wanted))

    async def remove_slot(self, user_id: int, account_id: int, weekday: int, minute: int) -> None:
        """If it is there: a second tap takes no other one."""
        async with self.database.write() as db:
            await theirs(db, user_id, account_id)
            there = {(one.weekday, one.minute) for one in await _slots(db, account_id)}
            await story_accounts.set_slots(db, account_id, sorted(there - {(weekday, minute)}))

    # ------------------------------------------------------------ categories

    async def categories(self, account_id: int) -> list[Category]:
        async with self.database.read() as db:
            return await story_accounts.categories_of(db, account_id)

    async def add_category(self, user_id: int, account_id: int, name: str) -> Category:
        """The one of this name, whatever its case; made if there is none. Errors: BadInput."""
        async with self.database.write() as db:
            await theirs(db, user_id, account_id)
            return await category_named(db, account_id, name)

    async def category(self, user_id: int, category_id: int) -> tuple[StoryAccount, Category]:
        """Errors: NotAllowed."""
        async with self.database.read() as db:
            return await _category(db, user_id, category_id)

    async def change_share(self, user_id: int, category_id: int, share: int) -> None:
        if not 0 <= share <= MAX_SHARE:
            raise NotAllowed("A share is a number from 0 to 9.")
        await self._change_category(user_id, category_id, share=share)

    async def set_mode(self, user_id: int, category_id: int, mode: str) -> None:
        if mode not in MODES:
            raise NotAllowed
        await self._change_category(user_id, category_id, mode=mode)

    async def _change_category(self, user_id: int, category_id: int, **to: object) -> None:
        async with self.database.write() as db:
            await _category(db, user_id, category_id)
            await story_accounts.change_category(db, category_id, **to)

    async def delete_category(self, user_id: int, category_id: int) -> StoryAccount:
        """Its files stay in the library, without one."""
        async with self.database.write() as db:
            account, _ = await _category(db, user_id, category_id)
            await story_accounts.delete_category(db, category_id)
            return account

    # ------------------------------------------------------------ days without stories

    async def add_blackout(self, user_id: int, account_id: int, first: date, last: date) -> None:
        """Errors: BadInput."""
        if last < first or last - first > timedelta(days=366):
            raise BadInput("Those days are not in order.", "Send the first and the last day.")
        async with self.database.write() as db:
            account = await theirs(db, user_id, account_id)
            today = self.now().astimezone(ZoneInfo(account.zone)).date()
            if last < today:
                raise BadInput("Those days are over.", "Send days to come.")
            if len(await story_accounts.blackouts_of(db, account_id, today)) >= MAX_BLACKOUTS:
                raise BadInput("There are too many days without stories.", "Remove some first.")
            await story_accounts.add_blackout(db, account_id, first, last)

    async def remove_blackout(self, user_id: int, account_id: int, blackout_id: int) -> None:
        async with self.database.write() as db:
            await theirs(db, user_id, account_id)
            await story_accounts.delete_blackout(db, account_id, blackout_id)


async def theirs(db: Transaction, user_id: int, account_id: int) -> StoryAccount:
    """For the person whose account it is, and who leads this bot. Errors: NotAllowed."""
    account = await story_accounts.get(db, account_id)
    if account is None:
        raise NotAllowed
    if account.user_id != user_id:
        user = await people.get(db, user_id)
        if user is None or not user.leads:
            raise NotAllowed
    return account


async def tell_team(
    db: Transaction, user_id: int, kind: str, now: datetime, once: str, **data: Any
) -> None:
    """A notice for each of `people.team_of`; `once` and `data` as storage.notices has them."""
    for person in await people.team_of(db, user_id):
        await notices.add(db, person, kind, now, once=once, **data)


async def reached(db: Transaction, user_id: int) -> list[StoryAccount]:
    """At which the person works: their own, then the team's."""
    return [
        account
        for person in await people.team_of(db, user_id)
        for account in await story_accounts.of_user(db, person)
    ]


def may_publish(meta: MetaAccount) -> bool:
    """Meta lets only Business accounts publish stories; where it did not tell, we try."""
    return meta.account_type in ("BUSINESS", "")


async def category_named(db: Transaction, account_id: int, name: str) -> Category:
    """As Accounts.add_category, inside a transaction."""
    name = " ".join(name.split())[:NAME]
    if not name:
        raise BadInput("A category needs a name.", "Send a word, such as Promo.")
    known = await story_accounts.categories_of(db, account_id)
    for one in known:
        if one.name.casefold() == name.casefold():
            return one
    if len(known) >= MAX_CATEGORIES:
        raise BadInput(
            f"There are {MAX_CATEGORIES} categories already.", "Delete one under /schedule first."
        )
    await story_accounts.add_category(db, account_id, name)
    return (await story_accounts.categories_of(db, account_id))[-1]


def _place_for(meta: MetaAccount, mine: list[StoryAccount]) -> StoryAccount | None:
    """The place that was this account's before, or the one that is nobody's yet."""
    for account in mine:
        if account.identity == meta.identity:
            return account
    return next((account for account in mine if account.identity is None), None)


async def _slots(db: Transaction, account_id: int) -> list[story_accounts.Slot]:
    return await story_accounts.slots_of(db, account_id)


async def _category(
    db: Transaction, user_id: int, category_id: int
) -> tuple[StoryAccount, Category]:
    found = await story_accounts.get_category(db, category_id)
    if found is None:
        raise NotAllowed("That category is gone.", "Open /schedule.")
    return await theirs(db, user_id, found.account_id), found
