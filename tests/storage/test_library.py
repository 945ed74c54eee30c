"""A library looked through: filters that add up, what is out of it, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import archive, import_items, importing, library, samples
from storage.database import Database
from storage.library import Filters
from storage.tables import collections, media
from storage.tables import samples as sample_table
from tests.support.rows import LEO, MIA, NOW, an_import, at, new_media, new_post, person

DANCE = {"bpm": 122.0, "key": "A minor"}
SLOW = {"bpm": 80.0, "key": "C major"}
BASS = {"bpm": 140.0, "key": "F# minor"}


async def a_post(
    database: Database,
    name: str,
    *films: dict[str, Any],
    tags: tuple[str, ...] = (),
    user_id: int = MIA,
    minute: float = 0,
    **changes: Any,
) -> int:
    """A photo, or a post of these films with what analysis has found in them."""
    count = len(films) or 1
    files = [replace(new_media(name, n), kind="video" if films else "image") for n in range(count)]
    async with database.write() as db:
        post_id = await archive.save(db, new_post(name, **{"caption": ""} | changes), files, NOW)
        await samples.plan(db, post_id, tags, NOW)
        await archive.give(db, user_id, post_id, at(minute))
        for position, found in enumerate(films):
            its = sa.select(media.c.id).where(
                media.c.post_id == post_id, media.c.position == position
            )
            await db.execute(
                sample_table.update()
                .where(sample_table.c.media_id == its.scalar_subquery())
                .values(state="ready", **found)
            )
    return post_id


async def found(database: Database, user_id: int = MIA, **filters: Any) -> list[str]:
    """Shortcodes; the count must agree."""
    async with database.read() as db:
        posts = await library.page(db, user_id, Filters(**filters), 50, 0)
        assert await library.count(db, user_id, Filters(**filters)) == len(posts)
    return [post.shortcode.removeprefix("code-") for post in posts]


@pytest.fixture
async def shelf(database: Database) -> dict[str, int]:
    """Four posts of Mia, the last one added last, and one of Leo."""
    await person(database, MIA)
    await person(database, LEO)
    return {
        "photo": await a_post(database, "photo", tags=("sun",), caption="100% Sunset_", minute=0),
        "dance": await a_post(
            database, "dance", DANCE, tags=("beats", "loud"), author="dj.ann", minute=1
        ),
        "slow": await a_post(
            database,
            "slow",
            SLOW,
            tags=("beats",),
            taken_at=NOW - timedelta(days=400),
            caption="slow Sunset",
            minute=2,
        ),
        "two": await a_post(database, "two", DANCE, BASS, kind="carousel", minute=3),
        "leos": await a_post(database, "leos", DANCE, tags=("beats", "secret"), user_id=LEO),
    }


LOOKED_FOR: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["two", "slow", "dance", "photo"]),
    ({"kind": "photo"}, ["photo"]),
    ({"kind": "video"}, ["two", "slow", "dance"]),
    ({"author": "dj.ann"}, ["dance"]),
    ({"tag": "beats"}, ["slow", "dance"]),
    ({"tag": "secret"}, []),
    ({"bpm": (110, 130)}, ["two", "dance"]),
    ({"bpm": (122, 140)}, ["two", "dance"]),  # from, and below to
    ({"bpm": (80, 122)}, ["slow"]),
    ({"keys": ("A minor", "C major")}, ["two", "slow", "dance"]),
    ({"keys": ("F# minor",)}, ["two"]),
    ({"bpm": (110, 130), "keys": ("F# minor",)}, []),  # of one and the same film
    ({"bpm": (135, 150), "keys": ("F# minor",)}, ["two"]),
    ({"since": (NOW - timedelta(days=30)).isoformat()}, ["two", "dance", "photo"]),
    ({"text": "sunset"}, ["slow", "photo"]),
    ({"text": "DJ.ANN"}, ["dance"]),
    ({"text": "sunset slow"}, ["slow"]),
    ({"text": "100%"}, ["photo"]),
    ({"text": "%"}, ["photo"]),
    ({"text": "_"}, ["photo"]),
    ({"text": "' or 1=1 --"}, []),
    ({"tag": "beats", "bpm": (60, 90), "text": "sunset", "kind": "video"}, ["slow"]),
]


async def test_filters_add_up(database: Database, shelf: dict[str, int]) -> None:
    for filters, names in LOOKED_FOR:
        assert await found(database, **filters) == names, filters


async def test_chosen_posts_come_in_the_order_of_the_choice(
    database: Database, shelf: dict[str, int]
) -> None:
    chosen = (shelf["photo"], shelf["two"], shelf["leos"], shelf["dance"])
    assert await found(database, posts=chosen) == ["photo", "two", "dance"]


async def test_a_page_is_a_part_of_the_same_order(
    database: Database, shelf: dict[str, int]
) -> None:
    async with database.read() as db:
        second = await library.page(db, MIA, Filters(), 2, 2)
    assert [post.id for post in second] == [shelf["dance"], shelf["photo"]]


async def test_a_collection_is_what_its_imports_brought_and_those_merged_into_it(
    database: Database, shelf: dict[str, int]
) -> None:
    made = {}
    for key, name in (("named:1", "photo"), ("named:2", "dance"), ("named:3", "slow")):
        made[key] = await an_import(database, key=key, count=1)
        async with database.write() as db:
            await import_items.settle(db, made[key].items[0], "saved", NOW, post_id=shelf[name])
    first, second = made["named:1"].collection_id, made["named:2"].collection_id
    assert await found(database, collection_id=first) == ["photo"]
    async with database.write() as db:
        await db.execute(
            collections.update().where(collections.c.id == second).values(merged_into=first)
        )
    assert await found(database, collection_id=first) == ["dance", "photo"]
    assert await found(database, LEO, collection_id=first) == []
    async with database.read() as db:
        assert await library.collection_title(db, MIA, first) == "Named:1"
        assert await library.collection_title(db, LEO, first) is None
        assert await importing.collections_of(db, LEO, 8) == []


async def test_the_choices_are_counted_most_first_and_only_of_ones_own(
    database: Database, shelf: dict[str, int]
) -> None:
    async with database.read() as db:
        assert await library.authors(db, MIA, 8) == [("creator", 3), ("dj.ann", 1)]
        assert await library.tags(db, MIA, 8) == [("beats", 2), ("loud", 1), ("sun", 1)]
        assert await library.tags(db, MIA, 1) == [("beats", 2)]
        known = await library.tempos_and_keys(db, MIA)
    assert (shelf["two"], 140.0, "F# minor") in known
    assert {post_id for post_id, *_ in known} == {shelf[name] for name in ("dance", "slow", "two")}


async def test_a_removed_post_is_nowhere_until_it_is_put_back(
    database: Database, shelf: dict[str, int]
) -> None:
    post_id = shelf["dance"]
    async with database.write() as db:
        assert not await library.remove(db, LEO, post_id, NOW)
        assert await library.remove(db, MIA, post_id, NOW)
        assert not await library.remove(db, MIA, post_id, at(5)), "the time to undo began"
        assert await library.get(db, MIA, post_id) is None
        assert await library.authors(db, MIA, 8) == [("creator", 3)]
        assert ("loud", 1) not in await library.tags(db, MIA, 8)
        assert post_id not in {one for one, *_ in await library.tempos_and_keys(db, MIA)}
    assert await found(database) == ["two", "slow", "photo"]
    async with database.write() as db:
        assert not await library.put_back(db, LEO, post_id, NOW)
        assert not await library.put_back(db, MIA, post_id, at(1)), "removed before that"
        assert await library.put_back(db, MIA, post_id, NOW)
        assert not await library.put_back(db, MIA, post_id, NOW), "it is there"
    assert await found(database) == ["two", "slow", "dance", "photo"]


async def test_only_old_removals_are_forgotten(database: Database, shelf: dict[str, int]) -> None:
    async with database.write() as db:
        await library.remove(db, MIA, shelf["dance"], NOW)
        await library.remove(db, MIA, shelf["slow"], at(5))
        assert await library.forget_removed(db, at(1)) == 1
        assert not await library.put_back(db, MIA, shelf["dance"], NOW)
        assert await library.put_back(db, MIA, shelf["slow"], NOW)


async def test_a_view_is_kept_for_each_person(database: Database, shelf: dict[str, int]) -> None:
    filters = Filters("video", "a", "t", 3, (110.0, 130.0), ("A minor",), "2026-11-01", "w", (5, 4))
    async with database.write() as db:
        await library.keep_view(db, MIA, Filters(), 1)
        await library.keep_view(db, MIA, filters, 2)
        assert await library.view(db, MIA) == (filters, 2)
        assert await library.view(db, LEO) == (Filters(), 0)
