"""The texts of the notices about an account's own figures. Given to bot/notices.py by parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

from bot.insights import sync_cards, table_cards
from bot.notices import Message, Text
from services.clock import Now
from services.insights.looking import Looking
from services.insights.service import Insights
from storage import syncs
from storage.database import Database
from storage.notices import Notice
from storage.people import User


class InsightNotices:
    def __init__(self, database: Database, insights: Insights, looking: Looking, now: Now) -> None:
        self._database = database
        self._insights = insights
        self._looking = looking
        self._now = now

    @property
    def texts(self) -> Mapping[str, Text]:
        """Errors of each: NotAllowed where the account was forgotten."""
        return {
            "sync_ended": self._sync_ended,
            "insights_permission": self._permission,
            "insights_digest": self._digest,
        }

    async def _sync_ended(self, user: User, notice: Notice) -> Message:
        """As it is now, in place of its card."""
        view = await self._insights.view(user.id, int(notice.data["sync_id"]))
        async with self._database.read() as db:
            before = await syncs.CARDS.of(db, view.sync.id)
        card = sync_cards.card(view, user, self._now())
        if before is None or before.chat_id != user.id:  # somebody else of the team looks at it
            return Message(card)
        drop = partial(self._drop_card, view.sync.id)
        return Message(card, replaces=before.message_id, sent=drop)

    async def _drop_card(self, sync_id: int, _message_id: int) -> None:
        async with self._database.write() as db:
            await syncs.CARDS.drop(db, sync_id)

    async def _permission(self, user: User, notice: Notice) -> Message:
        account = await self._insights.one(user.id, int(notice.data["account_id"]))
        return Message(sync_cards.permission(account))

    async def _digest(self, user: User, notice: Notice) -> Message:
        week = date.fromisoformat(str(notice.data["week"]))
        found = await self._looking.digest(user.id, int(notice.data["account_id"]), week)
        return Message(table_cards.digest(found, user))
