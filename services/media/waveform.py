"""The picture of a sound and its peaks. Runs in the media process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from services.media.sound import Samples

SIZE = (1000, 200)
BAR, GAP = 4, 2
MARGIN = 6
SCALE = 3  # drawn larger and reduced, for smooth edges
BACKGROUND, PEAK, LOUD = (13, 17, 28), (72, 92, 146), (124, 156, 255)
STORED_PEAKS = 100


def draw(samples: Samples, target: Path) -> None:
    """PNG of SIZE: peaks in one colour, loudness (RMS) in another."""
    width, height = SIZE
    bars = width // (BAR + GAP)
    peaks, loudness = levels(samples, bars)
    image = Image.new("RGB", (width * SCALE, height * SCALE), BACKGROUND)
    pen = ImageDraw.Draw(image)
    middle = height * SCALE / 2
    for bar in range(bars):
        left = (bar * (BAR + GAP) + GAP / 2) * SCALE
        for value, colour in ((peaks[bar], PEAK), (loudness[bar], LOUD)):
            half = max(1.0, value * (height / 2 - MARGIN)) * SCALE
            box = (left, middle - half, left + BAR * SCALE - 1, middle + half)
            pen.rounded_rectangle(box, radius=BAR * SCALE / 2, fill=colour)
    image.resize(SIZE, Image.Resampling.LANCZOS).save(target, "PNG", optimize=True)


def peaks(samples: Samples) -> list[float]:
    """STORED_PEAKS numbers 0..1, for whoever wants to draw it again."""
    return [round(float(value), 3) for value in levels(samples, STORED_PEAKS)[0]]


def levels(samples: Samples, bars: int) -> tuple[list[float], list[float]]:
    """(peak, RMS) of each bar, the loudest peak being 1."""
    if len(samples) < bars:
        samples = np.pad(samples, (0, bars - len(samples)))
    blocks = samples[: len(samples) // bars * bars].reshape(bars, -1)
    tops = np.abs(blocks).max(axis=1)
    rms = np.sqrt(np.mean(np.square(blocks), axis=1))
    loudest = max(float(tops.max()), 1e-4)
    return (tops / loudest).tolist(), (rms / loudest).tolist()
