"""Files for Meta to fetch: to specification, or off it in one point."""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image


@functools.cache
def jpeg(format: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (108, 192), "teal").save(buffer, format)
    return buffer.getvalue()


@functools.cache
def film(
    *,
    seconds: float = 3.0,
    rate: int = 24,
    size: tuple[int, int] = (64, 96),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    sound: str | None = "aac",
    sample_rate: int = 44_100,
    movflags: str = "+faststart+negative_cts_offsets",
    use_editlist: str = "0",
) -> bytes:
    """An MP4; without arguments as Meta wants it."""
    options = {"movflags": movflags, "use_editlist": use_editlist}
    with tempfile.TemporaryDirectory() as folder:  # to put the index first, it is read again
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", options=options) as out:
            video: Any = out.add_stream(codec, rate=rate)
            video.width, video.height = size
            video.pix_fmt = pixels
            if codec == "libx264":
                video.options = {"preset": "ultrafast", "threads": "1"}
            audio: Any = out.add_stream(sound, rate=sample_rate) if sound else None
            picture = av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8))
            for _ in range(round(seconds * rate)):
                out.mux(video.encode(picture.reformat(format=pixels)))
            out.mux(video.encode(None))
            if audio:
                silence = np.zeros((1, round(seconds * sample_rate)), np.float32)
                heard = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
                heard.sample_rate = sample_rate
                out.mux(audio.encode(heard))
                out.mux(audio.encode(None))
        return path.read_bytes()
