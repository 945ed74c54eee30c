"""Short films in real H.264 and AAC (MP4), made with PyAV. Called by `World.file`, in a thread.

A film shows its motif's colours with a disc that beats in the music's tempo. One film is encoded
per track (about 0.1 s) and kept; `signed` gives each post its own bytes.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from sandbox.world import music, pictures
from sandbox.world.music import SAMPLE_RATE, Sound, Track

FRAMES_PER_SECOND = 10


@functools.lru_cache(maxsize=256)
def mp4(
    motif: int, sound: Sound, track: Track | None, seconds: float, width: int, height: int
) -> bytes:
    """The film of one track or sound; width and height in pixels, both even."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "28", "threads": "1"}
        samples = _samples(sound, track, seconds)
        if samples is not None:
            audio = container.add_stream("aac", rate=SAMPLE_RATE)
            audio.layout = "mono"
            audio.bit_rate = 64_000
        beat = 60 / track.tempo_bpm if track else 1.0
        for planes in _frames(motif, beat, seconds, width, height):
            container.mux(video.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(video.encode(None))
        if samples is not None:
            frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = 0
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return buffer.getvalue()


def signed(film: bytes, signature: str) -> bytes:
    """The same film with a trailing `free` box, so that no two files of the world are equal."""
    content = signature.encode()
    return film + struct.pack(">I", len(content) + 8) + b"free" + content


def _samples(sound: Sound, track: Track | None, seconds: float) -> music.Samples | None:
    if sound is Sound.MUSIC and track is not None:
        return music.play(track)
    if sound is Sound.SPEECH:
        return music.speak(seconds)
    if sound is Sound.NOISE:
        return music.noise(seconds)
    return music.silence(seconds) if sound is Sound.SILENCE else None


def _frames(
    motif: int, beat: float, seconds: float, width: int, height: int
) -> Iterator[NDArray[np.uint8]]:
    """Planar YUV 4:2:0 pictures: luma rows first, then the two chroma planes at half size."""
    above, below, sun, _ = pictures.colours(motif)
    picture = _yuv(pictures.gradient(above, below, width, height))
    sky = (picture[..., 0], picture[::2, ::2, 1], picture[::2, ::2, 2])
    disc = _yuv(np.array(sun, np.uint8))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(x - width / 2, y - height * 0.42)
    for number in range(round(seconds * FRAMES_PER_SECOND)):
        since_beat = number / FRAMES_PER_SECOND % beat
        radius = width * (0.2 + 0.08 * np.exp(-6 * since_beat))
        inside = distance < radius
        halves = inside[::2, ::2]
        luma = np.where(inside, disc[0], sky[0])
        chroma = [np.where(halves, disc[n], sky[n]).reshape(-1, width) for n in (1, 2)]
        yield np.concatenate([luma, *chroma])


def _yuv(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Full-range RGB to limited-range BT.601, the arithmetic of ITU-R BT.601."""
    matrix = np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
    )
    yuv = rgb.astype(np.float64) / 255 @ matrix.T + (16, 128, 128)
    return np.asarray(yuv.round(), np.uint8)
