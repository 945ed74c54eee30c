"""One update as a handler sees it: who, where, what was said or tapped, and how to answer.

Made by bot/router.py. Handlers never meet Telegram's own objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from telegram import (
    Bot,
    CallbackQuery,
    Document,
    InputFile,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
)
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot.callbacks import Tap
from bot.cards import Card
from bot.flood import seconds
from services.clock import Now
from services.errors import BadInput
from storage import flows
from storage.database import Database
from storage.flows import Flow
from storage.people import User

FLOW_LIFE = timedelta(minutes=30)
TOAST = 200
SHORT = 3.0  # seconds of a 429 that an answer is worth waiting for

Result = TypeVar("Result")


@dataclass(slots=True)
class Chat:
    """`user` is let in and active: the router checked it for this very update."""

    bot: Bot
    user: User
    id: int
    private: bool
    now: Now
    database: Database
    text: str = ""
    tap: Tap | None = None
    message: Message | None = None  # what the person sent, or the card that was tapped
    query: CallbackQuery | None = None
    flow: Flow | None = None
    answered: bool = field(default=False)

    @property
    def at(self) -> datetime:
        return self.now()

    @property
    def document(self) -> Document | None:
        return self.message.document if self.message and self.query is None else None

    # ------------------------------------------------------------ answers

    async def say(self, card: Card, *, silent: bool = False) -> int:
        """A new message; returns its id."""
        sent = await _again(
            lambda: self.bot.send_message(
                self.id, card.text, reply_markup=card.keyboard(), disable_notification=silent
            )
        )
        return sent.message_id

    async def show(self, card: Card) -> int:
        """In place of the card that was tapped, or as a new message. Returns its id."""
        if self.query is None or self.message is None:
            return await self.say(card)
        shown = self.message.message_id
        try:
            await _again(
                lambda: self.bot.edit_message_text(
                    card.text, chat_id=self.id, message_id=shown, reply_markup=card.keyboard()
                )
            )
        except BadRequest as refused:
            reason = str(refused).lower()
            if "not modified" in reason:
                return shown
            if "not found" in reason or "can't be edited" in reason or "no text" in reason:
                return await self.say(card)
            raise
        return shown

    async def toast(self, text: str, *, alert: bool = False) -> None:
        """The short answer to a tap; nothing if this was no tap or it was answered."""
        if self.query is None or self.answered:
            return
        self.answered = True
        with contextlib.suppress(TelegramError):  # too old to be answered: the action still counts
            # None, not "": python-telegram-bot 22.8 sends an empty text as "[]", which people see
            await self.bot.answer_callback_query(
                self.query.id, text[:TOAST] or None, show_alert=alert
            )

    async def send_file(self, name: str, content: bytes, caption: str) -> None:
        await self.bot.send_document(self.id, InputFile(content, filename=name), caption=caption)

    # ------------------------------------------------------------ media from the disk

    async def send_photo(self, path: Path, card: Card) -> int:
        """A card with a picture, as a new message. Returns its id."""
        with path.open("rb") as file:
            sent = await self.bot.send_photo(
                self.id, InputFile(file), caption=card.text, reply_markup=card.keyboard()
            )
        return sent.message_id

    async def send_audio(
        self, path: Path, *, name: str, title: str, performer: str, seconds: int
    ) -> None:
        with path.open("rb") as file:
            await self.bot.send_audio(
                self.id,
                InputFile(file, filename=name),
                title=title,
                performer=performer,
                duration=seconds,
            )

    async def send_document(self, path: Path, name: str) -> None:
        with path.open("rb") as file:
            await self.bot.send_document(self.id, InputFile(file, filename=name))

    async def send_album(self, files: list[tuple[Path, str]], caption: str) -> None:
        """1 to 10 pictures and films, (path, image | video); Telegram takes albums from 2 on."""
        with ExitStack() as stack:
            opened = [(stack.enter_context(path.open("rb")), kind) for path, kind in files]
            if len(opened) > 1:
                media = [
                    InputMediaPhoto(file) if kind == "image" else InputMediaVideo(file)
                    for file, kind in opened
                ]
                await self.bot.send_media_group(self.id, media, caption=caption)
            elif opened[0][1] == "image":
                await self.bot.send_photo(self.id, opened[0][0], caption=caption)
            else:
                await self.bot.send_video(self.id, opened[0][0], caption=caption)

    # ------------------------------------------------------------ what the person sent

    async def read_document(self, limit: int) -> bytes:
        """The bytes of the file that was sent. Errors: BadInput if it is larger than `limit`."""
        assert self.document is not None, "only called where a file was sent"
        if (self.document.file_size or 0) > limit:
            raise BadInput(
                f"That file is too large: {limit // 1000} kB is the most.",
                "Send the right file, or press Cancel.",
            )
        file = await self.document.get_file()
        content = io.BytesIO()
        await file.download_to_memory(content)
        return content.getvalue()

    async def delete_theirs(self) -> bool:
        """Takes the person's message out of the chat. False: Telegram did not allow it."""
        if self.message is None or self.query is not None:
            return False
        try:
            return await self.bot.delete_message(self.id, self.message.message_id)
        except BadRequest:
            return False

    # ------------------------------------------------------------ dialogues

    async def ask(self, name: str, **data: object) -> None:
        """The next message of this person goes to the flow of that name."""
        async with self.database.write() as db:
            await flows.begin(
                db, self.id, self.user.id, name, expires_at=self.at + FLOW_LIFE, **data
            )

    async def asked(self) -> Flow | None:
        """The question that is open in this chat, for taps that answer one."""
        async with self.database.read() as db:
            return await flows.current(db, self.id, self.user.id, self.at)

    async def end_flow(self) -> None:
        async with self.database.write() as db:
            await flows.end(db, self.id, self.user.id)


async def _again(call: Callable[[], Awaitable[Result]]) -> Result:
    """Once more after a short 429, while this chat's other updates wait; a long one is raised."""
    try:
        return await call()
    except RetryAfter as busy:
        if seconds(busy) > SHORT:
            raise
        await asyncio.sleep(seconds(busy))
        return await call()
