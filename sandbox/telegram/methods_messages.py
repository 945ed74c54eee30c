"""Bot API methods for text, edits, deletions, taps and everything else about one message.

Like methods_bot.py: state and arguments in, the `result` of the answer out, ApiError raised.
"""

from __future__ import annotations

import copy

from sandbox.telegram.arguments import Arguments, string_field
from sandbox.telegram.errors import bad_request
from sandbox.telegram.keyboards import read_keyboard
from sandbox.telegram.messages import CONTENT_KEYS, content_of
from sandbox.telegram.sending import (
    apply_edit,
    markup_fields,
    own_message,
    read_caption,
    read_text,
    reply_fields,
    target,
)
from sandbox.telegram.state import Telegram
from sandbox.telegram.wire import Json

TOAST_LIMIT = 200
DELETE_LIMIT = 100
REACTIONS_LIMIT = 1
ACTIONS = (
    *("typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice"),
    *("upload_document", "choose_sticker", "find_location"),
    *("record_video_note", "upload_video_note"),
)
MEDIA_KEYS = ("photo", "video", "document", "audio")


async def send_message(telegram: Telegram, args: Arguments) -> Json:
    text, markup = read_text(args), markup_fields(args)
    chat_id = target(telegram, args)
    reply = reply_fields(telegram, chat_id, args)
    fields = {**reply, **text, **markup}
    return telegram.post(chat_id, fields, silent=args.flag("disable_notification"))


# ---- edits
async def edit_message_text(telegram: Telegram, args: Arguments) -> Json:
    text, markup = read_text(args), markup_fields(args, inline_only=True)
    message = own_message(telegram, args)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return apply_edit(telegram, message, {**text, **markup})


async def edit_message_caption(telegram: Telegram, args: Arguments) -> Json:
    caption, markup = read_caption(args), markup_fields(args, inline_only=True)
    message = own_message(telegram, args)
    media = {key: message[key] for key in MEDIA_KEYS if key in message}
    if not media:
        raise bad_request("there is no caption in the message to edit")
    return apply_edit(telegram, message, {**media, **caption, **markup})


async def edit_message_reply_markup(telegram: Telegram, args: Arguments) -> Json:
    markup = markup_fields(args, inline_only=True)
    message = own_message(telegram, args)
    content = {key: value for key, value in content_of(message).items() if key != "reply_markup"}
    return apply_edit(telegram, message, {**content, **markup})


# ---- deletions
async def delete_message(telegram: Telegram, args: Arguments) -> bool:
    chat_id = telegram.people.known_chat(args.text("chat_id"))
    if "message_id" not in args:
        raise bad_request("message identifier is not specified")
    message = telegram.messages.require(chat_id, args.integer("message_id"), "delete")
    _delete(telegram, message)
    return True


async def delete_messages(telegram: Telegram, args: Arguments) -> bool:
    """Skips ids that do not exist."""
    chat_id = telegram.people.known_chat(args.text("chat_id"))
    ids = args.json("message_ids", "message identifiers")
    if not isinstance(ids, list) or not all(type(item) is int for item in ids):
        raise bad_request("expected an Array of message identifiers")
    if not ids:
        raise bad_request("message identifiers are not specified")
    if len(ids) > DELETE_LIMIT:
        raise bad_request("too many message identifiers specified")
    for message_id in ids:
        if message := telegram.messages.find(chat_id, message_id):
            _delete(telegram, message)
    return True


def _delete(telegram: Telegram, message: Json) -> None:
    """In private the bot may also delete what the person wrote; in groups only its own."""
    chat_id, own = message["chat"]["id"], message["from"]["id"] == telegram.me["id"]
    if chat_id < 0 and not own:
        raise bad_request("message can't be deleted")
    if telegram.messages.is_too_old_to_delete(message):
        raise bad_request("message can't be deleted for everyone")
    telegram.messages.delete(chat_id, message["message_id"])
    telegram.events.publish("delete", chat_id, {"message_id": message["message_id"]})


# ---- taps, typing, pins, reactions, copies
async def answer_callback_query(telegram: Telegram, args: Arguments) -> bool:
    text = args.text("text")
    if len(text) > TOAST_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    telegram.answer_tap(args.text("callback_query_id"), text, args.flag("show_alert"))
    return True


async def send_chat_action(telegram: Telegram, args: Arguments) -> bool:
    chat_id = telegram.people.writable_chat(args.text("chat_id"))
    action = args.text("action")
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    telegram.events.publish("action", chat_id, {"action": action})
    return True


async def pin_chat_message(telegram: Telegram, args: Arguments) -> bool:
    """Leaves the service message "pinned" in the chat, as Telegram does."""
    chat_id = telegram.people.writable_chat(args.text("chat_id"))
    message = telegram.messages.require(chat_id, args.integer("message_id"), "pin")
    pinned = {"pinned_message": copy.deepcopy(message)}
    telegram.post(chat_id, pinned, silent=args.flag("disable_notification"))
    return True


async def set_message_reaction(telegram: Telegram, args: Arguments) -> bool:
    chat_id = telegram.people.writable_chat(args.text("chat_id"))
    message_id = args.integer("message_id")
    telegram.messages.require(chat_id, message_id, "react")
    reactions = [_reaction(item) for item in args.objects("reaction", "ReactionType")]
    if len(reactions) > REACTIONS_LIMIT:
        raise bad_request("REACTIONS_TOO_MANY")
    telegram.react(chat_id, message_id, reactions)
    return True


def _reaction(item: Json) -> Json:
    kind, emoji = string_field(item, "type"), string_field(item, "emoji")
    if kind != "emoji" or not emoji:
        raise bad_request("REACTION_INVALID")
    return {"type": kind, "emoji": emoji}


async def copy_message(telegram: Telegram, args: Arguments) -> Json:
    """Copies without the link to the original; the buttons are the call's own."""
    source = telegram.people.known_chat(args.text("from_chat_id"))
    message = telegram.messages.require(source, args.integer("message_id"), "copy")
    if not any(key in message for key in CONTENT_KEYS):
        raise bad_request("message can't be copied")
    fields = {key: value for key, value in content_of(message).items() if key != "reply_markup"}
    if "caption" in args and "text" not in fields:
        fields = {key: fields[key] for key in MEDIA_KEYS if key in fields} | read_caption(args)
    keyboard = read_keyboard(args)
    chat_id = target(telegram, args)
    if keyboard:
        fields["reply_markup"] = keyboard
    sent = telegram.post(chat_id, copy.deepcopy(fields), silent=args.flag("disable_notification"))
    return {"message_id": sent["message_id"]}


METHODS = {
    "sendmessage": send_message,
    "editmessagetext": edit_message_text,
    "editmessagecaption": edit_message_caption,
    "editmessagereplymarkup": edit_message_reply_markup,
    "deletemessage": delete_message,
    "deletemessages": delete_messages,
    "answercallbackquery": answer_callback_query,
    "sendchataction": send_chat_action,
    "pinchatmessage": pin_chat_message,
    "setmessagereaction": set_message_reaction,
    "copymessage": copy_message,
}
