"""Before and after, side by side, for the chat. Runs in the media process."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

TILE = (405, 720)
GAP = 36
BACKGROUND = "#1c1c1e"
ARROW = "#f2f2f7"


def write(before: Image.Image, after: Image.Image, target: Path) -> None:
    """Both RGB. The left is shown as it came, the right as the story will be."""
    width, height = TILE
    sheet = Image.new("RGB", (2 * width + 3 * GAP, height + 2 * GAP), BACKGROUND)
    for number, picture in enumerate((before, after)):
        small = ImageOps.contain(picture, TILE, Image.Resampling.LANCZOS)
        left = GAP + number * (width + GAP) + (width - small.width) // 2
        sheet.paste(small, (left, GAP + (height - small.height) // 2))
    middle_x, middle_y, size = GAP + width + GAP // 2, GAP + height // 2, GAP // 3
    arrow = [(-1, -1), (1, 0), (-1, 1)]
    points = [(middle_x + x * size, middle_y + y * size) for x, y in arrow]
    ImageDraw.Draw(sheet).polygon(points, fill=ARROW)
    sheet.save(target, "JPEG", quality=80)
