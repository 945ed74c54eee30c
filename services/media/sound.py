"""Sound out of any film: probed, copied, encoded anew, or as samples. Runs in the media process.

Instagram's sound is AAC already, so M4A is a copy of packets (measured: 11 ms against 439 ms);
decoding stops at the first damaged packet unless packets are decoded one by one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# what Instagram has, and what is made of it; others, such as playlists, lead to other files
READ = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mp3,wav,ogg,flac,aac"
FORMATS = {"wav": ("wav", "pcm_s16le", None), "mp3": ("mp3", "libmp3lame", 192_000)}
TIMEOUTS = (20.0, 20.0)  # for opening and for each read; a stuck decoder is the runner's business
DAMAGED_PACKETS = 50  # skipped at most
MAX_SECONDS = 600.0  # of sound that are decoded
PLAUSIBLE_SECONDS = 86_400.0  # a header that tells more is damaged


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
        seconds = (box.duration or 0) / av.time_base
        return Probe(
            seconds=round(seconds, 3) if 0 < seconds < PLAUSIBLE_SECONDS else None,
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
        for ready in _resampled(box, track, resampler):
            pieces.append(ready.to_ndarray()[0])
            count += ready.samples
            if count >= most:
                break
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return np.clip(np.nan_to_num(samples[:most]), -1, 1)


def copy(source: Path, target: Path) -> None:
    """AAC out of MP4 into M4A without decoding. Errors: Unreadable, FFmpegError."""
    with _opened(source) as box:
        track = _track(box)
        options = {"movflags": "+faststart"}
        with av.open(str(target), "w", format="ipod", container_options=options) as out:
            stream = out.add_stream_from_template(track)
            copied = 0
            for packet in _packets(box, track):
                if packet.dts is None:  # the flush packet at the end
                    continue
                packet.stream = stream
                out.mux(packet)
                copied += 1
            if not copied:
                raise Unreadable("no_audio")


def extract(source: Path, target: Path, kind: str) -> None:
    """Decodes and encodes anew, as one of FORMATS. Errors: Unreadable, FFmpegError."""
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
            heard = 0
            for ready in _resampled(box, track, resampler):
                out.mux(stream.encode(ready))
                heard += ready.samples
            if not heard:
                raise Unreadable("no_audio")
            out.mux(stream.encode(None))


def _opened(path: Path) -> Any:
    try:
        box = av.open(str(path), timeout=TIMEOUTS, options={"format_whitelist": READ})
    except (av.error.FFmpegError, ValueError, OSError) as error:
        # damage arrives as many classes, PermissionError among them
        raise Unreadable("not_media") from error
    if not box.streams.video and not box.streams.audio:
        box.close()
        raise Unreadable("not_media")
    return box


def _track(box: Any) -> Any:
    if not box.streams.audio:
        raise Unreadable("no_audio")
    return box.streams.audio[0]


def _packets(box: Any, track: Any) -> Iterator[Any]:
    """Until the end, or where the container breaks off: what came counts."""
    with contextlib.suppress(av.error.FFmpegError):
        yield from box.demux(track)


def _frames(box: Any, track: Any) -> Iterator[Any]:
    """Decoded frames; damaged packets are skipped, up to a limit."""
    damaged, seconds = 0, 0.0
    for packet in _packets(box, track):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            damaged += 1
            if damaged > DAMAGED_PACKETS:
                return
            continue
        for frame in frames:
            seconds += frame.samples / (frame.sample_rate or 1)
            yield frame
        if seconds > MAX_SECONDS:
            return


def _resampled(box: Any, track: Any, resampler: Any) -> Iterator[Any]:
    for frame in _frames(box, track):
        try:
            ready = resampler.resample(frame)
        except (av.error.FFmpegError, ValueError):
            continue  # damage made it a frame of another rate or layout
        yield from ready
    yield from resampler.resample(None)
