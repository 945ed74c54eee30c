"""What polls bring into the store: named before it is there, and taken out where a kill left it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import adoptions as rows
from storage.adoptions import Owner
from storage.objects import LocalObjects
from storage.tables import adoptions
from tests.services.feed.stage import Stage


async def put(stage: Stage, key: str, owner: Owner, owner_id: int, run: int) -> Path:
    """An object as a run leaves it that is killed before it could name it in the archive."""
    part = await stage.app.ground.objects.part("left")
    part.write_bytes(b"x")
    await stage.app.ground.objects.adopt(part, key)
    async with stage.app.ground.database.write() as db:
        await rows.begin(db, owner, owner_id, run, [key])
    objects = stage.app.ground.objects
    assert isinstance(objects, LocalObjects)
    return objects.path(key)


async def announced(stage: Stage) -> set[str]:
    async with stage.app.ground.database.read() as db:
        return set((await db.execute(sa.select(adoptions.c.object_key))).scalars())


async def test_what_a_killed_poll_has_left_goes_with_the_next_one(stage: Stage) -> None:
    """And what a poll under way has brought stays."""
    other = await stage.harness.connect(stage.mia, "leo")
    await stage.app.feed.home.switch_on(stage.mia.user_id, other)
    jobs = {job.row: job for job in await stage.app.feed.poll_job.wake()}
    killed = jobs[stage.connection_id]
    left = await put(stage, "instagram/1/left.jpg", "poll", killed.row, killed.run)
    under_way = await put(stage, "instagram/2/way.jpg", "poll", other, jobs[other].run)

    again = await stage.app.feed.poll_job.restart(killed)
    assert again is not None
    await stage.app.feed.poll_job.work(again)
    assert (left.exists(), under_way.exists()) == (False, True)
    assert await announced(stage) == {"instagram/2/way.jpg"}

    assert await stage.app.feed.poll_job.restart(jobs[other])  # now that one is over, too
    await stage.poll()
    assert not under_way.exists()
    assert await announced(stage) == set()


async def test_every_object_is_named_before_it_is_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt, early = LocalObjects.adopt, []

    async def watched(objects: LocalObjects, part: Path, key: str) -> None:
        early.append(key in await announced(stage))
        await adopt(objects, part, key)

    monkeypatch.setattr(LocalObjects, "adopt", watched)
    await stage.poll()
    assert early
    assert all(early)
    assert await announced(stage) == set()
