"""The tracks of a story's video while it is written: copied packet by packet, or encoded anew.

Runs in the media process, for `story_video`. Time begins with the first picture shown, because the
file may have no edit list that would put its tracks in step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter

from services.media.story import HEIGHT, MAX_SECONDS, SOUND_RATE, WIDTH, Film
from services.media.story_probe import decoded

AAC_BIT_RATE, AAC_FRAME = 128_000, 1024
MAX_BIT_RATE = 8_000_000  # a minute of it is 60 MB
USUAL_RATE, FASTEST_RATE, SLOWEST_RATE = Fraction(30), Fraction(61, 2), Fraction(23)
MAX_THREADS = 4
PRESET = "veryfast"  # measured: half again as long as superfast, and half as large
BT709, LIMITED_RANGE, UNSPECIFIED = 1, 1, 2  # as ISO/IEC 23091-2 numbers them
COVER = (WIDTH // 4 // 2 * 2, HEIGHT // 4)  # what is blurred may be small
WIDEST = 8.0  # of a cover, by its height: what is wider is squeezed
TURNS = {90: ("cclock",), 180: ("clock", "clock"), 270: ("clock",)}  # PyAV does not turn pictures
SHUT = (av.error.BlockingIOError, av.error.EOFError)

Step = tuple[str, str | dict[str, str]]  # a filter and its arguments


class Copied:
    """A track as it is. Sound from before the first picture and after the last is left out: the
    first packet of AAC is one that nobody hears."""

    def __init__(self, out: Any, stream: Any, begin: float, end: float | None = None) -> None:
        self._out, self._begin, self._end = out, begin, end
        self._stream = out.add_stream_from_template(stream)

    def add(self, packet: Any) -> bool:
        if packet.dts is None or packet.pts is None:  # the flush packet
            return True
        shift = round(self._begin / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        if self._end is not None and not 0 <= packet.pts * packet.time_base < self._end:
            return True
        packet.stream = self._stream
        self._out.mux(packet)
        return True

    def finish(self) -> None: ...


class Pictures:
    """Encoded anew: upright, 1080x1920, H.264 4:2:0 progressive, closed groups, no B-frames."""

    def __init__(self, out: Any, stream: Any, film: Film, table: Path | None) -> None:
        """`table`: where HDR's colours are looked up; None for a film without."""
        self._out, self._source, self._film, self._table = out, stream, film, table
        self._graph: Any = None
        self._rate = frame_rate(film.rate)
        self._count, self._limit = 0, int(MAX_SECONDS * self._rate)
        threads = min(os.cpu_count() or 1, MAX_THREADS)
        stream.thread_type, stream.codec_context.thread_count = "AUTO", threads
        options = {
            "preset": PRESET,
            "crf": "22",
            "maxrate": str(MAX_BIT_RATE),
            "bufsize": str(2 * MAX_BIT_RATE),
            "g": str(round(2 * self._rate)),
            "bf": "0",
            "profile": "high",
            "x264-params": f"threads={threads}:open-gop=0",
        }
        self._stream = out.add_stream("libx264", rate=self._rate, options=options)
        self._stream.width, self._stream.height = WIDTH, HEIGHT
        self._stream.pix_fmt = "yuv420p"
        codec = self._stream.codec_context
        codec.color_primaries = codec.color_trc = codec.colorspace = BT709
        codec.color_range = LIMITED_RANGE

    def add(self, packet: Any) -> bool:
        """False: it is damaged, and was passed over."""
        return _each(self._push, packet)

    def finish(self) -> None:
        if self._graph:
            self._push(None)
        self._out.mux(self._stream.encode(None))

    def _push(self, frame: Any) -> bool:
        if frame is not None:
            if frame.pts is None:
                return False
            frame.pts -= round(self._film.begin / frame.time_base)
        if not self._graph:
            self._graph = _picture_graph(self._source, self._film, self._rate, frame, self._table)
        for ready in _through(self._graph, frame):
            if self._count < self._limit:
                ready.pts, ready.time_base = self._count, 1 / self._rate
                ready.pict_type = 0  # the encoder chooses its own key pictures
                self._out.mux(self._stream.encode(ready))
                self._count += 1
        return True


class Sound:
    """Encoded anew: AAC, 48 kHz, stereo. Silence fills what is missing, so it stays in step."""

    def __init__(self, out: Any, stream: Any, film: Film) -> None:
        self._out, self._source, self._film = out, stream, film
        self._graph: Any = None
        self._limit = int(min(film.seconds, MAX_SECONDS) * SOUND_RATE)
        self._count = 0
        self._stream = out.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        self._stream.bit_rate = AAC_BIT_RATE

    def add(self, packet: Any) -> bool:
        return _each(self._push, packet)

    def finish(self) -> None:
        if self._graph:
            self._push(None)
        self._out.mux(self._stream.encode(None))

    def _push(self, frame: Any) -> bool:
        if frame is not None:
            if frame.pts is None:
                return False
            frame.pts -= round(self._film.begin / frame.time_base)
        self._graph = self._graph or _sound_graph(self._source)
        try:
            for ready in _through(self._graph, frame):
                if self._count < self._limit:
                    ready.pts, ready.time_base = self._count, Fraction(1, SOUND_RATE)
                    self._count += ready.samples
                    self._out.mux(self._stream.encode(ready))
        except (av.error.FFmpegError, ValueError):
            return False  # damage made it a frame of another rate or layout
        return True


def _each(push: Callable[[Any], bool], packet: Any) -> bool:
    """All of a packet's frames are pushed. False: it, or one of them, is damaged."""
    frames = decoded(packet)
    return frames is not None and False not in [push(frame) for frame in frames]


def frame_rate(source: float) -> Fraction:
    """The source's own where a story can have it; halved until it is one that a phone can encode
    for everybody to see (60 becomes 30, 50 becomes 25); 30 for what is slower."""
    rate = Fraction(source).limit_denominator(1)
    for known in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)):
        if abs(source - known) < 0.005:
            rate = known
    while rate > FASTEST_RATE:
        rate /= 2
    return rate if rate >= SLOWEST_RATE else USUAL_RATE


# ---------------------------------------------------------------- filters


def _through(graph: Any, frame: Any) -> Iterator[Any]:
    graph.push(frame)
    while True:
        try:
            ready = graph.pull()
        except SHUT:
            return
        yield ready


def _sound_graph(stream: Any) -> Any:
    graph = av.filter.Graph()
    steps: list[Step] = [
        ("aresample", f"{SOUND_RATE}:async=1:first_pts=0"),
        ("aformat", f"sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts=stereo"),
        ("atrim", f"start_sample={AAC_FRAME}"),  # as much as the encoder puts before the rest
        ("asetnsamples", f"n={AAC_FRAME}:p=0"),
        ("abuffersink", ""),
    ]
    _chain(graph, graph.add_abuffer(template=stream), steps)
    graph.configure()
    return graph


def _picture_graph(stream: Any, film: Film, rate: Fraction, frame: Any, table: Path | None) -> Any:
    """Upright and even; then it fills 9:16, or stands on a darker, blurred copy that does."""
    graph = av.filter.Graph()
    steps: list[Step] = [] if film.progressive else [("bwdif", "mode=send_frame")]
    steps += [("transpose", turn) for turn in TURNS.get(film.turned, ())]
    steps += [("fps", f"fps={rate}:start_time=0"), ("scale", _fitting(film, frame))]
    if table:
        steps += [("format", "gbrp10le"), ("lut3d", {"file": str(table)})]
        steps += [("setparams", "color_primaries=bt709:color_trc=bt709")]
        steps += [("scale", "out_color_matrix=bt709:out_range=tv")]
    steps += [("setsar", "1"), ("format", "yuv420p")]
    last = _chain(graph, graph.add_buffer(template=stream), steps)
    if front_size(film.shape) != (WIDTH, HEIGHT):
        last = _on_blurred(graph, last, film.shape)
    _chain(graph, last, [("buffersink", "")])
    graph.configure()
    return graph


def front_size(shape: float) -> tuple[int, int]:
    """The largest even size of this shape within 1080x1920; all of it for 9:16 but roundings."""
    if abs(shape - WIDTH / HEIGHT) <= 0.01 * WIDTH / HEIGHT:
        return WIDTH, HEIGHT
    if shape > WIDTH / HEIGHT:
        return WIDTH, max(2, round(WIDTH / shape / 2) * 2)
    return max(2, round(HEIGHT * shape / 2) * 2), HEIGHT


def _fitting(film: Film, frame: Any) -> str:
    """Size and matrix in one step. HDR keeps its matrix: its colours are looked up afterwards."""
    width, height = front_size(film.shape)
    matrix = "auto"
    if int(frame.colorspace) == UNSPECIFIED:  # as every player guesses
        matrix = "bt709" if min(film.width, film.height) >= 720 else "bt601"
    scale = f"{width}:{height}:flags=bicubic"
    if film.hdr:
        return scale
    return f"{scale}:in_color_matrix={matrix}:out_color_matrix=bt709:out_range=tv"


def _on_blurred(graph: Any, last: Any, shape: float) -> Any:
    width, height = COVER
    if shape > width / height:
        scaled = (round(height * min(shape, WIDEST) / 2) * 2, height)
    else:
        scaled = (width, round(width / max(shape, 1 / WIDEST) / 2) * 2)
    split = _chain(graph, last, [("split", "2")])
    cover: list[Step] = [
        ("scale", f"{scaled[0]}:{scaled[1]}:flags=bilinear"),
        ("crop", f"{width}:{height}"),
        ("gblur", "sigma=12:steps=1"),
        ("lutyuv", "y=16+(val-16)*0.75"),
        ("scale", f"{WIDTH}:{HEIGHT}:flags=bilinear"),
    ]
    behind = _chain(graph, split, cover)
    placed = graph.add("overlay", "(W-w)/2:(H-h)/2:format=yuv420")
    behind.link_to(placed, 0, 0)
    split.link_to(placed, 1, 1)
    return placed


def _chain(graph: Any, last: Any, steps: Sequence[Step]) -> Any:
    for name, arguments in steps:
        if isinstance(arguments, str):
            node = graph.add(name, arguments)
        else:
            node = graph.add(name, **arguments)
        last.link_to(node)
        last = node
    return last
