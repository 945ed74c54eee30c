"""The picture of a sound: as loud as the sound where it is loud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.media import waveform


def test_loud_and_quiet_halves_are_drawn_so(tmp_path: Path) -> None:
    tone = np.sin(np.arange(44_000) / 5).astype(np.float32)
    tone[:22_000] *= 0.1
    waveform.draw(tone, tmp_path / "wave.png")
    with Image.open(tmp_path / "wave.png") as picture:
        assert picture.size == (1000, 200)
        drawn = np.asarray(picture.convert("L")) > 60
    quiet, loud = drawn[:, 100:400].any(axis=1).sum(), drawn[:, 600:900].any(axis=1).sum()
    assert quiet < 40
    assert loud > 170


def test_peaks_are_the_loudest_of_each_hundredth() -> None:
    samples = np.zeros(10_000, np.float32)
    samples[250], samples[9_990] = -0.5, 0.25
    peaks = waveform.peaks(samples)
    assert len(peaks) == 100
    assert (peaks[2], peaks[99]) == (1, 0.5)
    assert sum(peaks) == 1.5


@given(st.lists(st.floats(-1, 1, width=32), max_size=400))
def test_any_sound_can_be_measured(samples: list[float]) -> None:
    peaks, loudness = waveform.levels(np.array(samples, np.float32), 50)
    assert len(peaks) == len(loudness) == 50
    assert all(0 <= one <= 1 for one in (*peaks, *loudness))
