"""A film becomes a sample: everything it has, and the reason for what it has not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.media import sample, sound, waveform
from services.media.sample import Sample
from services.media.sound import Unreadable
from tests.services.media.conftest import Film
from tests.support import music
from tests.support.music import RATE, Piece

TUNE = Piece(124.0, "A minor", "piano", "four", "clean", 9.0, seed=4)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "audio", tmp_path / "waveform.png"


def test_music_gets_everything(film: Film, made: tuple[Path, Path]) -> None:
    found = sample.make(film(music.play(TUNE), rate=RATE), *made)
    assert found.tempo
    assert music.accuracy1(found.tempo.bpm, TUNE.bpm)
    assert found.tempo.alternative_bpm == pytest.approx(found.tempo.bpm / 2, abs=0.02)
    assert found.key
    assert found.key.name == TUNE.key
    assert found.key.second in set(music.KEYS) - {TUNE.key}
    assert (found.no_tempo, found.no_key, found.audio) == (None, None, "m4a")
    assert sound.probe(made[0]).audio_codec == "aac"
    assert len(found.peaks) == waveform.STORED_PEAKS
    assert max(found.peaks) == 1
    with Image.open(made[1]) as picture:
        assert picture.size == (1000, 200)
        assert picture.format == "PNG"


def reasons(found: Sample) -> tuple[str | None, str | None]:
    assert found.tempo is None
    assert found.key is None
    return found.no_tempo, found.no_key


def test_without_a_sound_track_nothing_is_written(film: Film, made: tuple[Path, Path]) -> None:
    found = sample.make(film(None), *made)
    assert reasons(found) == ("no_audio", "no_audio")
    assert found.audio is None
    assert not any(path.exists() for path in made)


def test_silence_keeps_its_sound_and_says_so(film: Film, made: tuple[Path, Path]) -> None:
    found = sample.make(film(np.zeros(5 * RATE, np.float32), rate=RATE), *made)
    assert reasons(found) == ("silent", "silent")
    assert found.audio == "m4a"
    assert set(found.peaks) == {0}


def test_under_two_seconds_nothing_is_told_under_three_no_key(
    film: Film, made: tuple[Path, Path]
) -> None:
    tune = music.play(TUNE)
    assert reasons(sample.make(film(tune[: int(1.7 * RATE)], rate=RATE), *made)) == (
        "too_short",
        "too_short",
    )
    longer = sample.make(film(tune[: int(2.7 * RATE)], rate=RATE), *made)
    assert longer.tempo
    assert music.accuracy2(longer.tempo.bpm, TUNE.bpm)
    assert longer.no_key == "too_short"


def test_sound_that_is_no_aac_becomes_mp3(film: Film, made: tuple[Path, Path]) -> None:
    source = film(music.play(TUNE), rate=48_000, codec="libopus", container="matroska")
    assert sample.make(source, *made).audio == "mp3"
    assert made[0].stat().st_size > 10_000


def test_a_sound_that_cannot_be_copied_is_encoded_anew(
    film: Film, made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        target.write_bytes(b"half a file")
        raise ValueError("timestamps go backwards")

    monkeypatch.setattr(sound, "copy", refuse)
    assert sample.make(film(music.play(TUNE), rate=RATE), *made).audio == "mp3"
    assert sound.probe(made[0]).audio_codec in ("mp3", "mp3float")


def test_a_sound_that_cannot_be_written_leaves_the_rest(
    film: Film, made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        made[0].write_bytes(b"half a file")
        raise Unreadable("no_audio")

    monkeypatch.setattr(sound, "copy", refuse)
    monkeypatch.setattr(sound, "extract", refuse)
    found = sample.make(film(music.play(TUNE), rate=RATE), *made)
    assert found.audio is None
    assert found.tempo
    assert not made[0].exists()


def test_a_track_of_which_nothing_decodes_is_no_sound(
    film: Film, made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "mono", lambda *_: np.zeros(0, np.float32))
    found = sample.make(film(music.play(TUNE), rate=RATE), *made)
    assert reasons(found) == ("no_audio", "no_audio")
