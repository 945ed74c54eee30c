"""Bot API methods about the bot itself: updates, webhook, command menus, descriptions, files.

Every method takes the state and the arguments of one call and returns the `result` of its answer;
it raises ApiError. api.py finds them in METHODS.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.arguments import Arguments, string_field
from sandbox.telegram.errors import bad_request, too_many_requests
from sandbox.telegram.files import DOWNLOAD_LIMIT
from sandbox.telegram.html import checked_link
from sandbox.telegram.profile import Scope, read_commands, read_scope
from sandbox.telegram.state import Telegram
from sandbox.telegram.updates import Webhook
from sandbox.telegram.wire import Json

POLL_SECONDS = 50
POLL_UPDATES = 100
SECRET_LENGTH = 256
SECRET = re.compile(r"[A-Za-z0-9_-]*")
WEBHOOK_CONNECTIONS = 40
WEBHOOK_PORTS = (80, 88, 443, 8443)
LOOPBACK = "127.0.0.1"
MENU_BUTTONS = ("default", "commands", "web_app")
EVERYBODY = 0


async def get_me(telegram: Telegram, args: Arguments) -> Json:
    return dict(telegram.me)


async def get_updates(telegram: Telegram, args: Arguments) -> list[Json]:
    _remember_allowed(telegram, args)
    return await telegram.updates.poll(
        args.integer("offset"),
        args.integer("limit", POLL_UPDATES, low=1, high=POLL_UPDATES),
        args.integer("timeout", low=0, high=POLL_SECONDS),
    )


def _remember_allowed(telegram: Telegram, args: Arguments) -> None:
    kinds = args.json("allowed_updates", "allowed_updates")
    if kinds is None:
        return
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise bad_request("expected an Array of String")
    telegram.updates.allow(kinds)


async def set_webhook(telegram: Telegram, args: Arguments) -> bool:
    """Plain http and any port are taken on loopback only: the sandbox has no certificates."""
    url = args.text("url").strip()
    if not url:
        return await delete_webhook(telegram, args)
    _check_webhook_url(url)
    secret = args.text("secret_token")
    if len(secret) > SECRET_LENGTH:
        raise bad_request("secret token is too long")
    if not SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    if telegram.now() < telegram.last_webhook_set + 1:
        raise too_many_requests(1)
    _remember_allowed(telegram, args)
    telegram.last_webhook_set = telegram.now()
    if args.flag("drop_pending_updates"):
        telegram.updates.pending.clear()
    connections = args.integer("max_connections", WEBHOOK_CONNECTIONS, low=1, high=100)
    telegram.updates.set_webhook(Webhook(url, secret, connections))
    return True


def _check_webhook_url(url: str) -> None:
    if not checked_link(url):
        raise bad_request("invalid webhook URL specified")
    parts = urlsplit(url)
    if parts.hostname == LOOPBACK:
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (parts.port or 443) not in WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


async def delete_webhook(telegram: Telegram, args: Arguments) -> bool:
    if args.flag("drop_pending_updates"):
        telegram.updates.pending.clear()
    telegram.updates.set_webhook(None)
    return True


async def get_webhook_info(telegram: Telegram, args: Arguments) -> Json:
    updates = telegram.updates
    updates.drop_expired()
    info: Json = {
        "url": updates.webhook.url if updates.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(updates.pending),
    }
    if updates.webhook:
        info["max_connections"] = updates.webhook.max_connections
    if updates.errors.last_at:
        info["last_error_date"] = updates.errors.last_at
        info["last_error_message"] = updates.errors.last_message
    if updates.allowed_as_given:
        info["allowed_updates"] = updates.allowed_as_given
    return info


# ---- command menus
def _checked_scope(telegram: Telegram, args: Arguments) -> tuple[Scope, str]:
    chat, (kind, _, user_id) = read_scope(args)
    chat_id = 0 if chat is None else telegram.people.known_chat(chat)
    return (kind, chat_id, user_id), args.text("language_code")


async def set_my_commands(telegram: Telegram, args: Arguments) -> bool:
    telegram.profile.commands[_checked_scope(telegram, args)] = read_commands(args)
    telegram.commands_changed()
    return True


async def get_my_commands(telegram: Telegram, args: Arguments) -> list[Json]:
    return telegram.profile.commands.get(_checked_scope(telegram, args), [])


async def delete_my_commands(telegram: Telegram, args: Arguments) -> bool:
    telegram.profile.commands.pop(_checked_scope(telegram, args), None)
    telegram.commands_changed()
    return True


# ---- what the bot says about itself
async def set_my_name(telegram: Telegram, args: Arguments) -> bool:
    name, language = args.text("name").strip(), args.text("language_code")
    telegram.profile.set_text("name", language, name)
    if name and not language:
        telegram.me["first_name"] = name
    return True


async def get_my_name(telegram: Telegram, args: Arguments) -> Json:
    name = telegram.profile.text("name", args.text("language_code"))
    return {"name": name or telegram.me["first_name"]}


async def set_my_description(telegram: Telegram, args: Arguments) -> bool:
    text = args.text("description").strip()
    telegram.profile.set_text("description", args.text("language_code"), text)
    return True


async def get_my_description(telegram: Telegram, args: Arguments) -> Json:
    return {"description": telegram.profile.text("description", args.text("language_code"))}


async def set_my_short_description(telegram: Telegram, args: Arguments) -> bool:
    text = args.text("short_description").strip()
    telegram.profile.set_text("short_description", args.text("language_code"), text)
    return True


async def get_my_short_description(telegram: Telegram, args: Arguments) -> Json:
    text = telegram.profile.text("short_description", args.text("language_code"))
    return {"short_description": text}


async def set_chat_menu_button(telegram: Telegram, args: Arguments) -> bool:
    chat_id = telegram.people.known_chat(args.text("chat_id")) if "chat_id" in args else EVERYBODY
    telegram.profile.menu_buttons[chat_id] = _menu_button(args)
    return True


def _menu_button(args: Arguments) -> Json:
    value = args.json("menu_button", "MenuButton")
    if value is None:
        return {"type": "default"}
    kind = string_field(value, "type") if isinstance(value, dict) else ""
    if kind not in MENU_BUTTONS:
        raise bad_request("can't parse MenuButton: MenuButton has unsupported type")
    if kind != "web_app":
        return {"type": kind}
    app: Any = value.get("web_app")
    url = string_field(app, "url") if isinstance(app, dict) else ""
    if not url.startswith("https://") or not string_field(value, "text"):
        raise bad_request("can't parse MenuButton: can't parse web_app menu button")
    return {"type": kind, "text": string_field(value, "text"), "web_app": {"url": url}}


async def get_chat_menu_button(telegram: Telegram, args: Arguments) -> Json:
    chat_id = telegram.people.known_chat(args.text("chat_id")) if "chat_id" in args else EVERYBODY
    buttons = telegram.profile.menu_buttons
    return buttons.get(chat_id) or buttons.get(EVERYBODY) or {"type": "commands"}


# ---- files
async def get_file(telegram: Telegram, args: Arguments) -> Json:
    file_id = args.text("file_id")
    file = telegram.files.find(file_id)
    if file is None:
        raise bad_request("invalid file_id" if file_id else "file_id not specified")
    if len(file.data) > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    sizes = file.media if isinstance(file.media, list) else [file.media]
    public = next(size for size in sizes if size["file_id"] == file_id)
    keys = ("file_id", "file_unique_id", "file_size")
    return {**{key: public[key] for key in keys}, "file_path": file.path}


METHODS = {
    "getme": get_me,
    "getupdates": get_updates,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
    "setmycommands": set_my_commands,
    "getmycommands": get_my_commands,
    "deletemycommands": delete_my_commands,
    "setmyname": set_my_name,
    "getmyname": get_my_name,
    "setmydescription": set_my_description,
    "getmydescription": get_my_description,
    "setmyshortdescription": set_my_short_description,
    "getmyshortdescription": get_my_short_description,
    "setchatmenubutton": set_chat_menu_button,
    "getchatmenubutton": get_chat_menu_button,
    "getfile": get_file,
}
