"""Imported files become samples: what is stored, and what a file that kills its analysis costs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from sandbox.world import World
from sandbox.world.music import Sound
from sandbox.world.posts import Kind, Piece, Post
from services.importing.fetch import Fetcher
from services.importing.samples import MAX_TRIES, Samples
from services.jobs.engine import Job
from services.media import runner as runner_module
from services.media.runner import MediaFailed, MediaRunner
from storage import credits
from storage.samples import Sample
from storage.samples import of_posts as samples_of_posts
from storage.tables import posts, samples
from tests.services.importing.conftest import Launch
from tests.services.importing.stage import PATIENCE, Stage, world_with
from tests.support.stills import short_films

pytestmark = pytest.mark.analysis

FOUND = {
    "probe": {"seconds": 9.0},
    "audio": None,
    "peaks": [1.0],
    "tempo": {"bpm": 120.0, "alternative_bpm": 60.0, "confidence": 0.9},
    "no_tempo": None,
    "key": None,
    "no_key": "no_key",
}


def small_world(world: World, films: int, photos: int = 0, sound: Sound = Sound.MUSIC) -> World:
    """Mia's collection holds so many films and photos, and nothing else."""
    known = [post for post in world.posts.values() if post.trouble is None]
    reels = [post for post in known if post.kind is Kind.REEL and _sound(post) is Sound.MUSIC]
    pictures = [post for post in known if post.kind is Kind.PHOTO]
    chosen = [_with_sound(post, sound) for post in reels[:films]]
    return world_with(world, [*chosen, *pictures[:photos]])


def _sound(post: Post) -> Sound:
    return post.pieces[0].sound


def _with_sound(post: Post, sound: Sound) -> Post:
    piece: Piece = post.pieces[0]
    if sound is Sound.MUSIC:
        return post
    return replace(post, pieces=(replace(piece, sound=sound, track=None, seconds=4.0),))


async def rows(stage: Stage) -> list[Sample]:
    async with stage.app.database.read() as db:
        ids = list((await db.execute(sa.select(posts.c.id).order_by(posts.c.id))).scalars())
        found = await samples_of_posts(db, ids)
    return [sample for files in found.values() for sample in files]


async def settled(stage: Stage) -> list[Sample]:
    """All samples, once none of them is pending."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await rows(stage)
            if found and all(one.state != "pending" for one in found):
                return found
            await stage.harness.turn_if_changed()
            await asyncio.sleep(0.06)


async def balance(stage: Stage) -> int:
    async with stage.app.database.read() as db:
        return (await credits.audit(db, stage.mia.user_id)).balance


def answers(monkeypatch: pytest.MonkeyPatch, *given: Mapping[str, Any] | str) -> list[str]:
    """The runner gives these in turn, the last for ever: an answer, or the reason of a failure.
    Returns the sources that it was asked for. As nobody opens the films, they are short."""
    asked: list[str] = []
    short_films(monkeypatch)

    async def run(
        runner: MediaRunner, task: str, arguments: Mapping[str, Any], **_: object
    ) -> dict[str, Any]:
        asked.append(str(arguments["source"]))
        answer = given[min(len(asked), len(given)) - 1]
        if isinstance(answer, str):
            raise MediaFailed(answer)
        return dict(answer)

    monkeypatch.setattr(MediaRunner, "run", run)
    return asked


# ---------------------------------------------------------------- end to end


async def test_films_and_photos_become_samples(launch: Launch, world: World) -> None:
    """Once through everything: download, process, store, row."""
    stage = await launch(world=small_world(world, films=1, photos=1))
    await stage.run()
    await stage.reaches("done")
    film, photo = sorted(await settled(stage), key=lambda one: one.kind, reverse=True)
    assert (film.state, film.kind, photo.state, photo.kind) == ("ready", "video", "ready", "image")
    track = next(post.pieces[0].track for post in stage.world.posts.values() if _is(post, film))
    assert track
    assert film.bpm
    assert min(abs(film.bpm / track.tempo_bpm - octave) for octave in (1, 2, 0.5)) < 0.04
    assert film.bpm_alternative
    assert film.key
    assert film.key_second not in (None, film.key)
    assert (film.no_bpm, film.no_key, film.failure) == (None, None, None)
    assert film.seconds == pytest.approx(track.seconds, abs=0.2)
    assert photo.colour
    assert photo.colour.startswith("#")
    assert photo.bpm is None
    stem = film.object_key.rpartition(".")[0]
    assert (film.audio_key, film.waveform_key) == (f"{stem}.m4a", f"{stem}.wave.png")
    assert photo.thumbnail_key == f"{photo.object_key.rpartition('.')[0]}.thumb.jpg"
    for key, start in (
        (film.audio_key, b"ftyp"),
        (film.waveform_key, b"PNG"),
        (photo.thumbnail_key, b"\xff\xd8\xff"),
    ):
        assert start in stage.app.objects.path(str(key)).read_bytes()[:12]
    assert not list(stage.app.objects.incoming.glob("*"))


def _is(post: Post, sample: Sample) -> bool:
    return str(post.pk) in sample.object_key


@pytest.mark.parametrize(("sound", "reason"), [(Sound.SILENCE, "silent"), (Sound.NONE, "no_audio")])
async def test_what_has_no_music_says_why(
    launch: Launch, world: World, sound: Sound, reason: str
) -> None:
    stage = await launch(world=small_world(world, films=1, sound=sound))
    await stage.run()
    (film,) = await settled(stage)
    assert (film.state, film.no_bpm, film.no_key) == ("ready", reason, reason)
    assert (film.bpm, film.key) == (None, None)


async def test_a_killed_child_fails_its_file_alone(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes: the one for films kills itself, the one for photos works."""
    suicide = (
        "import os, signal, sys\n"
        "if sys.argv[1] == 'sample': os.kill(os.getpid(), signal.SIGKILL)\n"
        "from services.media.task import main; main()"
    )
    monkeypatch.setattr(runner_module, "_PROGRAM", (sys.executable, "-c", suicide))
    stage = await launch(world=small_world(world, films=1, photos=1))
    before = await balance(stage)
    await stage.run()
    view = await stage.reaches("done")
    film, photo = sorted(await settled(stage), key=lambda one: one.kind, reverse=True)
    assert (film.state, film.failure) == ("failed", "crashed")
    assert photo.state == "ready"
    assert view.tally.saved == 2
    assert await balance(stage) == before - 2, "a failing analysis refunds nothing"
    assert stage.app.objects.path(film.object_key).stat().st_size == film.bytes


# ---------------------------------------------------------------- tries


async def test_each_failure_is_kept_in_its_word(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = ("not_media", "timeout", "memory", "crashed")
    asked = answers(monkeypatch, *reasons)
    stage = await launch(world=small_world(world, films=4))
    await stage.run()
    found = await settled(stage)
    assert {one.state for one in found} == {"failed"}
    assert sorted(str(one.failure) for one in found) == sorted(reasons)
    assert len(asked) == 4, "none is tried again"


async def test_a_file_that_is_gone_from_the_store_fails(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, FOUND)
    stage = await launch(world=small_world(world, films=1))

    def missing(*_: object) -> None:
        raise FileNotFoundError("gone")

    monkeypatch.setattr(type(stage.app.objects), "local", missing)
    await stage.run()
    (film,) = await settled(stage)
    assert (film.state, film.failure, asked) == ("failed", "not_stored", [])


async def put_back(stage: Stage, tries: int) -> None:
    """The row as a process leaves it that dies in the middle of the analysis."""
    async with stage.app.database.write() as db:
        await db.execute(
            samples.update().values(
                state="pending", tries=tries, changed_at=stage.clock() - timedelta(days=1)
            )
        )


async def test_what_was_pending_at_a_stop_is_taken_up_again(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, FOUND)
    stage = await launch(world=small_world(world, films=1))
    await stage.run()
    await settled(stage)
    await stage.reaches("done")
    await put_back(stage, tries=MAX_TRIES - 1)
    left = stage.app.objects.incoming / f"sample-{(await rows(stage))[0].id}-1"
    left.mkdir(parents=True)
    (left / "audio").write_bytes(b"half of it")
    await stage.restart()
    (film,) = await settled(stage)
    assert (film.state, film.bpm) == ("ready", 120.0)
    assert len(asked) == 2
    await stage.idle()
    assert not left.exists(), "what the killed process left is removed"


async def test_a_file_that_took_the_process_down_three_times_is_left_alone(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, FOUND)
    stage = await launch(world=small_world(world, films=1))
    await stage.run()
    await settled(stage)
    await stage.reaches("done")
    await put_back(stage, tries=MAX_TRIES)
    await stage.restart()
    (film,) = await settled(stage)
    assert (film.state, film.failure) == ("failed", "crashed")
    assert len(asked) == 1, "it was not tried a fourth time"


async def test_a_stop_in_the_middle_is_no_try(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, FOUND)
    stage = await launch(world=small_world(world, films=1))
    at_work, answer = asyncio.Event(), MediaRunner.run

    async def held(*_: object, **__: object) -> dict[str, Any]:
        at_work.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(MediaRunner, "run", held)
    await stage.run()
    async with asyncio.timeout(PATIENCE):
        await at_work.wait()
    await stage.reaches("done")
    for _ in range(MAX_TRIES):
        at_work.clear()
        stage.clock.advance(minutes=1)
        await stage.restart()
        async with asyncio.timeout(PATIENCE):
            while not at_work.is_set():  # the engine may give it up just after the start has looked
                await stage.harness.tick("reconcile")
                await asyncio.sleep(0.05)
    monkeypatch.setattr(MediaRunner, "run", answer)
    await stage.restart()
    (film,) = await settled(stage)
    assert film.state == "ready"


async def test_a_stop_while_posts_are_fetched_is_quiet(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the batch had brought is analysed after the start; a stopped engine takes no jobs."""
    answers(monkeypatch, FOUND)
    stage = await launch(world=small_world(world, films=2))
    settle, at_work, seen = Fetcher.settle, asyncio.Event(), 0

    async def second_is_held(self: Fetcher, *arguments: Any) -> str:
        nonlocal seen
        seen += 1
        if seen > 1:
            while not await rows(stage):  # noqa: ASYNC110 - nothing rings
                await asyncio.sleep(0.02)
            at_work.set()
            await asyncio.Event().wait()
        return await settle(self, *arguments)

    monkeypatch.setattr(Fetcher, "settle", second_is_held)
    await stage.run()
    async with asyncio.timeout(PATIENCE):
        await at_work.wait()
    with capture_logs() as logs:
        await stage.app.stop()
    assert [line for line in logs if line["log_level"] == "error"] == []


async def test_what_was_made_for_a_deleted_post_goes_with_it(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await launch(world=small_world(world, films=0, photos=1))
    run, removed = MediaRunner.run, asyncio.Event()

    async def late(*arguments: Any, **options: Any) -> dict[str, Any]:
        found = await run(*arguments, **options)
        await stage.app.importing.library.remove(stage.mia.user_id, 1)
        stage.clock.advance(hours=1)
        await stage.harness.tick("library")
        removed.set()
        return found

    monkeypatch.setattr(MediaRunner, "run", late)
    await stage.run()
    await stage.reaches("done")
    async with asyncio.timeout(PATIENCE):
        await removed.wait()  # or this worker would look dead: the clock has jumped by an hour
    await stage.idle()
    assert await rows(stage) == []
    assert list(stage.app.objects.root.rglob("*.jpg")) == []


async def test_a_run_that_ends_late_leaves_the_files_of_the_next_one_alone(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken for dead, and both are at it in the same folder of part files."""
    stage = await launch(world=small_world(world, films=0, photos=1))
    kind, run = stage.app.importing.samples, MediaRunner.run
    folders: list[Path] = []

    async def overlapping(self: MediaRunner, task: str, arguments: Any, **limit: Any) -> Any:
        folders.append(Path(arguments["thumbnail"]).parent)
        if len(folders) == 1:  # the older one; the newer one begins, and ends, meanwhile
            (old,) = await kind.stranded(stage.clock() + timedelta(days=1))
            job = await kind.restart(old)
            assert job
            await kind.work(job)
            raise MediaFailed("timeout")
        found = await run(self, task, arguments, **limit)
        assert not folders[0].exists(), "the newer one tidies up after the older"
        return found

    monkeypatch.setattr(MediaRunner, "run", overlapping)
    await stage.run()
    (photo,) = await settled(stage)
    assert photo.state == "ready"
    assert folders[0] != folders[1]


async def test_the_answer_of_a_run_that_was_replaced_changes_nothing(
    launch: Launch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that reconcile took for dead comes back when the next one has ended."""
    answers(monkeypatch, FOUND)
    stage = await launch(world=small_world(world, films=1))
    await stage.run()
    (film,) = await settled(stage)
    await stage.idle()
    kind = stage.app.importing.samples
    assert isinstance(kind, Samples)
    answers(monkeypatch, "crashed")
    assert await kind.work(Job("sample", film.id, 1, 0, str(film.post_id))) is False
    assert (await rows(stage))[0] == film
