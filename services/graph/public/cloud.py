"""Public addresses by Cloudinary, through its SDK, which blocks and so runs in threads.

One of two PublicFiles. The file is fitted already: nothing is transformed there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.errors import HostingFailed, HostingRefused, StorageFailed
from services.graph.public import Mime, PublicUrl, unguessable
from services.graph.reading import moment
from storage.vault import Secret

FOLDER = "reelay"  # the first part of every public id of ours
TIMEOUT = 60  # seconds without an answer; the SDK itself has no limit
_CHUNK = 20_000_000  # bytes of a video with one request
_PAGE = 500
_PAGES = 20
_KINDS: dict[Mime, str] = {"image/jpeg": "image", "video/mp4": "video"}


@dataclass(frozen=True, slots=True)
class Cloud:
    """The operator's Cloudinary account. `address`: "" for the real one."""

    name: str
    key: str
    secret: Secret
    address: str = ""


class CloudinaryFiles:
    """An id is "image/reelay/…" or "video/reelay/…": Cloudinary deletes by kind and name."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def put(self, file: Path, mime: Mime) -> PublicUrl:
        kind, name = _KINDS[mime], f"{FOLDER}/{unguessable()}"
        url = await asyncio.to_thread(self._put, file, kind, name)
        return PublicUrl(f"{kind}/{name}", url, None)

    async def delete(self, public_id: str) -> None:
        await asyncio.to_thread(self._delete, *_ours(public_id))

    async def sweep(self, before: datetime) -> int:
        return await asyncio.to_thread(self._sweep, before)

    def _put(self, file: Path, kind: str, name: str) -> str:
        from cloudinary import uploader

        video = {"chunk_size": _CHUNK} if kind == "video" else {}
        answer = _asked(
            uploader.upload_large if kind == "video" else uploader.upload,
            str(file),
            public_id=name,
            resource_type=kind,
            overwrite=False,
            **video,
            **self._options(),
        )
        url, size = answer.get("secure_url"), answer.get("bytes")
        if not isinstance(url, str) or not url.isascii() or size != file.stat().st_size:
            raise HostingFailed("Cloudinary did not keep the file as it was sent.", subject=name)
        return url

    def _delete(self, kind: str, name: str) -> None:
        from cloudinary import uploader

        answer = _asked(
            uploader.destroy, name, resource_type=kind, invalidate=True, **self._options()
        )
        if answer.get("result") not in {"ok", "not found"}:
            raise HostingFailed("Cloudinary did not delete the copy.", subject=name)

    def _sweep(self, before: datetime) -> int:
        swept = 0
        for kind in _KINDS.values():
            for name in self._older(kind, before):
                self._delete(kind, name)
                swept += 1
        return swept

    def _older(self, kind: str, before: datetime) -> list[str]:
        """Listed whole before anything is deleted, or the pages would shift. Admin API, one call
        for each 500 copies (about 500 calls an hour are free)."""
        from cloudinary import api

        found: list[str] = []
        cursor: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = _asked(
                api.resources,
                resource_type=kind,
                type="upload",
                prefix=f"{FOLDER}/",
                max_results=_PAGE,
                **cursor,
                **self._options(),
            )
            listed = answer.get("resources")
            found += [_old(one, before) for one in (listed if isinstance(listed, list) else [])]
            if not answer.get("next_cursor"):
                break
            cursor = {"next_cursor": str(answer["next_cursor"])}
        return [name for name in found if name]

    def _options(self) -> dict[str, Any]:
        """For each call: the SDK's own configuration is one for the whole process."""
        options = {
            "cloud_name": self._cloud.name,
            "api_key": self._cloud.key,
            "api_secret": self._cloud.secret.reveal(),
            "timeout": TIMEOUT,
        }
        return {**options, "upload_prefix": self._cloud.address} if self._cloud.address else options


def _ours(public_id: str) -> tuple[str, str]:
    """(kind, name). Errors: HostingRefused. An id never deletes anything but a copy of ours."""
    kind, _, name = public_id.partition("/")
    if kind not in _KINDS.values() or not name.startswith(f"{FOLDER}/"):
        raise HostingRefused("That is not a public copy of a story.", subject="public id")
    return kind, name


def _old(listed: object, before: datetime) -> str:
    """The name of a listed copy that is older, else ""; {"public_id": …, "created_at": …}."""
    match listed:
        case {"public_id": str(name), "created_at": str(created)} if name.startswith(f"{FOLDER}/"):
            made = moment(created)
            return name if made and made < before else ""
    return ""


def _asked(call: Callable[..., Any], *given: Any, **options: Any) -> dict[str, Any]:
    """The SDK's answer; its errors in words of ours, for its own repeat what was sent."""
    from cloudinary import exceptions

    try:
        answer = call(*given, **options)
    except (
        exceptions.AuthorizationRequired,
        exceptions.NotAllowed,
        exceptions.BadRequest,
    ) as error:
        raise HostingRefused(subject=type(error).__name__) from None
    except exceptions.Error as error:
        raise HostingFailed(subject=type(error).__name__) from None
    except OSError as error:
        raise StorageFailed(subject="story file") from error
    if not isinstance(answer, dict):
        raise HostingFailed("Cloudinary answered in a shape that nobody knows.")
    return answer
