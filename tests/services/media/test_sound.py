"""Sound out of films: what is probed, copied, encoded anew, and what damage leaves of it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from services.media import sound
from services.media.sound import Unreadable
from tests.services.media.conftest import Film
from tests.support.music import Samples


def sweep(seconds: float, rate: int = 44_100) -> Samples:
    time = np.arange(int(seconds * rate)) / rate
    return np.asarray(0.4 * np.sin(2 * np.pi * (200 * time + 150 * time**2)), np.float32)


def decoded(path: Path) -> Samples:
    with av.open(str(path)) as box:
        return np.concatenate([frame.to_ndarray() for frame in box.decode(audio=0)], axis=1)


def test_a_probe_tells_what_a_film_holds(film: Film) -> None:
    found = sound.probe(film(sweep(2)))
    assert (found.width, found.height) == (64, 96)
    assert (found.video_codec, found.audio_codec) == ("h264", "aac")
    assert found.seconds == pytest.approx(2, abs=0.1)


def test_a_film_without_a_sound_track_has_no_audio(film: Film) -> None:
    path = film(None)
    assert sound.probe(path).audio_codec is None
    with pytest.raises(Unreadable, match="no_audio"):
        sound.mono(path, 22_050, 60)


@pytest.mark.parametrize("content", [b"", b"\0" * 4000, b"<!doctype html>" * 50, b"ftyp"])
def test_what_is_no_film_is_not_media(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match="not_media"):
        sound.probe(path)


def test_a_playlist_opens_no_other_file(film: Film, tmp_path: Path) -> None:
    """FFmpeg would follow it to any file of this machine."""
    other = film(sweep(1), codec="mp2", container="mpegts", pictures=0)
    for number, content in enumerate(
        (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other.name}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile {other.name}\n",
        )
    ):
        path = tmp_path / f"{number}.mp4"
        path.write_text(content)
        with pytest.raises(Unreadable, match="not_media"):
            sound.probe(path)


def test_a_container_without_streams_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov")
    with pytest.raises(Unreadable, match="not_media"):
        sound.probe(path)


def test_a_header_that_tells_centuries_is_not_believed(film: Film) -> None:
    path = film(sweep(1))
    content = bytearray(path.read_bytes())
    at = content.index(b"mvhd") + 16  # time scale, then duration (ISO 14496-12, 8.2.2)
    content[at : at + 8] = (1).to_bytes(4, "big") + (0x7FFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)
    seconds = sound.probe(path).seconds
    assert seconds is None or seconds < sound.PLAUSIBLE_SECONDS


def test_aac_is_copied_to_m4a_sample_by_sample(film: Film, tmp_path: Path) -> None:
    source, target = film(np.stack([sweep(2), sweep(2)[::-1]])), tmp_path / "sound"
    sound.copy(source, target)
    assert np.array_equal(decoded(source), decoded(target))
    with av.open(str(target)) as box:
        assert not box.streams.video
        assert "M4A" in box.metadata["major_brand"]


def test_wav_is_what_the_film_decodes_to(film: Film, tmp_path: Path) -> None:
    source, target = film(sweep(1)), tmp_path / "sound.wav"
    sound.extract(source, target, "wav")
    wanted, found = decoded(source)[0], decoded(target)[0] / 32768
    assert target.read_bytes().startswith(b"RIFF")
    assert np.allclose(wanted[: len(found)], found, atol=1e-3)
    assert abs(len(wanted) - len(found)) <= 1024


def test_mp3_sounds_the_same(film: Film, tmp_path: Path) -> None:
    source, target = film(sweep(2)), tmp_path / "sound.mp3"
    sound.extract(source, target, "mp3")
    assert sound.probe(target).audio_codec in ("mp3", "mp3float")
    wanted, found = (sound.mono(path, 22_050, 60) for path in (source, target))
    size = min(len(wanted), len(found))
    assert size > 1.9 * 22_050
    lag = np.argmax(np.correlate(found[:8000], wanted[2000:6000]))  # the encoder's delay
    shift = int(lag) - 2000
    assert np.corrcoef(wanted[2000:20_000], found[2000 + shift : 20_000 + shift])[0, 1] > 0.99


def test_mono_is_resampled_cut_and_within_full_scale(film: Film) -> None:
    loud = np.stack([sweep(2) * 4, sweep(2) * 4])  # AAC keeps what is beyond full scale
    samples = sound.mono(film(loud), 22_050, 1.0)
    assert samples.shape == (22_050,)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() == pytest.approx(1)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_damaged_film_gives_what_could_be_read(
    film: Film, tmp_path: Path, container: str
) -> None:
    path = film(sweep(4), container=container)
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 3, len(content) * 2 // 3, 900):
        content[at : at + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert 1 * 22_050 < len(sound.mono(path, 22_050, 60)) < 5 * 22_050


def test_a_film_that_breaks_off_keeps_its_beginning(film: Film, tmp_path: Path) -> None:
    path, target = film(sweep(4), container="matroska"), tmp_path / "sound"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 1 * 22_050 < len(sound.mono(path, 22_050, 60)) < 3.5 * 22_050
    sound.copy(path, target)
    assert 1 * 44_100 < decoded(target).shape[1] < 3.5 * 44_100


def test_no_more_is_decoded_than_the_limit(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "MAX_SECONDS", 1.0)
    assert len(sound.mono(film(sweep(3)), 22_050, 60)) < 1.2 * 22_050
