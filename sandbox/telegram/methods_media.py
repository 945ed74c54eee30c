"""Bot API methods for photos, films, audio, documents and albums.

Like methods_bot.py: state and arguments in, the `result` of the answer out, ApiError raised.
"""

from __future__ import annotations

import itertools
import mimetypes
from typing import Any

from sandbox.telegram.arguments import Arguments, Upload, string_field
from sandbox.telegram.errors import bad_request
from sandbox.telegram.files import DEFAULT_MIME
from sandbox.telegram.html import checked_link
from sandbox.telegram.sending import (
    apply_edit,
    checked_caption,
    markup_fields,
    own_message,
    read_caption,
    read_entities,
    reply_fields,
    target,
)
from sandbox.telegram.state import Telegram
from sandbox.telegram.text import parse
from sandbox.telegram.wire import Json

ATTACH = "attach://"
ALBUM_LIMIT = 10
ALBUM_TYPES = ("photo", "video", "document", "audio")
ONLY_AMONG_THEMSELVES = ("document", "audio")
EDIT_TYPES = ALBUM_TYPES
AUDIO_TAGS = ("title", "performer")

_album_ids = itertools.count(13_000_000_000_000_000)


async def send_photo(telegram: Telegram, args: Arguments) -> Json:
    return _send(telegram, args, "photo")


async def send_video(telegram: Telegram, args: Arguments) -> Json:
    return _send(telegram, args, "video")


async def send_document(telegram: Telegram, args: Arguments) -> Json:
    return _send(telegram, args, "document")


async def send_audio(telegram: Telegram, args: Arguments) -> Json:
    return _send(telegram, args, "audio")


def _send(telegram: Telegram, args: Arguments, kind: str) -> Json:
    caption, markup = read_caption(args), markup_fields(args)
    chat_id = target(telegram, args)
    reply = reply_fields(telegram, chat_id, args)
    media = _media(telegram, args, kind, kind)
    if kind == "audio":
        tags = {key: args.text(key) for key in AUDIO_TAGS if args.text(key)}
        media = {**media, **tags}
    fields = {**reply, kind: media, **caption, **markup}
    return telegram.post(chat_id, fields, silent=args.flag("disable_notification"))


def _media(telegram: Telegram, args: Arguments, kind: str, field: str, value: str = "") -> Any:
    """The media object for one file: uploaded under its field, attached, or sent again by id."""
    value = value or args.text(field)
    upload = args.files.get(value.removeprefix(ATTACH) if value.startswith(ATTACH) else field)
    if upload:
        return telegram.files.add(kind, upload.name, upload.data, _mime(upload)).media
    if not value or value.startswith(ATTACH):
        raise bad_request(f"there is no {kind} in the request")
    if "://" in value:
        # Nothing outside is reachable from the sandbox, so every address fails as a dead one does.
        valid = value.startswith(("http://", "https://")) and checked_link(value)
        raise bad_request("failed to get HTTP URL content" if valid else "wrong HTTP URL specified")
    return telegram.files.reuse(kind, value).media


def _mime(upload: Upload) -> str:
    """Telegram goes by the name, then by what the client says."""
    return mimetypes.guess_type(upload.name)[0] or upload.mime or DEFAULT_MIME


def _input_media(telegram: Telegram, args: Arguments, item: Json, types: tuple[str, ...]) -> Json:
    """The fields of a Message for one InputMedia."""
    kind = string_field(item, "type")
    if kind not in types:
        raise bad_request("can't parse InputMedia: type of the media is invalid")
    source = string_field(item, "media")
    if not source:
        raise bad_request("can't parse InputMedia: media not found")
    mode = string_field(item, "parse_mode")
    given = item.get("caption_entities") if not mode else None
    if given is not None and not isinstance(given, list):
        raise bad_request("expected an Array of MessageEntity")
    entities = read_entities([entity for entity in given or [] if isinstance(entity, dict)])
    caption = checked_caption(parse(string_field(item, "caption"), mode, entities))
    return {kind: _media(telegram, args, kind, "", source), **caption}


async def send_media_group(telegram: Telegram, args: Arguments) -> list[Json]:
    items = args.objects("media", "InputMedia")
    _check_album(items)
    chat_id = target(telegram, args, messages=len(items))
    reply = reply_fields(telegram, chat_id, args)
    contents = [_input_media(telegram, args, item, ALBUM_TYPES) for item in items]
    shared = {**reply, "media_group_id": str(next(_album_ids))}
    # Only the first picture rings.
    silent = args.flag("disable_notification")
    return [
        telegram.post(chat_id, {**shared, **content}, silent=silent or index > 0)
        for index, content in enumerate(contents)
    ]


def _check_album(items: list[Json]) -> None:
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) < 2:
        raise bad_request("too few messages to send as an album")
    if len(items) > ALBUM_LIMIT:
        raise bad_request("too many messages to send as an album")
    types = {string_field(item, "type") for item in items}
    for kind in ONLY_AMONG_THEMSELVES:
        if kind in types and len(types) > 1:
            raise bad_request(f"{kind} can't be mixed with other media types")


async def edit_message_media(telegram: Telegram, args: Arguments) -> Json:
    """Another file in the same message; a text message may get one, too."""
    item = args.json("media", "InputMedia")
    if not isinstance(item, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    markup = markup_fields(args, inline_only=True)
    message = own_message(telegram, args)
    content = _input_media(telegram, args, item, EDIT_TYPES)
    return apply_edit(telegram, message, {**content, **markup})


METHODS = {
    "sendphoto": send_photo,
    "sendvideo": send_video,
    "senddocument": send_document,
    "sendaudio": send_audio,
    "sendmediagroup": send_media_group,
    "editmessagemedia": edit_message_media,
}
