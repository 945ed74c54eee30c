"""One update as a handler sees it: who, where, what was said or tapped, and how to answer.

Made by bot/router.py. Handlers never meet Telegram's own objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

from telegram import (
    Animation,
    Bot,
    CallbackQuery,
    Document,
    InputFile,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
    PhotoSize,
    Video,
)
from telegram.constants import ChatAction
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

FETCH = 20_000_000  # bytes: the Bot API gives a bot no larger file
UPLOAD = 50_000_000  # and takes no larger one
NUMBERS = 10_000  # of what was sent without a name
FLOW_LIFE = timedelta(minutes=30)
TOAST = 200
SHORT = 3.0  # seconds of a 429 that an answer is worth waiting for
PATIENT = 60.0  # a file that somebody asked for is worth more; an album counts as all its pictures
ACTION_LIFE = 4.0  # seconds; Telegram shows "sending a file…" for five

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Sent:
    """A photo or video that the person sent, as such or as a file. `kind`: photo | video.
    `album`: shared by what was sent at once, "" for one alone. `smaller`: Telegram made it so."""

    kind: str
    name: str
    bytes: int
    file: PhotoSize | Video | Animation | Document
    album: str = ""
    smaller: bool = False


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

    @property
    def on_picture(self) -> bool:
        """The card that was tapped has a picture or a file: its text is a caption."""
        shown = self.message if self.query else None
        return shown is not None and bool(shown.photo or shown.video or shown.document)

    @property
    def sent(self) -> Sent | None:
        """The photo or video of this message; a file counts by what its sender says it is."""
        return None if self.query or self.message is None else sent_in(self.message)

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
            if "no text" in reason:  # a picture can't become a text: the card moves to a new one
                moved = await self.say(card)
                with contextlib.suppress(TelegramError):  # older than two days: it stays
                    await self.bot.delete_message(self.id, shown)
                return moved
            if "not found" in reason or "can't be edited" in reason:
                return await self.say(card)
            raise
        return shown

    async def put(self, card: Card, *, silent: bool = False) -> int:
        """In place of the text that was tapped; below a picture, which stays, as a new message."""
        if self.query is None or self.on_picture:
            return await self.say(card, silent=silent)
        return await self.show(card)

    async def follow_up(self, card: Card) -> int:
        """In place of the words below a picture; after a text, which stays, as a new message."""
        return await (self.retell(card) if self.on_picture else self.say(card))

    async def rewrite(self, message_id: int, card: Card) -> None:
        """A text of ours that was said before; one that is gone stays so."""
        with contextlib.suppress(BadRequest):
            await _again(
                lambda: self.bot.edit_message_text(
                    card.text,
                    chat_id=self.id,
                    message_id=message_id,
                    reply_markup=card.keyboard(),
                )
            )

    async def retell(self, card: Card) -> int:
        """Like `show`; below a picture only the words change, and it stays."""
        shown = self.message
        if shown is None or not self.on_picture:
            return await self.show(card)
        try:
            await _again(
                lambda: self.bot.edit_message_caption(
                    self.id,
                    shown.message_id,
                    caption=card.text,
                    reply_markup=card.keyboard(),
                )
            )
        except BadRequest as refused:
            reason = str(refused).lower()
            if "not found" in reason or "can't be edited" in reason:
                return await self.say(card)
            if "not modified" not in reason:
                raise
        return shown.message_id

    async def show_picture(self, path: Path, card: Card) -> int:
        """Like `show`, for a card with a picture above it; a text card may become one."""
        with path.open("rb") as file:
            if self.query is None or self.message is None:
                return await self._say_picture(file, card)
            shown = self.message.message_id
            media = InputMediaPhoto(_upload(file, attach=True), caption=card.text)
            try:
                await _again(
                    lambda: self.bot.edit_message_media(
                        media, chat_id=self.id, message_id=shown, reply_markup=card.keyboard()
                    )
                )
            except BadRequest as refused:
                reason = str(refused).lower()
                if "not modified" in reason:
                    return shown
                if "not found" in reason or "can't be edited" in reason:
                    return await self._say_picture(file, card)
                raise
            return shown

    async def _say_picture(self, file: BinaryIO, card: Card) -> int:
        sent = await _again(
            lambda: self.bot.send_photo(
                self.id, _upload(file), caption=card.text, reply_markup=card.keyboard()
            )
        )
        return sent.message_id

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

    @contextlib.asynccontextmanager
    async def busy(self, action: ChatAction) -> AsyncIterator[None]:
        """Shows "sending a file…" for as long as the block lasts."""

        async def repeat() -> None:
            while True:
                with contextlib.suppress(TelegramError):
                    await self.bot.send_chat_action(self.id, action)
                await asyncio.sleep(ACTION_LIFE)

        task = asyncio.create_task(repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def send_picture(self, content: bytes, card: Card) -> int:
        """A card with a picture that was just made (PNG or JPEG). Returns its id."""
        sent = await self.bot.send_photo(
            self.id, InputFile(content), caption=card.text, reply_markup=card.keyboard()
        )
        return sent.message_id

    async def send_audio(
        self, path: Path, *, name: str, title: str, performer: str, seconds: int
    ) -> None:
        with path.open("rb") as file:
            await _again(
                lambda: self.bot.send_audio(
                    self.id,
                    _upload(file, name),
                    title=title,
                    performer=performer,
                    duration=seconds,
                ),
                PATIENT,
            )

    async def send_document(self, path: Path, name: str) -> None:
        with path.open("rb") as file:
            await _again(lambda: self.bot.send_document(self.id, _upload(file, name)), PATIENT)

    async def send_album(self, files: list[tuple[Path, str]], caption: str) -> None:
        """1 to 10 pictures and films, (path, image | video); Telegram takes albums from 2 on.

        `caption`: HTML, at most 1024 units.
        """
        with ExitStack() as stack:
            opened = [(stack.enter_context(path.open("rb")), kind) for path, kind in files]
            await _again(lambda: self._send_album(opened, caption), PATIENT)

    async def _send_album(self, files: Sequence[tuple[BinaryIO, str]], caption: str) -> None:
        (first, kind), *others = files
        if others:
            media = [
                InputMediaPhoto(_upload(file, attach=True))
                if kind == "image"
                else InputMediaVideo(_upload(file, attach=True), supports_streaming=True)
                for file, kind in files
            ]
            await self.bot.send_media_group(self.id, media, caption=caption)
        elif kind == "image":
            await self.bot.send_photo(self.id, _upload(first), caption=caption)
        else:
            await self.bot.send_video(
                self.id, _upload(first), caption=caption, supports_streaming=True
            )

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

    async def fetch(self, sent: Sent, path: Path) -> None:
        """Writes the file there. Errors: BadInput if Telegram does not give it."""
        try:
            file = await sent.file.get_file()
            await file.download_to_drive(path)
        except BadRequest as error:  # "file is too big", or it is gone there
            raise BadInput(
                "Telegram does not give me that file: 20 MB are the most.",
                "Send it smaller, or open /newstory for another way.",
            ) from error

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


def sent_in(message: Message) -> Sent | None:
    """A photo comes in several sizes, the largest last; none is the one that was taken. What has no
    name is numbered, to be told from the others."""
    album, number = message.media_group_id or "", message.message_id % NUMBERS
    if message.photo:
        largest = message.photo[-1]
        size = largest.file_size or 0
        return Sent("photo", f"photo-{number}.jpg", size, largest, album, smaller=True)
    film = message.video or message.animation
    if film:
        name = film.file_name or f"video-{number}.mp4"
        return Sent("video", name, film.file_size or 0, film, album)
    document = message.document
    kind, _, _ = (document.mime_type or "" if document else "").partition("/")
    if document is None or kind not in ("image", "video"):
        return None
    name = document.file_name or "file"
    size = document.file_size or 0
    return Sent("photo" if kind == "image" else "video", name, size, document, album)


def _upload(file: BinaryIO, name: str | None = None, *, attach: bool = False) -> InputFile:
    """Sent piece by piece: a film of 50 MB is never in memory as a whole."""
    return InputFile(file, filename=name, attach=attach, read_file_handle=False)


async def _again(call: Callable[[], Awaitable[Result]], patience: float = SHORT) -> Result:
    """Once more after a short 429, while this chat's other updates wait; a long one is raised."""
    try:
        return await call()
    except RetryAfter as busy:
        if seconds(busy) > patience:
            raise
        await asyncio.sleep(seconds(busy))
        return await call()
