"""Sound out of any film: probed, copied, encoded anew, or as samples. Runs in the media process.

Instagram's sound is AAC already, so M4A is a copy of packets (measured: 11 ms against 439 ms);
decoding stops at the first damaged packet unless packets are decoded one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

FORMATS = {"wav": ("wav", "pcm_s16le", None), "mp3": ("mp3", "libmp3lame", 192_000)}
TIMEOUTS = (20.0, 20.0)  # for opening and for each read; a stuck decoder is the runner's business
DAMAGED_PACKETS = 50  # skipped at most
MAX_SECONDS = 600.0  # of sound that are decoded


class Unreadable(Exception):
    """`reason`: not_media or no_audio."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file holds, without decoding. `seconds` None: the container does not say."""

    seconds: float | None
    width: int | None
    height: int | None
    video_codec: str | None
    audio_codec: str | None


def probe(path: Path) -> Probe:
    """Errors: Unreadable."""
    with _opened(path) as box:
        film = box.streams.video[0].codec_context if box.streams.video else None
        audio = box.streams.audio[0].codec_context if box.streams.audio else None
        return Probe(
            seconds=round(box.duration / av.time_base, 3) if box.duration else None,
            width=film.width if film else None,
            height=film.height if film else None,
            video_codec=film.name if film else None,
            audio_codec=audio.name if audio else None,
        )


def mono(path: Path, rate: int, limit_seconds: float) -> Samples:
    """The sound as mono samples in -1..1, at most `limit_seconds` of it. Errors: Unreadable."""
    pieces: list[Samples] = []
    count, most = 0, int(limit_seconds * rate)
    with _opened(path) as box:
        track = _track(box)
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        for frame in _frames(box, track):
            for ready in resampler.resample(frame):
                pieces.append(ready.to_ndarray()[0])
                count += ready.samples
            if count >= most:
                break
        pieces += [ready.to_ndarray()[0] for ready in resampler.resample(None)]
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return np.nan_to_num(samples[:most])


def copy(source: Path, target: Path) -> None:
    """AAC out of MP4 into M4A without decoding. Errors: Unreadable."""
    with _opened(source) as box:
        track = _track(box)
        options = {"movflags": "+faststart"}
        with av.open(str(target), "w", format="ipod", container_options=options) as out:
            stream = out.add_stream_from_template(track)
            for packet in box.demux(track):
                if packet.dts is None:  # the flush packet at the end
                    continue
                packet.stream = stream
                out.mux(packet)


def extract(source: Path, target: Path, kind: str) -> None:
    """Decodes and encodes anew, as one of FORMATS. Errors: Unreadable."""
    container, encoder, bit_rate = FORMATS[kind]
    with _opened(source) as box:
        track = _track(box)
        layout = "mono" if track.codec_context.channels == 1 else "stereo"
        rate = track.codec_context.sample_rate
        with av.open(str(target), "w", format=container) as out:
            stream: Any = out.add_stream(encoder, rate=rate, layout=layout)
            if bit_rate:
                stream.bit_rate = bit_rate
            resampler = av.AudioResampler(
                format=stream.codec_context.format, layout=layout, rate=rate
            )
            for frame in _frames(box, track):
                for ready in resampler.resample(frame):
                    out.mux(stream.encode(ready))
            for ready in resampler.resample(None):
                out.mux(stream.encode(ready))
            out.mux(stream.encode(None))


def _opened(path: Path) -> Any:
    try:
        return av.open(str(path), timeout=TIMEOUTS)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        # damage arrives as many classes, PermissionError among them
        raise Unreadable("not_media") from error


def _track(box: Any) -> Any:
    if not box.streams.audio:
        raise Unreadable("no_audio")
    return box.streams.audio[0]


def _frames(box: Any, track: Any) -> Iterator[Any]:
    """Decoded frames; damaged packets are skipped, up to a limit."""
    damaged, seconds = 0, 0.0
    packets = box.demux(track)
    while seconds < MAX_SECONDS:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return  # the end, or the container breaks off here: what came counts
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            damaged += 1
            if damaged > DAMAGED_PACKETS:
                return
            continue
        for frame in frames:
            seconds += frame.samples / frame.sample_rate
            yield frame
