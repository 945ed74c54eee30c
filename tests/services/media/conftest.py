"""Small films made on the spot: `film` writes one with the sound that a test wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.music import Samples

Film = Callable[..., Path]


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """`film(samples, rate=…, codec=…, container=…, pictures=…)`: stereo if `samples` has two rows,
    no sound track if it is None."""

    def write(
        samples: Samples | None,
        *,
        rate: int = 44_100,
        codec: str = "aac",
        container: str = "mp4",
        pictures: int = 5,
    ) -> Path:
        path = tmp_path / f"film.{container}"
        with av.open(str(path), "w", format=container) as out:
            video = audio = None
            if pictures:
                video = out.add_stream("libx264", rate=10)
                video.width, video.height, video.pix_fmt = 64, 96, "yuv420p"
            if samples is not None:
                rows = np.atleast_2d(samples).astype(np.float32)
                layout = "mono" if len(rows) == 1 else "stereo"
                audio = out.add_stream(codec, rate=rate, layout=layout)
            if video:
                for _ in range(pictures):
                    blank = np.full((96 * 3 // 2, 64), 128, np.uint8)
                    out.mux(video.encode(av.VideoFrame.from_ndarray(blank, "yuv420p")))
                out.mux(video.encode(None))
            if audio:
                frame = av.AudioFrame.from_ndarray(rows, "fltp", layout)
                frame.sample_rate, frame.pts = rate, 0
                resampler = av.AudioResampler(audio.codec_context.format, layout, rate)
                for ready in [*resampler.resample(frame), *resampler.resample(None)]:
                    out.mux(audio.encode(ready))
                out.mux(audio.encode(None))
        return path

    return write
