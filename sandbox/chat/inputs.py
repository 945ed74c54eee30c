"""What the chat page may send, checked. `sandbox.chat.api` calls it.

The models raise `pydantic.ValidationError`, the form raises `web.HTTPBadRequest`; both become 400.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

TEXT_LIMIT = 4096  # UTF-16 units, as Telegram counts
CAPTION_LIMIT = 1024
PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})

_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _sendable(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    if _utf16_length(text) > TEXT_LIMIT:
        raise ValueError(f"the text is longer than {TEXT_LIMIT} characters")
    return text


class _Input(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Say(_Input):
    user: int
    text: Annotated[str, AfterValidator(_sendable)]


class Tap(_Input):
    user: int
    message_id: int
    data: Annotated[str, Field(min_length=1, max_length=64)]


class SendSample(_Input):
    user: int
    name: str


class Switch(_Input):
    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class Upload:
    user: int
    name: str
    mime: str
    data: bytes
    caption: str
    as_photo: bool
    album: str


async def read_upload(request: web.Request, *, limit: int) -> Upload:
    """The form `user, file, caption, as_photo, album`, its file at most `limit` bytes.

    A body far above the limit ends in `web.HTTPRequestEntityTooLarge` while it is being read.
    """
    try:
        form = await request.post()
    except (ValueError, LookupError, AssertionError):
        # Wrong bytes, an unknown charset, or a multipart body that aiohttp can't take apart.
        raise web.HTTPBadRequest(text="This is not a form.") from None
    file = form.get("file")
    if not isinstance(file, web.FileField):
        raise web.HTTPBadRequest(text="The form has no file.")
    user = _field(form.get("user"))
    if not re.fullmatch(r"[0-9]{1,18}", user):
        raise web.HTTPBadRequest(text="A person's id is a number.")
    caption = _field(form.get("caption"))
    if _utf16_length(caption) > CAPTION_LIMIT:
        raise web.HTTPBadRequest(text=f"A caption has at most {CAPTION_LIMIT} characters.")
    as_photo = _field(form.get("as_photo"))
    if as_photo not in {"", "true", "false"}:
        raise web.HTTPBadRequest(text="as_photo is true or false.")
    album = _field(form.get("album"))
    if not re.fullmatch(r"[0-9]{0,18}", album):
        raise web.HTTPBadRequest(text="An album's id is a number.")
    data = file.file.read(limit + 1)
    if not data:
        raise web.HTTPBadRequest(text="The file is empty.")
    if len(data) > limit:
        raise web.HTTPBadRequest(text=f"A file has at most {limit // 2**20} MB.")
    mime = _mime(file.content_type)
    if as_photo == "true" and mime not in PHOTO_TYPES:
        raise web.HTTPBadRequest(text="A photo is a JPEG, PNG or WebP picture.")
    name, photo = _file_name(file.filename), as_photo == "true"
    return Upload(int(user), name, mime, data, caption, photo, album)


def _field(value: object) -> str:
    """A text field of the form; a missing one is empty, a file in its place is an error."""
    if value is None or isinstance(value, str):
        return value or ""
    raise web.HTTPBadRequest(text="The form has more than one file.")


def _file_name(sent: str) -> str:
    """The last part of the name, printable, never empty: browsers may send a whole path."""
    last = PurePosixPath(sent.replace("\\", "/")).name
    printable = "".join(letter for letter in last if letter.isprintable()).strip()
    return printable[-200:] or "file"


def _mime(sent: str) -> str:
    mime = sent.partition(";")[0].strip().lower()
    return mime if _MIME.fullmatch(mime) else "application/octet-stream"
