"""The files that Telegram keeps: uploads of the bot and of people, and what it reads from them.

Called by methods_media.py and by what people send. The oldest files go when the store is full.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
from PIL import Image, ImageOps, UnidentifiedImageError

from sandbox.telegram.errors import ApiError, bad_request
from sandbox.telegram.wire import Json

UPLOAD_LIMIT = 50 * 2**20
DOWNLOAD_LIMIT = 20 * 2**20
PHOTO_LIMIT = 10 * 2**20
STORE_LIMIT = 256 * 2**20
THUMBNAIL_SIDE = 90
PHOTO_SIDES_LIMIT, PHOTO_RATIO_LIMIT = 10_000, 20
FOLDERS = {"photo": "photos", "video": "videos", "audio": "music", "document": "documents"}
TITLES = {"photo": "Photo", "video": "Video", "audio": "Audio", "document": "Document"}
ID_PREFIXES = {"photo": "AgAC", "video": "BAAC", "audio": "CQAC", "document": "BQAC"}
DEFAULT_MIME = "application/octet-stream"


@dataclass(frozen=True)
class StoredFile:
    kind: str  # photo, video, audio or document
    name: str
    data: bytes
    path: str  # what getFile answers as file_path
    media: Any  # the object that a Message carries: a list of PhotoSize, or Video, Audio, Document


class Files:
    def __init__(self, now: Callable[[], float]) -> None:
        self._serial = itertools.count(int(now()) % 100_000_000 + 1)
        self._by_id: dict[str, StoredFile] = {}
        self._size = 0

    def add(self, kind: str, name: str, data: bytes, mime: str) -> StoredFile:
        """Stores an upload. Raises ApiError 400 or 413 when Telegram would not take it."""
        if len(data) > UPLOAD_LIMIT:
            raise ApiError(413, "Request Entity Too Large")
        if not data:
            raise bad_request("file must be non-empty")
        if kind == "photo":
            return self._add_photo(name, data)
        public = self._public(kind, data)
        media = {**_media_fields(kind, data), "file_name": name, "mime_type": mime, **public}
        return self._keep(public["file_id"], kind, name, data, media)

    def find(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def find_path(self, path: str) -> StoredFile | None:
        return next((file for file in self._by_id.values() if file.path == path), None)

    def reuse(self, kind: str, file_id: str) -> StoredFile:
        """A file that is sent again by its id. Raises ApiError 400."""
        file = self.find(file_id)
        if file is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if file.kind != kind:
            raise bad_request(f"can't use file of type {TITLES[file.kind]} as {TITLES[kind]}")
        return file

    def _add_photo(self, name: str, data: bytes) -> StoredFile:
        if len(data) > PHOTO_LIMIT:
            raise bad_request(
                f"file of size {len(data)} bytes is too big for a photo; the maximum size is"
                f" {PHOTO_LIMIT} bytes"
            )
        (width, height), thumbnail, (small_width, small_height) = _read_photo(data)
        small = {**self._public("photo", thumbnail), "width": small_width, "height": small_height}
        large = {**self._public("photo", data), "width": width, "height": height}
        self._keep(small["file_id"], "photo", name, thumbnail, [small, large])
        return self._keep(large["file_id"], "photo", name, data, [small, large])

    def _public(self, kind: str, data: bytes) -> Json:
        """A new id per upload, the same unique id for the same bytes."""
        digest = hashlib.sha256(data).hexdigest()
        return {
            "file_id": f"{ID_PREFIXES[kind]}{next(self._serial):010d}{digest[:24]}",
            "file_unique_id": f"AgAD{digest[:12]}",
            "file_size": len(data),
        }

    def _keep(self, file_id: str, kind: str, name: str, data: bytes, media: Any) -> StoredFile:
        suffix = name.rpartition(".")[2] if "." in name else "bin"
        suffix = "jpg" if kind == "photo" else suffix if suffix.isalnum() else "bin"
        path = f"{FOLDERS[kind]}/file_{next(self._serial)}.{suffix}"
        file = StoredFile(kind, name, data, path, media)
        self._by_id[file_id] = file
        self._size += len(data)
        while self._size > STORE_LIMIT:
            oldest = self._by_id.pop(next(iter(self._by_id)))
            self._size -= len(oldest.data)
        return file


def _read_photo(data: bytes) -> tuple[tuple[int, int], bytes, tuple[int, int]]:
    """Size of the picture as it is looked at, and a thumbnail as JPEG. Raises ApiError 400."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            sides = opened.size
            if sum(sides) > PHOTO_SIDES_LIMIT or max(sides) > PHOTO_RATIO_LIMIT * min(sides):
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        # Pillow's ways to say that this is no picture, or a damaged one.
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    thumbnail = picture.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    output = io.BytesIO()
    thumbnail.save(output, "JPEG")
    return picture.size, output.getvalue(), thumbnail.size


def _media_fields(kind: str, data: bytes) -> Json:
    """Duration in whole seconds and the frame's size; zeros when nothing can be read."""
    if kind == "document":
        return {}
    fields: Json = {"duration": 0}
    if kind == "video":
        fields |= {"width": 0, "height": 0}
    try:
        with av.open(io.BytesIO(data), "r") as container:
            fields["duration"] = round((container.duration or 0) / av.time_base)
            if kind == "video" and container.streams.video:
                stream = container.streams.video[0]
                fields |= {"width": stream.width, "height": stream.height}
    except (av.FFmpegError, ValueError):
        pass  # Telegram also takes a film that it can't read
    return fields
