"""Musical key of a short mono clip, or the reason why none is given. Runs in the media process.

Peaks of long spectra give a profile of the twelve pitch classes, which is correlated with the key
profiles of Albrecht and Shanahan (2013). Sounds that keep to no scale have no key.
`python -m tests.bench --only accuracy` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.media.sound import Samples
from services.media.tempo import RATE, frames_of, is_silent

MIN_SECONDS = 3.0
MIN_CLASSES = 5  # above a fifth of the strongest: music >= 7, steady tones <= 3
MIN_CHROMA = 0.3  # mean of the strongest: music >= 0.55, a single click 0.04
MIN_CORRELATION = 0.50  # music >= 0.61 (1 % below), white noise up to 0.34
SURE_SECONDS, SURE_CORRELATION = 8.0, 0.65  # below either: "probably"

MIN_IN_TUNE = 0.08  # music >= 0.10 even talked over, else >= 0.13; speech <= 0.07, noise <= 0.01

FRAME = 8192
RANGE = (45.0, 1000.0)  # Hz
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
PROFILES = {
    "major": (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    "minor": (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
}

Profile = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Key:
    """`name` and `second` such as "F# minor". `confidence`: the correlation, up to 1."""

    name: str
    second: str
    confidence: float
    sure: bool


def estimate(samples: Samples) -> Key | str:
    """`samples`: mono at tempo.RATE. A word if no key is given: too_short, silent, few_notes,
    no_key."""
    seconds = len(samples) / RATE
    if seconds < MIN_SECONDS:
        return "too_short"
    if is_silent(samples):
        return "silent"
    chroma, in_tune = pitch_classes(samples)
    strongest = chroma.max()
    if strongest < MIN_CHROMA or np.sum(chroma >= 0.2 * strongest) < MIN_CLASSES:
        return "few_notes"
    (name, correlation), (second, _) = rank(chroma)[:2]
    if in_tune < MIN_IN_TUNE or correlation < MIN_CORRELATION:
        return "no_key"
    sure = seconds >= SURE_SECONDS and correlation >= SURE_CORRELATION
    return Key(name, second, round(correlation, 3), sure)


_WINDOW = np.hanning(FRAME).astype(np.float32)


def pitch_classes(samples: Samples) -> tuple[Profile, float]:
    """Strength of the twelve pitch classes, C first, in the clip's own tuning; and how near to that
    tuning its sounds are, 0..1: a voice glides past it."""
    frames = frames_of(samples, FRAME, FRAME // 2)
    spectrum = np.abs(np.fft.rfft(frames * _WINDOW, axis=1)).astype(np.float32)
    loudest = float(spectrum.max())
    frame, frequency, height = _peaks(spectrum)
    if not len(frame) or loudest < 1e-6:
        return np.zeros(12), 0.0
    weight = np.log1p(300 * height / loudest)
    pitch = 12 * np.log2(frequency / 440.0) + 9  # semitones, 0 is C
    mean = np.sum(weight * np.exp(2j * np.pi * pitch)) / np.sum(weight)  # semitones as a circle
    tuning = np.angle(mean) / (2 * np.pi)
    pitch = pitch - tuning
    weight = weight * (1 + (frequency < 220))  # the bass tells the chord's root
    nearest = np.round(pitch).astype(int)
    closeness = np.exp(-0.5 * ((pitch - nearest) / 0.25) ** 2)
    per_frame = np.zeros((len(spectrum), 12))
    np.add.at(per_frame, (frame, nearest % 12), weight * closeness)
    per_frame /= per_frame.max(axis=1, keepdims=True) + 1e-9
    return per_frame.mean(axis=0), float(np.abs(mean))


def _peaks(spectrum: Samples) -> tuple[NDArray[np.intp], Profile, Samples]:
    """(frame, frequency in Hz, height) of every peak within RANGE, refined by a parabola."""
    low, high = (int(edge * FRAME / RATE) for edge in RANGE)
    middle = spectrum[:, low:high]
    is_peak = (middle > spectrum[:, low - 1 : high - 1]) & (
        middle >= spectrum[:, low + 1 : high + 1]
    )
    frame, number = np.nonzero(is_peak)
    number = number + low
    left, centre, right = (np.log(spectrum[frame, number + step] + 1e-12) for step in (-1, 0, 1))
    offset = np.clip(0.5 * (left - right) / (left - 2 * centre + right - 1e-12), -0.5, 0.5)
    return frame, (number + offset) * RATE / FRAME, spectrum[frame, number]


def rank(chroma: Profile) -> list[tuple[str, float]]:
    """(name, correlation) of all 24 keys, best first."""
    if np.ptp(chroma) == 0:
        return [(f"{note} {mode}", 0.0) for mode in PROFILES for note in NOTES]
    ranked = [
        (f"{NOTES[tonic]} {mode}", float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]))
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    ]
    return sorted(ranked, key=lambda one: one[1], reverse=True)
