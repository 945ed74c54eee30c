"""Public addresses by a bucket at S3, R2, Google or Azure: presigned, so the bucket stays private.

One of two PublicFiles; the bucket is one of storage.objects, its own or that of all media.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from services.clock import Now
from services.errors import HostingFailed, HostingRefused, StorageFailed
from services.graph.public import LIFETIME, Mime, PublicUrl, unguessable
from storage.objects import RemoteObjects

FOLDER = "public"
_ENDINGS: dict[Mime, str] = {"image/jpeg": ".jpg", "video/mp4": ".mp4"}


class BucketFiles:
    """Copies lie below public/ in the bucket. Addresses are good for 24 hours and for GET only."""

    def __init__(self, bucket: RemoteObjects, now: Now) -> None:
        self._bucket = bucket
        self._now = now

    async def put(self, file: Path, mime: Mime) -> PublicUrl:
        key = f"{FOLDER}/{unguessable()}{_ENDINGS[mime]}"
        expires_at = self._now() + LIFETIME
        with _plainly():
            url = await self._bucket.share(file, key, mime, LIFETIME)
        return PublicUrl(key, url, expires_at)

    async def delete(self, public_id: str) -> None:
        with _plainly():
            await self._bucket.delete(_ours(public_id))

    async def sweep(self, before: datetime) -> int:
        with _plainly():
            old = await self._bucket.older(FOLDER, before)
            for key in old:
                await self._bucket.delete(key)
        return len(old)


def _ours(public_id: str) -> str:
    """Errors: HostingRefused. An id never deletes anything but a copy of ours."""
    if not public_id.startswith(f"{FOLDER}/"):
        raise HostingRefused("That is not a public copy of a story.", subject="public id")
    return public_id


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is not None or isinstance(error, FileNotFoundError):  # of the file here
            raise StorageFailed(subject="story file") from error
        raise HostingFailed(f"Meta can't be given the file: {error}.") from None
