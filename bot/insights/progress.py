"""Keeps the one card of each sync up to date: newest state wins, silent, throttled.

A tick of the clock in the chat role. What rings is not edited: bot/insights/notices.py puts a new
message in its place.
"""

from __future__ import annotations

from datetime import datetime

from telegram import Bot

from bot.insights import sync_cards
from bot.progress import edit
from services.clock import Now
from services.errors import NotAllowed
from services.insights.service import Insights
from storage import people, syncs
from storage.database import Database
from storage.syncs import UNFINISHED, SyncCard


class SyncProgress:
    def __init__(self, bot: Bot, database: Database, insights: Insights, now: Now) -> None:
        self._bot = bot
        self._database = database
        self._insights = insights
        self._now = now

    async def refresh(self) -> None:
        async with self._database.read() as db:
            due = await syncs.cards_due(db, self._now())
        for row in due:
            await self._refresh(row)

    async def _refresh(self, row: SyncCard) -> None:
        async with self._database.read() as db:
            user = await people.get(db, row.chat_id)  # chats are private: of who looks at it
        try:
            view = await self._insights.view(row.chat_id, row.sync_id)
        except NotAllowed:  # its account was forgotten, or belongs to no team of theirs any more
            user = None
        if user is None:
            await self._drop(row)
            return
        now = self._now()
        if sync_cards.rings(view.sync, user.id):
            await self._seen(row, now, view.sync.changed_at)
            return
        card = sync_cards.card(view, user, now)
        edited = await edit(self._bot, row.chat_id, row.message_id, card)
        if edited is None or (edited.shown and view.sync.state not in UNFINISHED):
            await self._drop(row)
        else:
            change = view.sync.changed_at if edited.shown else None
            await self._seen(row, now + edited.rest, change)

    async def _seen(self, row: SyncCard, not_before: datetime, change: datetime | None) -> None:
        async with self._database.write() as db:
            await syncs.card_shown(db, row.sync_id, not_before=not_before, seen_change=change)

    async def _drop(self, row: SyncCard) -> None:
        async with self._database.write() as db:
            await syncs.drop_card(db, row.sync_id)
