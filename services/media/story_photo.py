"""Any photo becomes a story's photo: 1080x1920, sRGB, JPEG, nothing in it but the picture.

Runs in the media process. Files are anybody's: formats are named, pixels are limited before they
are decoded, and damage of every kind is Unfit.
"""

from __future__ import annotations

import hashlib
import io
import math
import shutil
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import Image, ImageCms, ImageEnhance, ImageFilter, ImageOps, UnidentifiedImageError

from services.media import fingerprint, story_preview
from services.media.story import (
    HEIGHT,
    PHOTO_BYTES,
    WIDTH,
    Fitted,
    Note,
    Picture,
    Reason,
    Unfit,
    Way,
    is_story_shape,
)

SIZE = (WIDTH, HEIGHT)
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "HEIF")  # MPO opens as JPEG
MAX_BYTES = 200_000_000
MAX_PIXELS = 50_000_000
MAX_JPEG_PIXELS = 200_000_000  # decodes at a half, quarter or eighth of its size
MIN_SIDE = 100  # nothing that is meant to be seen is smaller
SPARE = 1.4  # times the shown size: what is larger is reduced before anything is done with it
ENLARGED = 1.5  # times, from which on it looks soft
QUALITIES = (92, 85, 75, 60)
ORIENTATION = 0x0112  # the EXIF tag; what its values ask for:
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
DEGREES = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
# what a JPEG needs to be decoded: JFIF, Adobe's colour transform, tables, frames
NEEDED_MARKERS = frozenset((0xE0, 0xEE, 0xDB, 0xC0, 0xC1, 0xC2, 0xC4, 0xDD))
SCAN, END = 0xDA, b"\xff\xd9"
PRIVATE_TAGS = frozenset((0x8769, 0x8825))  # EXIF's block of how and when, and of where
METADATA = frozenset(("exif", "xmp", "comment", "photoshop", "XML:com.adobe.xmp"))
# what decoders are known to raise over damaged files, found by damaging some
DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, RuntimeError, struct.error, zlib.error, Image.DecompressionBombError),
)
pillow_heif.register_heif_opener()
_SRGB = ImageCms.createProfile("sRGB")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Upright, in sRGB, somewhat larger than it is shown; with what was done to get there."""

    image: Image.Image
    source: Picture
    notes: tuple[Note, ...]


def is_photo(source: Path) -> bool:
    """By its content."""
    try:
        with Image.open(source, formats=FORMATS):
            return True
    except UnidentifiedImageError:
        return False
    except DAMAGE:
        return True  # it is one; what is wrong with it comes out when it is read


def read(source: Path) -> Picture:
    """What the file holds, from its header. Errors: Unfit."""
    with _opened(source) as image:
        return _facts(source, image)


def fit(source: Path, target: Path, preview: Path) -> Fitted:
    """Writes the story's photo and a small before-and-after. Errors: Unfit."""
    loaded = _load(source)
    found, notes = loaded.source, list(loaded.notes)
    if is_story_shape(found):
        made = ImageOps.fit(loaded.image, SIZE, Image.Resampling.LANCZOS)
    else:
        made = on_blurred(loaded.image)
        notes.append(Note.PADDED)
    scale = min(WIDTH / found.width, HEIGHT / found.height)
    if scale >= ENLARGED:
        notes.append(Note.ENLARGED)
    elif scale < 1:
        notes.append(Note.REDUCED)
    if found.private:
        notes.append(Note.METADATA_REMOVED)
    way = _write(source, found, made, target)
    story_preview.write(loaded.image, made, preview)
    return Fitted(
        ending="jpg",
        way=way,
        notes=tuple(notes),
        width=WIDTH,
        height=HEIGHT,
        seconds=None,
        bytes=target.stat().st_size,
        sha256=digest(target),
        source_width=found.width,
        source_height=found.height,
        source_seconds=None,
        source_bytes=found.bytes,
        source_sha256=digest(source),
        looks=tuple(filter(None, [fingerprint.look(loaded.image)])),
    )


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def on_blurred(picture: Image.Image) -> Image.Image:
    """Whole, on a darker, blurred copy of itself that fills 9:16."""
    small = ImageOps.fit(picture, (WIDTH // 8, HEIGHT // 8), Image.Resampling.BILINEAR)
    cover = small.filter(ImageFilter.GaussianBlur(5)).resize(SIZE, Image.Resampling.BICUBIC)
    made = Image.new("RGB", SIZE)
    made.paste(ImageEnhance.Brightness(cover).enhance(0.75))
    front = ImageOps.contain(picture, SIZE, Image.Resampling.LANCZOS)
    made.paste(front, ((WIDTH - front.width) // 2, (HEIGHT - front.height) // 2))
    return made


# ---------------------------------------------------------------- reading


def _opened(source: Path) -> Image.Image:
    size = source.stat().st_size
    if size > MAX_BYTES:
        raise Unfit(Reason.TOO_LARGE, size, MAX_BYTES)
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(source, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unfit(Reason.TOO_MANY_PIXELS, limit=MAX_JPEG_PIXELS) from error
    except UnidentifiedImageError as error:
        raise Unfit(Reason.NOT_MEDIA) from error
    except DAMAGE as error:
        raise Unfit(Reason.DAMAGED) from error
    limit = MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS
    pixels, side = image.width * image.height, min(image.size)
    if pixels > limit or side < MIN_SIDE:
        image.close()
        if pixels > limit:
            raise Unfit(Reason.TOO_MANY_PIXELS, pixels, limit)
        raise Unfit(Reason.TOO_SMALL, side, MIN_SIDE)
    return image


def _facts(source: Path, image: Image.Image) -> Picture:
    orientation = _orientation(image)
    width, height = image.size
    if orientation >= 5:  # on its side
        width, height = height, width
    return Picture(
        format=(image.format or "").lower(),
        bytes=source.stat().st_size,
        width=width,
        height=height,
        colour="srgb" if image.mode == "RGB" and not _profile(image) else _colour(image),
        turned=DEGREES.get(orientation, 0),
        private=_private(source, image),
    )


def _private(source: Path, image: Image.Image) -> bool:
    """Does it tell more than its pixels? Strict for JPEG, which may be passed on as it is."""
    if image.format == "JPEG":
        content = source.read_bytes()
        return stripped(content) != content
    try:
        kept = {name for name in METADATA if image.info.get(name)}  # empty in every HEIC
        return bool(kept or PRIVATE_TAGS & image.getexif().keys())
    except DAMAGE:
        return True


def _orientation(image: Image.Image) -> int:
    """1 to 8; a block of EXIF that can't be read says nothing."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except DAMAGE:
        return 1
    return value if value in TURNS else 1


def _colour(image: Image.Image) -> str:
    return "profile" if image.mode == "RGB" else image.mode.lower()


def _profile(image: Image.Image) -> bytes:
    """Its colour profile; b"" also for sRGB's own, which changes nothing."""
    profile = image.info.get("icc_profile") or b""
    return b"" if not isinstance(profile, bytes) or b"sRGB IEC61966" in profile else profile


def stripped(jpeg: bytes) -> bytes | None:
    """Without what is not needed to show it: EXIF, XMP, comments, a second picture, bytes after the
    end. The picture itself is not touched. None: not a JPEG as they are made (ITU-T T.81, B)."""
    kept, at = [jpeg[:2]], 2
    while jpeg[at : at + 1] == b"\xff" and at + 4 <= len(jpeg):
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == SCAN:
            over = jpeg.find(END, at)
            return b"".join([*kept, jpeg[at : over + 2]]) if over > 0 else None
        profile = marker == 0xE2 and jpeg[at + 4 : at + 16] == b"ICC_PROFILE\0"
        if marker in NEEDED_MARKERS or profile:
            kept.append(jpeg[at:end])
        at = end
    return None


def _load(source: Path) -> _Loaded:
    """The order matters: draft, first frame, 8 bits, reduce, turn, flatten, colour."""
    notes: list[Note] = []
    try:
        with _opened(source) as image:
            found = _facts(source, image)
            if getattr(image, "is_animated", False):
                notes.append(Note.FIRST_FRAME)
                image.seek(0)
            orientation, profile = _orientation(image), _profile(image)
            enough = _enough(image, found)
            image.draft(None, enough)
            image.load()
            picture = _eight_bits(image)
    except DAMAGE as error:
        raise Unfit(Reason.DAMAGED) from error
    picture.thumbnail(enough, Image.Resampling.BOX, reducing_gap=2.0)
    if orientation in TURNS:
        picture = picture.transpose(TURNS[orientation])
        notes.append(Note.TURNED)
    if picture.mode == "RGBA":
        if picture.getchannel("A").getextrema() != (255, 255):
            notes.append(Note.FLATTENED)
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    if profile or picture.mode == "CMYK":
        notes.append(Note.RECOLOURED)
    return _Loaded(_to_srgb(picture, profile), found, tuple(notes))


def _enough(image: Image.Image, found: Picture) -> tuple[int, int]:
    """The size, as stored, that is worth decoding for what will be shown."""
    scale = min(1.0, SPARE * min(WIDTH / found.width, HEIGHT / found.height))
    return math.ceil(image.width * scale), math.ceil(image.height * scale)


def _eight_bits(image: Image.Image) -> Image.Image:
    """In a mode that can be scaled and turned: L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("I", "F"):  # no range is said; it ends at its brightest
        brightest = max(float(image.getextrema()[1]), 1.0)  # type: ignore[arg-type]
        return image.point(lambda value: value * (255 / brightest)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    if profile:
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(image, given, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken one, or for another mode: without it the colours are near enough
        else:
            assert made is not None  # not in place
            return made
    return image.convert("RGB")


# ---------------------------------------------------------------- writing


def _write(source: Path, found: Picture, made: Image.Image, target: Path) -> Way:
    """The file itself where it will do; else its own pixels where only metadata is wrong."""
    fits = found.format == "jpeg" and found.colour == "srgb" and not found.turned
    if fits and (found.width, found.height) == SIZE and found.bytes <= PHOTO_BYTES:
        if not found.private:
            shutil.copyfile(source, target)
            return Way.UNTOUCHED
        bare = stripped(source.read_bytes())
        if bare and _decodes(bare):
            target.write_bytes(bare)
            return Way.CLEANED
    for quality in QUALITIES:
        made.save(target, "JPEG", quality=quality, optimize=True)
        if target.stat().st_size <= PHOTO_BYTES:
            break
    return Way.REDRAWN


def _decodes(jpeg: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            image.load()
    except DAMAGE:
        return False
    return True
