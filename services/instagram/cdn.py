"""Downloads one picture or film from Instagram's CDN, whole and checked, into a part file.

Called by the import for every file of a post. What an earlier try or a killed process left in the
part file is continued. The CDN is not paced: only requests to Instagram's application are.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import httpx

from services.errors import MediaRefused, StorageFailed

CDN_HOSTS = ("cdninstagram.com", "fbcdn.net")
MAX_BYTES = 1 << 30

Kind = Literal["image", "video"]

_PAUSES = (0.3, 1.0)  # seconds before the second and the third try
_FINAL = {"host", "too_large"}  # another try can't change these
_REDIRECTS = 3
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_NO_FILM = {b"avif", b"avis", b"M4A ", b"M4B ", b"qt  "}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file, still at its part path: `bytes` long, `extension` without the dot."""

    path: Path
    bytes: int
    sha256: str
    mime: str
    extension: str


@dataclass(frozen=True, slots=True)
class _Begun:
    """A part file that an earlier try left: bytes it has, bytes it should have, whose they are."""

    size: int
    length: int
    validator: str


class Cdn:
    """`allowed_hosts`: host names, with their subdomains, by https only. A loopback address among
    them is allowed by plain http too. `client` must not follow redirects or send cookies.

    `file_seconds` bounds a file; `low_speed`: (bytes a second, seconds) that a transfer may not
    fall below for so long.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        allowed_hosts: tuple[str, ...] = CDN_HOSTS,
        max_bytes: int = MAX_BYTES,
        file_seconds: float = 600,
        low_speed: tuple[int, float] = (4096, 20.0),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._allowed_hosts = tuple(host.lower() for host in allowed_hosts)
        self._max_bytes = max_bytes
        self._file_seconds = file_seconds
        self._low_speed = low_speed
        self._sleep = sleep

    async def fetch_with_tries(self, source_url: str, kind: Kind, part: Path) -> Fetched:
        """fetch(), three times at most with growing pauses; the last refusal is raised."""
        for pause in _PAUSES:
            try:
                return await self.fetch(source_url, kind, part)
            except MediaRefused as refused:
                if refused.reason in _FINAL:
                    raise
                await self._sleep(pause)
        return await self.fetch(source_url, kind, part)

    async def fetch(self, source_url: str, kind: Kind, part: Path) -> Fetched:
        """One try. Raises MediaRefused with reason http_403, http_404, http_5xx (any other status:
        http_<status>), short, wrong_type, too_large, timeout, network or host; StorageFailed.

        A part file that can be continued stays; one that can't is removed.
        """
        try:
            async with asyncio.timeout(self._file_seconds):
                size = await self._download(source_url, part)
            fetched = await asyncio.to_thread(_checked, part, kind)
            if fetched.bytes != size:  # a run that was taken for dead has written to it, too
                discard(part)
                raise MediaRefused("short")
            return fetched
        except (TimeoutError, httpx.TimeoutException):
            raise MediaRefused("timeout") from None
        except (httpx.HTTPError, httpx.StreamError, ssl.SSLError, ConnectionError):
            raise MediaRefused("network") from None  # the last two are OSErrors, but no disk's
        except MediaRefused as refused:
            if refused.reason in {"wrong_type", "too_large"}:
                discard(part)
            raise
        except OSError as error:
            raise StorageFailed(subject=part.name) from error

    async def _download(self, url: str, part: Path) -> int:
        """Returns how many bytes the whole file has."""
        begun = _begun(part)
        if begun and begun.size == begun.length:
            return begun.length
        async with self._answer(url, begun) as response:
            if response.status_code != 200 and not (begun and _continues(response, begun)):
                discard(part)  # a piece from the middle is of no use: the next try starts anew
                raise MediaRefused("short")
            if response.status_code == 200:
                begun = None
            length = begun.length if begun else _content_length(response)
            if length is not None and length > self._max_bytes:
                raise MediaRefused("too_large")
            if not begun:
                _note(part, response, length)
            with part.open("ab" if begun else "wb") as file:
                size = await self._copy(response, file, begun.size if begun else 0)
        if length is not None and size != length:
            raise MediaRefused("short")
        return size

    @contextlib.asynccontextmanager
    async def _answer(self, url: str, begun: _Begun | None) -> AsyncIterator[httpx.Response]:
        """The CDN's good answer, 200, 206 or 416; redirects only within the allowed hosts."""
        headers = {"User-Agent": "Mozilla/5.0", "Accept-Encoding": "identity"}
        if begun:
            headers["Range"] = f"bytes={begun.size}-"
            if begun.validator:
                headers["If-Range"] = begun.validator
        timeout = httpx.Timeout(self._low_speed[1], pool=None)
        address = self._allowed(url)
        for _ in range(_REDIRECTS + 1):
            request = self._client.build_request("GET", address, headers=headers, timeout=timeout)
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                if not response.has_redirect_location:
                    _refuse_status(response.status_code)
                    yield response
                    return
            finally:
                await response.aclose()
            address = self._allowed(response.headers["location"], address)
        raise MediaRefused("host")

    def _allowed(self, url: str, base: httpx.URL | None = None) -> httpx.URL:
        try:
            address = base.join(url) if base else httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            raise MediaRefused("host") from None
        for host in self._allowed_hosts:
            if _is_loopback(host):
                good = address.host == host and address.scheme in {"http", "https"}
            else:
                inside = address.host == host or address.host.endswith("." + host)
                good = inside and address.scheme == "https"
            if good:
                return address
        raise MediaRefused("host")

    async def _copy(self, response: httpx.Response, file: BinaryIO, size: int) -> int:
        """Append the body to `file`, which has `size` bytes already; returns its new size."""
        clock = asyncio.get_running_loop().time
        rate, seconds = self._low_speed
        since, size_then = clock(), size
        try:
            async for chunk in response.aiter_raw():
                file.write(chunk)
                size += len(chunk)
                if size > self._max_bytes:
                    raise MediaRefused("too_large")
                if clock() - since >= seconds:
                    if size - size_then < rate * seconds:
                        raise MediaRefused("timeout")
                    since, size_then = clock(), size
        except httpx.RemoteProtocolError:  # closed before Content-Length was reached
            raise MediaRefused("short") from None
        return size


def discard(part: Path) -> None:
    """Remove a part file and the note beside it; nothing happens where there are none."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_status(status: int) -> None:
    if status in {200, 206, 416}:
        return
    raise MediaRefused("http_5xx" if status >= 500 else f"http_{status}")


def _content_length(response: httpx.Response) -> int | None:
    value = response.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else None


def _continues(response: httpx.Response, begun: _Begun) -> bool:
    """True if the answer is the rest of the very file that was begun, from where it stopped."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status_code != 206 or not match:
        return False
    first, last, length = map(int, match.groups())
    return (first, last + 1, length) == (begun.size, begun.length, begun.length)


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".from")


def _note(part: Path, response: httpx.Response, length: int | None) -> None:
    """Write down what a later try needs to continue this file; without a length it can't."""
    discard(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    etag = response.headers.get("etag", "")
    strong = "" if etag.startswith("W/") else etag
    note = {"length": length, "validator": strong or response.headers.get("last-modified", "")}
    if length is not None:
        _note_path(part).write_text(json.dumps(note), encoding="utf-8")


def _begun(part: Path) -> _Begun | None:
    try:
        note = json.loads(_note_path(part).read_text(encoding="utf-8"))
        size = part.stat().st_size
    except (FileNotFoundError, ValueError):
        return None
    match note:  # a process killed while writing the note leaves half of it
        case {"length": int(length), "validator": str(validator)} if 0 < size <= length:
            return _Begun(size, length, validator)
    return None


def _checked(part: Path, kind: Kind) -> Fetched:
    with part.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    form = _form(head)
    if form is None or not form[0].startswith(kind):
        raise MediaRefused("wrong_type" if size else "short")
    _note_path(part).unlink(missing_ok=True)
    return Fetched(part, size, digest, *form)


def _form(head: bytes) -> tuple[str, str] | None:
    """(MIME type, extension) by the first 16 bytes, for the forms that Instagram serves."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", "jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp", "webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        return "image/heic", "heic"
    if head[4:8] == b"ftyp" and head[8:12] not in _NO_FILM:
        return "video/mp4", "mp4"
    return None
