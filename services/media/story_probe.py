"""What a video file holds, without decoding more than its first picture. Runs in the media process.

Headers lie and damaged files break off, so seconds, rate and bit rate are counted from the packets.
What PyAV does not tell (where the index lies, edit lists, strange boxes) is read from the boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
import av.error

from services.media.story import GRACE_SECONDS, MAX_SECONDS, Film, Reason, Track, Unfit

READ = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"  # no playlists: they lead elsewhere
TIMEOUTS = (20.0, 20.0)  # for opening and for each read; a stuck decoder is the runner's business
MAX_BYTES = 2_000_000_000
MAX_PIXELS = 3840 * 2160 + 8 * 4096  # 4K; what has more takes more memory than a task may have
MIN_SIDE = 64
LONGEST = MAX_SECONDS + GRACE_SECONDS
MAX_PACKETS = 100_000  # of pictures and sound; a minute has about 6,000
HDR = {16: "pq", 18: "hlg"}  # as ISO/IEC 23091-2 numbers transfer characteristics
PROGRESSIVE = (0, 1)  # "unknown" is, too

TECHNICAL_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
TECHNICAL_TAGS |= {"handler_name", "language", "vendor_id"}
# all that an MP4 needs, which is all that our own files have
PLAIN_BOXES = {"ftyp", "moov", "mvhd", "trak", "tkhd", "mdia", "mdhd", "hdlr", "minf", "vmhd"}
PLAIN_BOXES |= {"smhd", "dinf", "stbl", "free", "mdat", "udta"}
OPENED_BOXES = frozenset(("moov", "trak", "mdia", "minf"))
EMPTY = {"free": 8, "udta": 61}  # bytes; what is larger holds something
MAX_BOXES = 1000


def opened(source: Path) -> Any:
    """The container, with at least one track of pictures. Errors: Unfit."""
    size = source.stat().st_size
    if size > MAX_BYTES:
        raise Unfit(Reason.TOO_LARGE, size, MAX_BYTES)
    try:
        box = av.open(str(source), timeout=TIMEOUTS, options={"format_whitelist": READ})
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise Unfit(Reason.NOT_MEDIA) from error
    if not _decodable(box.streams.video):
        heard = bool(_decodable(box.streams.audio))
        box.close()
        raise Unfit(Reason.NO_PICTURE if heard else Reason.NOT_MEDIA)
    return box


def pictures_of(box: Any) -> Any:
    """The track of pictures of an opened container."""
    return _decodable(box.streams.video)[0]


def sound_of(box: Any) -> Any:
    """Its track of sound, the first that can be decoded; None: it is silent."""
    return next(iter(_decodable(box.streams.audio)), None)


def _decodable(streams: Any) -> list[Any]:
    return [stream for stream in streams if stream.codec_context is not None]


def read(source: Path) -> Film:
    """Errors: Unfit, for what can't be read and for what is longer than any story."""
    with opened(source) as box:
        _refuse_early(box, pictures_of(box))
        first = _first(box, pictures_of(box))
    with opened(source) as box:  # anew: not every damaged file can be wound back
        seen = _scan(box, pictures_of(box), sound_of(box))
        boxes = _layout(source) if "mp4" in box.format.name else ("fine", False)
        return _film(source, box, first, seen, boxes)


def _refuse_early(box: Any, stream: Any) -> None:
    """What the header tells, before anything is decoded."""
    seconds = (box.duration or 0) / av.time_base
    if seconds > 4 * LONGEST:  # nearer ones are measured
        raise Unfit(Reason.TOO_LONG, round(seconds, 1), MAX_SECONDS)
    width, height = stream.codec_context.width, stream.codec_context.height
    if not width or not height:
        raise Unfit(Reason.DAMAGED)
    if width * height > MAX_PIXELS:
        raise Unfit(Reason.TOO_MANY_PIXELS, width * height, MAX_PIXELS)
    if min(width, height) < MIN_SIDE:
        raise Unfit(Reason.TOO_SMALL, min(width, height), MIN_SIDE)


def _first(box: Any, stream: Any) -> Any:
    """The first picture that can be decoded: it knows whether it lies on its side."""
    for packet in packets(box, stream):
        for frame in decoded(packet) or ():
            return frame
    raise Unfit(Reason.DAMAGED)


def packets(box: Any, *streams: Any) -> Iterator[Any]:
    """Until the end, or where the file breaks off."""
    try:
        yield from box.demux(*streams)
    except av.error.FFmpegError:
        return


def decoded(packet: Any) -> list[Any] | None:
    """Its frames; None: it is damaged (which comes as many classes of FFmpegError)."""
    try:
        frames: list[Any] = packet.decode()
    except av.error.FFmpegError:
        return None
    return frames


@dataclass(slots=True)
class _Seen:
    """Counted over a track's packets. Times in seconds of the container."""

    packets: int = 0
    bytes: int = 0
    begin: float = float("inf")
    end: float = float("-inf")
    groups: set[str] = field(default_factory=set)
    hidden: bool = False
    corrupt: bool = False

    def count(self, packet: Any) -> None:
        base = float(packet.time_base)
        self.packets += 1
        self.bytes += packet.size
        self.corrupt = self.corrupt or packet.is_corrupt
        if packet.pts is not None:
            self.begin = min(self.begin, packet.pts * base)
            self.end = max(self.end, (packet.pts + (packet.duration or 0)) * base)

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.begin) if self.packets else 0.0


def _scan(box: Any, stream: Any, audio: Any) -> tuple[_Seen, _Seen]:
    pictures, sound = _Seen(), _Seen()
    nal_size = _nal_size(stream.codec_context)
    for packet in packets(box, *(track for track in (stream, audio) if track)):
        if packet.dts is None and packet.pts is None:  # the flush packet at the end
            continue
        if packet.stream_index != stream.index:
            sound.count(packet)
            continue
        if packet.is_keyframe:
            pictures.groups.add(_group(packet, stream.codec_context.name, nal_size))
        if not pictures.packets and not pictures.groups & {"closed", "unknown"}:
            pictures.groups.add("open")  # it begins with what can't be shown alone
        pictures.hidden = pictures.hidden or packet.is_discard
        pictures.count(packet)
        if pictures.packets + sound.packets > MAX_PACKETS or pictures.seconds > 4 * LONGEST:
            raise Unfit(Reason.TOO_LONG, round(pictures.seconds, 1), MAX_SECONDS)
    if not pictures.packets:
        raise Unfit(Reason.DAMAGED)
    return pictures, sound


def _nal_size(codec: Any) -> int:
    """Bytes of each unit's length (ISO/IEC 14496-15: avcC, hvcC); 0: not packed like this."""
    head = codec.extradata or b""
    if codec.name == "h264" and len(head) > 4 and head[0] == 1:
        return (head[4] & 3) + 1
    if codec.name == "hevc" and len(head) > 21 and head[0] == 1:
        return (head[21] & 3) + 1
    return 0


def _group(packet: Any, codec: str, nal_size: int) -> str:
    """closed: begins with an IDR picture, which nothing after it looks behind. open: pictures may
    be shown from here on that need earlier ones. "": a picture that only refers to none."""
    if not nal_size:
        return "unknown"
    content, at, found = bytes(packet), 0, ""
    while at + nal_size < len(content):
        begin = at + nal_size
        at = begin + int.from_bytes(content[at:begin], "big")
        if codec == "h264":
            kind = content[begin] & 31
            closed, entry = kind == 5, kind == 6 and _is_recovery_point(content[begin + 1 : at])
        else:
            kind = content[begin] >> 1 & 63
            closed, entry = kind in (19, 20), kind in (16, 17, 18, 21)
        if closed:
            return "closed"
        found = "open" if entry else found
    return found


def _is_recovery_point(messages: bytes) -> bool:
    """Among supplemental information (ITU-T H.264, 7.3.2.3.1): each has a type and a length."""
    at = 0
    while at + 2 < len(messages):
        numbers = []
        for _ in range(2):
            number = 0
            while at < len(messages) - 1 and messages[at] == 255:
                number, at = number + 255, at + 1
            numbers.append(number + messages[at])
            at = min(at + 1, len(messages) - 1)
        if numbers[0] == 6:
            return True
        at += numbers[1]
    return False


def _film(
    source: Path, box: Any, first: Any, seen: tuple[_Seen, _Seen], boxes: tuple[str, bool]
) -> Film:
    stream, (pictures, sound) = pictures_of(box), seen
    codec, seconds = stream.codec_context, round(pictures.seconds, 3)
    turned = int(first.rotation or 0) % 360
    rate = pictures.packets / seconds if seconds else 0.0
    stated = float(stream.duration * stream.time_base) if stream.duration else 0.0
    return Film(
        container=_container(box),
        bytes=source.stat().st_size,
        begin=pictures.begin,
        seconds=seconds,
        width=codec.width,
        height=codec.height,
        shape=round(float(shown_shape(stream, turned)), 4),
        turned=turned,
        codec=codec.name,
        colour=codec.pix_fmt or first.format.name,
        hdr=HDR.get(int(first.color_trc)),
        progressive=not first.interlaced_frame and int(codec.field_order) in PROGRESSIVE,
        groups=next((one for one in ("open", "unknown") if one in pictures.groups), "closed"),
        rate=round(rate, 3),
        bit_rate=round(8 * pictures.bytes / seconds) if seconds else 0,
        layout=boxes[0],
        plain=boxes[1],
        private=_tells(box),
        hidden=pictures.hidden,
        damaged=pictures.corrupt or sound.corrupt or seconds < 0.9 * min(stated, LONGEST),
        sound=_track(sound_of(box), pictures, sound) if sound.packets else None,
    )


def _tells(box: Any) -> bool:
    """Tags beyond the technical ones, chapters, or tracks that are neither shown nor heard."""
    tags = set(box.metadata).union(*(stream.metadata for stream in box.streams))
    tags = {tag.lower() for tag in tags}  # Matroska shouts
    return bool(tags - TECHNICAL_TAGS or len(box.streams) > 1 + bool(box.streams.audio))


def _container(box: Any) -> str:
    name: str = box.format.name  # one for all of its family: "mov,mp4,m4a,…"
    if "mp4" not in name:
        return name.split(",")[0]
    return "mov" if box.metadata.get("major_brand", "qt").startswith("qt") else "mp4"


def _track(audio: Any, pictures: _Seen, sound: _Seen) -> Track:
    return Track(
        codec=audio.codec_context.name,
        rate=audio.codec_context.sample_rate or 0,
        channels=audio.codec_context.channels,
        seconds=round(sound.end - pictures.begin, 3),
        late=round(sound.begin - pictures.begin, 3),
    )


def shown_shape(stream: Any, turned: int) -> Fraction:
    """Width by height as a viewer sees it: pixel shape and rotation counted."""
    width, height = stream.codec_context.width, stream.codec_context.height
    shape = Fraction(width, height) * (stream.sample_aspect_ratio or 1)
    return 1 / shape if turned % 180 else shape


# ---------------------------------------------------------------- boxes of an MP4


def _layout(source: Path) -> tuple[str, bool]:
    """(fine, index_last, fragments or edit_list; whether it is plain: holds nothing but tracks)."""
    with source.open("rb") as file:
        found = _boxes(file, source.stat().st_size)
    names = [name for name, _ in found]
    plain = len(found) < MAX_BOXES and all(
        name in PLAIN_BOXES and size <= EMPTY.get(name, size) for name, size in found
    )
    if "moof" in names or "mvex" in names:
        return "fragments", plain
    if "moov" not in names or "mdat" not in names or names.index("mdat") < names.index("moov"):
        return "index_last", plain
    return ("edit_list" if "edts" in names else "fine"), plain


def _boxes(file: IO[bytes], size_of_file: int) -> list[tuple[str, int]]:
    """(name, size) of each box that is looked at, in order (ISO/IEC 14496-12, 4.2)."""
    found: list[tuple[str, int]] = []
    spans = [(0, size_of_file)]
    while spans and len(found) < MAX_BOXES:
        at, end = spans.pop()
        file.seek(at)
        head = file.read(16)
        if at + 8 > end or len(head) < 8:
            continue
        size, inside, name = int.from_bytes(head[:4], "big"), at + 8, head[4:8].decode("latin-1")
        if size == 1 and len(head) == 16:
            size, inside = int.from_bytes(head[8:], "big"), at + 16
        size = size or end - at  # 0: until the end
        found.append((name, size))
        if size >= 8:
            spans.append((at + size, end))
            if name in OPENED_BOXES:
                spans.append((inside, min(at + size, end)))
    return found
