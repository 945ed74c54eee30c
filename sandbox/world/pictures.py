"""Pictures that are pleasant to look at: a few motifs of sky, hills, sun and waves, as real JPEG.

A motif always looks the same; `signed` gives each copy its own bytes. Called by `World.file`.
"""

from __future__ import annotations

import functools
import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

MOTIFS = 48
PALETTES = (  # sky above, sky below, sun, hills
    ("#22304f", "#f28b82", "#fde2a7", "#2b2d42"),
    ("#5bc0be", "#f5f3e7", "#ff9f68", "#1c4e5a"),
    ("#845ec2", "#ffc8a2", "#fff3b0", "#4b3b6b"),
    ("#0b3954", "#bfd7ea", "#ff6663", "#087e8b"),
    ("#2d6a4f", "#d8f3dc", "#ffd166", "#1b4332"),
    ("#ef476f", "#ffe5d9", "#ffffff", "#6d213c"),
    ("#14213d", "#e5e5e5", "#fca311", "#3a506b"),
    ("#3d5a80", "#e0fbfc", "#ee6c4d", "#293241"),
)

Rgb = tuple[int, int, int]


def colours(motif: int) -> tuple[Rgb, Rgb, Rgb, Rgb]:
    """Sky above, sky below, sun and hills of a motif, 0 to 255."""
    above, below, sun, hills = (_rgb(code) for code in PALETTES[motif % len(PALETTES)])
    return above, below, sun, hills


@functools.lru_cache(maxsize=512)
def jpeg(motif: int, width: int, height: int) -> bytes:
    """The motif as a baseline JPEG of exactly this size."""
    rng = np.random.default_rng(motif)
    above, below, sun, hills = colours(motif)
    picture = Image.fromarray(gradient(above, below, width, height))
    draw = ImageDraw.Draw(picture, "RGBA")
    _draw_sun(draw, rng, sun, width, height)
    if motif % 3 == 2:
        picture = picture.filter(ImageFilter.GaussianBlur(width / 90))
        draw = ImageDraw.Draw(picture, "RGBA")
        _draw_dots(draw, rng, (sun, hills, above), width, height)
    else:
        _draw_hills(draw, rng, hills, below, width, height)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def signed(picture: bytes, signature: str) -> bytes:
    """The same picture with a JPEG comment, so that no two files of the world are equal."""
    comment = signature.encode()
    marker = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return picture[:2] + marker + picture[2:]


def gradient(above: Rgb, below: Rgb, width: int, height: int) -> NDArray[np.uint8]:
    """From one colour at the top to the other at the bottom, height x width x 3."""
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    column = np.array(above, np.float32) * (1 - share) + np.array(below, np.float32) * share
    return np.repeat(column[:, None, :], width, axis=1).astype(np.uint8)


def _rgb(code: str) -> Rgb:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _draw_sun(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, colour: Rgb, width: int, height: int
) -> None:
    x, y = rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.5) * height
    radius = rng.uniform(0.1, 0.18) * width
    for size, alpha in ((1.6, 40), (1.3, 70), (1.0, 255)):
        around = radius * size
        draw.ellipse((x - around, y - around, x + around, y + around), fill=(*colour, alpha))


def _draw_hills(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    dark: Rgb,
    light: Rgb,
    width: int,
    height: int,
) -> None:
    """Three ranges, the nearest darkest; the edge of each is a sum of slow waves."""
    across = np.linspace(0, 1, 64)
    for number, nearness in enumerate((0.35, 0.65, 1.0)):
        top = 0.55 + 0.13 * number
        edge = np.full_like(across, top)
        for wave in (1, 2, 3):
            edge += rng.uniform(0.01, 0.04) * np.sin(2 * np.pi * (wave * across + rng.uniform()))
        outline = np.stack([across * width, edge * height], axis=1).ravel().tolist()
        mixed = np.array(dark) * nearness + np.array(light) * (1 - nearness)
        red, green, blue = (round(value) for value in mixed.tolist())
        draw.polygon([0, height, *outline, width, height], fill=(red, green, blue))


def _draw_dots(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    palette: tuple[Rgb, Rgb, Rgb],
    width: int,
    height: int,
) -> None:
    for number in range(14):
        x, y = rng.uniform(0, width), rng.uniform(0.3, 1) * height
        radius = rng.uniform(0.03, 0.12) * width
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=(*palette[number % 3], 150))
