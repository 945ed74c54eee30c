"""Moving the media: everything arrives and is proved, and no way of stopping it loses a byte."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.errors import BadInput
from services.upkeep.moving import Move, Moved
from storage import exports
from storage.database import Database
from storage.objects import LocalObjects, ObjectStore
from tests.support.bucket import Bucket, Front
from tests.support.clock import StillClock
from tests.support.films import Archive, put, read
from tests.support.rows import MIA, NOW

FILM, WAVE = "instagram/p1/0.mp4", "instagram/p1/0.wave.png"


@pytest.fixture(params=["to s3", "from s3"])
async def pair(
    request: pytest.FixtureRequest, posts: Archive, bucket: Bucket, tmp_path: Path
) -> tuple[Archive, ObjectStore]:
    """(the archive where it lies, where it is to go)"""
    there = bucket.store(tmp_path / "data")
    if request.param == "to s3":
        return posts, there
    return Archive(posts.database, there), posts.store


@pytest.fixture
def target(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "other")


def move(posts: Archive, target: ObjectStore, *, in_use: bool = False, **options: object) -> Move:
    now = StillClock(NOW)
    return Move(posts.database, posts.store, target, now, in_use=in_use, **options)  # type: ignore[arg-type]


def summary(moved: Moved) -> tuple[int, int, int]:
    return moved.total, moved.proved, moved.copied


async def test_both_ways(pair: tuple[Archive, ObjectStore]) -> None:
    posts, target = pair
    made = {**await posts.add("p1"), **await posts.add("p2"), **await posts.add("p3")}
    moved = await move(posts, target).copy()
    assert summary(moved) == (6, 6, 6)
    assert moved.bytes == sum(map(len, made.values()))
    for key, content in made.items():
        assert await read(target, key) == content
        assert await read(posts.store, key) == content  # nothing is deleted
    assert await target.parts("") == []
    again = move(posts, target)
    assert summary(await again.copy()) == (6, 6, 0)
    assert await again.clean() == 6
    for key, content in made.items():
        assert await read(target, key) == content
        assert await posts.store.size(key) is None
    assert await again.clean() == 0


async def test_only_what_was_proved_is_deleted(posts: Archive, target: LocalObjects) -> None:
    await posts.add("p1")
    mover = move(posts, target)
    assert await mover.clean() == 0  # nothing is proved yet
    await mover.copy()
    late = await posts.add("p2")  # by a Reelay that still works with the old store
    assert await mover.clean() == 2
    for key, content in late.items():
        assert await read(posts.store, key) == content


async def test_wrong_bytes_in_the_target_are_replaced(posts: Archive, target: LocalObjects) -> None:
    made = await posts.add("p1")
    for key, content in made.items():
        await put(target, key, bytes(len(content)))
    assert summary(await move(posts, target).copy()) == (2, 2, 2)
    assert {key: await read(target, key) for key in made} == made


async def test_what_reelay_has_made_since_is_not_overwritten(
    posts: Archive, target: LocalObjects
) -> None:
    """Catching up after the switch: the target is where Reelay works now."""
    made = await posts.add("p1")
    await put(target, WAVE, b"a newer wave")
    assert summary(await move(posts, target, in_use=True).copy()) == (2, 2, 1)
    assert await read(target, WAVE) == b"a newer wave"
    assert await read(target, FILM) == made[FILM]


async def test_damage_is_found_and_not_spread(posts: Archive, target: LocalObjects) -> None:
    await posts.add("p1")
    await put(posts.store, FILM, b"other bytes")
    moved = await move(posts, target).copy()
    assert (moved.damaged, moved.missing) == ([FILM], [])
    assert summary(moved) == (2, 1, 1)
    assert await target.size(FILM) is None


async def test_a_good_copy_in_the_target_makes_up_for_damage(
    posts: Archive, target: LocalObjects
) -> None:
    made = await posts.add("p1")
    await put(target, FILM, made[FILM])
    await put(posts.store, FILM, b"other bytes")
    assert summary(await move(posts, target).copy()) == (2, 2, 1)
    assert await read(target, FILM) == made[FILM]


async def test_what_is_missing_is_named(posts: Archive, target: LocalObjects) -> None:
    await posts.add("p1")
    await posts.store.delete(FILM)
    moved = await move(posts, target).copy()
    assert (moved.missing, moved.damaged, moved.proved) == ([FILM], [], 1)
    await put(target, FILM, b"not it")
    moved = await move(posts, target).copy()
    assert (moved.missing, moved.damaged, moved.proved) == ([], [FILM], 1)


async def test_posts_that_come_and_go_meanwhile(posts: Archive, target: LocalObjects) -> None:
    await posts.add("p1")
    await posts.add("p2")

    class Busy(LocalObjects):
        """Reelay goes on importing and deleting while the move reads."""

        done = False

        async def size(self, key: str) -> int | None:
            if not self.done:
                self.done = True
                await posts.add("p3")
                await posts.drop("p1")
            return await super().size(key)

    assert isinstance(posts.store, LocalObjects)
    busy = Archive(posts.database, Busy(posts.store.root))
    await put(target, FILM, b"of an earlier run")
    moved = await move(busy, target).copy()
    assert (moved.missing, moved.damaged) == ([], [])
    assert await target.size(FILM) is None  # a deleted post leaves nothing behind
    assert await read(target, "instagram/p3/0.mp4") == await read(posts.store, "instagram/p3/0.mp4")


@pytest.mark.parametrize("address", ["same", "link"])
async def test_one_place_with_two_names(posts: Archive, tmp_path: Path, address: str) -> None:
    await posts.add("p1")
    assert isinstance(posts.store, LocalObjects)
    link = tmp_path / "link"
    link.symlink_to(posts.store.root)
    target = LocalObjects(posts.store.root if address == "same" else link)
    with pytest.raises(BadInput, match="same place"):
        await move(posts, target).copy()
    files = [path.name for path in posts.store.root.rglob("*") if path.is_file()]
    assert sorted(files) == ["0.mp4", "0.wave.png"]


async def test_one_bucket_with_two_names(
    database: Database, posts: Archive, front: Front, tmp_path: Path
) -> None:
    here = Archive(database, front.behind.store(tmp_path))
    made = await here.add("p1")
    with pytest.raises(BadInput, match="same place"):
        await move(here, front.bucket.store(tmp_path)).copy()
    assert sorted(front.behind.listed()) == [f"reelay/{key}" for key in sorted(made)]


async def test_it_goes_on_after_a_stop_at_any_object(posts: Archive, target: LocalObjects) -> None:
    """Cancelled after each handful in turn; what a kill leaves behind is cleared away."""
    for number in range(6):
        await posts.add(f"p{number}")
    handfuls = 0

    def told(_moved: Moved) -> None:
        nonlocal handfuls
        handfuls += 1
        if handfuls % 2 == 0:  # the first word of each run comes before its first object
            raise asyncio.CancelledError

    moved = None
    while moved is None:
        (await target.part("move-left")).write_bytes(b"half a film")
        try:
            moved = await move(posts, target, told=told).copy()
        except asyncio.CancelledError:
            if handfuls == 6:
                break
    moved = await move(posts, target).copy()
    assert moved.proved == 12
    assert moved.copied < 12
    assert await target.parts("") == []


async def test_a_store_that_fails_stops_it_with_its_words(
    posts: Archive, front: Front, tmp_path: Path
) -> None:
    await posts.add("p1")
    front.status = 403
    with pytest.raises(OSError, match="refuses the keys"):
        await move(posts, front.bucket.store(tmp_path)).copy()
    front.status = None
    assert (await move(posts, front.bucket.store(tmp_path)).copy()).proved == 2


async def test_cleaning_takes_exports_along(
    posts: Archive, target: LocalObjects, database: Database
) -> None:
    await posts.add("p1")
    await put(posts.store, "exports/1/reelay-1.zip", b"everything of Mia")
    await put(posts.store, "somebody/elses.txt", b"kept")
    async with database.write() as db:
        before = NOW.replace(year=2025)
        export_id = await exports.start(db, MIA, before)
        await exports.change(
            db, export_id, before, run=1, state="ready", object_keys=["exports/1/reelay-1.zip"]
        )
    mover = move(posts, target)
    await mover.copy()
    assert await target.size("exports/1/reelay-1.zip") is None  # it is kept for a day only
    assert await mover.clean() == 3
    assert await read(posts.store, "somebody/elses.txt") == b"kept"
