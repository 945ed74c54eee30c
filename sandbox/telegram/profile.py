"""What the bot says about itself: command menus by scope and language, name, descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sandbox.telegram.arguments import Arguments, string_field
from sandbox.telegram.errors import bad_request
from sandbox.telegram.wire import Json

COMMANDS_LIMIT = 100
COMMAND_LENGTH = 32
DESCRIPTION_LENGTH = 256
COMMAND = re.compile(r"[a-z0-9_]+")
TEXT_LIMITS = {"name": 64, "description": 512, "short_description": 120}

Scope = tuple[str, int, int]  # kind, chat or 0, user or 0
PLAIN_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")


class Profile:
    def __init__(self) -> None:
        self.commands: dict[tuple[Scope, str], list[Json]] = {}
        self.texts: dict[tuple[str, str], str] = {}  # (name, description…; language) -> text
        self.menu_buttons: dict[int, Json] = {}  # chat (0: everybody's) -> MenuButton

    def text(self, what: str, language: str) -> str:
        return self.texts.get((what, language)) or self.texts.get((what, ""), "")

    def set_text(self, what: str, language: str, text: str) -> None:
        """Raises ApiError 400; an empty text removes the language's own one."""
        if len(text) > TEXT_LIMITS[what]:
            raise bad_request(f"bot {what.replace('_', ' ')} is too long")
        self.texts[what, language] = text

    def commands_for(self, chat_id: int, user_id: int, language: str) -> list[Json]:
        """The menu that one person sees in one chat: the narrowest scope that was set wins."""
        for scope in _scopes_of(chat_id, user_id):
            for code in (language, ""):
                if (scope, code) in self.commands:
                    return self.commands[scope, code]
        return []


def _scopes_of(chat_id: int, user_id: int) -> Iterator[Scope]:
    """In the order of the Bot API's "Determining list of commands"; nobody is an admin here."""
    if chat_id < 0:
        yield ("chat_member", chat_id, user_id)
    yield ("chat", chat_id, 0)
    yield ("all_group_chats" if chat_id < 0 else "all_private_chats", 0, 0)
    yield ("default", 0, 0)


def read_scope(args: Arguments) -> tuple[Any, Scope]:
    """The chat_id as given (to be checked by the caller; None if the scope has none), the scope."""
    value = args.json("scope", "BotCommandScope")
    if value is None:
        return None, ("default", 0, 0)
    if not isinstance(value, dict):
        raise bad_request("can't parse BotCommandScope: expected an Object")
    kind = string_field(value, "type")
    if kind in PLAIN_SCOPES:
        return None, (kind, 0, 0)
    if kind not in ("chat", "chat_administrators", "chat_member"):
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    user = string_field(value, "user_id")
    if kind == "chat_member" and not user.isdecimal():
        raise bad_request("can't parse BotCommandScope: invalid user_id specified")
    return string_field(value, "chat_id"), (kind, 0, int(user) if kind == "chat_member" else 0)


def read_commands(args: Arguments) -> list[Json]:
    """The checked list of BotCommand objects. Raises ApiError 400."""
    if "commands" not in args:
        raise bad_request("expected an Array of BotCommand")
    commands: list[Json] = []
    for item in args.objects("commands", "BotCommand"):
        name = string_field(item, "command").strip().removeprefix("/")
        description = string_field(item, "description").strip()
        if not name:
            raise bad_request("command must be non-empty")
        if len(name) > COMMAND_LENGTH:
            raise bad_request(f"command length must not exceed {COMMAND_LENGTH}")
        if not description:
            raise bad_request("command description must be non-empty")
        if len(description) > DESCRIPTION_LENGTH:
            raise bad_request(f"command description length must not exceed {DESCRIPTION_LENGTH}")
        if not COMMAND.fullmatch(name):
            raise bad_request("BOT_COMMAND_INVALID")
        commands.append({"command": name, "description": description})
    if len(commands) > COMMANDS_LIMIT:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    return commands
