"""Keeps the one card of each analysis, and of each sync, up to date: silent, throttled.

A tick of the clock in the chat role. What rings is not edited: a notice puts a new message in its
place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from telegram import Bot

from bot.cards import Card
from bot.progress import edit
from services.clock import Now
from services.errors import NotAllowed
from storage import people
from storage.database import Database
from storage.people import User
from storage.row_cards import RowCard, RowCards


@dataclass(frozen=True, slots=True)
class Look:
    """A row as its person sees it now. `card` None: it rings. `over`: nothing follows any more."""

    card: Card | None
    changed_at: datetime
    over: bool


class RowProgress:
    """`look`: at the row of this number, as this person; raises NotAllowed where it is gone."""

    def __init__(
        self,
        bot: Bot,
        database: Database,
        cards: RowCards,
        look: Callable[[User, int], Awaitable[Look]],
        now: Now,
    ) -> None:
        self._bot = bot
        self._database = database
        self._cards = cards
        self._look = look
        self._now = now

    async def refresh(self) -> None:
        async with self._database.read() as db:
            due = await self._cards.due(db, self._now())
        for row in due:
            await self._refresh(row)

    async def _refresh(self, row: RowCard) -> None:
        async with self._database.read() as db:
            user = await people.get(db, row.chat_id)
        try:
            seen = await self._look(user, row.row_id) if user is not None else None
        except NotAllowed:  # it was deleted, or belongs to no team of theirs any more
            seen = None
        if seen is None:
            await self._drop(row)
            return
        now = self._now()
        if seen.card is None:
            await self._seen(row, now, seen.changed_at)
            return
        edited = await edit(self._bot, row.chat_id, row.message_id, seen.card)
        if edited is None or (edited.shown and seen.over):
            await self._drop(row)
        else:
            await self._seen(row, now + edited.rest, seen.changed_at if edited.shown else None)

    async def _seen(self, row: RowCard, not_before: datetime, change: datetime | None) -> None:
        async with self._database.write() as db:
            await self._cards.shown(db, row.row_id, not_before=not_before, seen_change=change)

    async def _drop(self, row: RowCard) -> None:
        async with self._database.write() as db:
            await self._cards.drop(db, row.row_id)
