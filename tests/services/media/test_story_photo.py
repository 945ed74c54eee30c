"""Photos of every kind become a story's photo, or are refused with the reason."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from services.media import story_photo, story_preview
from services.media.story import Fitted, Note, Reason, Unfit, Verdict, Way, check

RED, BLUE = (200, 30, 40), (30, 60, 200)
ORIENTATION, GPS = 0x0112, 0x8825


def picture(width: int = 320, height: int = 180) -> Image.Image:
    """Red left above, blue elsewhere."""
    image = Image.new("RGB", (width, height), BLUE)
    ImageDraw.Draw(image).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    return image


def with_place(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return exif.tobytes()


def fit(tmp_path: Path, image: Image.Image, kind: str, **options: Any) -> Fitted:
    image.save(tmp_path / "given", kind, **options)
    return story_photo.fit(tmp_path / "given", tmp_path / "made", tmp_path / "preview")


def made(tmp_path: Path) -> Image.Image:
    with Image.open(tmp_path / "made", formats=["JPEG"]) as image:
        image.load()
    return image


def near(one: Any, other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 14 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("kind", "mode", "said"),
    [
        ("JPEG", "RGB", set()),
        ("PNG", "RGB", set()),
        ("WEBP", "RGB", set()),
        ("AVIF", "RGB", set()),
        ("HEIF", "RGB", set()),
        ("TIFF", "RGB", set()),
        ("BMP", "RGB", set()),
        ("PNG", "P", set()),
        ("JPEG", "CMYK", {Note.RECOLOURED}),
        ("TIFF", "CMYK", {Note.RECOLOURED}),
    ],
)
def test_any_format_comes_out_to_specification(
    tmp_path: Path, kind: str, mode: str, said: set[Note]
) -> None:
    given = picture().quantize(8) if mode == "P" else picture().convert(mode)
    found = fit(tmp_path, given, kind)
    assert (found.way, found.ending) == (Way.REDRAWN, "jpg")
    assert set(found.notes) == {Note.PADDED, Note.ENLARGED} | said
    assert (found.source_width, found.source_height) == (320, 180)
    assert {line.verdict for line in check(story_photo.read(tmp_path / "made"))} == {Verdict.OK}
    image = made(tmp_path)
    assert (image.size, image.mode) == ((1080, 1920), "RGB")
    assert near(image.getpixel((270, 808)), RED)  # the picture, in the middle
    assert near(image.getpixel((810, 1112)), BLUE)
    assert near(image.getpixel((1000, 1900)), tuple(channel * 3 // 4 for channel in BLUE))


def test_it_forgets_where_it_was_taken(tmp_path: Path) -> None:
    found = fit(tmp_path, picture(), "JPEG", exif=with_place(6))
    assert {Note.METADATA_REMOVED, Note.TURNED} < set(found.notes)
    assert not made(tmp_path).getexif()
    assert b"Exif" not in (tmp_path / "made").read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_as_its_camera_was_held(tmp_path: Path, orientation: int) -> None:
    """Where the stored left upper corner is shown: EXIF 2.3, table 6."""
    picture().save(tmp_path / "given", "JPEG", exif=with_place(orientation), quality=95)
    loaded = story_photo._load(tmp_path / "given")
    width, height = loaded.image.size
    assert (width, height) == (loaded.source.width, loaded.source.height)
    assert (width > height) == (orientation < 5)
    x = width // 8 if orientation in (1, 4, 5, 8) else width * 7 // 8
    y = height // 8 if orientation in (1, 2, 5, 6) else height * 7 // 8
    assert near(loaded.image.getpixel((x, y)), RED)
    assert near(loaded.image.getpixel((width - x, height - y)), BLUE)


def test_what_shines_through_is_white(tmp_path: Path) -> None:
    image = picture().convert("RGBA")
    ImageDraw.Draw(image).rectangle((0, 0, 159, 89), fill=(0, 0, 0, 0))
    assert Note.FLATTENED in fit(tmp_path, image, "PNG").notes
    assert near(made(tmp_path).getpixel((270, 808)), (255, 255, 255))
    assert Note.FLATTENED not in fit(tmp_path, picture().convert("RGBA"), "PNG").notes


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    levels = np.full((180, 320), 0x5000, np.uint16)
    for kind in ("PNG", "TIFF"):
        fit(tmp_path, Image.fromarray(levels), kind)
        assert near(made(tmp_path).getpixel((540, 960)), (0x50, 0x50, 0x50))


def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path) -> None:
    second = Image.new("RGB", (320, 180), "white")
    found = fit(tmp_path, picture(), "GIF", save_all=True, append_images=[second])
    assert Note.FIRST_FRAME in found.notes
    assert near(made(tmp_path).getpixel((270, 808)), RED)


def test_colours_of_another_profile_become_srgb(tmp_path: Path) -> None:
    """XYZ as a profile: its numbers mean other colours."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    found = fit(tmp_path, picture(), "PNG", icc_profile=profile)
    assert Note.RECOLOURED in found.notes
    assert not made(tmp_path).info.get("icc_profile")
    fit(tmp_path, picture(), "PNG", icc_profile=b"no profile")  # does not matter


def test_a_fitting_photo_stays_byte_for_byte(tmp_path: Path) -> None:
    found = fit(tmp_path, picture(1080, 1920), "JPEG")
    assert (found.way, found.notes) == (Way.UNTOUCHED, ())
    assert (tmp_path / "made").read_bytes() == (tmp_path / "given").read_bytes()
    assert found.sha256 == found.source_sha256


@pytest.mark.parametrize("hidden", ["exif", "comment", "behind"])
def test_but_its_metadata_goes_and_the_picture_stays(tmp_path: Path, hidden: str) -> None:
    options: dict[str, Any] = {"exif": with_place()} if hidden == "exif" else {}
    picture(1080, 1920).save(
        tmp_path / "given", "JPEG", comment=b"secret" if hidden == "comment" else b"", **options
    )
    if hidden == "behind":  # as phones put a film there
        with (tmp_path / "given").open("ab") as file:
            file.write(b"secret")
    found = story_photo.fit(tmp_path / "given", tmp_path / "made", tmp_path / "preview")
    assert (found.way, found.notes) == (Way.CLEANED, (Note.METADATA_REMOVED,))
    content = (tmp_path / "made").read_bytes()
    assert story_photo.stripped(content) == content
    assert b"secret" not in content
    assert b"GPS" not in content
    assert made(tmp_path).tobytes() == Image.open(tmp_path / "given").tobytes()
    assert {line.verdict for line in check(story_photo.read(tmp_path / "made"))} == {Verdict.OK}


def test_what_is_fitted_once_is_untouched_then(tmp_path: Path) -> None:
    fit(tmp_path, picture(), "PNG")
    again = story_photo.fit(tmp_path / "made", tmp_path / "again", tmp_path / "preview")
    assert again.way is Way.UNTOUCHED


def test_the_preview_shows_before_and_after(tmp_path: Path) -> None:
    fit(tmp_path, picture(), "PNG")
    with Image.open(tmp_path / "preview", formats=["JPEG"]) as sheet:
        width, height = story_preview.TILE
        gap = story_preview.GAP
        assert sheet.size == (2 * width + 3 * gap, height + 2 * gap)
        assert near(sheet.getpixel((gap + width // 4, gap + height // 2 - 20)), RED)
        assert near(sheet.getpixel((gap + width // 4, gap + 20)), (28, 28, 30))  # nothing there
        assert near(sheet.getpixel((2 * gap + width * 5 // 4, gap + height // 2 - 20)), RED)
    assert (tmp_path / "preview").stat().st_size < 100_000


def test_a_photo_too_large_in_bytes_loses_quality_not_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (320, 180, 3), np.uint8))
    free = fit(tmp_path, noise, "PNG").bytes
    monkeypatch.setattr(story_photo, "PHOTO_BYTES", free - 1000)
    assert fit(tmp_path, noise, "PNG").bytes < free - 1000
    assert made(tmp_path).size == (1080, 1920)


def refused(tmp_path: Path, content: bytes) -> Reason:
    (tmp_path / "given").write_bytes(content)
    with pytest.raises(Unfit) as caught:
        story_photo.fit(tmp_path / "given", tmp_path / "made", tmp_path / "preview")
    return caught.value.refused.reason


def test_what_is_no_photo_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO()
    picture().save(whole, "JPEG")
    assert refused(tmp_path, whole.getvalue()[: len(whole.getvalue()) // 2]) is Reason.DAMAGED
    assert refused(tmp_path, b"<!doctype html>") is Reason.NOT_MEDIA
    whole = io.BytesIO()
    picture(400, 60).save(whole, "PNG")
    assert refused(tmp_path, whole.getvalue()) is Reason.TOO_SMALL
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    assert refused(tmp_path, bomb + b"\0\0\0\0IDAT") is Reason.TOO_MANY_PIXELS


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_of_any_kind_is_refused_or_mended(tmp_path: Path) -> None:
    rng = random.Random(7)
    whole = {}
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"):
        content = io.BytesIO()
        picture(120, 120).save(content, kind, **({"exif": with_place(6)} if kind == "JPEG" else {}))
        whole[kind] = content.getvalue()
    ends = set()
    for number in range(60):
        content = bytearray(whole[list(whole)[number % len(whole)]])
        for _ in range(rng.choice((2, 20))):
            reach = min(len(content), rng.choice((60, 400, 9_999)))
            content[rng.randrange(reach)] = rng.randrange(256)
        (tmp_path / "given").write_bytes(content)
        try:
            story_photo._load(tmp_path / "given")
            ends.add("read")
        except Unfit as unfit:
            ends.add(unfit.refused.reason)
    assert ends >= {"read", Reason.DAMAGED}
