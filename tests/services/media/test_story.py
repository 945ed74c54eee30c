"""The pre-flight's lines and the plan for a film, over files that are each wrong in one way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.media.story import (
    Check,
    Film,
    Fix,
    Picture,
    Plan,
    Track,
    Verdict,
    check,
    plan,
)

PHOTO = Picture("jpeg", 500_000, 1080, 1920, "srgb", 0, False)
SOUND = Track("aac", 48_000, 2, 10.0, 0.0)
FILM = Film(
    container="mp4",
    bytes=5_000_000,
    begin=0.0,
    seconds=10.0,
    width=1080,
    height=1920,
    shape=0.5625,
    turned=0,
    codec="h264",
    colour="yuv420p",
    hdr=None,
    progressive=True,
    groups="closed",
    rate=30.0,
    bit_rate=4_000_000,
    layout="fine",
    plain=True,
    private=False,
    hidden=False,
    damaged=False,
    sound=SOUND,
)


def test_a_fitting_file_has_only_green_lines() -> None:
    for file, lines in ((PHOTO, 7), (FILM, 17), (replace(FILM, sound=None), 14)):
        found = check(file)
        assert {(line.verdict, line.fix) for line in found} == {(Verdict.OK, None)}
        assert len(found) == len({line.check for line in found}) == lines


@pytest.mark.parametrize(
    ("file", "about", "verdict", "fix"),
    [
        (replace(PHOTO, format="png"), Check.FORMAT, Verdict.WRONG, Fix.FIT),
        (replace(PHOTO, bytes=8_000_001), Check.BYTES, Verdict.WRONG, Fix.FIT),
        (replace(PHOTO, height=1080), Check.SHAPE, Verdict.ADVISED, Fix.FIT),
        (replace(PHOTO, colour="cmyk"), Check.COLOUR, Verdict.ADVISED, Fix.FIT),
        (replace(PHOTO, turned=90), Check.UPRIGHT, Verdict.ADVISED, Fix.FIT),
        (replace(PHOTO, private=True), Check.PRIVATE, Verdict.ADVISED, Fix.FIT),
        (replace(FILM, container="matroska"), Check.FORMAT, Verdict.WRONG, Fix.FIT),
        (replace(FILM, bytes=100_000_001), Check.BYTES, Verdict.WRONG, Fix.FIT),
        (replace(FILM, seconds=2.9), Check.SECONDS, Verdict.WRONG, Fix.OTHER_FILE),
        (replace(FILM, seconds=60.5), Check.SECONDS, Verdict.WRONG, Fix.FIT),
        (replace(FILM, seconds=75.0), Check.SECONDS, Verdict.WRONG, Fix.OTHER_FILE),
        (replace(FILM, shape=1.0), Check.SHAPE, Verdict.ADVISED, Fix.FIT),
        (replace(FILM, shape=11.0), Check.SHAPE, Verdict.WRONG, Fix.FIT),
        (replace(FILM, width=1922), Check.COLUMNS, Verdict.WRONG, Fix.FIT),
        (replace(FILM, codec="vp9"), Check.CODEC, Verdict.WRONG, Fix.FIT),
        (replace(FILM, colour="yuv422p"), Check.COLOUR, Verdict.WRONG, Fix.FIT),
        (replace(FILM, turned=180), Check.UPRIGHT, Verdict.ADVISED, Fix.FIT),
        (replace(FILM, progressive=False), Check.SCAN, Verdict.WRONG, Fix.FIT),
        (replace(FILM, groups="open"), Check.GROUPS, Verdict.WRONG, Fix.FIT),
        (replace(FILM, rate=15.0), Check.RATE, Verdict.WRONG, Fix.FIT),
        (replace(FILM, rate=120.0), Check.RATE, Verdict.WRONG, Fix.FIT),
        (replace(FILM, bit_rate=25_000_001), Check.BIT_RATE, Verdict.WRONG, Fix.FIT),
        (replace(FILM, layout="index_last"), Check.LAYOUT, Verdict.WRONG, Fix.FIT),
        (replace(FILM, private=True), Check.PRIVATE, Verdict.ADVISED, Fix.FIT),
    ],
)
def test_what_is_wrong_is_named_with_its_fix(
    file: Picture | Film, about: Check, verdict: Verdict, fix: Fix
) -> None:
    red = [line for line in check(file) if line.verdict is not Verdict.OK]
    assert [(line.check, line.verdict, line.fix) for line in red] == [(about, verdict, fix)]


@pytest.mark.parametrize(
    ("sound", "about"),
    [
        ({"codec": "mp3"}, Check.SOUND_CODEC),
        ({"rate": 96_000}, Check.SOUND_RATE),
        ({"channels": 6}, Check.SOUND_CHANNELS),
    ],
)
def test_the_sound_alone_can_be_wrong(sound: dict[str, Any], about: Check) -> None:
    film = replace(FILM, sound=replace(SOUND, **sound))
    assert [line.check for line in check(film) if line.verdict is Verdict.WRONG] == [about]
    assert plan(film) == Plan(copies_pictures=True, copies_sound=False, untouched=False)


@pytest.mark.parametrize(
    "change",
    [
        {"codec": "hevc"},
        {"colour": "yuv420p10le"},
        {"hdr": "hlg"},
        {"progressive": False},
        {"groups": "open"},
        {"groups": "unknown"},
        {"rate": 15.0},
        {"bit_rate": 30_000_000},
        {"bytes": 120_000_000},
        {"turned": 90},
        {"shape": 0.8},
        {"width": 360},
        {"seconds": 60.5},
        {"hidden": True},
        {"damaged": True},
    ],
)
def test_pictures_that_do_not_fit_are_encoded(change: dict[str, Any]) -> None:
    assert not plan(replace(FILM, **change)).copies_pictures


def test_only_a_clean_file_is_left_untouched() -> None:
    copied = Plan(copies_pictures=True, copies_sound=True, untouched=False)
    assert plan(FILM) == replace(copied, untouched=True)
    assert plan(replace(FILM, plain=False)) == copied
    assert plan(replace(FILM, layout="edit_list")) == copied
    assert plan(replace(FILM, container="mov")) == copied
    assert plan(replace(FILM, width=1079, shape=0.5615)) == replace(copied, untouched=True)


def test_sound_that_begins_late_is_encoded_for_no_edit_list_can_hold_it_back() -> None:
    assert not plan(replace(FILM, sound=replace(SOUND, late=0.3))).copies_sound
