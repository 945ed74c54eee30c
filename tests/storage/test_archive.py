"""The one archive: a post and its bytes are kept once, whoever imports it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from storage import archive, samples
from storage.database import Database
from tests.support.databases import waits_for_a_lock
from tests.support.feeds import a_feed, listed
from tests.support.rows import LEO, MIA, NOW, archived, new_media, new_post, person


@pytest.fixture(autouse=True)
async def people(database: Database) -> None:
    await person(database, MIA)
    await person(database, LEO)


async def test_a_post_is_saved_once_and_is_in_two_libraries(database: Database) -> None:
    first = await archived(database, MIA, "p1", files=2)
    second = await archived(database, LEO, "p1", files=2)
    assert first == second
    async with database.read() as db:
        assert await archive.size_of(db, MIA) == await archive.size_of(db, LEO) == (1, 200)
        assert await archive.known(db, LEO, "instagram", ["p1", "p2"]) == {"p1": first}
        assert await archive.find(db, "instagram", "p1") == first
        assert await archive.find(db, "elsewhere", "p1") is None
        assert await archive.media_exists(db, "instagram/p1/1.jpg")
        assert not await archive.media_exists(db, "instagram/p1/2.jpg")


async def test_what_is_there_already_stays_as_it_is(database: Database) -> None:
    await archived(database, MIA, "p1")
    async with database.write() as db:
        await archive.save(db, new_post("p1", caption="edited"), [new_media("p1", 5)], NOW)
        (file,) = await archive.media_of_user(db, MIA)
    assert (file.shortcode, file.position) == ("code-p1", 0)


async def test_the_same_post_from_two_imports_at_once(database: Database) -> None:
    ids = await asyncio.gather(archived(database, MIA, "p1"), archived(database, LEO, "p1"))
    assert ids[0] == ids[1]
    async with database.read() as db:
        assert await archive.size_of(db, LEO) == (1, 100)


async def test_an_empty_library(database: Database) -> None:
    async with database.read() as db:
        assert await archive.size_of(db, MIA) == (0, 0)
        assert await archive.known(db, MIA, "instagram", []) == {}
        assert await archive.orphans(db) == []


async def test_orphans_are_in_nobodys_library(database: Database) -> None:
    await archived(database, MIA, "kept")
    async with database.write() as db:
        alone = await archive.save(
            db, new_post("alone"), [new_media("alone", 0), new_media("alone", 1)], NOW
        )
        bare = await archive.save(db, new_post("bare"), [], NOW)
        assert sorted(await archive.orphans(db)) == [
            (alone, ["instagram/alone/0.jpg", "instagram/alone/1.jpg"]),
            (bare, []),
        ]
        assert await archive.drop_orphan(db, alone)
        assert not await archive.media_exists(db, "instagram/alone/0.jpg")


async def test_a_post_without_files_waits_for_them(database: Database) -> None:
    """The feed sees a post before it has its files; an import may bring them first."""
    async with database.write() as db:
        post_id = await archive.save(db, new_post(), [], NOW)
        assert await archive.find(db, "instagram", "p1") is None
        assert await archive.save(db, new_post(raw={"pk": "p1", "fresh": 1}), [], NOW) == post_id
        assert await archive.raw(db, post_id) == {"pk": "p1", "fresh": 1}
        assert await archive.save(db, new_post(), [new_media()], NOW) == post_id
        assert await archive.find(db, "instagram", "p1") == post_id
        await archive.save(db, new_post(raw={}), [new_media()], NOW)
        assert await archive.raw(db, post_id) == {"pk": "p1"}


async def test_two_bring_the_files_of_a_seen_post_at_once(database: Database) -> None:
    async with database.write() as db:
        post_id = await archive.save(db, new_post(), [], NOW)
    both = await asyncio.gather(archived(database, MIA, "p1"), archived(database, LEO, "p1"))
    assert both == [post_id, post_id]
    async with database.read() as db:
        assert await archive.size_of(db, LEO) == (1, 100)


async def test_what_a_feed_has_seen_is_no_orphan(database: Database) -> None:
    feed = await a_feed(database)
    post_id = await listed(database, feed, "p1")
    async with database.write() as db:
        assert await archive.orphans(db) == []
        assert not await archive.drop_orphan(db, post_id)


async def test_what_a_killed_analysis_may_have_stored_goes_with_its_post(
    database: Database,
) -> None:
    """The row of a file that is not settled does not name what was made of it yet."""
    async with database.write() as db:
        post_id = await archive.save(db, new_post("alone"), [new_media("alone")], NOW)
        await samples.plan(db, post_id, [], NOW)
        ((_, keys),) = await archive.orphans(db)
        assert sorted(keys) == [
            "instagram/alone/0.jpg",
            "instagram/alone/0.m4a",
            "instagram/alone/0.mp3",
            "instagram/alone/0.thumb.jpg",
            "instagram/alone/0.wave.png",
        ]
        (file,) = await samples.pending(db, NOW + timedelta(seconds=1))
        await samples.settle(db, file.id, 1, "ready", NOW, thumbnail_key="instagram/alone/t.jpg")
        ((_, keys),) = await archive.orphans(db)
        assert sorted(keys) == ["instagram/alone/0.jpg", "instagram/alone/t.jpg"]


async def test_a_post_that_somebody_takes_at_that_moment_is_no_orphan(database: Database) -> None:
    """The deletion of one person's data must not take what another one is saving."""
    async with database.write() as db:
        post_id = await archive.save(db, new_post(), [new_media()], NOW)

    async def drop() -> bool:
        async with database.write() as db:
            return await archive.drop_orphan(db, post_id)

    async with database.write() as db:
        await archive.give(db, LEO, post_id, NOW)
        dropping = asyncio.create_task(drop())
        if not database.is_sqlite:
            await waits_for_a_lock(database)
    assert not await dropping
    async with database.read() as db:
        assert await archive.size_of(db, LEO) == (1, 100)
