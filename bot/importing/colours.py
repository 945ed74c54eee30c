"""A word for a colour, as a pure function. Used by the library's cards."""

from __future__ import annotations

import colorsys
import re

_HEX = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_HUES = (  # where each ends, in degrees
    (15, "red"),
    (40, "orange"),
    (65, "yellow"),
    (160, "green"),
    (195, "turquoise"),
    (255, "blue"),
    (290, "violet"),
    (345, "pink"),
    (360, "red"),
)


def name(colour: str) -> str:
    """ "dark blue" for "#1b2a55"; "" for what is no such colour."""
    if not _HEX.fullmatch(colour):
        return ""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, _ = colorsys.rgb_to_hls(red, green, blue)
    if light < 0.08:
        return "black"
    if light > 0.95:
        return "white"
    shade = "dark " if light < 0.3 else "light " if light > 0.72 else ""
    if max(red, green, blue) - min(red, green, blue) < 0.08:
        return f"{shade}grey"
    word = next(word for end, word in _HUES if hue * 360 <= end)
    if word in ("red", "orange") and light < 0.35:
        return "brown" if hue * 360 > 15 else "dark red"
    return shade + word
