"""Outcomes of an import where credits, the store or a person's taps decide."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.importing.decisions import MAX_IDLE_RUNS
from services.instagram.cdn import Cdn, Fetched
from storage import database as database_module
from storage.objects import LocalObjects
from storage.tables import adoptions
from tests.services.importing.conftest import Launch
from tests.services.importing.stage import Stage


class Gate:
    """Holds the downloads of all posts but the first few, half-way, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
        self._open = asyncio.Event()
        self.begun: list[str] = []  # posts, by the beginning of their part files' names
        fetch = Cdn.fetch_with_tries

        async def gated(cdn: Cdn, source_url: str, kind: str, part: Path) -> Fetched:
            post = part.name.rpartition("-")[0]
            if post not in self.begun:
                self.begun.append(post)
            held = self.begun.index(post) >= first
            fetched = await fetch(cdn, source_url, kind, part)  # type: ignore[arg-type]
            if held:
                await self._open.wait()
            return fetched

        monkeypatch.setattr(Cdn, "fetch_with_tries", gated)

    def open(self) -> None:
        self._open.set()


async def saves(stage: Stage, number: int) -> None:
    async with asyncio.timeout(30):
        while (await stage.outcomes())["saved"] < number:  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(0.05)


# ---------------------------------------------------------------- credits


async def test_out_of_credits_in_the_middle(launch: Launch) -> None:
    stage = await launch(START_CREDITS="3")
    await stage.run()
    view = await stage.reaches("paused", reason="credits")
    assert (view.tally.saved, view.balance, view.tally.held) == (3, 0, 0)
    await stage.mia.sees("Out of credits: 5")
    asked = stage.instagram.api_requests()

    await stage.mia.tap("Resume")  # without a grant nothing changes
    await stage.mia.answered()
    await stage.reaches("paused", reason="credits")
    owner = await stage.app.people.find(stage.mia.user_id)
    assert owner
    await stage.app.people.grant(owner, owner.id, 20)
    await stage.mia.tap("Resume")
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (8, 15)
    assert stage.instagram.api_requests() == asked  # nothing was listed twice


async def test_no_credits_at_all(launch: Launch) -> None:
    stage = await launch(START_CREDITS="0")
    await stage.run()
    view = await stage.reaches("paused", reason="credits")
    assert (view.tally.saved, view.charged) == (0, 0)


# ---------------------------------------------------------------- storage


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "refused")],
    ids=["disk full", "store refuses"],
)
async def test_the_store_takes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    adopt = LocalObjects.adopt
    adopted: list[str] = []

    async def full(store: LocalObjects, part: Path, key: str) -> None:
        if len(adopted) == 3:
            raise error
        adopted.append(key)
        await adopt(store, part, key)

    with monkeypatch.context() as patch:
        patch.setattr(LocalObjects, "adopt", full)
        await stage.run()
        view = await stage.reaches("paused", reason="storage")
        assert view.tally.saved <= 3
        assert view.balance == 500 - view.tally.saved
        await stage.mia.sees("can't store files right now. Its owners have been told")
        for _ in range(3):
            await stage.harness.tick("alerts")
        await stage.mia.sees("Alert: an import can't store its files")
        assert await stage.notices("alert") == 1
    await stage.mia.tap("Resume")
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (8, 492)
    await stage.harness.tick("alerts")
    await stage.mia.sees("Over: an import can't store its files")


async def test_a_locked_database(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_MS", 500)
    stage = await launch()
    gate = Gate(monkeypatch, first=4)
    await stage.run()
    await saves(stage, 4)
    with closing(sqlite3.connect(stage.harness.data / "reelay.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        gate.open()
        await asyncio.sleep(2)  # longer than any of its transactions waits
        other.execute("rollback")
    # It paused and said so, or, when not even that could be written, reconcile finds it.
    async with asyncio.timeout(60):
        while (view := await stage.view()).item.state != "done":
            if view.item.state == "paused":
                assert view.item.reason == "storage"
                await stage.app.importing.service.resume(stage.mia.user_id, 1)
            stage.clock.advance(seconds=15)
            await stage.harness.tick("heartbeat")
            await stage.harness.tick("reconcile")
            await asyncio.sleep(0.2)
    assert (view.tally.saved, view.balance) == (8, 492)


async def test_an_old_run_takes_back_only_its_own_files(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was asleep wakes up after another has taken over, finds itself superseded, and
    the other saves the post in the very moment in which the files are taken back."""
    gate = Gate(monkeypatch, first=0)
    job = stage.app.importing.job
    stage.mia.say(stage.world.collection("mia", "beats").posts[0].url)
    async with asyncio.timeout(30):
        while not gate.begun:  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(0.02)
    stage.clock.advance(minutes=1)
    (stuck,) = await job.stranded(stage.clock())
    again = await job.restart(stuck)
    assert again
    delete = LocalObjects.delete

    async def overtaken(objects: LocalObjects, key: str) -> None:
        monkeypatch.setattr(LocalObjects, "delete", delete)
        await job.work(again)
        await delete(objects, key)

    monkeypatch.setattr(LocalObjects, "delete", overtaken)
    gate.open()
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (1, 499)  # the files are checked at the end


async def test_what_a_killed_run_left_in_the_store_is_removed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows name an object before it exists, and the next run removes it."""
    adopt, announced = LocalObjects.adopt, []

    async def watched(objects: LocalObjects, part: Path, key: str) -> None:
        async with stage.app.database.read() as db:
            rows = await db.execute(sa.select(adoptions.c.object_key))
            announced.append(key in rows.scalars().all())
        await adopt(objects, part, key)

    monkeypatch.setattr(LocalObjects, "adopt", watched)
    part = await stage.app.objects.part("left")
    part.write_bytes(b"x")
    await adopt(stage.app.objects, part, "instagram/1/1-0-1.jpg")
    async with stage.app.database.write() as db:
        await db.execute(
            adoptions.insert().values(
                object_key="instagram/1/1-0-1.jpg", owner="import", owner_id=1, run=0
            )
        )
    stage.mia.say(stage.world.collection("mia", "beats").posts[0].url)
    await stage.reaches("done")
    await stage.idle()
    async with stage.app.database.read() as db:
        assert (await db.execute(sa.select(adoptions))).all() == []
    assert announced == [True]  # and at the end the store holds nothing else


async def test_runs_without_progress_are_given_up_and_refunded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, first=4)
    await stage.run()
    await saves(stage, 4)
    job = stage.app.importing.job
    for turn in range(MAX_IDLE_RUNS):
        stage.clock.advance(minutes=1)
        (stuck,) = await job.stranded(stage.clock())
        again = await job.restart(stuck)
        assert (again is None) == (turn == MAX_IDLE_RUNS - 1)
    view = await stage.reaches("failed", reason="no_progress")
    assert (view.tally.saved, view.balance, view.tally.dropped) == (4, 496, 4)
    await stage.mia.sees("It stopped three times without getting further")
    gate.open()
    await stage.idle()


async def test_a_saved_post_is_progress(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, first=0)
    await stage.run()
    await stage.reaches("running")
    job = stage.app.importing.job
    for _ in range(MAX_IDLE_RUNS - 1):
        stage.clock.advance(minutes=1)
        (stuck,) = await job.stranded(stage.clock())
        again = await job.restart(stuck)
        assert again
        await stage.app.engine.enqueue(again)
    assert (await stage.view()).item.idle_runs == MAX_IDLE_RUNS - 1
    gate.open()
    assert (await stage.reaches("done")).item.idle_runs == 0


# ---------------------------------------------------------------- the same collection


async def test_the_same_collection_again_is_free(stage: Stage) -> None:
    await stage.run()
    await stage.reaches("done")
    await stage.run()
    view = await stage.reaches("done", 2)
    assert (view.tally.skipped, view.tally.saved, view.charged) == (8, 0, 0)
    assert view.balance == 492
    await stage.mia.sees("8 were here already, free")


async def test_two_imports_of_it_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, first=2)
    await stage.run()
    await saves(stage, 2)
    stage.mia.say(stage.world.collection_url("mia", "beats"))
    await stage.mia.sees("being imported already")
    assert await stage.imports() == 1
    gate.open()
    assert (await stage.reaches("done")).balance == 492


async def test_what_another_person_brought_is_not_downloaded_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.run()
    await stage.reaches("done")
    gate = Gate(monkeypatch, first=0)
    owner = await stage.app.people.find(stage.mia.user_id)
    assert owner
    code, _ = await stage.app.people.invite(owner)
    stage.mia = stage.harness.person("leo")
    stage.mia.say(f"/start {code}")
    await stage.mia.sees("this is Reelay")
    await stage.connect("mia")
    await stage.offer()
    await stage.mia.tap("Import all")
    view = await stage.reaches("done", 2)
    assert (view.tally.saved, view.balance, gate.begun) == (8, 492, [])


# ---------------------------------------------------------------- a person's taps


async def test_cancel_keeps_what_is_saved_and_refunds_the_rest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, first=3)
    await stage.run()
    await saves(stage, 3)
    assert await stage.app.importing.service.cancel(stage.mia.user_id, 1)
    view = await stage.reaches("cancelled")
    assert (view.tally.saved, view.tally.dropped, view.balance) == (3, 5, 497)
    assert len(gate.begun) == 3 + 4  # four at a time
    assert list(stage.app.objects.incoming.glob("*"))
    gate.open()
    await stage.idle()  # the posts that were on their way come to nothing
    assert len(gate.begun) == 3 + 4
    view = await stage.reaches("cancelled")
    assert (view.tally.saved, view.balance) == (3, 497)
    assert not await stage.app.importing.service.cancel(stage.mia.user_id, 1)

    stage.mia.say(stage.world.collection_url("mia", "beats"))
    await stage.reaches("offered", 2)
    await stage.mia.tap("Import all")
    view = await stage.reaches("done", 2)
    assert (view.tally.skipped, view.tally.saved, view.balance) == (3, 5, 492)


async def test_pause_and_resume(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, first=3)
    await stage.run()
    await saves(stage, 3)
    stage.clock.advance(seconds=5)
    await stage.mia.tap("Pause")
    view = await stage.reaches("paused", reason="user")
    assert (view.tally.saved, view.tally.held, view.balance) == (3, 0, 497)
    gate.open()
    stage.clock.advance(hours=5)
    await stage.quiet()
    assert (await stage.reaches("paused")).tally.saved == 3
    asked = stage.instagram.api_requests()
    await stage.mia.tap("Resume")
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (8, 492)
    assert stage.instagram.api_requests() == asked


async def test_a_double_tap_pays_once(stage: Stage) -> None:
    await stage.offer()
    user = stage.mia.user_id
    taps = [stage.app.importing.service.choose(user, 1, "all") for _ in range(3)]
    assert sorted(await asyncio.gather(*taps)) == [False, False, True]
    assert (await stage.reaches("done")).balance == 492


async def test_the_limit_is_reached(launch: Launch) -> None:
    stage = await launch(IMPORT_POST_LIMIT="2")
    await stage.run()
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (2, 498)
    await stage.mia.sees("The collection has more: paste its link again")
    assert len(stage.listed) == 1
    await stage.run()
    view = await stage.reaches("done", 2)
    assert (view.tally.skipped, view.tally.saved, view.balance) == (2, 2, 496)


async def test_only_the_newest(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("decisions", "service"):  # more than a page, less than the collection
        monkeypatch.setattr(f"services.importing.{module}.BATCH", 6)
    await stage.offer()
    await stage.mia.tap("Newest")
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (6, 494)
    newest = [post.code for post in stage.world.collection("mia", "beats").posts[:6]]
    report = await stage.app.importing.service.report(stage.mia.user_id, 1)
    assert [one.shortcode for one in report if one.state == "saved"] == newest


async def test_an_empty_collection(stage: Stage) -> None:
    stage.mia.say(stage.world.collection_url("mia", "empty"))
    await stage.mia.sees("is empty: there is nothing to import yet")
    await stage.mia.tap("Close")
    view = await stage.reaches("cancelled")
    assert view.charged == 0
