"""One bot's Telegram: people, chats, updates, files, and what a person does in the app.

Made by the demo, the tours and tests; the Bot API methods (methods_*.py) work on it, the chat page
reads and drives it. Not for use from several threads: everything runs in one event loop.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.telegram.errors import OLD_QUERY, ApiError, bad_request
from sandbox.telegram.events import Event, Events
from sandbox.telegram.faults import Faults
from sandbox.telegram.files import DEFAULT_MIME, Files
from sandbox.telegram.flood import Flood
from sandbox.telegram.html import utf16_length
from sandbox.telegram.keyboards import buttons
from sandbox.telegram.messages import Messages
from sandbox.telegram.people import People
from sandbox.telegram.profile import Profile
from sandbox.telegram.text import CAPTION_LIMIT, TEXT_LIMIT, plain
from sandbox.telegram.updates import QUERY_LIFE_SECONDS, Updates
from sandbox.telegram.wire import Json

CALLS_KEPT = 5000
TOASTS_KEPT = 500
QUERIES_KEPT = 5000
REACTIONS_KEPT = 5000


def wall_clock() -> float:
    """Seconds since 1970, UTC."""
    return datetime.now(UTC).timestamp()


@dataclass(frozen=True)
class Call:
    """One request of the bot, for assertions. `status` 0: the answer was dropped."""

    method: str
    args: dict[str, str]
    status: int
    error: str | None
    at: float


@dataclass
class Query:
    """A tap that waits for its answer."""

    user_id: int
    chat_id: int
    at: float


class Telegram:
    """The visitor's side and the state. In private chats the chat's id is the person's id.

    `token` is "<bot id>:<secret>"; `now` gives seconds since 1970; `flood` switches the limits of
    flood.py on.
    """

    def __init__(
        self,
        token: str,
        username: str = "reelay_sandbox_bot",
        *,
        now: Callable[[], float] = wall_clock,
        flood: bool = False,
    ) -> None:
        self.token = token
        self.now = now
        self.me: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Reelay",
            "username": username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.people = People(self.me)
        self.messages = Messages(self.people.chat, now)
        self.updates = Updates(now)
        self.files = Files(now)
        self.profile = Profile()
        self.events = Events()
        self.flood = Flood(now) if flood else None
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.reactions: dict[tuple[int, int], list[Json]] = {}
        self.last_webhook_set = float("-inf")
        self.faults = Faults()
        self._queries: dict[str, Query] = {}
        self._query_ids = itertools.count(int(now()) * 10**6)
        self._toasts: dict[int, deque[Json]] = defaultdict(lambda: deque(maxlen=TOASTS_KEPT))

    # ---- who there is
    def add_person(
        self, user_id: int, first_name: str, username: str | None = None, language_code: str = "en"
    ) -> None:
        """A person who has not written to the bot yet: until then the bot may not write."""
        self.people.add_person(user_id, first_name, username, language_code)

    def add_group(self, chat_id: int, title: str, members: Iterable[int]) -> None:
        """A supergroup (negative id) with these people and the bot in it."""
        self.people.add_group(chat_id, title, members)

    # ---- what a person does
    def say(self, user_id: int, text: str, *, chat_id: int | None = None) -> int:
        """Sends a message and returns its id.

        ValueError: empty, too long, or the bot is blocked. KeyError: not a member of that chat.
        """
        text = _typed(text, TEXT_LIMIT, least=1)
        return self._arrive(user_id, chat_id or user_id, plain(text).as_text())

    def send_file(
        self,
        user_id: int,
        name: str,
        data: bytes,
        mime: str,
        *,
        caption: str = "",
        as_photo: bool = False,
        album: str = "",
        chat_id: int | None = None,
    ) -> int:
        """Sends a file, as the app does: films and music by type, pictures only with as_photo.
        `album`: shared by those that are sent at once.

        ValueError: Telegram does not take the file, or the bot is blocked. KeyError: see say().
        """
        kind = "photo" if as_photo else mime.partition("/")[0]
        kind = kind if kind in ("photo", "video", "audio") else "document"
        caption = _typed(caption, CAPTION_LIMIT)
        try:
            file = self.files.add(kind, name, data, mime or DEFAULT_MIME)
        except ApiError as problem:
            raise ValueError(problem.description) from problem
        fields: Json = {kind: file.media, **plain(caption).as_caption()}
        if album:
            fields["media_group_id"] = album
        return self._arrive(user_id, chat_id or user_id, fields)

    def tap(self, user_id: int, message_id: int, data: str, *, chat_id: int | None = None) -> str:
        """Presses a button and returns the id of the callback query.

        KeyError: there is no such message, or no button with this callback_data on it.
        """
        place = chat_id or user_id
        self._require_presence(user_id, place)
        message = self.messages.find(place, message_id)
        if message is None:
            raise KeyError(message_id)
        if all(button.get("callback_data") != data for button in buttons(message)):
            raise KeyError(data)
        query_id = str(next(self._query_ids))
        self._queries[query_id] = Query(user_id, place, self.now())
        if len(self._queries) > QUERIES_KEPT:
            del self._queries[next(iter(self._queries))]
        query: Json = {
            "id": query_id,
            "from": self.people.user(user_id),
            "message": message,
            "chat_instance": str(place),
            "data": data,
        }
        self.updates.create("callback_query", query, queue=str(user_id))
        return query_id

    def edit_own(self, user_id: int, message_id: int, text: str) -> None:
        """Changes a text that this person wrote in private.

        KeyError: it is not theirs. ValueError: see say().
        """
        message = self.messages.find(user_id, message_id)
        if message is None or "text" not in message or message["from"]["id"] != user_id:
            raise KeyError(message_id)
        text = _typed(text, TEXT_LIMIT, least=1)
        self.messages.replace_content(message, plain(text).as_text())
        self.messages.mark_edited(message)
        self.events.publish("edit", user_id, message)
        self.updates.create("edited_message", message, queue=str(user_id))

    def block(self, user_id: int) -> None:
        self._change_membership(user_id, blocked=True)

    def unblock(self, user_id: int) -> None:
        self._change_membership(user_id, blocked=False)

    # ---- what a person sees
    def history(self, chat_id: int) -> list[Json]:
        """Copies of the Message objects of a chat, in order, without the deleted ones."""
        return self.messages.history(chat_id)

    def toasts(self, user_id: int) -> list[Json]:
        """Answers to this person's taps: {"query_id", "text", "show_alert"}."""
        return list(self._toasts[user_id])

    def commands_for(self, user_id: int) -> list[Json]:
        """The command menu in this person's private chat."""
        language = self.people.persons[user_id].language_code
        return self.profile.commands_for(user_id, user_id, language)

    def file_bytes(self, file_id: str) -> tuple[str, bytes]:
        """Name and content. KeyError: there is no such file, or not any more."""
        file = self.files.find(file_id)
        if file is None:
            raise KeyError(file_id)
        return file.name, file.data

    def subscribe(self) -> asyncio.Queue[Event]:
        return self.events.subscribe()

    def unsubscribe(self, queue: asyncio.Queue[Event]) -> None:
        self.events.unsubscribe(queue)

    # ---- faults
    def fail(
        self,
        method: str,
        *,
        code: int,
        description: str,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Refuses the next calls of a method without effect. "*" is any but getUpdates."""
        self.faults.refuse(method, ApiError(code, description, retry_after), times)

    def drop_answer(self, method: str, times: int = 1) -> None:
        """The next calls take effect, but the connection closes without an answer."""
        self.faults.drop(method, times)

    # ---- the bot's side, for the methods
    def post(self, chat_id: int, fields: Json, *, silent: bool) -> Json:
        """A new message of the bot; the person's app shows it, and rings unless it is silent."""
        message = self.messages.add(chat_id, {"from": self.people.bot_user(), **fields})
        self.events.publish("message", chat_id, {**message, "silent": silent})
        if not silent:
            self.events.publish("ring", chat_id, {"message_id": message["message_id"]})
        return message

    def answer_tap(self, query_id: str, text: str, show_alert: bool) -> None:
        """Raises ApiError 400 when the query is unknown, older than 150 s or already answered."""
        query = self._queries.pop(query_id, None)
        if query is None or self.now() - query.at > QUERY_LIFE_SECONDS:
            raise bad_request(OLD_QUERY)
        toast: Json = {"query_id": query_id, "text": text, "show_alert": show_alert}
        self._toasts[query.user_id].append(toast)
        self.events.publish("toast", query.chat_id, toast)

    def react(self, chat_id: int, message_id: int, reactions: list[Json]) -> None:
        self.reactions[chat_id, message_id] = reactions
        if len(self.reactions) > REACTIONS_KEPT:
            del self.reactions[next(iter(self.reactions))]

    def commands_changed(self) -> None:
        for user_id in self.people.persons:
            commands = self.commands_for(user_id)
            self.events.publish("commands", user_id, {"commands": commands})

    # ---- inside
    def _require_presence(self, user_id: int, chat_id: int) -> None:
        if not self.people.is_in(user_id, chat_id):
            raise KeyError(f"{user_id} is not in chat {chat_id}")

    def _arrive(self, user_id: int, chat_id: int, fields: Json) -> int:
        self._require_presence(user_id, chat_id)
        person = self.people.persons[user_id]
        private = user_id == chat_id
        if private and person.blocked:
            raise ValueError(f"{person.first_name} has blocked the bot")
        person.started = person.started or private
        message = self.messages.add(chat_id, {"from": self.people.user(user_id), **fields})
        self.events.publish("message", chat_id, {**message, "silent": False})
        if private or self._is_for_bot(message):
            person.seen = True
            self.updates.create("message", message, queue=str(chat_id))
        return int(message["message_id"])

    def _is_for_bot(self, message: Json) -> bool:
        """Privacy mode: in groups a bot only gets commands, and none that name another bot."""
        first: Json = next(iter(message.get("entities", [])), {})
        if first.get("type") != "bot_command" or first["offset"] != 0:
            return False
        _, separator, name = message["text"][: first["length"]].partition("@")
        return not separator or name.lower() == str(self.me["username"]).lower()

    def _change_membership(self, user_id: int, *, blocked: bool) -> None:
        person = self.people.persons[user_id]
        if person.blocked == blocked:
            return
        person.blocked = blocked
        bot = self.people.bot_user()
        member: Json = {"user": bot, "status": "member"}
        banned: Json = {"user": bot, "status": "kicked", "until_date": 0}
        change: Json = {
            "chat": self.people.chat(user_id),
            "from": self.people.user(user_id),
            "date": int(self.now()),
            "old_chat_member": member if blocked else banned,
            "new_chat_member": banned if blocked else member,
        }
        self.updates.create("my_chat_member", change, queue=str(user_id))


def _typed(text: str, limit: int, *, least: int = 0) -> str:
    """What the app's input field lets through, trimmed. ValueError otherwise."""
    text = text.strip()
    if not least <= utf16_length(text) <= limit:
        raise ValueError(f"a text has {least} to {limit} characters")
    return text
