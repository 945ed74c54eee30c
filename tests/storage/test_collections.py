"""Collections: a due time is taken once, merging has one floor, what a refresh has met before."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from storage import collections, connections, import_items, importing
from storage.database import Database
from tests.support.rows import LEO, MIA, NOW, an_import, archived, at, items, person


@pytest.fixture(autouse=True)
async def people(database: Database) -> None:
    await person(database, MIA, balance=50)
    await person(database, LEO)


async def test_a_due_time_is_taken_once(database: Database) -> None:
    made = await an_import(database, state="done")
    async with database.write() as db:
        await connections.change(db, made.connection_id, NOW, status="active", secret=b"x")
        await collections.change(db, made.collection_id, refresh="daily", refresh_at=NOW)
        assert await collections.due(db, NOW - timedelta(seconds=1)) == []
        (due,) = await collections.due(db, NOW)

    async def take() -> bool:
        async with database.write() as db:
            return await collections.take(db, due, at(60))

    assert sorted(await asyncio.gather(*(take() for _ in range(4)))) == [False] * 3 + [True]
    async with database.read() as db:
        assert await collections.due(db, NOW) == []
        one = await collections.get(db, MIA, made.collection_id)
    assert one
    assert (one.refresh_at, one.connection_id) == (at(60), made.connection_id)


async def test_one_that_was_switched_off_meanwhile_is_not_taken(database: Database) -> None:
    made = await an_import(database, state="done")
    async with database.write() as db:
        await connections.change(db, made.connection_id, NOW, status="active", secret=b"x")
        await collections.change(db, made.collection_id, refresh="daily", refresh_at=NOW)
        (due,) = await collections.due(db, at(1)) or [None]
        assert due
        await collections.change(db, made.collection_id, refresh="never", refresh_at=None)
        assert not await collections.take(db, due, at(60))


async def test_two_merges_in_opposite_directions_hide_only_one(database: Database) -> None:
    first = await an_import(database, key="collection:1")
    second = await an_import(database, key="collection:2")

    async def merge(head: int, part: int) -> bool:
        async with database.write() as db:
            return await collections.merge(db, MIA, head, part)

    a, b = first.collection_id, second.collection_id
    assert sorted(await asyncio.gather(merge(a, b), merge(b, a))) == [False, True]
    async with database.read() as db:
        assert len(await importing.collections_of(db, MIA, 9, parts=False)) == 1


async def test_a_head_is_no_part_and_a_part_no_head(database: Database) -> None:
    made = [(await an_import(database, key=f"collection:{n}")).collection_id for n in range(3)]
    theirs = (await an_import(database, LEO, key="collection:1")).collection_id
    async with database.write() as db:
        assert await collections.merge(db, MIA, made[0], made[1])
        assert not await collections.merge(db, MIA, made[2], made[0])
        assert not await collections.merge(db, MIA, made[1], made[2])
        assert not await collections.merge(db, MIA, made[2], theirs)
        assert await collections.merge(db, MIA, made[0], made[2])
        assert [part.id for part in await collections.parts(db, made[0])] == made[1:]
        assert not await collections.unmerge(db, LEO, made[1])
        assert await collections.unmerge(db, MIA, made[1])


async def test_what_a_collection_has_met(database: Database) -> None:
    made = await an_import(database, count=3, state="done")
    async with database.write() as db:
        for item, state in zip(made.items, ("gone", "filtered", "dropped"), strict=True):
            await import_items.settle(db, item, state, NOW)
        again = [f"{made.id}-{n}" for n in range(4)]
        first = {again[0]: False, again[1]: True}
        assert await import_items.met(db, made.collection_id, 0, again) == first
        assert await import_items.met(db, made.collection_id, made.id, again) == {}
    later = await an_import(database)
    async with database.write() as db:
        await import_items.add_page(db, later.id, items(again[1]), cursor=None, now=NOW)
        (item,) = await import_items.pending(db, later.id, charged=False, limit=1)
        await import_items.settle(db, item.id, "failed", NOW, error="short")
        both = {again[0]: False, again[1]: False}
        assert await import_items.met(db, made.collection_id, 0, again) == both


async def test_failed_posts_that_came_by_another_way_are_not_tried_again(
    database: Database,
) -> None:
    made = await an_import(database, count=3, state="done")
    async with database.write() as db:
        for item in made.items:
            await import_items.settle(db, item, "failed", NOW, error="short")
        assert await import_items.retryable(db, made.collection_id) == (made.id, 3)
    await archived(database, MIA, f"{made.id}-0")
    await archived(database, LEO, f"{made.id}-1")  # in another library: not in this one
    async with database.write() as db:
        assert await import_items.retryable(db, made.collection_id) == (made.id, 2)
        assert await import_items.reopen_failed(db, made.id) == 2
        assert await import_items.retryable(db, made.collection_id) is None
        states = [one.state for one in await import_items.outcomes(db, made.id)]
    assert states == ["failed", "pending", "pending"]
