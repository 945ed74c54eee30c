"""Short videos for stories, as a test wants them: a bar that wanders, one white flash, one click.

Left above is red and right below is blue, so it shows which way up a picture stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

FLASH_SECONDS = 1.0  # from the beginning: one white picture, and one click


@dataclass(frozen=True, slots=True)
class Clip:
    """What is written. `turn`: degrees by which a player has to turn it. `late`: of the sound."""

    width: int = 144
    height: int = 256
    rate: int = 25
    seconds: float = 3.2
    codec: str = "libx264"
    pixels: str = "yuv420p"
    sound: str | None = "aac"
    sound_rate: int = 44_100
    layout: str = "mono"
    container: str = "mp4"
    turn: int = 0
    late: float = 0.0
    options: Mapping[str, str] = field(default_factory=dict)
    muxing: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def write(path: Path, clip: Clip) -> Path:
    with av.open(str(path), "w", format=clip.container, options=dict(clip.muxing)) as out:
        out.metadata.update(clip.tags)
        preset = {"preset": "ultrafast"} if clip.codec == "libx264" else {}
        options = {**preset, **clip.options}
        video: Any = out.add_stream(clip.codec, rate=clip.rate, options=options)
        video.width, video.height, video.pix_fmt = clip.width, clip.height, clip.pixels
        if clip.turn:
            video.set_display_rotation(clip.turn)
        audio: Any = None
        if clip.sound:
            audio = out.add_stream(clip.sound, rate=clip.sound_rate, layout=clip.layout)
        for number in range(round(clip.seconds * clip.rate)):
            frame = av.VideoFrame.from_ndarray(_picture(clip, number), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, clip.rate)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio:
            _write_sound(out, audio, clip)
    return path


def _picture(clip: Clip, number: int) -> Any:
    if number == round(FLASH_SECONDS * clip.rate):
        return np.full((clip.height, clip.width, 3), 255, np.uint8)
    made = np.full((clip.height, clip.width, 3), 60, np.uint8)
    made[: clip.height // 3, : clip.width // 2] = (220, 30, 30)
    made[clip.height * 2 // 3 :, clip.width // 2 :] = (30, 30, 220)
    at = number * 2 % (clip.width - 8)
    made[clip.height // 2 - 8 : clip.height // 2 + 8, at : at + 8] = 230
    return made


def _write_sound(out: Any, audio: Any, clip: Clip) -> None:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[clip.layout]
    samples = np.random.default_rng(1).normal(
        0, 0.003, (channels, round(clip.seconds * clip.sound_rate))
    )
    click = round(FLASH_SECONDS * clip.sound_rate)
    samples[:, click : click + 300] = 0.9
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32), "fltp", clip.layout)
    frame.sample_rate, frame.pts = clip.sound_rate, 0
    codec = audio.codec_context
    size = codec.frame_size or 1024
    resampler = av.AudioResampler(codec.format, clip.layout, clip.sound_rate, frame_size=size)
    for ready in [*resampler.resample(frame), *resampler.resample(None)]:
        ready.pts = (ready.pts or 0) + round(clip.late * clip.sound_rate)
        out.mux(audio.encode(ready))
    out.mux(audio.encode(None))


def flash(path: Path) -> float:
    """Seconds at which the white picture is shown."""
    with av.open(str(path)) as box:
        for frame in box.decode(video=0):
            if frame.to_ndarray(format="gray").mean() > 180:
                return float(frame.time or 0)
    raise AssertionError("no white picture")


def click(path: Path) -> float:
    """Seconds at which the click is heard."""
    with av.open(str(path)) as box:
        for frame in box.decode(audio=0):
            loud = np.abs(frame.to_ndarray()[0]) > 0.4
            if loud.any():
                return float(frame.time or 0) + int(loud.argmax()) / frame.sample_rate
    raise AssertionError("no click")


def corners(path: Path) -> tuple[Any, Any]:
    """(red, green, blue) of the first picture near its left upper and right lower corner."""
    with av.open(str(path)) as box:
        picture = next(iter(box.decode(video=0))).to_ndarray(format="rgb24")
    down, across = picture.shape[0] // 8, picture.shape[1] // 8
    return picture[down, across], picture[-down, -across]
