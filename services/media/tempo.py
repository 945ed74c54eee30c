"""Tempo of a short mono clip, or the reason why none is given. Runs in the media process.

Spectral flux of 40 mel bands, its autocorrelation summed over musical multiples of the beat, a
log-normal prior, a beat that is refined at long multiples, and a look at the accents: a "beat" of
which every other one is weak and that nothing divides is half of one. The gates refuse what has no
tempo. `python -m tests.bench --only accuracy` measures both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.media.sound import Samples

RATE = 22_050
MIN_SECONDS = 2.0
MIN_RMS = 1e-4
MIN_RISE = 0.08  # 99th percentile of the mean spectral rise: music >= 0.16, steady tones <= 0.022
MIN_ONSETS = 4  # a fifth as strong as the strongest: two knocks are no beat
# music >= 0.37 (5 % below), speech and noise of 8 s and more <= 0.13; what is shorter looks more
# regular: up to 0.22 at 3 and 4 s
MIN_CONFIDENCE = 0.20
SHORT_CONFIDENCE = (0.15, 0.6)  # (for all, and over the seconds)

FRAME = 1024
HOP = 256
FRAMES_PER_SECOND = RATE / HOP
BANDS = 40
LOW_BANDS = 6  # of kick drum and bass, which count once more
BPM_RANGE = (60.0, 190.0)
PRIOR_BPM, PRIOR_OCTAVES = 140.0, 0.8  # high: accents show a doubled beat, but not a halved one
MULTIPLES = ((1.0, 1.0), (2.0, 0.9), (4.0, 0.8), (0.5, 0.35))  # (of the beat's lag, weight)
SWELL_SECONDS = 1.0  # slower changes of loudness are no rhythm
WEAK_BEATS, WEAK_DIVISIONS = 0.5, 0.1  # of the strong ones; below both the tempo is doubled
HALVED_ABOVE = 120.0  # its half would be no tempo
PARTS = 32  # of a bar that is looked at for accents

Curve = NDArray[np.float64]
At = Callable[[Curve | float], Curve]


@dataclass(frozen=True, slots=True)
class Tempo:
    """`alternative_bpm`: half or double, for the usual mistake is an octave. `confidence`: 0..1,
    how much alike the sound is one, two and four beats later."""

    bpm: float
    alternative_bpm: float
    confidence: float


def estimate(samples: Samples) -> Tempo | str:
    """`samples`: mono at RATE. A word if no tempo is given: too_short, silent, steady, no_beat."""
    seconds = len(samples) / RATE
    if seconds < MIN_SECONDS:
        return "too_short"
    if is_silent(samples):
        return "silent"
    onsets, rise = onset_strength(samples)
    if rise < MIN_RISE:
        return "steady"
    if _count(onsets) < MIN_ONSETS:
        return "no_beat"
    bpm, confidence = _find(onsets)
    for_all, short = SHORT_CONFIDENCE
    if confidence < max(MIN_CONFIDENCE, for_all + short / seconds):
        return "no_beat"
    return Tempo(round(bpm, 2), round(bpm / 2 if bpm > 100 else bpm * 2, 2), round(confidence, 3))


def is_silent(samples: Samples) -> bool:
    return float(np.sqrt(np.mean(np.square(samples)))) < MIN_RMS


def frames_of(samples: Samples, size: int, hop: int) -> Samples:
    """Overlapping views, shape (frames, size)."""
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    views: Samples = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    return views


def _mel_filters() -> Samples:
    """Triangles equally spaced in mel from 30 to 10,000 Hz, each of unit sum; (BANDS, bins)."""
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (30, 10_000))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    frequency = np.arange(FRAME // 2 + 1) * RATE / FRAME
    slopes = np.minimum(
        (frequency - left) / (centre - left), (right - frequency) / (right - centre)
    )
    filters = np.maximum(0, slopes)
    unit: Samples = (filters / (filters.sum(axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit


_FILTERS = _mel_filters()
_WINDOW = np.hanning(FRAME).astype(np.float32)


def onset_strength(samples: Samples) -> tuple[Curve, float]:
    """How much louder each moment is than two frames before, FRAMES_PER_SECOND; and the rise
    before it was normalised, which tells music from steady tones."""
    frames = frames_of(samples, FRAME, HOP)
    blocks = []
    for start in range(0, len(frames), 1024):  # in blocks: keeps memory small
        spectrum = np.abs(np.fft.rfft(frames[start : start + 1024] * _WINDOW, axis=1))
        blocks.append(_FILTERS @ spectrum.T.astype(np.float32))
    mel = np.concatenate(blocks, axis=1)
    loudness = np.log1p(30 * mel / (mel.max() + 1e-12))
    flux = np.maximum(0, loudness[:, 2:] - loudness[:, :-2])
    rise = float(np.quantile(flux.mean(axis=0), 0.99))
    every_band = (flux / (flux.std(axis=1, keepdims=True) + 1e-6)).mean(axis=0)
    kick = flux[:LOW_BANDS].mean(axis=0)
    onsets = every_band / (every_band.std() + 1e-9) + 1.5 * kick / (kick.std() + 1e-9)
    return onsets.astype(np.float64), rise


def _count(onsets: Curve) -> int:
    before, here, after = onsets[:-2], onsets[1:-1], onsets[2:]
    return int(np.sum((here > before) & (here >= after) & (here > 0.2 * onsets.max())))


def _find(onsets: Curve) -> tuple[float, float]:
    """(BPM, confidence)."""
    onsets = _without_swells(onsets)
    correlation = _autocorrelation(onsets)
    count = len(correlation)
    steps = np.arange(count)

    def at(lag: Curve | float) -> Curve:
        return np.asarray(np.interp(lag, steps, correlation, right=0.0))

    low, high = (float(np.log(edge)) for edge in BPM_RANGE)
    bpm = np.exp(np.arange(low, high, 0.004))
    lag = 60 * FRAMES_PER_SECOND / bpm
    score = np.zeros_like(bpm)
    for multiple, weight in MULTIPLES:
        score += weight * np.where(lag * multiple < count * 0.75, at(lag * multiple), 0)
    prior = np.exp(-0.5 * (np.log2(bpm / PRIOR_BPM) / PRIOR_OCTAVES) ** 2)
    beat = _refined(float(lag[np.argmax(np.maximum(score, 0) * prior)]), at, count)
    lags = [beat * multiple for multiple in (1, 2, 4) if beat * multiple < count * 0.6]
    confidence = float(np.mean(at(np.array(lags)))) if lags else 0.0
    if 60 * FRAMES_PER_SECOND / beat > HALVED_ABOVE and _is_half_a_beat(onsets, beat):
        beat *= 2
    return 60 * FRAMES_PER_SECOND / beat, max(0.0, confidence)


def _without_swells(onsets: Curve) -> Curve:
    """Wind and breath swell: what a second has in common is taken away."""
    window = np.hanning(min(int(SWELL_SECONDS * FRAMES_PER_SECOND), len(onsets)) // 2 * 2 + 1)
    around = np.pad(onsets, len(window) // 2, mode="reflect")
    flat: Curve = onsets - np.convolve(around, window / window.sum(), "valid")
    return flat


def _is_half_a_beat(onsets: Curve, beat: float) -> bool:
    """Beats are about equally strong, and something divides them."""
    return _between(onsets, 2 * beat) < WEAK_BEATS and _between(onsets, beat) < WEAK_DIVISIONS


def _between(onsets: Curve, period: float) -> float:
    """How strong the onsets are half a period after the strongest, 0..1. `period` in frames."""
    part = (np.arange(len(onsets)) / period % 1 * PARTS).astype(int)
    sums, counts = np.bincount(part, onsets, PARTS), np.bincount(part, minlength=PARTS)
    strength = sums / np.maximum(counts, 1)
    above = np.maximum(0, strength - np.median(strength))
    smooth = above + (np.roll(above, 1) + np.roll(above, -1)) / 2
    first = int(np.argmax(smooth))
    opposite = [(first + PARTS // 2 + step) % PARTS for step in (-1, 0, 1)]
    return float(smooth[opposite].max() / (smooth[first] + 1e-9))


def _autocorrelation(onsets: Curve) -> Curve:
    onsets = onsets - onsets.mean()
    count = len(onsets)
    size = 1 << int(np.ceil(np.log2(2 * count)))
    raw = np.fft.irfft(np.abs(np.fft.rfft(onsets, size)) ** 2)[:count]
    overlap = (count - np.arange(count) + 0.15 * count) / (1.15 * count)  # half-way to unbiased
    curve: Curve = raw / overlap / (raw[0] + 1e-9)
    return curve


def _refined(beat: float, at: At, count: int) -> float:
    """The beat's lag, sharpened at longer and longer multiples of it."""
    for multiple in (1, 2, 4, 8, 16, 32):
        if beat * multiple > count * 0.6:
            break
        reach = 1.5 if multiple == 1 else 3.0
        lags = np.linspace(beat * multiple - reach, beat * multiple + reach, 61)
        heights = at(lags)
        best = int(np.argmax(heights))
        if heights[best] < 0.1 or best in (0, 60):
            break
        beat = float(lags[best]) / multiple
    return beat
