"""Keeps the one card of each import up to date: newest state wins, silent, throttled.

A tick of the clock in the chat role. The card is derived from the import's rows, so it is right
again after any crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from telegram import Bot
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bot.cards import Card
from bot.flood import seconds
from bot.importing import cards
from services.clock import Now
from services.errors import NotAllowed
from services.importing.service import Importing
from storage import cards as card_rows
from storage import importing as storage
from storage import people
from storage.cards import Card as CardRow
from storage.database import Database

log = structlog.get_logger()

PRIVATE_GAP = timedelta(seconds=3)  # edits count against Telegram's flood limits
GROUP_GAP = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Edited:
    """`shown`: the message shows the card now. `rest`: until it may be edited again."""

    shown: bool
    rest: timedelta


async def edit(bot: Bot, chat_id: int, message_id: int, card: Card) -> Edited | None:
    """A progress card as it is now. None: the message is gone, or the chat; the result still
    comes."""
    gap = PRIVATE_GAP if chat_id > 0 else GROUP_GAP
    try:
        await bot.edit_message_text(
            card.text, chat_id=chat_id, message_id=message_id, reply_markup=card.keyboard()
        )
    except RetryAfter as error:
        return Edited(shown=False, rest=timedelta(seconds=seconds(error) + 0.5))
    except Forbidden:
        return None
    except BadRequest as error:
        reason = str(error).lower()
        if "not found" in reason or "can't be edited" in reason:
            return None
        if "not modified" in reason:
            gap = timedelta(0)  # nothing was edited, so what comes next need not wait
        else:
            log.warning("card refused", error=str(error))
    except NetworkError as error:
        log.info("card not edited", error=str(error))
        return Edited(shown=False, rest=gap)
    return Edited(shown=True, rest=gap)


class Progress:
    def __init__(
        self, bot: Bot, database: Database, importing: Importing, now: Now, gap: float
    ) -> None:
        self._bot = bot
        self._database = database
        self._importing = importing
        self._now = now
        self._gap = gap  # seconds between two requests to Instagram, for estimates

    async def refresh(self) -> None:
        async with self._database.read() as db:
            due = await card_rows.due(db, self._now())
        for row in due:
            await self._refresh(row)

    async def _refresh(self, row: CardRow) -> None:
        async with self._database.read() as db:
            user = await people.get(db, row.user_id)
        try:
            view = await self._importing.view(row.user_id, row.import_id)
        except NotAllowed:
            user = None
        if user is None:
            await self._drop(row)
            return
        now = self._now()
        if cards.rings(view):  # the outbox puts a message that rings in its place
            await self._seen(row, now, view.item.changed_at)
            return
        card = cards.card(view, user, now, self._gap)
        edited = await edit(self._bot, row.chat_id, row.message_id, card)
        if edited is None or (edited.shown and view.item.state not in storage.UNFINISHED):
            await self._drop(row)
        else:
            change = view.item.changed_at if edited.shown else None
            await self._seen(row, now + edited.rest, change)

    async def _seen(self, row: CardRow, not_before: datetime, change: datetime | None) -> None:
        async with self._database.write() as db:
            await card_rows.shown(db, row.id, not_before=not_before, seen_change=change)

    async def _drop(self, row: CardRow) -> None:
        async with self._database.write() as db:
            await card_rows.drop(db, row.id)
