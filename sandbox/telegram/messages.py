"""All messages of all chats, shaped as the Bot API shows them. Used by state.py and the methods."""

from __future__ import annotations

import copy
import itertools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.wire import Json

KEPT_PER_CHAT = 5000
DELETE_WITHIN_SECONDS = 48 * 3600
CONTENT_KEYS = (
    *("text", "entities", "caption", "caption_entities"),
    *("photo", "video", "document", "audio"),
    "reply_markup",
)


class Messages:
    def __init__(self, chat: Callable[[int], Json], now: Callable[[], float]) -> None:
        self._chat = chat
        self._now = now
        self._of_chat: dict[int, dict[int, Json]] = defaultdict(dict)
        # Ids go on after a restart: a bot that kept its database never meets the same id twice.
        self._first_id = int(now()) % 100_000_000 + 1
        self._private_ids = itertools.count(self._first_id)
        self._group_ids: dict[int, itertools.count[int]] = {}

    def add(self, chat_id: int, fields: Json) -> Json:
        """Stores a new message and returns it; `fields` are everything but id, date and chat."""
        # Private chats share one count of ids, every supergroup has its own.
        ids = self._private_ids
        if chat_id < 0:
            ids = self._group_ids.setdefault(chat_id, itertools.count(self._first_id))
        message: Json = {
            "message_id": next(ids),
            "date": int(self._now()),
            "chat": self._chat(chat_id),
            **fields,
        }
        chat = self._of_chat[chat_id]
        chat[message["message_id"]] = message
        if len(chat) > KEPT_PER_CHAT:
            del chat[next(iter(chat))]
        return message

    def find(self, chat_id: int, message_id: int) -> Json | None:
        return self._of_chat[chat_id].get(message_id)

    def require(self, chat_id: int, message_id: int, verb: str) -> Json:
        """The message, or ApiError 400 `message to <verb> not found`."""
        message = self.find(chat_id, message_id)
        if message is None:
            raise bad_request(f"message to {verb} not found")
        return message

    def replace_content(self, message: Json, content: Json) -> None:
        """Everything that an edit can change; what `content` leaves out goes away."""
        for key in CONTENT_KEYS:
            message.pop(key, None)
        message.update(content)

    def mark_edited(self, message: Json) -> None:
        message["edit_date"] = int(self._now())

    def delete(self, chat_id: int, message_id: int) -> None:
        del self._of_chat[chat_id][message_id]

    def is_too_old_to_delete(self, message: Json) -> bool:
        return bool(self._now() - message["date"] > DELETE_WITHIN_SECONDS)

    def history(self, chat_id: int) -> list[Json]:
        return copy.deepcopy(list(self._of_chat[chat_id].values()))


def content_of(message: Json) -> dict[str, Any]:
    return {key: message[key] for key in CONTENT_KEYS if key in message}
