"""Tempo and key against a few clips whose answers are known; hundreds of them are judged by
`python -m tests.bench --only accuracy`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from services.media import key, tempo
from services.media.key import Key
from services.media.tempo import Tempo
from tests.support import music
from tests.support.music import RATE, Piece, Samples

PIECES = music.pieces(16, seed=1)
TUNE = Piece(124.0, "C major", "piano", "four", "clean", 10.0, 1)


@pytest.fixture(scope="module")
def clips() -> list[Samples]:
    return [music.play(piece) for piece in PIECES]


def test_tempos_are_right_or_an_octave_away(clips: list[Samples]) -> None:
    found = [tempo.estimate(clip) for clip in clips]
    pairs = [
        (one.bpm if isinstance(one, Tempo) else 0.0, piece.bpm)
        for one, piece in zip(found, PIECES, strict=True)
    ]
    assert np.mean([music.accuracy1(*pair) for pair in pairs]) >= 0.85
    assert np.mean([music.accuracy2(*pair) for pair in pairs]) >= 0.95


def test_keys_are_right_or_near(clips: list[Samples]) -> None:
    found = [key.estimate(clip) for clip in clips]
    scores = [
        music.mirex(one.name, piece.key) if isinstance(one, Key) else 0.0
        for one, piece in zip(found, PIECES, strict=True)
    ]
    assert np.mean(scores) >= 0.75


NO_MUSIC: dict[str, tuple[Callable[[], Samples], str, str]] = {
    "silence": (lambda: np.zeros(5 * RATE, np.float32), "silent", "silent"),
    "white noise": (lambda: music.white(5, 1), "no_beat", "no_key"),
    "pink noise": (lambda: music.coloured(5, 1, 1), "no_beat", "no_key"),
    "wind": (lambda: music.gusts(8, 1), "no_beat", "no_key"),
    "speech": (lambda: music.speech(8, 2), "no_beat", "no_key"),
    "a tone": (lambda: music.tone(5, 440), "steady", "few_notes"),
    "a drone": (lambda: music.tone(5, 110, 12, 0.01), "steady", "few_notes"),
    "two knocks": (lambda: music.clicks(4, 3, 2), "no_beat", "few_notes"),
    "a moment": (lambda: music.play(TUNE)[: int(1.9 * RATE)], "too_short", "too_short"),
    "nothing": (lambda: np.zeros(0, np.float32), "too_short", "too_short"),
}


@pytest.mark.parametrize("name", NO_MUSIC)
def test_what_is_no_music_gets_a_reason(name: str) -> None:
    make, no_tempo, no_key = NO_MUSIC[name]
    clip = make()
    assert (tempo.estimate(clip), key.estimate(clip)) == (no_tempo, no_key)


def test_the_alternative_is_an_octave_away_within_reach() -> None:
    found = tempo.estimate(music.play(TUNE))
    assert isinstance(found, Tempo)
    assert found.alternative_bpm == pytest.approx(found.bpm / 2, abs=0.02)
    slow = tempo.estimate(music.play(replace(TUNE, bpm=84.0)))
    assert isinstance(slow, Tempo)
    assert slow.alternative_bpm == pytest.approx(slow.bpm * 2, abs=0.02)


def test_a_doubled_beat_shows_in_its_accents() -> None:
    """Of 144 only every other is strong and nothing lies between: it is 72."""
    beats = np.zeros(1200)
    beats[::72] = 1.0
    beats[36::72] = 0.3
    even = np.zeros(1200)
    even[::36] = 1.0
    assert tempo._is_half_a_beat(beats, 36)
    assert not tempo._is_half_a_beat(even, 36)
    divided = beats.copy()
    divided[18::36] = 0.3
    assert not tempo._is_half_a_beat(divided, 36)


@pytest.mark.parametrize("seed", [0, 19, 48])
def test_a_voice_has_no_key(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its glides tell it from singing: without that gate these had one."""
    voice = music.speech(7, seed)
    assert key.estimate(voice) == "no_key"
    monkeypatch.setattr(key, "MIN_IN_TUNE", 0.0)
    assert isinstance(key.estimate(voice), Key)


def test_a_short_key_is_never_sure() -> None:
    found = key.estimate(music.play(TUNE)[: int(7.8 * RATE)])
    assert isinstance(found, Key)
    assert not found.sure
    assert found.second != found.name


def test_the_scores_are_what_they_are_called() -> None:
    assert music.accuracy1(124.7, 120)
    assert not music.accuracy1(125, 120)
    assert all(music.accuracy2(120 * factor, 120) for factor in (1 / 3, 1 / 2, 1, 2, 3))
    assert not music.accuracy2(180, 120)
    wanted = {"C major": 1.0, "G major": 0.5, "A minor": 0.3, "C minor": 0.2, "F major": 0.0}
    assert {name: music.mirex(name, "C major") for name in wanted} == wanted
    assert music.mirex("C major", "A minor") == 0.3
