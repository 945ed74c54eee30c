"""What Meta asks of a story's file, and how a file measures up: numbers, facts and decisions, pure.

Used on both sides of the process: by `story_photo` and `story_video` inside, by `fitting` and the
capability that shows pre-flight lines outside. Imports no decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# Meta's pages on publishing and on IG Media, as of v25.0: "story image" and "story video"
WIDTH, HEIGHT = 1080, 1920
PHOTO_BYTES = 8_000_000
VIDEO_BYTES = 100_000_000
MIN_SECONDS, MAX_SECONDS = 3.0, 60.0
MIN_RATE, MAX_RATE = 23.0, 60.0
BIT_RATE = 25_000_000
MAX_COLUMNS = 1920
MIN_SHAPE, MAX_SHAPE = 0.1, 10.0  # width by height; 9:16 is recommended
VIDEO_CODECS = ("h264", "hevc")
CONTAINERS = ("mp4", "mov")
CHROMA = ("yuv420p", "yuvj420p", "yuv420p10le")
SOUND_RATE = 48_000
SOUND_CHANNELS = 2

SAME_SHAPE = 0.01  # 9:16 but for roundings: 1080x1918, 720x1278
MIN_COLUMNS = 540  # a film that has fewer is enlarged, as every other size is
RATE_SLACK = 0.1  # phones film 60 frames a second and a little more
GRACE_SECONDS = 1.0  # cut off in silence: nobody trims "one minute" by hand to a hundredth


class Check(StrEnum):
    """What a line of the pre-flight is about. `found` of the line is in this unit."""

    FORMAT = "format"  # jpeg, png, mp4, mov, matroska, …
    BYTES = "bytes"
    SHAPE = "shape"  # width by height, as it is shown
    COLUMNS = "columns"  # pixels
    COLOUR = "colour"  # how pixels are stored: srgb or other; yuv420p, …
    UPRIGHT = "upright"  # degrees by which a viewer has to turn it
    PRIVATE = "private"  # metadata in the file, such as the place: yes or no
    LAYOUT = "layout"  # of the MP4: index_last, fragments, edit_list, or fine
    CODEC = "codec"
    SCAN = "scan"  # interlaced or progressive
    GROUPS = "groups"  # open, closed or unknown
    RATE = "rate"  # pictures a second
    BIT_RATE = "bit_rate"  # bits a second, of the pictures
    SECONDS = "seconds"
    SOUND_CODEC = "sound_codec"
    SOUND_RATE = "sound_rate"  # samples a second
    SOUND_CHANNELS = "sound_channels"


class Verdict(StrEnum):
    OK = "ok"
    ADVISED = "advised"  # Meta takes it, but it will not look, or tell, what its owner thinks
    WRONG = "wrong"  # Meta says it refuses this


class Fix(StrEnum):
    FIT = "fit"  # fitting the file mends it
    OTHER_FILE = "other_file"  # nothing mends it


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the pre-flight. `fix` is None where all is well."""

    check: Check
    verdict: Verdict
    found: str | float
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo's file. Size in pixels as it is shown. `colour`: srgb, or how its pixels differ."""

    format: str
    bytes: int
    width: int
    height: int
    colour: str
    turned: int
    private: bool


@dataclass(frozen=True, slots=True)
class Track:
    """A film's sound. `late`: seconds from the first picture to the first sound."""

    codec: str
    rate: int
    channels: int
    seconds: float
    late: float


@dataclass(frozen=True, slots=True)
class Film:
    """A video's file. `width` and `height` in pixels as stored, `shape` as it is shown.

    `begin`: seconds on the file's own clock at which its first picture is shown; `seconds`: of its
    pictures. `turned`: degrees. `hdr`: pq or hlg. `groups`: closed, open or unknown. `plain`: no
    box of the file can hold anything but its tracks. `private`: it tells when, where or by what it
    was filmed, or has more tracks. `hidden`: it holds pictures that an edit list keeps from being
    shown. `damaged`: it breaks off.
    """

    container: str
    bytes: int
    begin: float
    seconds: float
    width: int
    height: int
    shape: float
    turned: int
    codec: str
    colour: str
    hdr: str | None
    progressive: bool
    groups: str
    rate: float
    bit_rate: int
    layout: str
    plain: bool
    private: bool
    hidden: bool
    damaged: bool
    sound: Track | None


def check(found: Picture | Film) -> tuple[Line, ...]:
    """Does the file meet Meta's specification? One line for each thing that was looked at."""
    return tuple(_photo_lines(found) if isinstance(found, Picture) else _film_lines(found))


def _photo_lines(photo: Picture) -> Iterator[Line]:
    yield _must(Check.FORMAT, photo.format, photo.format == "jpeg")
    yield _must(Check.BYTES, photo.bytes, photo.bytes <= PHOTO_BYTES)
    yield _advised(Check.SHAPE, photo.width / photo.height, is_story_shape(photo))
    yield _advised(Check.COLUMNS, photo.width, photo.width == WIDTH)
    yield _advised(Check.COLOUR, photo.colour, photo.colour == "srgb")
    yield _advised(Check.UPRIGHT, photo.turned, not photo.turned)
    yield _advised(Check.PRIVATE, _yes(photo.private), not photo.private)


def _film_lines(film: Film) -> Iterator[Line]:
    yield _must(Check.FORMAT, film.container, film.container in CONTAINERS)
    yield _must(Check.BYTES, film.bytes, film.bytes <= VIDEO_BYTES)
    yield _seconds(film.seconds)
    if MIN_SHAPE <= film.shape <= MAX_SHAPE:
        yield _advised(Check.SHAPE, film.shape, is_story_shape(film))
    else:
        yield _must(Check.SHAPE, film.shape, False)
    yield _must(Check.COLUMNS, film.width, film.width <= MAX_COLUMNS)
    yield _must(Check.CODEC, film.codec, film.codec in VIDEO_CODECS)
    yield _must(Check.COLOUR, film.colour, film.colour in CHROMA)
    yield _advised(Check.UPRIGHT, film.turned, not film.turned)
    yield _must(Check.SCAN, "progressive" if film.progressive else "interlaced", film.progressive)
    yield _must(Check.GROUPS, film.groups, film.groups != "open")
    yield _must(Check.RATE, film.rate, is_story_rate(film.rate))
    yield _must(Check.BIT_RATE, film.bit_rate, film.bit_rate <= BIT_RATE)
    yield _must(Check.LAYOUT, film.layout, film.layout == "fine")
    yield _advised(Check.PRIVATE, _yes(film.private), not film.private)
    if film.sound:
        yield _must(Check.SOUND_CODEC, film.sound.codec, film.sound.codec == "aac")
        yield _must(Check.SOUND_RATE, film.sound.rate, film.sound.rate <= SOUND_RATE)
        yield _must(
            Check.SOUND_CHANNELS,
            film.sound.channels,
            1 <= film.sound.channels <= SOUND_CHANNELS,
        )


def _seconds(seconds: float) -> Line:
    if MIN_SECONDS <= seconds <= MAX_SECONDS:
        return Line(Check.SECONDS, Verdict.OK, seconds)
    mends = MAX_SECONDS < seconds <= MAX_SECONDS + GRACE_SECONDS
    fix = Fix.FIT if mends else Fix.OTHER_FILE
    return Line(Check.SECONDS, Verdict.WRONG, seconds, fix)


def _must(what: Check, found: str | float, fine: bool) -> Line:
    return Line(what, Verdict.OK, found) if fine else Line(what, Verdict.WRONG, found, Fix.FIT)


def _advised(what: Check, found: str | float, fine: bool) -> Line:
    return Line(what, Verdict.OK, found) if fine else Line(what, Verdict.ADVISED, found, Fix.FIT)


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def is_story_shape(found: Picture | Film) -> bool:
    """9:16 but for roundings."""
    shape = found.width / found.height if isinstance(found, Picture) else found.shape
    return abs(shape - WIDTH / HEIGHT) <= SAME_SHAPE * WIDTH / HEIGHT


def is_story_rate(rate: float) -> bool:
    return MIN_RATE <= rate <= MAX_RATE + RATE_SLACK


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with a film: which of its tracks are copied as they are. `untouched`: the
    file itself will do."""

    copies_pictures: bool
    copies_sound: bool
    untouched: bool


def plan(film: Film) -> Plan:
    """Copying keeps every bit of the quality and takes milliseconds; encoding is for the rest.

    HEVC is encoded anew although Meta takes it: phones film HDR with it, and not every viewer of
    the chat's preview can play it.
    """
    pictures = (
        film.codec == "h264"
        and film.colour in ("yuv420p", "yuvj420p")
        and not film.hdr
        and film.progressive
        and film.groups == "closed"
        and is_story_rate(film.rate)
        and film.bit_rate <= BIT_RATE
        and film.bytes <= VIDEO_BYTES
        and not film.turned
        and is_story_shape(film)
        and MIN_COLUMNS <= film.width <= MAX_COLUMNS
        and film.seconds <= MAX_SECONDS
        and not film.hidden
        and not film.damaged
    )
    sound = film.sound is None or (
        film.sound.codec == "aac"
        and film.sound.rate <= SOUND_RATE
        and 1 <= film.sound.channels <= SOUND_CHANNELS
        and abs(film.sound.late) < 0.1  # without an edit list nothing else can make it wait
        and not film.damaged
    )
    whole = film.container == "mp4" and film.layout == "fine" and film.plain
    long_sound = film.sound is not None and film.sound.seconds > MAX_SECONDS
    return Plan(pictures, sound, pictures and sound and whole and not long_sound)


class Reason(StrEnum):
    """Why a file can't become a story. `found` and `limit` of Refused are in this unit."""

    NOT_MEDIA = "not_media"  # neither a photo nor a video that can be read
    DAMAGED = "damaged"  # it begins like one, and then can't be read
    NO_PICTURE = "no_picture"  # sound alone
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"  # pixels of the shorter side
    TOO_LARGE = "too_large"  # bytes
    TOO_SHORT = "too_short"  # seconds
    TOO_LONG = "too_long"  # seconds
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"  # its decoder did


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was made. Numbers where the reason has them, else None."""

    reason: Reason
    found: float | None = None
    limit: float | None = None


class Unfit(Exception):
    """Carries a Refused to the edge of the process."""

    def __init__(
        self, reason: Reason, found: float | None = None, limit: float | None = None
    ) -> None:
        super().__init__(reason)
        self.refused = Refused(reason, found, limit)


class Way(StrEnum):
    """How the file was made, from least to most."""

    UNTOUCHED = "untouched"  # byte for byte
    CLEANED = "cleaned"  # photo: the same pixels and quality, without metadata
    REMUXED = "remuxed"  # video: the same streams in a clean MP4
    SOUND_ENCODED = "sound_encoded"  # video: pictures copied, sound anew
    REDRAWN = "redrawn"  # photo
    TRANSCODED = "transcoded"  # video


class Note(StrEnum):
    """What else was done, or is worth saying."""

    PADDED = "padded"  # stands on a blurred copy of itself
    ENLARGED = "enlarged"  # it was small: it will look soft
    REDUCED = "reduced"
    TURNED = "turned"
    FLATTENED = "flattened"  # what shone through is white now
    RECOLOURED = "recoloured"  # into sRGB, or from HDR
    FIRST_FRAME = "first_frame"  # it moved; a photo does not
    METADATA_REMOVED = "metadata_removed"
    TRIMMED = "trimmed"  # what was over the 60 s
    SILENT = "silent"  # has no sound
    PARTLY_DAMAGED = "partly_damaged"  # what could be read is there


@dataclass(frozen=True, slots=True)
class Fitted:
    """A story's file. `ending`: jpg or mp4. `seconds`: None for a photo. `before`: of the source.

    `sha256` of the made file, `source_sha256` of the given one. `looks`: perceptual hashes, see
    `fingerprint`; empty where the picture shows too little to tell.
    """

    ending: str
    way: Way
    notes: tuple[Note, ...]
    width: int
    height: int
    seconds: float | None
    bytes: int
    sha256: str
    source_width: int
    source_height: int
    source_seconds: float | None
    source_bytes: int
    source_sha256: str
    looks: tuple[str, ...]
