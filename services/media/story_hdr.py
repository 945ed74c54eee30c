"""HDR to the colours of a story, as a table that a filter looks up. Runs in the media process.

The wheel's FFmpeg has no zscale, and its swscale takes 7 to 23 s to prepare the same (measured).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]

SIDE = 33  # of the cube: between its points the filter interpolates
WHITE = 203.0  # cd/m2 of a white sheet in HDR (ITU-R BT.2408)
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2  # of the screen that HLG is graded on (BT.2100)
KNEE = 0.5  # of a story's white: up to here nothing changes, beyond is bent to fit
LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
TO_709 = np.array(  # linear light, BT.2020 to BT.709 (BT.2087, 2)
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)


def write_table(transfer: str, path: Path) -> None:
    """A .cube file from BT.2020 with this transfer, pq or hlg, to BT.709; red changes fastest."""
    steps = np.linspace(0, 1, SIDE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    made = convert(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer)
    lines = "\n".join(f"{r:.5f} {g:.5f} {b:.5f}" for r, g, b in made)
    path.write_text(f"LUT_3D_SIZE {SIDE}\n{lines}\n")


def convert(signal: Colours, transfer: str) -> Colours:
    """Rows of red, green, blue, 0 to 1, as they are stored: HDR in, BT.709 out."""
    light = (_pq(signal) if transfer == "pq" else _hlg(signal)) / WHITE
    light = np.maximum(light @ TO_709.T, 0)
    brightest = np.maximum(light.max(axis=1, keepdims=True), 1e-9)
    above = (brightest - KNEE) / (1 - KNEE)
    bent = KNEE + (1 - KNEE) * above / (1 + np.abs(above))
    light *= np.where(brightest > KNEE, bent / brightest, 1)  # all channels alike: hue stays
    made: Colours = np.clip(light, 0, 1) ** (1 / 2.4)
    return made


def _hlg(signal: Colours) -> Colours:
    """cd/m2 (BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    bright = np.maximum(scene @ LUMA_2020, 1e-9)[:, None]
    screen: Colours = HLG_PEAK * bright ** (HLG_GAMMA - 1) * scene
    return screen


def _pq(signal: Colours) -> Colours:
    """cd/m2 (BT.2100, table 4)."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1 / m2)
    screen: Colours = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return screen
