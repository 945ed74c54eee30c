"""Any video becomes a story's video: MP4, H.264 and AAC, 3 to 60 s, its index first.

Runs in the media process. What fits is copied, track by track (milliseconds, and no quality lost);
the rest is encoded. What was made is read again and checked before anybody gets it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import av
import av.error
from PIL import Image

from services.media import fingerprint, story_hdr, story_preview, story_probe
from services.media.story import (
    HEIGHT,
    MAX_SECONDS,
    MIN_SECONDS,
    WIDTH,
    Film,
    Fitted,
    Note,
    Plan,
    Reason,
    Unfit,
    Verdict,
    Way,
    check,
    is_story_shape,
    plan,
)
from services.media.story_photo import ENLARGED, digest
from services.media.story_tracks import BT709, Copied, Pictures, Sound

# no edit lists, for Meta refuses them; pictures that wait for others are told by offsets instead
MP4 = {
    "movflags": "+faststart+negative_cts_offsets",
    "use_editlist": "0",
    "fflags": "+bitexact",  # the same file again becomes the same bytes
}
LOOKED_AT = (0.125, 0.375, 0.625, 0.875)  # of a film's length: for hashes, the second to be shown
STILL_SIDE = 720
DAMAGED_PACKETS = 50  # passed over at most
ENCODES_ALL = Plan(copies_pictures=False, copies_sound=False, untouched=False)


def fit(source: Path, target: Path, preview: Path) -> Fitted:
    """Writes the story's video and a small before-and-after. Errors: Unfit."""
    film = story_probe.read(source)
    if film.seconds < MIN_SECONDS:
        raise Unfit(Reason.TOO_SHORT, film.seconds, MIN_SECONDS)
    if film.seconds > story_probe.LONGEST:
        raise Unfit(Reason.TOO_LONG, film.seconds, MAX_SECONDS)
    chosen, damaged = _make(source, film, target)
    made = story_probe.read(target)
    before = stills(source, film, LOOKED_AT)
    after = stills(target, made, LOOKED_AT[1:2])
    shown = before[1] or after[0]
    if shown is None or after[0] is None:
        raise Unfit(Reason.DAMAGED)
    story_preview.write(shown, after[0], preview)
    looks = tuple(fingerprint.look(still) if still else "" for still in before)
    return Fitted(
        ending="mp4",
        way=_way(chosen),
        notes=tuple(_notes(film, chosen, damaged)),
        width=made.width,
        height=made.height,
        seconds=made.seconds,
        bytes=made.bytes,
        sha256=digest(target),
        source_width=film.height if film.turned % 180 else film.width,
        source_height=film.width if film.turned % 180 else film.height,
        source_seconds=film.seconds,
        source_bytes=film.bytes,
        source_sha256=digest(source),
        looks=looks if any(looks) else (),
    )


def _make(source: Path, film: Film, target: Path) -> tuple[Plan, int]:
    """(what was done, damaged packets). A copy that does not come out right is encoded instead."""
    chosen = plan(film)
    if chosen.untouched:
        shutil.copyfile(source, target)
        return chosen, 0
    for tried in dict.fromkeys((chosen, ENCODES_ALL)):
        try:
            damaged = _write(source, film, tried, target)
            wrong = [one for one in check(story_probe.read(target)) if one.verdict is Verdict.WRONG]
        except (av.error.FFmpegError, ValueError) as error:
            if tried == ENCODES_ALL:
                raise Unfit(Reason.DAMAGED) from error
        else:
            if not wrong:
                return tried, damaged
    raise Unfit(Reason.DAMAGED)


def _write(source: Path, film: Film, chosen: Plan, target: Path) -> int:
    """The number of damaged packets that were passed over. Errors: Unfit, FFmpegError."""
    damaged = 0
    with (
        tempfile.TemporaryDirectory(dir=target.parent) as folder,
        story_probe.opened(source) as box,
        av.open(str(target), "w", format="mp4", options=MP4) as out,
    ):
        tracks = _tracks(box, out, film, chosen, Path(folder))
        streams = [box.streams[index] for index in tracks]
        for packet in story_probe.packets(box, *streams):
            damaged += not tracks[packet.stream_index].add(packet)
            if damaged > DAMAGED_PACKETS:
                raise Unfit(Reason.DAMAGED)
        for track in tracks.values():
            track.finish()
    return damaged


def _tracks(
    box: Any, out: Any, film: Film, chosen: Plan, folder: Path
) -> dict[int, Copied | Pictures | Sound]:
    """By the index of the source's stream. `folder`: for what is needed until all is written."""
    pictures = story_probe.pictures_of(box)
    tracks: dict[int, Copied | Pictures | Sound] = {}
    if chosen.copies_pictures:
        tracks[pictures.index] = Copied(out, pictures, film.begin)
    else:
        table = folder / "colours.cube" if film.hdr else None
        if film.hdr and table:
            story_hdr.write_table(film.hdr, table)
        tracks[pictures.index] = Pictures(out, pictures, film, table)
    if film.sound:
        sound, end = story_probe.sound_of(box), min(film.seconds, MAX_SECONDS)
        if chosen.copies_sound:
            tracks[sound.index] = Copied(out, sound, film.begin, end)
        else:
            tracks[sound.index] = Sound(out, sound, film)
    return tracks


def _way(chosen: Plan) -> Way:
    if chosen.untouched:
        return Way.UNTOUCHED
    if not chosen.copies_pictures:
        return Way.TRANSCODED
    return Way.REMUXED if chosen.copies_sound else Way.SOUND_ENCODED


def _notes(film: Film, chosen: Plan, damaged: int) -> list[Note]:
    width, height = film.width, film.height
    scale = min(WIDTH / width, HEIGHT / height)
    if film.turned % 180:
        scale = min(WIDTH / height, HEIGHT / width)
    encoded = not chosen.copies_pictures
    said = {
        Note.PADDED: encoded and not is_story_shape(film),
        Note.ENLARGED: encoded and scale >= ENLARGED,
        Note.REDUCED: encoded and scale < 1,
        Note.TURNED: bool(film.turned),
        Note.RECOLOURED: film.hdr is not None,
        Note.METADATA_REMOVED: film.private,
        Note.TRIMMED: film.seconds > MAX_SECONDS,
        Note.SILENT: film.sound is None,
        Note.PARTLY_DAMAGED: film.damaged or damaged > 0,
    }
    return [note for note, holds in said.items() if holds]


# ---------------------------------------------------------------- stills


def stills(path: Path, film: Film, parts: tuple[float, ...]) -> list[Image.Image | None]:
    """One upright picture at each part of the film's length, reduced; None where none came."""
    with story_probe.opened(path) as box:
        story_probe.pictures_of(box).thread_type = "AUTO"
        return [_still(box, film, part * film.seconds) for part in parts]


def _still(box: Any, film: Film, seconds: float) -> Image.Image | None:
    stream, last = story_probe.pictures_of(box), None
    at = film.begin + seconds
    try:
        box.seek(round(at * av.time_base), backward=True)
    except av.error.FFmpegError:
        return None
    for packet in story_probe.packets(box, stream):
        for frame in story_probe.decoded(packet) or ():
            last = frame
            if frame.time is not None and frame.time >= at:
                return _image(frame, film)
    return _image(last, film) if last else None


def _image(frame: Any, film: Film) -> Image.Image:
    """As it is shown: turned, and with square pixels."""
    shape = 1 / film.shape if film.turned % 180 else film.shape
    if shape > 1:
        width, height = STILL_SIDE, max(2, round(STILL_SIDE / shape))
    else:
        width, height = max(2, round(STILL_SIDE * shape)), STILL_SIDE
    if film.hdr:  # as it is stored: mapping colours would take seconds for each
        frame.color_trc = frame.color_primaries = BT709
    image: Image.Image = frame.to_image(width=width, height=height)
    return image.rotate(film.turned, expand=True) if film.turned else image
