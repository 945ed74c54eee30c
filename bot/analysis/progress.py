"""Keeps the one card of each analysis up to date: newest state wins, silent, throttled.

A tick of the clock in the chat role. What rings is not edited: bot/analysis/notices.py puts a new
message in its place.
"""

from __future__ import annotations

from datetime import datetime

from telegram import Bot

from bot.analysis import cards
from bot.progress import edit
from services.analysis.service import Analysing
from services.clock import Now
from services.errors import NotAllowed
from storage import analysis, people
from storage.analysis import UNFINISHED, AnalysisCard
from storage.database import Database


class AnalysisProgress:
    def __init__(self, bot: Bot, database: Database, analysing: Analysing, now: Now) -> None:
        self._bot = bot
        self._database = database
        self._analysing = analysing
        self._now = now

    async def refresh(self) -> None:
        async with self._database.read() as db:
            due = await analysis.cards_due(db, self._now())
        for row in due:
            await self._refresh(row)

    async def _refresh(self, row: AnalysisCard) -> None:
        async with self._database.read() as db:
            user = await people.get(db, row.user_id)
        try:
            view = await self._analysing.view(row.user_id, row.analysis_id)
        except NotAllowed:  # it was deleted, and its card with it
            return
        now = self._now()
        if user is None or cards.rings(view.item):
            await self._seen(row, now, view.item.changed_at)
            return
        card = cards.card(view, user, now)
        edited = await edit(self._bot, row.chat_id, row.message_id, card)
        if edited is None or (edited.shown and view.item.state not in UNFINISHED):
            async with self._database.write() as db:
                await analysis.drop_card(db, row.analysis_id)
        else:
            change = view.item.changed_at if edited.shown else None
            await self._seen(row, now + edited.rest, change)

    async def _seen(self, row: AnalysisCard, not_before: datetime, change: datetime | None) -> None:
        async with self._database.write() as db:
            await analysis.card_shown(
                db, row.analysis_id, not_before=not_before, seen_change=change
            )
