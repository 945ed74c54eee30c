"""Thumbnails and dominant colours, and pictures that are none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from services.media import photo
from services.media.photo import NotPicture


def picture(colour: str, size: tuple[int, int] = (900, 600)) -> Image.Image:
    """Mostly of this colour, with a white stripe."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((0, 0, size[0], size[1] // 5), fill="white")
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "GIF"])
def test_a_photo_gets_a_thumbnail_and_its_colour(tmp_path: Path, kind: str) -> None:
    picture("#2040c0").save(tmp_path / "photo", kind)
    found = photo.make(tmp_path / "photo", tmp_path / "small.jpg")
    assert (found.width, found.height) == (900, 600)
    red, green, blue = bytes.fromhex(found.colour[1:])
    assert abs(red - 0x20) < 12
    assert abs(green - 0x40) < 12
    assert abs(blue - 0xC0) < 12
    with Image.open(tmp_path / "small.jpg") as small:
        assert small.format == "JPEG"
        assert small.size == (320, 213)


def test_a_thumbnail_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turned by a quarter
    picture("red").save(tmp_path / "photo", "JPEG", exif=exif)
    photo.make(tmp_path / "photo", tmp_path / "small.jpg")
    with Image.open(tmp_path / "small.jpg") as small:
        assert small.size == (213, 320)


def test_what_shines_through_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "photo", "PNG")
    assert photo.make(tmp_path / "photo", tmp_path / "small.jpg").colour == "#ffffff"


def refused(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "photo").write_bytes(content)
    with pytest.raises(NotPicture) as caught:
        photo.make(tmp_path / "photo", tmp_path / "small.jpg")
    assert not (tmp_path / "small.jpg").exists()
    return caught.value.reason


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO()
    picture("red").save(whole, "JPEG")
    half = whole.getvalue()[: len(whole.getvalue()) // 2]
    for content in (b"", b"<!doctype html>", b"\x89PNG\r\n\x1a\n", half, b"%!PS-Adobe-3.0 EPSF"):
        assert refused(tmp_path, content) == "not_media"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 6_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    assert refused(tmp_path, b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT") == "bomb"
