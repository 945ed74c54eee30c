"""The tour of samples: its arithmetic, and a short one through the whole house."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sandbox.tours import library
from sandbox.tours.library import compare, visit_library
from sandbox.tours.visitor import TourFailed
from sandbox.world import World
from sandbox.world.music import Sound
from sandbox.world.posts import Kind, Post
from tests.support.harness import Harness


def a_reel(world: World, sound: Sound) -> Post:
    return next(
        post
        for post in world.posts.values()
        if post.kind is Kind.REEL and post.pieces[0].sound is sound
    )


def row(post: Post, tempo: str = "", key: str = "", why: str = "") -> dict[str, str]:
    return {"shortcode": post.code, "tempo": tempo, "key": key, "no_tempo": why, "no_key": why}


def test_what_counts_as_right(world: World) -> None:
    reel = a_reel(world, Sound.MUSIC)
    assert reel.track
    bpm, key = reel.track.tempo_bpm, str(reel.track.key)

    def judged(factor: float) -> tuple[bool, bool]:
        (one,) = compare(world, [row(reel, str(bpm * factor), key)])
        return one.tempo_right, one.octave

    assert judged(1.039) == judged(0.961) == (True, False)
    assert judged(1.041) == judged(0.959) == (False, False)
    assert judged(0.5) == judged(2.07) == (False, True)
    (right,) = compare(world, [row(reel, "", key)])
    (wrong,) = compare(world, [row(reel, "", "H major")])
    assert (right.key_right, wrong.key_right, right.tempo_right) == (True, False, False)


def test_a_photo_is_no_sample_and_a_strange_row_no_post(world: World) -> None:
    photo = next(post for post in world.posts.values() if post.kind is Kind.PHOTO)
    assert compare(world, [row(photo)]) == []
    with pytest.raises(TourFailed, match="nobody saved"):
        compare(world, [{"shortcode": "nosuch"}])


def test_a_tempo_of_speech_fails_the_tour(world: World) -> None:
    speech = a_reel(world, Sound.SPEECH)
    facts = library._facts(world, [row(speech, why="no_beat")], io.StringIO())
    assert (facts["non_music"], facts["non_music_given_tempo"]) == (1, 0)
    out = io.StringIO()
    with pytest.raises(TourFailed, match="no music was given a tempo"):
        library._facts(world, [row(speech, "120.0")], out)
    assert "120.0 BPM" in out.getvalue()
    with pytest.raises(TourFailed, match="not analysed"):
        library._facts(world, [row(speech, why="pending")], io.StringIO())


@pytest.mark.analysis
async def test_a_short_tour(
    tmp_path: Path, templates: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LOOK", 0.1)
    out = io.StringIO()
    async with Harness(
        tmp_path / "data", world, templates=templates, IMPORT_POST_LIMIT="8"
    ) as harness:
        mia = await harness.connected()
        facts = await visit_library(mia, world, out, [("beats", "Import all")])
    films = world.collection("mia", "beats").posts[:8]
    music = sum(post.pieces[0].sound is Sound.MUSIC for post in films)
    assert facts["exported_rows"] == facts["samples"] == 8
    assert facts["non_music"] == 8 - music
    assert facts["tempo_given"] == facts["key_given"] == music
    assert facts["tempo_right"] == music
    assert f"tempo: {music} right of {music} given, 0 more" in out.getvalue()
