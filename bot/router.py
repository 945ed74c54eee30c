"""From Telegram's updates to handlers: deny by default, one chat in order, every failure said.

Capabilities register their commands, areas of buttons and flows; bot/app.py hands the router to
python-telegram-bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog
from telegram import Bot, Message, Update
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import BaseUpdateProcessor, ContextTypes

from bot import callbacks
from bot.cards import Button, Card, button, esc
from bot.chat import Chat
from services.accounts.people import People, Visitor
from services.clock import Now
from services.errors import BadInput, NotAllowed, ReelayError, Remedy
from storage import updates
from storage.database import Database, Unavailable
from storage.people import User

log = structlog.get_logger()

Handler = Callable[[Chat], Awaitable[None]]

SESSION = "sessionid"  # Instagram's secret, in every form in which it can be pasted
UPDATE_LIFE = timedelta(days=2)  # Telegram keeps an update for one
PRIVATE_BOT = "This is a private bot. Ask its owner for an invitation link."
# Telegram's word for files that nobody exports a session as
NO_SECRETS = ("audio/", "font/", "application/pdf", "application/msword", "application/vnd.")
# Meta's, but no part of an address, where a post's code may look the same
TOKEN = re.compile(r"(?<![\w/=&?.-])(?:IG|EA)[A-Za-z0-9_-]{38,}")
_COMMAND = re.compile(r"/([a-z0-9_]{1,32})(?:@\w+)?(?:\s+|$)", re.IGNORECASE)


class PerChat(BaseUpdateProcessor):
    """Updates of one chat strictly in order, different chats in parallel.

    python-telegram-bot's own concurrent_updates reorders one chat (measured: 1,2,3,4 -> 2,3,4,1).
    """

    def __init__(self, max_concurrent_updates: int = 64) -> None:
        super().__init__(max_concurrent_updates)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        chat = update.effective_chat if isinstance(update, Update) else None
        lock = self._locks.setdefault(chat.id if chat else 0, asyncio.Lock())
        async with lock:  # asyncio.Lock is first come, first served
            await coroutine


class Router:
    def __init__(self, people: People, database: Database, now: Now) -> None:
        self._people = people
        self._database = database
        self._now = now
        self._commands: dict[str, Handler] = {}
        self._areas: dict[str, Handler] = {}
        self._flows: dict[str, Handler] = {}
        self._any_text: set[str] = set()
        self._on_text: Handler | None = None
        self._on_secret: Handler | None = None
        self._welcome: Handler | None = None
        self._on_media: Handler | None = None
        self._on_token: Handler | None = None

    # ------------------------------------------------------------ registration

    def command(self, name: str, handler: Handler) -> None:
        self._commands[name] = handler

    def area(self, name: str, handler: Handler) -> None:
        """All taps on buttons of this area."""
        self._areas[name] = handler

    def flow(self, name: str, handler: Handler, *, any_text: bool = False) -> None:
        """The answer to a question that `Chat.ask` put under this name. `any_text`: it may look
        like a command, as a password may; only those that there are go before it."""
        self._flows[name] = handler
        if any_text:
            self._any_text.add(name)

    def media(self, handler: Handler) -> None:
        """Photos and videos, also as files."""
        self._on_media = handler

    def token(self, handler: Handler) -> None:
        """A pasted token of Meta's, whatever was asked, because it must leave the chat."""
        self._on_token = handler

    def otherwise(self, *, text: Handler, secret: Handler, welcome: Handler) -> None:
        """`text`: outside of any flow. `secret`: files and pasted sessions, whatever was asked,
        because they must leave the chat. `welcome`: the first screen of who was let in."""
        self._on_text, self._on_secret, self._welcome = text, secret, welcome

    @property
    def commands(self) -> list[str]:
        return list(self._commands)

    # ------------------------------------------------------------ entry

    async def handle(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        if update.my_chat_member:
            await self._reachability(update)
            return
        message, query = update.message, update.callback_query
        person, place = update.effective_user, update.effective_chat
        if person is None or place is None or (message is None and query is None):
            return
        private = place.type == "private"
        try:
            user = await self._people.find(person.id)
            known = user is not None
            if user is None:
                user = await self._stranger(update, context.bot)
                if user is None:
                    return
            chat = Chat(context.bot, user, place.id, private, self._now, self._database)
            if known:
                chat.query = query
                card = query.message if query else None
                chat.message = message or (card if isinstance(card, Message) else None)
                if not await self._first_time(update):
                    return
            handler = await self._find(chat) if known else self._welcome
        except Unavailable:
            log.exception("database unavailable")
            await _say_trouble(context.bot, place.id)
            return
        if handler:
            await self._run(handler, chat)

    async def _first_time(self, update: Update) -> bool:
        """Telegram delivers at least once, and a second "+50 credits" must not count."""
        async with self._database.write() as db:
            return await updates.take(db, update.update_id, self._now())

    async def prune(self) -> None:
        """From the clock."""
        async with self._database.write() as db:
            await updates.prune(db, self._now() - UPDATE_LIFE)

    async def _run(self, handler: Handler, chat: Chat) -> None:
        try:
            await handler(chat)
        except Unavailable:
            log.exception("database unavailable")
            await _say_trouble(chat.bot, chat.id)
        except NotAllowed as error:
            await chat.toast(error.message)
            if chat.query is None:
                await chat.say(error_card(error))
        except ReelayError as error:
            await self._failed(chat, error)
        except Forbidden:
            await self._people.reachable(chat.user.id, False)
        except BadRequest as error:  # a card that Telegram refuses is our mistake
            await self._failed(chat, error)
        except TelegramError as error:
            log.warning("telegram unreachable", error=str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a handler: said, logged, survived
            await self._failed(chat, error)
        finally:
            with contextlib.suppress(TelegramError):
                await chat.toast("")

    async def _failed(self, chat: Chat, error: Exception) -> None:
        known = isinstance(error, ReelayError) and error.remedy is not Remedy.BUG
        reference = secrets.token_hex(3)
        if known:
            log.info("refused", ref=reference, error=type(error).__name__)
        else:
            log.error("handler failed", ref=reference, exc_info=error)
        card = error_card(error if isinstance(error, ReelayError) else ReelayError(), reference)
        with contextlib.suppress(TelegramError):
            await chat.say(card)

    # ------------------------------------------------------------ who, and to whom it goes

    async def _stranger(self, update: Update, bot: Bot) -> User | None:
        """Lets somebody in by code, or says one sentence; nothing else happens."""
        person, message = update.effective_user, update.message
        assert person is not None
        if update.callback_query:
            with contextlib.suppress(TelegramError):
                await update.callback_query.answer(PRIVATE_BOT, show_alert=True)
            return None
        chat = update.effective_chat
        if message is None or chat is None or chat.type != "private":
            return None
        words = (message.text or "").split(maxsplit=1)
        if len(words) == 2 and words[0].split("@")[0] == "/start":
            visitor = Visitor(
                person.id, person.full_name, person.username, person.language_code or "en"
            )
            if await self._people.enter(visitor, words[1].strip()[:64]):
                with contextlib.suppress(TelegramError):
                    await message.delete()  # the code has done its work
                return await self._people.find(person.id)
        text = PRIVATE_BOT
        if await self._people.unclaimed():
            text = (
                "This bot has no owner yet. Its first start printed a claim code: send "
                "<code>/start CODE</code>."
            )
        with contextlib.suppress(TelegramError):
            await bot.send_message(chat.id, text)
        return None

    async def _find(self, chat: Chat) -> Handler | None:
        if chat.query is not None:
            chat.tap = callbacks.read(chat.query.data or "")
            handler = self._areas.get(chat.tap.area) if chat.tap else None
            if handler is None:
                await chat.toast("That button is from another version. Open /start.")
            return handler
        assert chat.message is not None
        chat.text = (chat.message.text or chat.message.caption or "").strip()
        command = _COMMAND.match(chat.text) if chat.message.text else None
        if not chat.private:
            return _private_only if command else None
        if command:
            handler = self._commands.get(command[1].lower(), _unknown_command)
            chat.flow = await chat.asked() if handler is _unknown_command else None
            if chat.flow and chat.flow.name in self._any_text:
                return self._flows[chat.flow.name]
            chat.text = chat.text[command.end() :].strip()
            if SESSION in chat.text:
                return self._on_secret
            if TOKEN.search(chat.text) and self._on_token:
                return self._on_token
            await chat.end_flow()
            return handler
        if TOKEN.search(chat.text) and self._on_token:
            return self._on_token
        if self._on_media and chat.sent and SESSION not in chat.text:
            return self._on_media
        if SESSION in chat.text or (chat.message.document and not _is_no_secret(chat.message)):
            return self._on_secret
        if not chat.message.text:
            return _cannot_read
        chat.flow = await chat.asked()
        return self._flows.get(chat.flow.name, self._on_text) if chat.flow else self._on_text

    async def _reachability(self, update: Update) -> None:
        change = update.my_chat_member
        assert change is not None
        if change.chat.type == "private":
            blocked = change.new_chat_member.status in ("kicked", "left")
            with contextlib.suppress(Unavailable):
                await self._people.reachable(change.from_user.id, not blocked)


def error_card(error: ReelayError, reference: str = "") -> Card:
    """What happened, what is unchanged, what to do next, and the reference that is in the log."""
    unchanged = "Nothing that was saved is lost."
    if isinstance(error, BadInput | NotAllowed):
        unchanged = "Nothing was changed."
    ref = f"\n<i>ref {reference}</i>" if reference else ""
    text = f"<b>{esc(error.message, 600)}</b> {unchanged}\n{esc(error.next_step, 600)}{ref}"
    return Card(text, ((button("Menu", "menu", "home"),),))


async def _unknown_command(chat: Chat) -> None:
    await chat.say(
        Card(
            "I don't know that command. /help lists those that I know, or paste a link to import.",
            ((button("What I can do", "menu", "help"), button("Menu", "menu", "home")),),
        )
    )


def _is_no_secret(message: Message) -> bool:
    """A file that nobody exports cookies as: it stays in the chat, unread."""
    mime = (message.document.mime_type or "" if message.document else "").lower()
    return mime.startswith(NO_SECRETS)


async def _cannot_read(chat: Chat) -> None:
    await chat.say(
        Card(
            "I can't use that kind of message. Send a photo or a video for a story, paste a link "
            "to import, or send cookies.txt as a file to connect.",
            ((button("📸 New story", "item", "new"), button("Menu", "menu", "home")),),
        )
    )


async def _private_only(chat: Chat) -> None:
    link = f"https://t.me/{chat.bot.username}?start=menu"
    await chat.say(Card("Let's do that in private.", ((Button("Open chat", url=link),),)))


async def _say_trouble(bot: Bot, chat_id: int) -> None:
    with contextlib.suppress(TelegramError):
        await bot.send_message(
            chat_id,
            "Reelay's database does not answer right now. Nothing was changed; try again in a "
            "minute.",
        )
