"""Delivers notices: at least once, obeying Telegram's limits, quiet hours and preferences.

A tick of the clock in the chat role. No message is lost in a crash; one that Telegram took without
answering may arrive twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from telegram import Bot, InputFile
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bot.notices import DELETED, SILENCED_BY, Message, Notices
from services.clock import Now
from storage import notices, people
from storage.database import Database
from storage.notices import Notice
from storage.objects import ObjectStore
from storage.people import User

log = structlog.get_logger()

MAX_ATTEMPTS = 60
UNREACHABLE = timedelta(hours=1)


def is_quiet(user: User, now: datetime) -> bool:
    """Within the person's quiet hours, in their zone; from 22 to 8 spans midnight."""
    if user.quiet_from is None or user.quiet_until is None:
        return False
    hour = now.astimezone(ZoneInfo(user.zone)).hour
    if user.quiet_from < user.quiet_until:
        return user.quiet_from <= hour < user.quiet_until
    return hour >= user.quiet_from or hour < user.quiet_until


def is_silent(user: User, kind: str, now: datetime) -> bool:
    """What needs a person always rings; the rest obeys them."""
    preference = SILENCED_BY.get(kind)
    return preference is not None and (preference in user.muted or is_quiet(user, now))


def seconds(error: RetryAfter) -> float:
    """python-telegram-bot gives a number or a timedelta, depending on its own settings."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


class Outbox:
    def __init__(
        self, bot: Bot, database: Database, objects: ObjectStore, texts: Notices, now: Now
    ) -> None:
        self._bot = bot
        self._database = database
        self._objects = objects
        self._texts = texts
        self._now = now

    async def deliver(self) -> None:
        """Everything that is due, in order."""
        async with self._database.read() as db:
            due = await notices.due(db, self._now())
        for notice in due:
            await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> None:
        async with self._database.read() as db:
            user = await people.get(db, notice.user_id)
        if notice.kind == "deleted":
            message: Message | None = DELETED
        else:
            message = await self._texts.message(user, notice) if user else None
        try:
            if message:
                silent = bool(user) and is_silent(user, notice.kind, self._now())  # type: ignore[arg-type]
                await self._send(notice.user_id, message, silent)
        except RetryAfter as error:
            await self._later(notice, timedelta(seconds=seconds(error) + 0.5))
        except Forbidden:
            await self._unreachable(notice)
        except BadRequest as error:
            log.exception("notice refused", notice=notice.id, kind=notice.kind)
            await self._give_up(notice, str(error))
        except NetworkError as error:
            log.warning("notice not delivered", notice=notice.id, error=str(error))
            await self._later(notice, timedelta(seconds=min(300, 2**notice.attempts)))
        else:
            await self._done(notice)

    async def _send(self, chat_id: int, message: Message, silent: bool) -> None:
        await self._bot.send_message(
            chat_id,
            message.card.text,
            reply_markup=message.card.keyboard(),
            disable_notification=silent,
        )
        for key in message.files:
            path = self._objects.path(key)
            with path.open("rb") as file:
                await self._bot.send_document(
                    chat_id, InputFile(file, filename=path.name), disable_notification=True
                )

    async def _done(self, notice: Notice) -> None:
        async with self._database.write() as db:
            if notice.kind == "deleted":  # the last thing that named this person
                await notices.forget(db, notice_id=notice.id)
            else:
                await notices.delivered(db, notice.id, self._now())

    async def _later(self, notice: Notice, wait: timedelta) -> None:
        if notice.attempts + 1 >= MAX_ATTEMPTS:
            await self._give_up(notice, "Telegram could not be reached")
            return
        async with self._database.write() as db:
            await notices.later(db, notice.id, self._now() + wait)

    async def _unreachable(self, notice: Notice) -> None:
        """The person blocked the bot: the notice waits for them to come back."""
        async with self._database.write() as db:
            await people.change(db, notice.user_id, reachable=False)
            await notices.later(db, notice.id, self._now() + UNREACHABLE)

    async def _give_up(self, notice: Notice, why: str) -> None:
        async with self._database.write() as db:
            await notices.give_up(db, notice.id, why)
