"""Films are real H.264 and AAC, pictures real JPEG, and music has the tempo and key it claims."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sandbox.world import TRACKS, Kind, Sound, Track, World, films, music, pictures
from sandbox.world.posts import FILM_SIZE

pytestmark = pytest.mark.analysis  # the true films


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("sound", list(Sound))
def test_films_decode(world: World, sound: Sound) -> None:
    post = next(
        post
        for post in world.posts.values()
        if post.kind is Kind.REEL and post.pieces[0].sound is sound
    )
    piece, file = post.pieces[0], world.file(post.pk, "film")
    assert file is not None
    with av.open(io.BytesIO(file.data), "r") as film:
        video = film.streams.video[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", *FILM_SIZE)
        frames = len(list(film.decode(video)))
        assert frames / films.FRAMES_PER_SECOND == piece.seconds
        assert film.duration is not None
        assert film.duration / 1_000_000 == pytest.approx(piece.seconds, abs=0.2)
        assert [stream.codec_context.name for stream in film.streams.audio] == (
            [] if sound is Sound.NONE else ["aac"]
        )
    if sound is not Sound.NONE:
        loudest = max(float(np.abs(samples).max()) for samples in heard(file.data))
        assert (loudest < 0.001) == (sound is Sound.SILENCE)


def heard(film: bytes) -> list[NDArray[Any]]:
    with av.open(io.BytesIO(film), "r") as opened:
        return [frame.to_ndarray() for frame in opened.decode(audio=0)]


def test_equal_films_and_pictures_get_bytes_of_their_own(world: World) -> None:
    track = TRACKS[0]
    same = [
        post.pk for post in world.posts.values() if post.kind is Kind.REEL and post.track == track
    ]
    made = [world.file(pk, "film") for pk in same[:3]]
    assert len({file.data for file in made if file}) == 3
    for file in made:
        assert file is not None
        with av.open(io.BytesIO(file.data), "r") as film:
            assert film.streams.video[0].frames == track.seconds * films.FRAMES_PER_SECOND


@pytest.mark.parametrize("motif", range(6))
def test_pictures_have_the_size_that_was_asked_for(motif: int) -> None:
    signed = pictures.signed(pictures.jpeg(motif, 180, 225), "39 full")
    with Image.open(io.BytesIO(signed), formats=["JPEG"]) as picture:
        picture.load()
        assert picture.size == (180, 225)
        assert picture.info["comment"] == b"39 full"


def test_tracks_differ() -> None:
    assert len(TRACKS) == 24
    assert len({str(track.key) for track in TRACKS}) == 24
    assert min(track.tempo_bpm for track in TRACKS) == 70
    assert max(track.tempo_bpm for track in TRACKS) == 170
    assert {track.timbre for track in TRACKS} == set(music.HARMONICS)


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.title)
def test_a_track_beats_in_its_tempo(track: Track) -> None:
    """The bass drum's energy repeats after one beat, and not after any time shortly beside it."""
    hop = 220
    samples = music.play(track)
    spectrum = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(samples, 1024)[::hop]))
    rise = np.maximum(0, np.diff(spectrum[:, 2:6].sum(axis=1)))
    rise -= rise.mean()
    beat = 60 / track.tempo_bpm * music.SAMPLE_RATE / hop

    def likeness(lag: float) -> float:
        """Of the rises to themselves eight beats of this length later."""
        frames = round(8 * lag)
        return float(rise[:-frames] @ rise[frames:] / (rise @ rise))

    assert likeness(beat) > 0.3
    assert likeness(beat) > 2 * max(likeness(beat * 1.04), likeness(beat * 0.96))


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.title)
def test_a_track_keeps_to_its_key(track: Track) -> None:
    """Nine tenths of the tones' energy lie on its scale, and no other scale fits better."""
    spectrum = np.abs(np.fft.rfft(music.play(track))) ** 2
    frequency = np.fft.rfftfreq(int(track.seconds * music.SAMPLE_RATE), 1 / music.SAMPLE_RATE)
    tones = (frequency > 200) & (frequency < 900)
    pitch = np.round(12 * np.log2(frequency[tones] / 440) + 9).astype(int) % 12
    energy = np.bincount(pitch, spectrum[tones], minlength=12)
    scale = music.MINOR_SCALE if track.key.is_minor else music.MAJOR_SCALE
    fits = [sum(energy[(tonic + step) % 12] for step in scale) for tonic in range(12)]
    assert fits[track.key.tonic] > 0.9 * energy.sum()
    assert int(np.argmax(fits)) == track.key.tonic


def test_speech_is_loud_but_has_gaps() -> None:
    loudness = np.abs(music.speak(10)).reshape(100, -1).max(axis=1)
    assert loudness.max() > 0.5
    assert 5 < (loudness < 0.01).sum() < 60
