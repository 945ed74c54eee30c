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
from typing import Any
from weakref import WeakValueDictionary

import structlog
from telegram import Bot, Update
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError
from telegram.ext import BaseUpdateProcessor, ContextTypes

from bot import callbacks
from bot.cards import Button, Card, button, esc
from bot.chat import Chat
from services.accounts.people import People, Visitor
from services.clock import Now
from services.errors import NotAllowed, ReelayError, Remedy
from storage import flows
from storage.database import Database, Unavailable

log = structlog.get_logger()

Handler = Callable[[Chat], Awaitable[None]]

PRIVATE_BOT = "This is a private bot. Ask its owner for an invitation link."
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
        self._on_text: Handler | None = None
        self._on_document: Handler | None = None
        self._welcome: Handler | None = None

    # ------------------------------------------------------------ registration

    def command(self, name: str, handler: Handler) -> None:
        self._commands[name] = handler

    def area(self, name: str, handler: Handler) -> None:
        """All taps on buttons of this area."""
        self._areas[name] = handler

    def flow(self, name: str, handler: Handler) -> None:
        """The answer to a question that `Chat.ask` put under this name."""
        self._flows[name] = handler

    def otherwise(self, *, text: Handler, document: Handler, welcome: Handler) -> None:
        """Text and files outside of any flow; the first screen of a person who was let in."""
        self._on_text, self._on_document, self._welcome = text, document, welcome

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
            if user is None:
                user = await self._stranger(update, context.bot)
                if user is None:
                    return
                handler: Handler | None = self._welcome
                chat = Chat(context.bot, user, place.id, private, self._now, self._database)
            else:
                chat = Chat(context.bot, user, place.id, private, self._now, self._database)
                chat.query = query
                card = query.message if query else None
                chat.message = message or (card if card and card.is_accessible else None)  # type: ignore[assignment]
                handler = await self._find(chat, update)
        except Unavailable:
            log.exception("database unavailable")
            await _say_trouble(context.bot, place.id)
            return
        if handler is None:
            return
        await self._run(handler, chat)

    async def _run(self, handler: Handler, chat: Chat) -> None:
        try:
            await handler(chat)
        except NotAllowed as error:
            await chat.toast(error.message)
            if chat.query is None:
                await chat.say(error_card(error))
        except ReelayError as error:
            await self._failed(chat, error)
        except Forbidden:
            await self._people.reachable(chat.user.id, False)
        except (NetworkError, TelegramError) as error:
            if isinstance(error, BadRequest):
                log.exception("telegram refused", error=str(error))
            else:
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

    async def _stranger(self, update: Update, bot: Bot) -> Any:
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

    async def _find(self, chat: Chat, update: Update) -> Handler | None:
        if chat.query is not None:
            chat.tap = callbacks.read(chat.query.data or "")
            handler = self._areas.get(chat.tap.area) if chat.tap else None
            if handler is None:
                await chat.toast("That button is from another version. Open /start.")
            return handler
        assert chat.message is not None
        chat.text = (chat.message.text or "").strip()
        command = _COMMAND.match(chat.text)
        if not chat.private:
            return _private_only if command else None
        if command:
            chat.text = chat.text[command.end() :].strip()
            await chat.end_flow()
            return self._commands.get(command[1].lower(), _unknown_command)
        async with self._database.read() as db:
            chat.flow = await flows.current(db, chat.id, chat.user.id, self._now())
        if chat.flow and chat.flow.name in self._flows:
            return self._flows[chat.flow.name]
        if chat.message.document:
            return self._on_document
        return self._on_text if chat.text else _cannot_read

    async def _reachability(self, update: Update) -> None:
        change = update.my_chat_member
        assert change is not None
        if change.chat.type == "private":
            blocked = change.new_chat_member.status in ("kicked", "left")
            with contextlib.suppress(Unavailable):
                await self._people.reachable(change.from_user.id, not blocked)


def error_card(error: ReelayError, reference: str = "") -> Card:
    """What happened, what to do next, and the reference that is in the log."""
    ref = f"\n<i>ref {reference}</i>" if reference else ""
    text = f"<b>{esc(error.message, 600)}</b>\n{esc(error.next_step, 600)}{ref}"
    return Card(text, ((button("Menu", "menu", "home"),),))


async def _unknown_command(chat: Chat) -> None:
    await chat.say(
        Card("I don't know that command.", ((button("What I can do", "menu", "home"),),))
    )


async def _cannot_read(chat: Chat) -> None:
    await chat.say(
        Card(
            "I can't use that kind of message. Send a link to import, or open the menu.",
            ((button("Menu", "menu", "home"),),),
        )
    )


async def _private_only(chat: Chat) -> None:
    link = f"https://t.me/{chat.bot.username}?start=menu"
    await chat.say(Card("Let's do that in private.", ((Button("Open chat", url=link),),)))


async def _say_trouble(bot: Bot, chat_id: int) -> None:
    with contextlib.suppress(TelegramError):
        await bot.send_message(
            chat_id,
            "Reelay's database does not answer right now. Nothing was changed; try again in a minute.",
        )
