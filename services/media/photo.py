"""A picture's thumbnail and dominant colour. Runs in the media process."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "GIF")  # of a moving picture the first
MAX_PIXELS = 50_000_000
THUMBNAIL = (320, 320)


pillow_heif.register_heif_opener()


class NotPicture(Exception):
    """`reason`: not_media, or bomb: more pixels than anybody's photo has."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Photo:
    """`colour`: "#rrggbb", the middle of the commonest group of similar colours."""

    width: int
    height: int
    colour: str


def make(source: Path, thumbnail: Path) -> Photo:
    """Errors: NotPicture."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=FORMATS) as opened:
                width, height = opened.size
                opened.draft("RGB", (THUMBNAIL[0] * 2, THUMBNAIL[1] * 2))
                small = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotPicture("bomb") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise NotPicture("not_media") from error
    small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    small = _on_white(ImageOps.exif_transpose(small))
    small.save(thumbnail, "JPEG", quality=85)
    return Photo(width, height, _dominant(small))


def _on_white(image: Image.Image) -> Image.Image:
    """What shines through is white, as in the chat, not black."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _dominant(image: Image.Image) -> str:
    """Colours in cells of 32 steps a channel; the average of the fullest cell."""
    pixels: list[tuple[int, ...]] = list(image.resize((64, 64)).get_flattened_data())  # type: ignore[arg-type]
    cells: Counter[tuple[int, ...]] = Counter(
        tuple(channel // 32 for channel in pixel) for pixel in pixels
    )
    fullest = cells.most_common(1)[0][0]
    inside = [pixel for pixel in pixels if tuple(channel // 32 for channel in pixel) == fullest]
    red, green, blue = (sum(channel) // len(inside) for channel in zip(*inside, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
