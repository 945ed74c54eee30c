"""Gets a story's file as Meta does and looks whether it is to specification. Called by `api`.

Only loopback is asked, and only there plain http will do: the stand-in never leaves this machine.
Limits are those of Meta's pages on ig-user/media for STORIES, as of 2026-09.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import av
from PIL import Image

from sandbox.graph.refusals import Refused, documented, unfetchable

IMAGE_BYTES = 8 << 20
VIDEO_BYTES = 100 * 1000 * 1000
FETCH_SECONDS = 10.0
AGENT = "facebookexternalua"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECONDS = (Fraction(3), Fraction(60))
SLACK = Fraction(1, 10)  # seconds; a last frame ends later than the film is said to
RATES = (23, 60)
COLUMNS = 1920
RATIOS = (Fraction(1, 10), Fraction(10))
VIDEO_CODECS = ("h264", "hevc")
PIXELS = ("yuv420p", "yuvj420p", "yuv420p10le")
AUDIO_RATE = 48_000
BITS = 25_000_000  # per second
# What a container's status tells of a film: its download failed, or nobody can play it.
NO_DOWNLOAD, TIMEOUT, UNSUPPORTED = 2207077, 2207003, 2207026


@dataclass(frozen=True, slots=True)
class Media:
    """A file that was accepted. `mime`: image/jpeg or video/mp4."""

    data: bytes
    mime: str
    sha256: str

    @classmethod
    def of(cls, data: bytes, mime: str) -> Media:
        return cls(data, mime, hashlib.sha256(data).hexdigest())


class BadFilm(Exception):
    """`subcode`: how the container's status says so."""

    def __init__(self, why: str, subcode: int = UNSUPPORTED) -> None:
        super().__init__(why)
        self.subcode = subcode


class _NotFetched(Exception):
    pass


async def fetch_image(http: aiohttp.ClientSession, url: str) -> Media:
    """Errors: Refused with 9004, -2/2207003, 36000 or 36001."""
    try:
        data = await _fetch(http, url, "image/", IMAGE_BYTES)
    except TimeoutError:
        raise Refused(documented(-2, 2207003)) from None
    except _NotFetched:
        raise unfetchable(url) from None
    if len(data) > IMAGE_BYTES:
        raise Refused(documented(36000, 2207004))
    try:
        kind = await asyncio.to_thread(_image_format, data)
    except OSError:
        raise unfetchable(url) from None
    if kind != "JPEG":
        raise Refused(documented(36001, 2207005))
    return Media.of(data, "image/jpeg")


async def fetch_film(http: aiohttp.ClientSession, url: str) -> Media:
    """Errors: BadFilm."""
    try:
        data = await _fetch(http, url, "video/", VIDEO_BYTES)
    except TimeoutError:
        raise BadFilm("it takes too long", TIMEOUT) from None
    except _NotFetched as problem:
        raise BadFilm(str(problem), NO_DOWNLOAD) from None
    return await checked_film(data)


async def checked_film(data: bytes) -> Media:
    """Errors: BadFilm."""
    if len(data) > VIDEO_BYTES:
        raise BadFilm("larger than 100 MB")
    await asyncio.to_thread(_check_film, data)
    return Media.of(data, "video/mp4")


def may_fetch(url: str) -> bool:
    """Whether Meta takes such an address at all: ASCII, https; on loopback http will do."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    good = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    return good and bool(host) and url.isascii() and url.isprintable() and " " not in url


async def _fetch(http: aiohttp.ClientSession, url: str, kind: str, limit: int) -> bytes:
    """At most one byte more than the limit. Errors: TimeoutError, _NotFetched."""
    if urlsplit(url).hostname not in LOOPBACK:
        raise _NotFetched("its host is not known here")
    try:
        async with (
            asyncio.timeout(FETCH_SECONDS),
            http.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as answer,
        ):
            if answer.status != 200:
                raise _NotFetched(f"it answers {answer.status}")
            if not answer.content_type.startswith(kind):
                raise _NotFetched(f"it is {answer.content_type}")
            data = bytearray()
            async for piece in answer.content.iter_chunked(1 << 16):
                data += piece
                if len(data) > limit:
                    break
            return bytes(data)
    except (aiohttp.ClientError, OSError) as problem:
        if isinstance(problem, TimeoutError):
            raise
        raise _NotFetched(type(problem).__name__) from None


def _image_format(data: bytes) -> str:
    """ "JPEG", "MPO", "PNG"… Errors: OSError for what no decoder reads to its end."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image.format or ""
    except (Image.DecompressionBombError, SyntaxError, ValueError) as problem:
        raise OSError(str(problem)) from None


# ------------------------------------------------------------------ films


def _check_film(data: bytes) -> None:
    """Errors: BadFilm for the first thing that is not to specification."""
    _check_boxes(data)
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as film:
            if not film.streams.video:
                raise BadFilm("no picture")
            _check_picture(film.streams.video[0])
            for sound in film.streams.audio:
                _check_sound(sound)
            seconds = Fraction(film.duration or 0, av.time_base)
            if not SECONDS[0] - SLACK <= seconds <= SECONDS[1] + SLACK:
                raise BadFilm(f"{float(seconds):.1f} s long")
            if len(data) * 8 / seconds > BITS:
                raise BadFilm("more than 25 Mbps")
            next(film.decode(video=0))
    except (av.FFmpegError, StopIteration, ValueError) as problem:
        raise BadFilm(f"cannot be read: {type(problem).__name__}") from None


def _check_boxes(data: bytes) -> None:
    """MP4 or MOV with its index first and without edit lists."""
    boxes = list(_boxes(data, 0, len(data)))
    names = [name for name, _, _ in boxes]
    if "moov" not in names or "mdat" not in names or names[0] not in ("ftyp", "wide", "moov"):
        raise BadFilm("neither MP4 nor MOV")
    if names.index("moov") > names.index("mdat"):
        raise BadFilm("its index comes last")
    moov = boxes[names.index("moov")]
    for name, start, end in _boxes(data, *moov[1:]):
        if name == "trak" and any(box[0] == "edts" for box in _boxes(data, start, end)):
            raise BadFilm("it has edit lists")


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(name, start and end of the content) of the boxes in a row, as far as they are whole."""
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= end:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            return
        yield name.decode("latin-1"), start + head, start + size
        start += size


def _check_picture(video: Any) -> None:
    context = video.codec_context
    if context.name not in VIDEO_CODECS:
        raise BadFilm(f"{context.name} is no codec for stories")
    if context.pix_fmt not in PIXELS:
        raise BadFilm(f"{context.pix_fmt} is not 4:2:0")
    if not context.width or not context.height or context.width > COLUMNS:
        raise BadFilm(f"{context.width} columns")
    if not RATIOS[0] <= Fraction(context.width, context.height) <= RATIOS[1]:
        raise BadFilm("too wide or too tall")
    rate = video.average_rate
    # 23.976 is 23; a film whose last frame stays a little longer is not slower for that
    if rate is None or not RATES[0] - 0.5 <= rate <= RATES[1] + 0.5:
        raise BadFilm(f"{rate} frames per second")


def _check_sound(audio: Any) -> None:
    context = audio.codec_context
    if context.name != "aac":
        raise BadFilm(f"{context.name} is no sound for stories")
    if context.sample_rate > AUDIO_RATE or context.channels > 2:
        raise BadFilm("more than 48 kHz or two channels")
