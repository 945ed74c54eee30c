"""Which keys and tempos go together, as pure functions. Used by the library's filters.

Keys are names such as "F# minor" (services.media.key). Neighbours on the circle of fifths share all
notes but one; a relative major or minor shares them all.
"""

from __future__ import annotations

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS = tuple(f"{note} {mode}" for mode in ("major", "minor") for note in NOTES)


def relative(key: str) -> str:
    """The minor of a major with the same notes, and the reverse."""
    tonic, mode = _split(key)
    return _name(tonic - 3, "minor") if mode == "major" else _name(tonic + 3, "major")


def neighbours(key: str) -> tuple[str, ...]:
    """The key, its relative, and a fifth up and down: what mixes with it."""
    tonic, mode = _split(key)
    return (key, relative(key), _name(tonic + 7, mode), _name(tonic - 7, mode))


def tempo_distance(a: float, b: float) -> float:
    """How far two tempos are apart as a share, half and double time counting as the same."""
    return min(abs(a * factor / b - 1) for factor in (0.5, 1.0, 2.0))


def _split(key: str) -> tuple[int, str]:
    note, mode = key.split(" ")
    return NOTES.index(note), mode


def _name(tonic: int, mode: str) -> str:
    return f"{NOTES[tonic % 12]} {mode}"
