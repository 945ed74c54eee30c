"""What all methods that write have in common: where to, which text, which buttons, how loud."""

from __future__ import annotations

import copy

from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import NOT_MODIFIED, bad_request
from sandbox.telegram.keyboards import read_keyboard
from sandbox.telegram.messages import content_of
from sandbox.telegram.state import Telegram
from sandbox.telegram.text import CAPTION_LIMIT, TEXT_LIMIT, Formatted, checked, parse
from sandbox.telegram.wire import Json

ENTITY_FIELDS = ("url", "language", "custom_emoji_id", "unix_time", "date_time_format")


def target(telegram: Telegram, args: Arguments, *, messages: int = 1) -> int:
    """The chat to write to; counts against the flood limits. Raises ApiError 400, 403, 429."""
    chat_id = telegram.people.writable_chat(args.text("chat_id"))
    if telegram.flood:
        telegram.flood.count(chat_id, messages)
    return chat_id


def read_text(args: Arguments) -> Json:
    """The text fields of a Message. Raises ApiError 400."""
    content = _read(args, "text", "entities")
    if not content.text:
        raise bad_request("message text is empty")
    return checked(content, TEXT_LIMIT, "message").as_text()


def read_caption(args: Arguments) -> Json:
    """The caption fields of a Message; none at all when there is no caption."""
    return checked_caption(_read(args, "caption", "caption_entities"))


def checked_caption(content: Formatted) -> Json:
    return checked(content, CAPTION_LIMIT, "message caption").as_caption()


def _read(args: Arguments, name: str, entities_name: str) -> Formatted:
    mode = args.text("parse_mode")
    given = [] if mode else read_entities(args.objects(entities_name, "MessageEntity"))
    return parse(args.text(name), mode, given)


def read_entities(items: list[Json]) -> list[Json]:
    entities = []
    for item in items:
        kind, offset, length = item.get("type"), item.get("offset"), item.get("length")
        if not isinstance(kind, str) or not isinstance(offset, int) or not isinstance(length, int):
            raise bad_request("can't parse MessageEntity: invalid offset, length or type specified")
        entity = {"type": kind, "offset": offset, "length": length}
        entities.append(entity | {key: item[key] for key in ENTITY_FIELDS if key in item})
    return entities


def markup_fields(args: Arguments, *, inline_only: bool = False) -> Json:
    keyboard = read_keyboard(args, inline_only=inline_only)
    return {"reply_markup": keyboard} if keyboard else {}


def reply_fields(telegram: Telegram, chat_id: int, args: Arguments) -> Json:
    """reply_to_message for a call with reply_parameters. Raises ApiError 400."""
    value = args.json("reply_parameters", "ReplyParameters")
    if value is None:
        return {}
    message_id = value.get("message_id") if isinstance(value, dict) else None
    if not isinstance(message_id, int):
        raise bad_request("can't parse ReplyParameters: invalid message_id specified")
    original = telegram.messages.find(chat_id, message_id)
    if original is None:
        if value.get("allow_sending_without_reply") is True:
            return {}
        raise bad_request("message to be replied not found")
    # A reply shows its original, but never the original's own original.
    shown = {key: value for key, value in original.items() if key != "reply_to_message"}
    return {"reply_to_message": copy.deepcopy(shown)}


def own_message(telegram: Telegram, args: Arguments) -> Json:
    """The bot's own message that a call edits. Raises ApiError 400, 403, 429."""
    chat_id = telegram.people.writable_chat(args.text("chat_id"))
    if "message_id" not in args:
        raise bad_request("message identifier is not specified")
    if telegram.flood:
        telegram.flood.count(chat_id, 1)
    message = telegram.messages.require(chat_id, args.integer("message_id"), "edit")
    if message["from"]["id"] != telegram.me["id"]:
        raise bad_request("message can't be edited")
    return message


def apply_edit(telegram: Telegram, message: Json, content: Json) -> Json:
    """Replaces everything editable by `content`; what it leaves out goes away, buttons too."""
    before = content_of(message)
    if before == content:
        raise bad_request(NOT_MODIFIED)
    telegram.messages.replace_content(message, content)
    without_buttons = [{**fields, "reply_markup": None} for fields in (before, content)]
    if without_buttons[0] != without_buttons[1]:  # new buttons alone leave no "edited" mark
        telegram.messages.mark_edited(message)
    telegram.events.publish("edit", message["chat"]["id"], message)
    return message
