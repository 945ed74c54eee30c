"""Videos are copied where they fit, encoded where they don't, or refused with the reason.

What is encoded is made a fifth of its size here: the whole takes seconds, and tests/bench does it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.media import fingerprint, story, story_probe, story_tracks, story_video
from services.media.story import Fitted, Note, Reason, Unfit, Verdict, Way, check
from services.media.story_tracks import frame_rate, front_size
from tests.support import clips
from tests.support.clips import Clip

FIT = Clip()
WIDE = Clip(width=160, height=90)
COLOURS = "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc"
HDR = Clip(
    codec="libx265",
    pixels="yuv420p10le",
    options={"preset": "ultrafast", "x265-params": f"log-level=none:{COLOURS}"},
)
STEP = 0.021  # seconds: half a picture, or a frame of AAC


@pytest.fixture(autouse=True)
def _tiny_films_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "MIN_COLUMNS", 100)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_tracks, "WIDTH", 216)
    monkeypatch.setattr(story_tracks, "HEIGHT", 384)
    monkeypatch.setattr(story_tracks, "COVER", (54, 96))


def fit(tmp_path: Path, clip: Clip) -> Fitted:
    given = clips.write(tmp_path / "given", clip)
    return story_video.fit(given, tmp_path / "made", tmp_path / "preview")


def is_to_specification(tmp_path: Path, clip: Clip) -> None:
    """... and pictures and sound are where they were."""
    made = story_probe.read(tmp_path / "made")
    assert {line.verdict for line in check(made)} == {Verdict.OK}
    assert (made.layout, made.plain) == ("fine", True)
    assert made.seconds == pytest.approx(clip.seconds, abs=0.05)
    flash = clips.flash(tmp_path / "made")
    assert flash == pytest.approx(clips.flash(tmp_path / "given"), abs=STEP)
    if clip.sound:
        assert clips.click(tmp_path / "made") == pytest.approx(flash + clip.late, abs=STEP)


@pytest.mark.parametrize(
    "clip",
    [
        FIT,
        Clip(options={"preset": "fast", "bf": "3"}),  # B-frames need an edit list
        Clip(muxing={"movflags": "frag_keyframe+empty_moov"}),
        Clip(container="matroska"),
        Clip(container="mov", sound=None),
    ],
    ids=["index last", "edit list", "fragments", "matroska", "silent mov"],
)
def test_streams_that_fit_are_copied(tmp_path: Path, clip: Clip) -> None:
    found = fit(tmp_path, clip)
    assert found.way is Way.REMUXED
    assert set(found.notes) == (set() if clip.sound else {Note.SILENT})
    assert (found.width, found.height, found.ending) == (144, 256, "mp4")
    is_to_specification(tmp_path, clip)


def test_a_fitted_file_is_left_as_it_is(tmp_path: Path) -> None:
    fit(tmp_path, FIT)
    again = story_video.fit(tmp_path / "made", tmp_path / "again", tmp_path / "preview")
    assert again.way is Way.UNTOUCHED
    assert again.sha256 == again.source_sha256
    assert (tmp_path / "again").read_bytes() == (tmp_path / "made").read_bytes()


def test_it_forgets_where_it_was_filmed(tmp_path: Path) -> None:
    tags = {"location": "+52.5200+013.4050/", "make": "Telephone"}
    found = fit(tmp_path, Clip(tags=tags, muxing={"movflags": "use_metadata_tags"}))
    assert (found.way, found.notes) == (Way.REMUXED, (Note.METADATA_REMOVED,))
    assert b"+52.52" in (tmp_path / "given").read_bytes()
    assert b"+52.52" not in (tmp_path / "made").read_bytes()
    assert b"Telephone" not in (tmp_path / "made").read_bytes()


@pytest.mark.parametrize(
    "clip",
    [
        Clip(layout="5.1"),
        Clip(container="matroska", sound="libopus", sound_rate=48_000),
        Clip(late=0.5),
    ],
    ids=["six channels", "opus", "late"],
)
def test_sound_that_does_not_fit_is_encoded_alone(tmp_path: Path, clip: Clip) -> None:
    assert fit(tmp_path, clip).way is Way.SOUND_ENCODED
    is_to_specification(tmp_path, clip)
    sound = story_probe.read(tmp_path / "made").sound
    assert sound
    assert (sound.codec, sound.rate, sound.channels) == ("aac", 48_000, 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("clip", "notes"),
    [
        (WIDE, {Note.PADDED}),
        (Clip(160, 200, rate=50), {Note.PADDED}),
        (Clip(144, 256, rate=10), set()),
        (Clip(pixels="yuv444p", sound="libopus", sound_rate=48_000, container="matroska"), set()),
        (HDR, {Note.RECOLOURED}),
    ],
    ids=["wide", "fast", "slow", "opus", "hdr"],
)
def test_the_rest_is_encoded(tmp_path: Path, clip: Clip, notes: set[Note]) -> None:
    found = fit(tmp_path, clip)
    assert found.way is Way.TRANSCODED
    assert set(found.notes) - {Note.ENLARGED} == notes
    assert (Note.ENLARGED in found.notes) == (clip.width < 720)
    is_to_specification_when_small(tmp_path, clip)


def is_to_specification_when_small(tmp_path: Path, clip: Clip) -> None:
    is_to_specification(tmp_path, clip)
    made = story_probe.read(tmp_path / "made")
    assert (made.width, made.height, made.groups) == (216, 384, "closed")
    assert made.rate == pytest.approx(25 if clip.rate in (25, 50) else 30, abs=0.1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("turn", "is_red", "is_blue"), [(180, 1, 0), (90, None, None)])
def test_a_film_on_its_side_is_stood_up(
    tmp_path: Path, turn: int, is_red: int | None, is_blue: int | None
) -> None:
    clip = Clip(144, 256, turn=turn) if turn == 180 else Clip(256, 144, turn=turn)
    found = fit(tmp_path, clip)
    assert Note.TURNED in found.notes
    assert (found.source_width, found.source_height) == (144, 256)
    corners = clips.corners(tmp_path / "made")
    if is_red is not None and is_blue is not None:
        assert corners[is_red][0] > 180 > 90 > corners[is_red][2]
        assert corners[is_blue][2] > 180 > 90 > corners[is_blue][0]
    paths = (tmp_path / "given", tmp_path / "made")
    before, after = (story_video.stills(path, story_probe.read(path), (0.8,))[0] for path in paths)
    assert before
    assert after
    assert fingerprint.alike([fingerprint.look(before)], [fingerprint.look(after)])


@pytest.mark.usefixtures("small")
def test_it_stands_on_a_blurred_copy_of_itself(tmp_path: Path) -> None:
    fit(tmp_path, WIDE)
    (still,) = story_video.stills(tmp_path / "made", story_probe.read(tmp_path / "made"), (0.1,))
    assert still
    width, height = still.size
    red = still.getpixel((width // 4, height // 2 - height // 10))
    behind = still.getpixel((width // 8, height // 8))
    assert isinstance(red, tuple)
    assert isinstance(behind, tuple)
    assert red[0] > 190
    assert behind[0] > behind[2] + 40  # reddish, and darker
    assert behind[0] < 180


@pytest.mark.usefixtures("small")
def test_open_groups_are_closed(tmp_path: Path) -> None:
    options = {"preset": "fast", "bf": "3", "g": "15", "x264-params": "open-gop=1:scenecut=0"}
    clip = Clip(options=options)
    assert fit(tmp_path, clip).way is Way.TRANSCODED
    assert story_probe.read(tmp_path / "given").groups == "open"
    is_to_specification_when_small(tmp_path, clip)


def test_a_copy_and_its_source_look_alike_and_another_does_not(tmp_path: Path) -> None:
    found = fit(tmp_path, FIT)
    again = story_video.fit(tmp_path / "made", tmp_path / "again", tmp_path / "preview")
    assert len(found.looks) == 4
    assert fingerprint.alike(found.looks, again.looks)
    with Image.open(tmp_path / "preview", formats=["JPEG"]) as sheet:
        assert sheet.width > sheet.height


def refused(tmp_path: Path, clip: Clip) -> tuple[Reason, float | None]:
    with pytest.raises(Unfit) as caught:
        fit(tmp_path, clip)
    return caught.value.refused.reason, caught.value.refused.found


def test_what_can_never_be_a_story_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(tmp_path, Clip(seconds=2.6)) == (Reason.TOO_SHORT, 2.6)
    assert refused(tmp_path, Clip(width=48, height=48)) == (Reason.TOO_SMALL, 48)
    monkeypatch.setattr(story_probe, "MAX_PIXELS", 100 * 100)
    assert refused(tmp_path, Clip())[0] is Reason.TOO_MANY_PIXELS
    monkeypatch.setattr(story_probe, "MAX_BYTES", 1000)
    assert refused(tmp_path, Clip())[0] is Reason.TOO_LARGE


@pytest.mark.parametrize("muxing", [{}, {"movflags": "frag_keyframe+empty_moov"}])
def test_what_is_too_long_is_refused_whatever_its_header_says(
    tmp_path: Path, muxing: dict[str, str]
) -> None:
    clip = Clip(64, 112, rate=2, seconds=62, sound=None, muxing=muxing)
    reason, found = refused(tmp_path, clip)
    assert reason is Reason.TOO_LONG
    assert found == pytest.approx(62, abs=0.6)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    whole = clips.write(tmp_path / "whole", FIT).read_bytes()
    for content, reason in (
        (b"", Reason.NOT_MEDIA),
        (b"#EXTM3U\nfile:///etc/passwd\n", Reason.NOT_MEDIA),
        (whole[: len(whole) // 2], Reason.NOT_MEDIA),  # its index was at the end
    ):
        (tmp_path / "given").write_bytes(content)
        with pytest.raises(Unfit) as caught:
            story_video.fit(tmp_path / "given", tmp_path / "made", tmp_path / "preview")
        assert caught.value.refused.reason is reason


def test_tracks_that_nothing_can_decode_are_not_there(tmp_path: Path) -> None:
    whole = clips.write(tmp_path / "whole", FIT).read_bytes()
    (tmp_path / "given").write_bytes(whole.replace(b"mp4a", b"what").replace(b"esds", b"what"))
    found = story_video.fit(tmp_path / "given", tmp_path / "made", tmp_path / "preview")
    assert (found.way, Note.SILENT in found.notes) == (Way.REMUXED, True)
    (tmp_path / "given").write_bytes(whole.replace(b"avc1", b"what"))
    with pytest.raises(Unfit) as caught:
        story_probe.read(tmp_path / "given")
    assert caught.value.refused.reason is Reason.NO_PICTURE


@pytest.mark.usefixtures("small")
def test_of_a_file_that_breaks_off_what_came_is_used(tmp_path: Path) -> None:
    clip = Clip(seconds=5, muxing={"movflags": "faststart"})
    whole = clips.write(tmp_path / "whole", clip).read_bytes()
    (tmp_path / "given").write_bytes(whole[: len(whole) * 4 // 5])
    found = story_video.fit(tmp_path / "given", tmp_path / "made", tmp_path / "preview")
    assert found.way is Way.TRANSCODED
    assert Note.PARTLY_DAMAGED in found.notes
    assert found.seconds
    assert 3 <= found.seconds < 4.8


@pytest.mark.parametrize(
    ("source", "made"),
    [
        (24, 24),
        (29.97, 30_000 / 1001),
        (30, 30),
        (59.94, 30_000 / 1001),
        (60.02, 30),
        (50, 25),
        (240, 30),
        (12, 30),
        (0.5, 30),
    ],
)
def test_a_story_has_its_films_rate_where_it_can(source: float, made: float) -> None:
    assert float(frame_rate(source)) == pytest.approx(made)


def test_the_front_keeps_its_shape() -> None:
    sizes: dict[float, Any] = {shape: front_size(shape) for shape in (0.5625, 0.5635, 1.0, 1.778)}
    assert list(sizes.values()) == [(1080, 1920), (1080, 1920), (1080, 1080), (1080, 608)]
    assert front_size(0.4) == (768, 1920)
