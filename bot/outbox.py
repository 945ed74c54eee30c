"""Delivers notices: at least once, obeying Telegram's limits, quiet hours and preferences.

A tick of the clock in the chat role. No message is lost in a crash; one that Telegram took without
answering may arrive twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

import structlog
from telegram import Bot, InputFile
from telegram import Message as SentMessage
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.flood import seconds
from bot.notices import (
    DELETED,
    EXPIRED,
    NEVER_RINGS,
    SILENCED_BY,
    Message,
    Notices,
    NotReady,
)
from services.clock import Now
from storage import cards as card_rows
from storage import importing, notices, people
from storage.database import Database, Unavailable
from storage.notices import Notice
from storage.objects import ObjectStore
from storage.people import User

log = structlog.get_logger()

MAX_ATTEMPTS = 60  # while Telegram is away, notices wait for as long as it takes
UNREACHABLE = timedelta(hours=1)
LOOKED_AT = timedelta(milliseconds=500)


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
    if kind in NEVER_RINGS:
        return True
    preference = SILENCED_BY.get(kind)
    return preference is not None and (preference in user.muted or is_quiet(user, now))


class _HalfSaid(Exception):
    """The card is in the chat, a file that belongs to it is not: another try says both."""


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
            try:
                await self._deliver(notice)
            except Unavailable:
                raise  # nothing can be marked either: the next tick begins anew
            except NotReady:
                async with self._database.write() as db:
                    await notices.wait(db, notice.id, self._now() + LOOKED_AT)
            except Exception:
                # the edge of one notice: a file that is gone or a text that fails must not hold up
                # everybody else's
                log.exception("notice failed", notice=notice.id, kind=notice.kind)
                await self._again(notice)

    async def _deliver(self, notice: Notice) -> None:
        async with self._database.read() as db:
            user = await people.get(db, notice.user_id)
        silent = False
        message: Message | None = None  # of what is gone, nothing is left to say
        if notice.kind == "deleted":
            message = DELETED
        elif user:
            message = await self._texts.message(user, notice)
            if message and await self._lost(message):
                message = EXPIRED
            silent = is_silent(user, notice.kind, self._now())
        try:
            if message:
                await self._send(notice.user_id, message, silent)
        except RetryAfter as error:
            await self._later(notice, timedelta(seconds=seconds(error) + 0.5))
        except Forbidden:
            await self._unreachable(notice)
        except BadRequest as error:
            log.exception("notice refused", notice=notice.id, kind=notice.kind)
            await self._give_up(notice, str(error))
        except _HalfSaid as error:
            log.warning("notice without its file", notice=notice.id, error=str(error))
            await self._again(notice)
        except NetworkError as error:
            log.warning("notice not delivered", notice=notice.id, error=str(error))
            await self._later(notice, _backoff(notice))
        else:
            await self._done(notice)

    async def _lost(self, message: Message) -> bool:
        """Exports are kept for a day, and a notice may wait longer for a person who is away."""
        return any([await self._objects.size(key) is None for key in message.files])

    async def _send(self, chat_id: int, message: Message, silent: bool) -> None:
        sent = await self._say(chat_id, message, silent)
        if message.import_id is not None:
            await self._take_place(chat_id, sent.message_id, message.import_id)
        if message.sent is not None:
            kept = message.sent(sent.message_id)
            if kept is not None:
                await kept
        if message.replaces is not None:
            with contextlib.suppress(TelegramError):  # too old to be deleted: it stays
                await self._bot.delete_message(chat_id, message.replaces)
        for key in message.files:
            async with self._objects.local(key) as path:
                with path.open("rb") as file:
                    name = PurePosixPath(key).name
                    document = InputFile(file, filename=name, read_file_handle=False)  # by pieces
                    try:
                        await self._bot.send_document(chat_id, document, disable_notification=True)
                    except BadRequest:  # a NetworkError, too
                        raise
                    except NetworkError as error:
                        raise _HalfSaid(str(error)) from error

    async def _say(self, chat_id: int, message: Message, silent: bool) -> SentMessage:
        """With its picture; without it where that is gone, or is none to Telegram."""
        card = message.card
        if message.picture is not None:
            try:
                async with self._photo(message.picture) as photo:
                    return await self._bot.send_photo(
                        chat_id,
                        photo,
                        caption=card.text,
                        reply_markup=card.keyboard(),
                        disable_notification=silent,
                    )
            except (FileNotFoundError, BadRequest) as error:
                log.warning("a notice goes without its picture", error=str(error))
        return await self._bot.send_message(
            chat_id, card.text, reply_markup=card.keyboard(), disable_notification=silent
        )

    @contextlib.asynccontextmanager
    async def _photo(self, picture: str | bytes) -> AsyncIterator[InputFile]:
        """Errors: FileNotFoundError."""
        if isinstance(picture, bytes):
            yield InputFile(picture)
            return
        async with self._objects.local(picture) as path:
            with path.open("rb") as file:
                yield InputFile(file, read_file_handle=False)

    async def _take_place(self, chat_id: int, message_id: int, import_id: int) -> None:
        """One message per import: this one is its card from now on, the older one goes."""
        now = self._now()
        async with self._database.write() as db:
            before = await card_rows.of_import(db, import_id)
            item = await importing.get(db, import_id)
            if item:
                await card_rows.keep(
                    db,
                    user_id=item.user_id,
                    chat_id=chat_id,
                    message_id=message_id,
                    import_id=import_id,
                    seen_change=item.changed_at,
                    not_before=now,
                )
        if before and before.message_id != message_id:
            with contextlib.suppress(TelegramError):  # too old to be deleted: it stays
                await self._bot.delete_message(before.chat_id, before.message_id)

    async def _done(self, notice: Notice) -> None:
        async with self._database.write() as db:
            if notice.kind == "deleted":  # the last thing that named this person
                await notices.forget(db, notice_id=notice.id)
            else:
                await notices.delivered(db, notice.id, self._now())

    async def _again(self, notice: Notice) -> None:
        """Something of it fails, or comes once more with each try: not for ever."""
        if notice.attempts + 1 >= MAX_ATTEMPTS:
            await self._give_up(notice, f"It failed {MAX_ATTEMPTS} times")
        else:
            await self._later(notice, _backoff(notice))

    async def _later(self, notice: Notice, wait: timedelta) -> None:
        async with self._database.write() as db:
            await notices.later(db, notice.id, self._now() + wait)

    async def _unreachable(self, notice: Notice) -> None:
        """The person blocked the bot: the notice waits for them to come back.

        The receipt of a deletion does not: it is the last row that names them.
        """
        async with self._database.write() as db:
            if notice.kind == "deleted":
                await notices.forget(db, notice_id=notice.id)
                return
            await people.change(db, notice.user_id, reachable=False)
            await notices.wait(db, notice.id, self._now() + UNREACHABLE)

    async def _give_up(self, notice: Notice, why: str) -> None:
        async with self._database.write() as db:
            await notices.give_up(db, notice.id, why)


def _backoff(notice: Notice) -> timedelta:
    """1, 2, 4, … seconds, at most five minutes."""
    return timedelta(seconds=min(300, 2 ** min(notice.attempts, 9)))
