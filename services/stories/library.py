"""The library of stories: its files are looked at, flagged, locked, queued, and leave again.

Called by bot/stories. How files come in: services.stories.arrivals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from services.accounts.downloads import link_to
from services.clock import Now
from services.errors import BadInput, NotAllowed, StorageFailed
from services.media.fingerprint import alike
from services.stories import deciding
from services.stories.accounts import reached, theirs
from services.stories.fit import looks_of
from services.stories.machine import State
from storage import stories, story_accounts, story_items
from storage.database import Database, Transaction
from storage.objects import ObjectStore
from storage.story_accounts import Category, StoryAccount
from storage.story_items import StoryItem

PAGE = 6
UNDO = timedelta(minutes=10)  # of a removal
NOTE = 2200  # UTF-16 units, as Telegram counts; Instagram's limit of a caption in characters
LINK_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Twin:
    """Another file that is the same, or looks like it. `exact`: byte for byte."""

    item: StoryItem
    exact: bool


@dataclass(frozen=True, slots=True)
class ItemView:
    """`category` None: the plan leaves it alone. `story_id`: of the story that is about to use
    it. `several`: this person works at more than one account."""

    item: StoryItem
    account: StoryAccount
    category: Category | None
    twins: list[Twin]
    story_id: int | None
    several: bool = False


@dataclass(frozen=True, slots=True)
class Browse:
    """One page of the library. `category` None: of all."""

    account: StoryAccount
    categories: list[Category]
    category: Category | None
    items: list[StoryItem]
    page: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


class StoryLibrary:
    """`public_url`: of the side server, for files that are too large for the chat; "": none."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        now: Now,
        *,
        public_url: str,
    ) -> None:
        self._database = database
        self._objects = objects
        self._now = now
        self._public_url = public_url

    # ------------------------------------------------------------ look

    async def item(self, user_id: int, item_id: int) -> StoryItem:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            return (await _item(db, user_id, item_id))[0]

    async def view(self, user_id: int, item_id: int) -> ItemView:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            item, account = await _item(db, user_id, item_id)
            category = (
                await story_accounts.get_category(db, item.category_id)
                if item.category_id is not None
                else None
            )
            found = await twins(db, item)
            open_story = await story_items.open_story(db, item.id)
            several = len(await reached(db, user_id)) > 1
            return ItemView(item, account, category, found, open_story, several)

    async def browse(
        self, user_id: int, account_id: int, category_id: int = 0, page: int = 0
    ) -> Browse:
        """`category_id` 0: all. A page that is not there gives the last one."""
        async with self._database.read() as db:
            account = await theirs(db, user_id, account_id)
            categories = await story_accounts.categories_of(db, account.id)
            category = next((one for one in categories if one.id == category_id), None)
            which = category.id if category else None
            total = await story_items.count(db, account.id, category_id=which)
            page = max(0, min(page, -(-total // PAGE) - 1))
            items = await story_items.of_account(
                db, account.id, PAGE, page * PAGE, category_id=which
            )
        return Browse(account, categories, category, items, page, total)

    @asynccontextmanager
    async def file(self, key: str) -> AsyncIterator[Path]:
        """A stored file, for as long as the block lasts. Errors: StorageFailed."""
        try:
            async with self._objects.local(key) as path:
                yield path
        except FileNotFoundError as error:
            raise StorageFailed("The file is not there any more.", "Send it again.") from error

    async def has(self, key: str) -> bool:
        return await self._objects.size(key) is not None

    async def link(self, user_id: int, key: str) -> str | None:
        """An address at the side server that serves the file for a day; None: it has none."""
        return await link_to(
            self._database,
            user_id,
            key,
            PurePosixPath(key).name,
            base=self._public_url,
            expires_at=self._now() + LINK_LIFE,
        )

    # ------------------------------------------------------------ flags and locks

    async def set_category(self, user_id: int, item_id: int, category_id: int | None) -> None:
        async with self._database.write() as db:
            item, _ = await _item(db, user_id, item_id)
            if category_id is not None:
                category = await story_accounts.get_category(db, category_id)
                if category is None or category.account_id != item.account_id:
                    raise NotAllowed("That category is gone.", "Open /schedule.")
            await story_items.change(db, item.id, category_id=category_id)

    async def set_note(self, user_id: int, item_id: int, note: str) -> None:
        """For whoever posts it by hand. Errors: BadInput if it is too long."""
        if len(note.encode("utf-16-le", "replace")) > 2 * NOTE:
            raise BadInput(f"A caption has at most {NOTE} characters.", "Send a shorter one.")
        await self._change(user_id, item_id, note=note)

    async def set_interactive(self, user_id: int, item_id: int, on: bool) -> None:
        """Links, tags or stickers are wanted, which no API can set: a person posts it."""
        await self._change(user_id, item_id, interactive=on)

    async def lock(self, user_id: int, item_id: int, days: int | None) -> None:
        """Not again for so many days; None: for ever; 0: it may be used at once."""
        until = self._now() + timedelta(days=days) if days else None
        await self._change(user_id, item_id, locked=days is None, locked_until=until)

    async def _change(self, user_id: int, item_id: int, **to: Any) -> None:
        async with self._database.write() as db:
            item, _ = await _item(db, user_id, item_id)
            await story_items.change(db, item.id, **to)

    # ------------------------------------------------------------ to the queue

    async def queue(self, user_id: int, item_id: int, due_at: datetime | None) -> int:
        """A story of it, at that time (aware UTC) or, None, now: in half a minute, to be undone.
        Returns the story's id. Errors: BadInput, NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            item, _ = await _item(db, user_id, item_id)
            await _check_free(db, item, due_at or now, now)
            category = (
                await story_accounts.get_category(db, item.category_id)
                if item.category_id is not None
                else None
            )
            by_hand = item.interactive or (category is not None and category.mode == "manual")
            at = due_at or now + deciding.UNDO
            story_id = await stories.make(
                db,
                item.account_id,
                item.id,
                now,
                state=State.SCHEDULED if due_at else State.HELD,
                mode="manual" if by_hand else "automatic",
                due_at=at,
                next_at=at,
                category_id=item.category_id,
            )
            assert story_id is not None, "only slots can be taken"
            await stories.move(
                db,
                story_id,
                now,
                from_states=[State.SCHEDULED, State.HELD],
                decided_by=user_id,
                decided_at=now,
            )
            await stories.note(db, story_id, "planned", now, by=user_id)
        return story_id

    # ------------------------------------------------------------ leave

    async def remove(self, user_id: int, item_id: int) -> StoryItem:
        """Its bytes stay until the time to undo is over. Errors: NotAllowed."""
        async with self._database.write() as db:
            item, _ = await _item(db, user_id, item_id)
            if await story_items.open_story(db, item.id) is not None:
                raise NotAllowed(
                    "A story in the queue needs this file.", "Skip that one first: /stories."
                )
            await story_items.remove(db, item.id, self._now())
        return item

    async def put_back(self, user_id: int, item_id: int) -> bool:
        """False: the time to undo is over."""
        async with self._database.write() as db:
            item = await story_items.get(db, item_id)
            if item is None:
                raise NotAllowed
            await theirs(db, user_id, item.account_id)
            if item.state not in story_items.SHOWN:
                return False
            await story_items.bring_back(db, item.id)
        return True


async def twins(db: Transaction, item: StoryItem) -> list[Twin]:
    """Files of the same account that are the same or look alike, removed ones too."""
    same = await story_items.same_bytes(db, item.account_id, item.sha256)
    exact = [one for one in same if one.id != item.id and item.sha256]
    mine, named = looks_of(item.fingerprint), {one.id for one in exact} | {item.id}
    near = [
        other_id
        for other_id, fingerprint in await story_items.looks(db, item.account_id)
        if other_id not in named and alike(mine, looks_of(fingerprint))
    ]
    return [Twin(one, exact=True) for one in exact] + [
        Twin(one, exact=False) for one in await story_items.of_ids(db, near)
    ]


async def _item(db: Transaction, user_id: int, item_id: int) -> tuple[StoryItem, StoryAccount]:
    """Errors: NotAllowed."""
    item = await story_items.get(db, item_id)
    if item is None or item.removed_at is not None or item.state not in story_items.SHOWN:
        raise NotAllowed("That file is not in the library any more.", "Open /stories.")
    return item, await theirs(db, user_id, item.account_id)


async def _check_free(db: Transaction, item: StoryItem, at: datetime, now: datetime) -> None:
    """Errors: BadInput."""
    if item.state != "ready" and not (item.state == "fitting" and at > now):
        raise BadInput("This file is not ready yet.", "Wait a moment, and press it again.")
    if await story_items.open_story(db, item.id) is not None:
        raise BadInput("This file is in the queue already.", "Open /stories to see when.")
    if item.locked or (item.locked_until is not None and item.locked_until > at):
        raise BadInput(
            "This file is locked, so that nobody posts it twice.",
            "Open it in the library and unlock it first.",
        )
    if at < now:
        raise BadInput("That time is over.", "Choose one to come.")
