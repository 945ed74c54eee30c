"""Who can talk with the bot: people, groups, and the User and Chat objects of the Bot API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.telegram.errors import BLOCKED, KICKED, NEVER_STARTED, ApiError, bad_request
from sandbox.telegram.wire import Json


@dataclass
class Person:
    id: int
    first_name: str
    username: str | None
    language_code: str
    started: bool = False  # has written to the bot in private: before that it may not write
    seen: bool = False  # the bot has heard of this person anywhere
    blocked: bool = False


@dataclass
class Group:
    id: int
    title: str
    members: set[int] = field(default_factory=set)
    bot_inside: bool = True


class People:
    def __init__(self, bot: Json) -> None:
        self.bot = bot
        self.persons: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}

    def add_person(
        self, user_id: int, first_name: str, username: str | None, language_code: str
    ) -> None:
        if user_id <= 0:
            raise ValueError("a person's id is positive")
        self.persons[user_id] = Person(user_id, first_name, username, language_code)

    def add_group(self, chat_id: int, title: str, members: Iterable[int]) -> None:
        if chat_id >= 0:
            raise ValueError("a group's id is negative")
        self.groups[chat_id] = Group(chat_id, title, set(members))

    def user(self, user_id: int) -> Json:
        person = self.persons[user_id]
        user: Json = {"id": person.id, "is_bot": False, "first_name": person.first_name}
        if person.username:
            user["username"] = person.username
        user["language_code"] = person.language_code
        return user

    def bot_user(self) -> Json:
        return {key: self.bot[key] for key in ("id", "is_bot", "first_name", "username")}

    def chat(self, chat_id: int) -> Json:
        if chat_id < 0:
            return {"id": chat_id, "type": "supergroup", "title": self.groups[chat_id].title}
        user = self.user(chat_id)
        chat: Json = {"id": chat_id, "type": "private", "first_name": user["first_name"]}
        if "username" in user:
            chat["username"] = user["username"]
        return chat

    def is_in(self, user_id: int, chat_id: int) -> bool:
        if chat_id < 0:
            return chat_id in self.groups and user_id in self.groups[chat_id].members
        return user_id == chat_id and user_id in self.persons

    def known_chat(self, value: str) -> int:
        """The chat that a method names, if the bot ever met it. Raises ApiError 400."""
        if not value:
            raise bad_request("chat_id is empty")
        try:
            chat_id = int(value)
        except ValueError:  # "@name" of a channel: there are none here
            raise bad_request("chat not found") from None
        person = self.persons.get(chat_id)
        if chat_id in self.groups or (person and (person.started or person.seen)):
            return chat_id
        raise bad_request("chat not found")

    def writable_chat(self, value: str) -> int:
        """Like known_chat, and the bot may write there. Raises ApiError 400 or 403."""
        chat_id = self.known_chat(value)
        if chat_id < 0:
            if not self.groups[chat_id].bot_inside:
                raise ApiError(403, KICKED)
            return chat_id
        if self.persons[chat_id].blocked:
            raise ApiError(403, BLOCKED)
        if not self.persons[chat_id].started:
            raise ApiError(403, NEVER_STARTED)
        return chat_id
