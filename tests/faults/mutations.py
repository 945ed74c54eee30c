"""Media files of every kind that an import brings, and ways to spoil them. Used by media.py."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import partial

import av
from PIL import Image

from sandbox.world import films, music, pictures

Mutation = Callable[[random.Random, bytes], bytes]

HTML = b"<!doctype html><html><title>Login</title><body>Please wait a few minutes</body></html>"
BOMB_BYTES = 400_000_000  # that a bomb unpacks to
HUGE = (16_383, 30_000, 65_535, 0x7FFFFFFF)


def originals() -> dict[str, bytes]:
    """{name: content}; the name's ending tells films (mp4) from pictures (jpg)."""
    track = music.TRACKS[0]
    reel = films.mp4(0, music.Sound.MUSIC, track, 4.0, 64, 64)
    photo = pictures.jpeg(1, 360, 450)
    return {
        "reel.mp4": reel,
        "speech.mp4": films.mp4(1, music.Sound.SPEECH, None, 4.0, 64, 64),
        "silence.mp4": films.mp4(2, music.Sound.SILENCE, None, 4.0, 64, 64),
        "no sound.mp4": films.mp4(3, music.Sound.NONE, None, 2.0, 64, 64),
        "fragmented.mp4": _remade(reel, "mp4", movflags="frag_keyframe+empty_moov"),
        "matroska.mp4": _remade(reel, "matroska"),
        "photo.jpg": photo,
        **{f"{kind}.jpg": _picture(photo, kind) for kind in ("PNG", "WEBP", "GIF")},
    }


def _remade(film: bytes, container: str, **options: str) -> bytes:
    target = io.BytesIO()
    with (
        av.open(io.BytesIO(film)) as source,
        av.open(target, "w", format=container, options=options) as out,
    ):
        streams = {one.index: out.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return target.getvalue()


def _picture(jpeg: bytes, kind: str) -> bytes:
    target = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(target, kind)
    return target.getvalue()


# ---------------------------------------------------------------- ways to spoil them


def _flips(most: int, first: int | None, rng: random.Random, content: bytes) -> bytes:
    """Up to `most` bits turned, within the first so many bytes."""
    spoilt = bytearray(content)
    for _ in range(rng.randint(1, most)):
        spoilt[rng.randrange(min(first or len(spoilt), len(spoilt)))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def _tail_flips(rng: random.Random, content: bytes) -> bytes:
    """In the last four kilobytes, where an MP4 keeps its tables."""
    cut = max(0, len(content) - 4096)
    return content[:cut] + _flips(20, None, rng, content[cut:])


def _truncated(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(1, len(content))]


def _hole(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content))
    size = rng.randrange(1, len(content) // 3)
    return content[:start] + b"\0" * min(size, len(content) - start) + content[start + size :]


def _shuffled(rng: random.Random, content: bytes) -> bytes:
    edges = sorted(rng.randrange(len(content)) for _ in range(6))
    pieces = [content[a:b] for a, b in zip([0, *edges], [*edges, len(content)], strict=True)]
    rng.shuffle(pieces)
    return b"".join(pieces)


def _other_header(rng: random.Random, content: bytes) -> bytes:
    head = rng.choice(
        (
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"RIFF\xff\xff\xff\x7fWAVEfmt ",
            b"OggS\0\2",
            b"\x1aE\xdf\xa3",
            b"ID3\4\0\0\x7f\x7f\x7f\x7f",
            b"\0\0\0\x20ftypheic",
            b"FLV\1\5\0\0\0\x09",
            b"%!PS-Adobe",
            b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            b"ffconcat version 1.0\nfile /etc/passwd\n",
        )
    )
    return head + content[len(head) :]


def _huge(rng: random.Random, content: bytes) -> bytes:
    """Another width and height wherever the format states them."""
    width, height = rng.choice(HUGE), rng.choice(HUGE)
    spoilt = bytearray(content)
    if (at := content.find(b"avc1")) > 0:
        struct.pack_into(">HH", spoilt, at + 28, width & 0xFFFF, height & 0xFFFF)
    elif (at := content.find(b"IHDR")) > 0:
        struct.pack_into(">II", spoilt, at + 4, width, height)
        spoilt[at + 17 : at + 21] = struct.pack(">I", zlib.crc32(spoilt[at : at + 17]))
    elif (at := content.find(b"\xff\xc0")) > 0:
        struct.pack_into(">HH", spoilt, at + 5, height & 0xFFFF, width & 0xFFFF)
    elif content.startswith(b"GIF"):
        struct.pack_into("<HH", spoilt, 6, width & 0xFFFF, height & 0xFFFF)
    return bytes(spoilt)


def _absurd_times(rng: random.Random, content: bytes) -> bytes:
    """Time scales, durations and counts of an MP4's tables; of other formats anything."""
    spoilt = bytearray(content)
    for box, offsets in ((b"mvhd", (16, 20)), (b"mdhd", (16, 20)), (b"stts", (8, 12, 16))):
        at = content.find(box)
        while at > 0:
            for offset in offsets:
                if rng.random() < 0.5 and at + offset + 4 <= len(spoilt):
                    value = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF))
                    struct.pack_into(">I", spoilt, at + offset, value)
            at = content.find(box, at + 4)
    return bytes(spoilt) if bytes(spoilt) != content else _flips(50, None, rng, content)


def _bomb(rng: random.Random, content: bytes) -> bytes:
    """Little that unpacks to a lot: pixels, text, an MP4's packed tables, a compressed file."""
    zeros = _packed_zeros()
    match rng.choice(("pixels", "text", "tables", "gzip")):
        case "pixels":
            head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
            return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zeros)
        case "text":
            head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
            text = _chunk(b"zTXt", b"Comment\0\0" + zeros)
            return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + text + _chunk(b"IDAT", zeros)
        case "tables":
            tables = _box(b"cmvd", struct.pack(">I", BOMB_BYTES) + zeros)
            packed = _box(b"moov", _box(b"cmov", _box(b"dcom", b"zlib") + tables))
            return _box(b"ftyp", b"qt  \0\0\0\0qt  ") + packed
    return gzip.compress(b"\0" * 10_000_000, mtime=0)


_cache: list[bytes] = []


def _packed_zeros() -> bytes:
    if not _cache:
        packer = zlib.compressobj(9)
        block = b"\0" * 1_000_000
        pieces = [packer.compress(block) for _ in range(BOMB_BYTES // len(block))]
        _cache.append(b"".join([*pieces, packer.flush()]))
    return _cache[0]


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def _nested(rng: random.Random, content: bytes) -> bytes:
    """Boxes in boxes in boxes."""
    inside = b""
    for _ in range(rng.randint(100, 5000)):
        inside = _box(b"moov", inside)
    return _box(b"ftyp", b"isom\0\0\2\0isom") + inside


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": partial(_flips, 200, None),
    "bits flipped at the head": partial(_flips, 8, 512),
    "bits flipped at the tail": _tail_flips,
    "truncated": _truncated,
    "a hole of zeros": _hole,
    "pieces shuffled": _shuffled,
    "another header": _other_header,
    "huge dimensions": _huge,
    "absurd times": _absurd_times,
    "bomb": _bomb,
    "boxes nested": _nested,
    "HTML": lambda rng, content: HTML + b" " * rng.randrange(2000),
    "zero bytes": lambda rng, content: b"",
    "only zeros": lambda rng, content: b"\0" * rng.randrange(1, 20_000),
    "noise": lambda rng, content: rng.randbytes(rng.randrange(1, 20_000)),
    "as it was": lambda rng, content: content,
}
