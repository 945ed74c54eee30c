"""Twenty-four short pieces of music with known tempo and key, and sounds that are not music.

Synthesised with numpy; `films` puts them into reels. Tests compare an analyser with `Track`.
What makes a clip recognisable: kick and hats on the beat, a bass on the chords' roots, chords and
a melody of the key's scale, and nine seconds or more of it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 22_050  # Hz, mono
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TEMPOS = (128, 92, 110, 76, 140, 100, 124, 84, 155, 118, 70, 170)  # beats a minute
TIMBRES = ("keys", "organ", "pluck", "strings")
HARMONICS = {  # loudness of each overtone, then how fast a note dies away (per second)
    "keys": ((1.0, 0.5, 0.25, 0.12), 3.0),
    "organ": ((1.0, 0.6, 0.0, 0.4), 0.3),
    "pluck": ((1.0, 0.7, 0.5, 0.3), 7.0),
    "strings": ((1.0, 0.45, 0.3, 0.2), 0.8),
}
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
MAJOR_ROOTS = (0, 5, 3, 4)  # degrees of the scale: I vi IV V
MINOR_ROOTS = (0, 4, 5, 0)  # i v VI i
MELODY = (0, 2, 4, 2, 1, 3, 4, 6)  # degrees above the tonic, one per beat

SLOW = 90  # beats a minute; below it loud sounds between the beats would double the tempo

Samples = NDArray[np.float32]


class Sound(enum.Enum):
    """What a film's sound track holds."""

    MUSIC = "music"
    SPEECH = "speech"
    SILENCE = "silence"
    NONE = "none"  # no sound track at all
    NOISE = "noise"  # wind and water


@dataclass(frozen=True)
class Key:
    tonic: int  # 0 = C … 11 = B
    is_minor: bool

    def __str__(self) -> str:
        return f"{NOTES[self.tonic]} {'minor' if self.is_minor else 'major'}"


@dataclass(frozen=True)
class Track:
    """One piece of music. `tempo_bpm` in beats a minute, `seconds` its length in every film.

    Below some 82 BPM an analyser may honestly hear the double.
    """

    number: int
    title: str
    artist: str
    tempo_bpm: int
    key: Key
    timbre: str
    seconds: float


def _track(number: int) -> Track:
    names = (
        "Paper Boats",
        "Night Bus",
        "Third Coffee",
        "Slow Elevator",
        "Glass Tram",
        "Warm Static",
    )
    return Track(
        number=number,
        title=f"{names[number % len(names)]} {number // len(names) + 1}",
        artist=("Lumen", "Halv Åtta", "DJ <Null>")[number % 3],
        tempo_bpm=TEMPOS[number % len(TEMPOS)] + 3 * (number // len(TEMPOS)) * (-1) ** number,
        key=Key(tonic=7 * number % 12, is_minor=number >= len(TEMPOS)),
        timbre=TIMBRES[number % len(TIMBRES)],
        seconds=9.0 + number % 4,
    )


TRACKS = tuple(_track(number) for number in range(24))


def play(track: Track) -> Samples:
    """The whole track, mono, -1 to 1, at SAMPLE_RATE."""
    size = int(track.seconds * SAMPLE_RATE)
    out = np.zeros(size, np.float32)
    rng = np.random.default_rng(track.number)
    beat = 60 / track.tempo_bpm
    beats_per_chord = 2 if track.tempo_bpm < 105 else 4
    scale = MINOR_SCALE if track.key.is_minor else MAJOR_SCALE
    roots = MINOR_ROOTS if track.key.is_minor else MAJOR_ROOTS

    def pitch(degree: int, octave: int) -> float:
        semitones = track.key.tonic + scale[degree % 7] + 12 * (degree // 7 + octave)
        return float(440 * 2 ** ((semitones - 9) / 12))

    kick, hat = _kick(), _hat(rng)
    for number in range(int(track.seconds / beat) + 1):
        start = number * beat
        root = roots[number // beats_per_chord % len(roots)]
        _add(out, start, kick, 0.9)
        _add(out, start + beat / 2, hat, 0.25 if track.tempo_bpm >= SLOW else 0.06)
        _add(out, start, _note(pitch(root, -3), beat * 0.9, "keys"), 0.5)
        melody = MELODY[number % len(MELODY)]
        _add(out, start, _note(pitch(melody, 0), beat * 0.8, track.timbre), 0.12)
        if number % beats_per_chord == 0:
            for degree in (root, root + 2, root + 4):
                chord = _note(pitch(degree, -1), beat * beats_per_chord, track.timbre)
                _add(out, start, chord, 0.16)
    return _finish(out)


def speak(seconds: float) -> Samples:
    """Speech-like noise: voiced syllables of wandering pitch and length, with pauses. No beat."""
    rng = np.random.default_rng(404)
    out = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    at = 0.2
    while at < seconds:
        length = rng.uniform(0.06, 0.5)
        time = np.arange(int(length * SAMPLE_RATE)) / SAMPLE_RATE
        glide = rng.uniform(95, 210) * (1 + rng.uniform(-0.25, 0.25) * time / length)
        phase = 2 * np.pi * np.cumsum(glide) / SAMPLE_RATE
        voice = sum(np.sin(n * phase) / n for n in range(1, 12))
        hiss = rng.normal(0, 0.3, len(time))
        swell = np.sin(np.pi * time / length) ** 0.7
        _add(out, at, ((voice + hiss) * swell).astype(np.float32), 0.3)
        at += length + rng.choice((0.02, 0.05, 0.13, 0.31, 0.72))
    return _finish(out)


def noise(seconds: float) -> Samples:
    """Wind and water: noise without a note in it, that swells and ebbs without a beat."""
    rng = np.random.default_rng(808)
    size = int(seconds * SAMPLE_RATE)
    time = np.arange(size) / SAMPLE_RATE
    rushing = rng.normal(0, 1, size)
    swell = 1 + 0.4 * np.sin(2 * np.pi * 0.13 * time + 1) * np.sin(2 * np.pi * 0.31 * time)
    return _finish((rushing * swell).astype(np.float32))


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


def _kick() -> Samples:
    time = np.arange(int(0.18 * SAMPLE_RATE)) / SAMPLE_RATE
    sweep = 48 * time + 60 / 30 * (1 - np.exp(-30 * time))  # from 108 Hz down to 48 Hz
    return (np.sin(2 * np.pi * sweep) * np.exp(-18 * time)).astype(np.float32)


def _hat(rng: np.random.Generator) -> Samples:
    time = np.arange(int(0.05 * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.diff(rng.normal(0, 1, len(time) + 1))  # differentiated: little bass in it
    return (noise * np.exp(-80 * time)).astype(np.float32)


def _note(frequency: float, seconds: float, timbre: str) -> Samples:
    loudness, decay = HARMONICS[timbre]
    time = np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    wave = np.zeros_like(time)
    for number, level in enumerate(loudness, start=1):
        if level:
            wave += level * np.sin(np.float32(2 * np.pi * frequency * number) * time)
    edges = np.minimum(1, np.minimum(time / 0.005, (seconds - time) / 0.02))
    return (wave * np.exp(-decay * time) * edges).astype(np.float32)


def _add(out: Samples, start: float, sound: Samples, level: float) -> None:
    first = round(start * SAMPLE_RATE)
    room = max(0, len(out) - first)
    out[first : first + len(sound)] += level * sound[:room]


def _finish(out: Samples) -> Samples:
    loudest = float(np.abs(out).max())
    return out * np.float32(0.8 / loudest)
