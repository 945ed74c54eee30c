"""Reply markup: checks it as strictly as Telegram and keeps the fields that a Message shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.telegram.arguments import Arguments, string_field
from sandbox.telegram.errors import ApiError, bad_request
from sandbox.telegram.html import checked_link
from sandbox.telegram.wire import Json

BUTTON_LIMIT = 100
ROW_LIMIT = 8
DATA_LIMIT = 64  # bytes
COPY_LIMIT = 256
STYLES = ("danger", "success", "primary")
OTHER_MARKUPS = ("keyboard", "remove_keyboard", "force_reply")
TEXT_KINDS = ("switch_inline_query", "switch_inline_query_current_chat")


def read_keyboard(args: Arguments, *, inline_only: bool = False) -> Json | None:
    """The inline keyboard of a call as a Message carries it; None when there is none.

    Other markups (reply keyboards) are accepted and not kept: no Message shows them.
    Raises ApiError 400.
    """
    markup = args.json("reply_markup", "reply keyboard markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        if markup and (inline_only or not any(key in markup for key in OTHER_MARKUPS)):
            raise bad_request("inline keyboard expected")
        return None
    rows = [[_button(button) for button in row] for row in _rows(markup["inline_keyboard"])]
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > BUTTON_LIMIT or any(len(row) > ROW_LIMIT for row in rows):
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def buttons(message: Json) -> Iterator[Json]:
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        yield from row


def _rows(value: Any) -> list[list[Any]]:
    if not isinstance(value, list):
        raise bad_request('field "inline_keyboard" must be of type Array')
    if not all(isinstance(row, list) for row in value):
        raise bad_request('field "inline_keyboard" must be an Array of Arrays')
    return value


def _wrong_button(message: str) -> ApiError:
    return bad_request(f"can't parse inline keyboard button: {message}")


def _button(value: Any) -> Json:
    if not isinstance(value, dict):
        raise _wrong_button("expected an Object")
    text = string_field(value, "text").strip()
    if not text:
        raise _wrong_button('can\'t find field "text"')
    button: Json = {"text": text}
    if value.get("style") in STYLES:
        button["style"] = value["style"]
    return {**button, **_action(value)}


def _action(value: Json) -> Json:
    """The one thing that the button does."""
    if "callback_data" in value:
        data = string_field(value, "callback_data")
        if not 1 <= len(data.encode()) <= DATA_LIMIT:
            raise bad_request("BUTTON_DATA_INVALID")
        return {"callback_data": data}
    if "url" in value:
        return {"url": _url(string_field(value, "url"))}
    if "copy_text" in value:
        content = value["copy_text"]
        text = string_field(content, "text") if isinstance(content, dict) else ""
        if not 1 <= len(text) <= COPY_LIMIT:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
        return {"copy_text": {"text": text}}
    if "web_app" in value:
        app = value["web_app"]
        url = string_field(app, "url") if isinstance(app, dict) else ""
        if not url.startswith("https://"):
            complaint = "is invalid: Only HTTPS links are allowed"
            raise bad_request(f"inline keyboard button Web App URL '{url}' {complaint}")
        return {"web_app": {"url": url}}
    for kind in TEXT_KINDS:
        if kind in value:
            return {kind: string_field(value, kind)}
    raise _wrong_button("Text buttons are unallowed in the inline keyboard")


def _url(url: str) -> str:
    # Telegram wants a host with a dot: "localhost" is refused, "127.0.0.1" passes this check.
    checked = checked_link(url)
    if not checked:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return checked
