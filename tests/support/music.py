"""A test set for tempo and key: music whose answers are known, and sounds that have none.

Written by numpy from seeds alone and from no recording. Used by tests/services/media (a few clips)
and by `python -m tests.bench --only accuracy` (hundreds). Nothing here is taken from the sandbox's
music: an analyser that fits only one of the two would show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 22_050
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS = tuple(f"{note} {mode}" for mode in ("major", "minor") for note in NOTES)
SLOWEST, FASTEST = 70, 180

Samples = NDArray[np.float32]

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
# degrees of the scale; a raised seventh makes the dominant of a minor key a major chord
PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 1, 4), (0, 2, 3, 4)),
    "minor": ((0, 5, 2, 4), (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 5, 4)),
}


@dataclass(frozen=True, slots=True)
class Timbre:
    """Loudness of the overtones; how fast a note dies away, and how much faster each overtone."""

    overtones: tuple[float, ...]
    decay: float  # per second
    brightness_decay: float = 0.0  # more of it per overtone
    stretch: float = 0.0  # of a stiff string: overtone n lies at n * sqrt(1 + stretch * n * n)
    attack: float = 0.005  # seconds


TIMBRES = {
    "sine": Timbre((1.0,), 0.6),
    "organ": Timbre((1.0, 0.8, 0.4, 0.5, 0.0, 0.3, 0.0, 0.25), 0.0, attack=0.02),
    "saw": Timbre(tuple(1 / n for n in range(1, 13)), 0.4, attack=0.01),
    "pluck": Timbre(tuple(0.9**n for n in range(10)), 2.5, 1.2, attack=0.002),
    "piano": Timbre(tuple(0.62**n for n in range(9)), 1.3, 0.5, 0.0004, attack=0.003),
}
DRUMS = ("none", "four", "backbeat", "eighths", "breakbeat")
# {drum: sixteenths of a bar at which it is played}
PATTERNS: dict[str, dict[str, tuple[int, ...]]] = {
    "none": {},
    "four": {"kick": (0, 4, 8, 12), "hat": (2, 6, 10, 14), "snare": (4, 12)},
    "backbeat": {"kick": (0, 8, 10), "snare": (4, 12), "hat": (0, 2, 4, 6, 8, 10, 12, 14)},
    "eighths": {"kick": (0, 8), "snare": (4, 12), "hat": tuple(range(0, 16, 2))},
    "breakbeat": {"kick": (0, 7, 10), "snare": (4, 12), "hat": (0, 2, 4, 6, 8, 10, 12, 14)},
}
SPOILERS = ("clean", "clipped", "noisy", "room", "detuned", "quiet", "talked over")


@dataclass(frozen=True, slots=True)
class Piece:
    """What a clip of music is made of. `key` such as "F# minor"; `bpm` in beats a minute."""

    bpm: float
    key: str
    timbre: str
    drums: str
    spoiler: str
    seconds: float
    seed: int

    def __str__(self) -> str:
        return f"{self.seed}: {self.timbre}, drums {self.drums}, {self.spoiler}"


def pieces(count: int, seed: int) -> list[Piece]:
    """Tempos evenly over the range; keys, timbres, drums and spoilers all about equally often."""
    rng = np.random.default_rng(seed)
    tempos = rng.permutation(np.linspace(SLOWEST, FASTEST, count))

    def dealt(names: Sequence[str]) -> list[str]:
        return [names[at % len(names)] for at in rng.permutation(count)]

    chosen = zip(
        tempos, dealt(KEYS), dealt(list(TIMBRES)), dealt(DRUMS), dealt(SPOILERS), strict=True
    )
    return [
        Piece(round(float(bpm), 1), *names, float(rng.uniform(12, 30)), seed * 10_000 + number)
        for number, (bpm, *names) in enumerate(chosen)
    ]


# ---------------------------------------------------------------- music


def play(piece: Piece) -> Samples:
    """Mono at RATE, within -1..1. It begins anywhere in a beat, as a cut reel does."""
    rng = np.random.default_rng(piece.seed)
    beat = 60 / piece.bpm
    late = rng.uniform(0, beat)
    bars = int((piece.seconds + late) / (4 * beat)) + 1
    out = np.zeros(int((bars * 4 * beat + 4) * RATE), np.float32)
    _band(out, piece, bars, rng)
    for bar in range(bars):
        for drum, places in PATTERNS[piece.drums].items():
            for place in places:
                at = (bar * 4 + place / 4) * beat + rng.normal(0, 0.003)
                level = DRUM_LEVELS[drum] * rng.uniform(0.8, 1.1)
                _add(out, at, DRUM_SOUNDS[drum](rng), level)
    first = int(late * RATE)
    cut = out[first : first + int(piece.seconds * RATE)]
    return _spoilt(cut * np.float32(0.7 / np.abs(cut).max()), piece.spoiler, rng)


def _band(out: Samples, piece: Piece, bars: int, rng: np.random.Generator) -> None:
    """Bass, chords and a melody."""
    tonic, mode = NOTES.index(piece.key.split()[0]), piece.key.split()[1]
    scale = MAJOR if mode == "major" else MINOR
    progression = PROGRESSIONS[mode][rng.integers(4)]
    timbre = TIMBRES[piece.timbre]
    detune = rng.choice((-30, 30)) if piece.spoiler == "detuned" else 0
    beat = 60 / piece.bpm
    comping = rng.choice(("whole", "halves", "quarters", "offbeats", "arpeggio"))
    walking = rng.random() < 0.5
    step = 0

    def pitch(degree: int, octave: int, *, raised: bool = False) -> float:
        semitones = tonic + scale[degree % 7] + 12 * (degree // 7 + octave) + raised
        return float(440 * 2 ** ((semitones - 9 + detune / 100) / 12))

    def note(at: float, frequency: float, beats: float, level: float) -> None:
        when = at * beat + rng.normal(0, 0.004)
        sound = _note(frequency, beats * beat, timbre)
        _add(out, when, sound, level * rng.uniform(0.8, 1.1))

    for bar in range(bars):
        root = progression[bar % 4]
        leading = mode == "minor" and root == 4
        chord = [pitch(root, 0), pitch(root + 2, 0, raised=leading), pitch(root + 4, 0)]
        first = bar * 4
        for place in (0, 1, 2, 3) if walking else (0, 2):
            degree = root + 4 if place == 2 and walking else root
            note(first + place, pitch(degree, -2), 0.9 if walking else 1.8, 0.5)
        for place, length, tones in _comping(str(comping)):
            for tone in tones:
                note(first + place, chord[tone], length, 0.22)
        place = 0.0
        while place < 4:
            length = float(rng.choice((0.5, 1, 1, 1.5)))
            strong = place % 2 == 0
            step = int(rng.choice((root, root + 2, root + 4))) if strong else step
            step = int(np.clip(step + (0 if strong else rng.choice((-1, 1))), -2, 9))
            note(first + place, pitch(step, 1), min(length, 4 - place) * 0.9, 0.25)
            place += length


def _comping(style: str) -> Iterator[tuple[float, float, tuple[int, ...]]]:
    """(beat in the bar, length in beats, which tones of the chord)."""
    whole = (0, 1, 2)
    match style:
        case "whole":
            yield 0, 3.9, whole
        case "halves":
            yield from ((place, 1.9, whole) for place in (0, 2))
        case "quarters":
            yield from ((place, 0.8, whole) for place in range(4))
        case "offbeats":
            yield from ((place + 0.5, 0.4, whole) for place in range(4))
        case "arpeggio":
            yield from ((n / 2, 0.9, ((0, 1, 2, 1)[n % 4],)) for n in range(8))


def _note(frequency: float, seconds: float, timbre: Timbre) -> Samples:
    release = 0.03
    time = np.arange(int((seconds + release) * RATE), dtype=np.float32) / RATE
    wave = np.zeros_like(time)
    for number, level in enumerate(timbre.overtones, start=1):
        at = frequency * number * np.sqrt(1 + timbre.stretch * number * number)
        if not level or at > 0.45 * RATE:
            continue
        fade = np.exp(-(timbre.decay + timbre.brightness_decay * (number - 1)) * time)
        wave += np.float32(level) * fade * np.sin(np.float32(2 * np.pi * at) * time)
    edges = np.minimum(1, np.minimum(time / timbre.attack, (time[-1] - time) / release))
    return (wave * edges / sum(timbre.overtones) * 2).astype(np.float32)


def _kick(rng: np.random.Generator) -> Samples:
    time = np.arange(int(0.25 * RATE)) / RATE
    phase = 50 * time + 100 / 40 * (1 - np.exp(-40 * time))  # falls from 150 Hz to 50 Hz
    return (np.sin(2 * np.pi * phase) * np.exp(-12 * time)).astype(np.float32)


def _snare(rng: np.random.Generator) -> Samples:
    time = np.arange(int(0.2 * RATE)) / RATE
    body = 0.5 * np.sin(2 * np.pi * 185 * time) * np.exp(-25 * time)
    return (body + rng.normal(0, 0.35, len(time)) * np.exp(-18 * time)).astype(np.float32)


def _hat(rng: np.random.Generator) -> Samples:
    time = np.arange(int(0.06 * RATE)) / RATE
    hiss = np.diff(rng.normal(0, 0.5, len(time) + 1))
    return (hiss * np.exp(-60 * time)).astype(np.float32)


DRUM_SOUNDS: dict[str, Callable[[np.random.Generator], Samples]] = {
    "kick": _kick,
    "snare": _snare,
    "hat": _hat,
}
DRUM_LEVELS = {"kick": 0.9, "snare": 0.6, "hat": 0.2}


def _spoilt(clip: Samples, how: str, rng: np.random.Generator) -> Samples:
    match how:
        case "clipped":  # far beyond full scale, as phones record loud rooms; still music
            return np.clip(clip * 5, -0.9, 0.9).astype(np.float32)
        case "noisy":
            level = np.sqrt(np.mean(clip**2)) / 10 ** (15 / 20)
            return (clip + rng.normal(0, level, len(clip))).astype(np.float32)
        case "room":
            time = np.arange(int(0.6 * RATE)) / RATE
            tail = rng.normal(0, 1, len(time)) * np.exp(-8 * time)
            size = len(clip) + len(tail)
            wet = np.fft.irfft(np.fft.rfft(clip, size) * np.fft.rfft(tail, size))[: len(clip)]
            both = clip + 0.5 * wet * np.abs(clip).max() / np.abs(wet).max()
            return (0.8 * both / np.abs(both).max()).astype(np.float32)
        case "talked over":
            voice = speech(len(clip) / RATE + 1, int(rng.integers(1 << 30)))[: len(clip)]
            level = np.sqrt(np.mean(clip**2) / np.mean(voice**2))  # as loud as the music
            return (0.5 * (clip + level * voice)).astype(np.float32)
        case "quiet":
            return clip * np.float32(0.01)
    return clip


def _add(out: Samples, seconds: float, sound: Samples, level: float) -> None:
    first = max(0, round(seconds * RATE))
    room = max(0, len(out) - first)
    out[first : first + len(sound)] += np.float32(level) * sound[:room]


# ---------------------------------------------------------------- what is no music


def white(seconds: float, seed: int) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.2, int(seconds * RATE)).astype(np.float32)


def coloured(seconds: float, seed: int, slope: float) -> Samples:
    """Noise whose power falls with the frequency to the `slope`: 1 is pink, 2 is brown."""
    spectrum = np.fft.rfft(white(seconds, seed))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (slope / 2)
    spectrum[0] = 0
    wave = np.fft.irfft(spectrum, int(seconds * RATE))
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


def gusts(seconds: float, seed: int) -> Samples:
    """Wind or surf: pink noise that swells and dies at no regular times."""
    rng = np.random.default_rng(seed)
    count = int(seconds * 1.5) + 3
    times = np.cumsum(rng.uniform(0.3, 1.4, count))
    level = np.interp(np.arange(int(seconds * RATE)) / RATE, times, rng.uniform(0.05, 1, count))
    return (coloured(seconds, seed, 1) * level).astype(np.float32)


VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))  # formants, Hz


def speech(seconds: float, seed: int) -> Samples:
    """Like somebody talking: gliding voice through the formants of vowels, hisses, stops, pauses
    for breath; no syllable as long as the next."""
    rng = np.random.default_rng(seed)
    out = np.zeros(int(seconds * RATE), np.float32)
    voice = rng.uniform(90, 230)
    at, until_breath = rng.uniform(0, 0.4), rng.uniform(1, 3)
    while at < seconds:
        length = float(np.clip(rng.lognormal(-1.75, 0.45), 0.06, 0.6))
        _add(out, at, _syllable(length, voice * rng.uniform(0.8, 1.25), rng), rng.uniform(0.3, 1))
        if rng.random() < 0.4:
            hiss = np.diff(rng.normal(0, 0.2, int(rng.uniform(0.03, 0.12) * RATE) + 1))
            _add(out, at - 0.05, (hiss * np.hanning(len(hiss))).astype(np.float32), 1.0)
        at += length + float(rng.choice((0, 0.02, 0.05, 0.09)))
        until_breath -= length
        if until_breath < 0:
            at, until_breath = at + rng.uniform(0.2, 0.9), rng.uniform(1, 3)
    return out * np.float32(0.6 / np.abs(out).max())


def _syllable(seconds: float, voice: float, rng: np.random.Generator) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    glide = voice * (1 + rng.uniform(-0.2, 0.2) * time / seconds)
    glide *= 1 + 0.02 * np.sin(2 * np.pi * rng.uniform(4, 7) * time)
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    formants = np.array(VOWELS[rng.integers(len(VOWELS))]) * rng.uniform(0.9, 1.1)
    wave = np.zeros(len(time))
    for number in range(1, 30):
        at = number * voice
        gain = sum(1 / (1 + ((at - formant) / 90) ** 2) for formant in formants)
        wave += (0.05 + gain) / number * np.sin(number * phase)
    return (wave * np.sin(np.pi * time / seconds) ** 0.5).astype(np.float32)


def tone(seconds: float, frequency: float, overtones: int = 1, vibrato: float = 0.0) -> Samples:
    """One steady sound; with overtones a drone or a hum. `vibrato`: share of the frequency."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * frequency * (time + vibrato / (2 * np.pi * 5) * np.sin(10 * np.pi * time))
    wave = sum(np.sin(number * phase) / number for number in range(1, overtones + 1))
    return np.asarray(0.3 * wave, np.float32)


def chord(seconds: float, root: float) -> Samples:
    return np.asarray(sum(tone(seconds, root * ratio, 4) for ratio in (1, 1.25, 1.5)) / 3)


def clicks(seconds: float, seed: int, count: int) -> Samples:
    """Single knocks at random times in silence."""
    rng = np.random.default_rng(seed)
    out = np.zeros(int(seconds * RATE), np.float32)
    for at in rng.uniform(0, seconds, count):
        _add(out, float(at), _hat(rng), 1.0)
    return out


def siren(seconds: float) -> Samples:
    """A glide up and down once in three seconds: regular, but no beat."""
    time = np.arange(int(seconds * RATE)) / RATE
    glide = 700 + 300 * np.sin(2 * np.pi * time / 3)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(glide) / RATE)).astype(np.float32)


def no_music(draws: int, seed: int) -> Iterator[tuple[str, Samples]]:
    """(name, clip): what must get no tempo. `draws` of each kind that is random; music that is too
    short to tell is among them."""
    rng = np.random.default_rng(seed)
    for number in range(draws):
        seconds = float(rng.uniform(3, 30))
        own = seed * 1000 + number
        yield f"white noise {seconds:.0f} s", white(seconds, own)
        yield f"pink noise {seconds:.0f} s", coloured(seconds, own, 1)
        yield f"brown noise {seconds:.0f} s", coloured(seconds, own, 2)
        yield f"gusts {seconds:.0f} s", gusts(seconds, own)
        yield f"speech {seconds:.0f} s", speech(seconds, own)
        level = np.float32(0.3)
        noisy = speech(seconds, own + 500) + level * coloured(seconds, own + 500, 1)
        yield f"speech in noise {seconds:.0f} s", noisy
        knocks = int(rng.integers(1, 4))
        yield f"{knocks} knocks in {seconds:.0f} s", clicks(seconds, own, knocks)
        short = pieces(1, own)[0]
        yield (
            f"music of {1 + number / draws:.2f} s",
            play(short)[: int(RATE * (1 + number / draws))],
        )
    for seconds in (1.0, 5.0, 20.0):
        yield f"silence {seconds:.0f} s", np.zeros(int(seconds * RATE), np.float32)
        yield f"dither {seconds:.0f} s", white(seconds, seed) * np.float32(1e-4)
        yield f"tone {seconds:.0f} s", tone(seconds, 440)
        yield f"hum {seconds:.0f} s", tone(seconds, 50, 8)
        yield f"drone {seconds:.0f} s", tone(seconds, 110, 12, 0.01)
        yield f"held chord {seconds:.0f} s", chord(seconds, 220)
        yield f"siren {seconds:.0f} s", siren(seconds)


# ---------------------------------------------------------------- scores


def accuracy1(found: float, true: float) -> bool:
    """Within 4 % of the tempo."""
    return abs(found - true) <= 0.04 * true


def accuracy2(found: float, true: float) -> bool:
    """... or of its half, double, third or triple."""
    return any(accuracy1(found, true * factor) for factor in (1 / 3, 1 / 2, 1, 2, 3))


def mirex(found: str, true: str) -> float:
    """1 for the key itself, 0.5 for the fifth above, 0.3 for the relative key, 0.2 for the parallel
    one (music-ir.org, Audio Key Detection; the strict reading, as mir_eval's)."""
    (note, mode), (true_note, true_mode) = found.split(), true.split()
    up = (NOTES.index(note) - NOTES.index(true_note)) % 12
    if mode == true_mode:
        return {0: 1.0, 7: 0.5}.get(up, 0.0)
    relative = 9 if true_mode == "major" else 3
    return {relative: 0.3, 0: 0.2}.get(up, 0.0)
