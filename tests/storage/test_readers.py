"""One token for each reader; what it opens, and what is counted."""

from __future__ import annotations

import pytest

from services.tokens import token_hash
from storage import people, readers
from storage.database import Database
from storage.feeds import Feed
from storage.readers import Fetched
from tests.support.feeds import TOKEN, a_feed, reader
from tests.support.rows import LEO, MIA, NOW, at, person

HASH = token_hash(TOKEN)


@pytest.fixture
async def feed(database: Database) -> Feed:
    await person(database, MIA)
    await person(database, LEO)
    return await a_feed(database)


async def opens(database: Database, hashed: str = HASH) -> int | None:
    async with database.read() as db:
        found = await readers.by_token(db, hashed)
    return found[0] if found else None


async def test_a_token_opens_its_feed(database: Database, feed: Feed) -> None:
    made = await reader(database, feed)
    async with database.write() as db:
        await people.change(db, MIA, zone="Europe/Berlin")
    async with database.read() as db:
        assert await readers.by_token(db, HASH) == (made.id, feed, "Europe/Berlin")
    assert await opens(database, TOKEN) is None  # only its hash is stored


async def test_a_rotated_token_opens_nothing_and_the_new_one_does(
    database: Database, feed: Feed
) -> None:
    made = await reader(database, feed)
    async with database.write() as db:
        assert await readers.rotate(db, LEO, made.id, token_hash="new") is None
        assert await readers.rotate(db, MIA, made.id, token_hash="new") is not None
    assert (await opens(database), await opens(database, "new")) == (None, made.id)


async def test_a_revoked_token_opens_nothing_for_ever(database: Database, feed: Feed) -> None:
    made = await reader(database, feed)
    async with database.write() as db:
        assert not await readers.revoke(db, LEO, made.id, NOW)
        assert await readers.revoke(db, MIA, made.id, NOW)
        assert not await readers.revoke(db, MIA, made.id, NOW)
        assert await readers.rotate(db, MIA, made.id, token_hash="new") is None
        assert await readers.warn(db, made.id, NOW) is None
    assert (await opens(database), await opens(database, "new")) == (None, None)
    async with database.read() as db:
        assert await readers.of_user(db, MIA) == []


async def test_who_is_blocked_reads_nothing(database: Database, feed: Feed) -> None:
    made = await reader(database, feed)
    async with database.write() as db:
        await people.change(db, MIA, status="blocked")
    assert await opens(database) is None
    async with database.write() as db:
        await people.change(db, MIA, status="active")
    assert await opens(database) == made.id


async def test_fetches_are_added_up(database: Database, feed: Feed) -> None:
    first = await reader(database, feed)
    second = await reader(database, feed, name="Feedly", token="B" * 22)
    for minute in (1, 2):
        async with database.write() as db:
            await readers.note(
                db, [Fetched(first.id, 3, 2, at(minute)), Fetched(second.id, 1, 0, at(minute))]
            )
            await readers.note(db, [])
    async with database.read() as db:
        mine = await readers.of_user(db, MIA)
    assert [(one.name, one.fetches, one.not_modified, one.last_fetch_at) for one in mine] == [
        ("Phone", 6, 4, at(2)),
        ("Feedly", 2, 0, at(2)),
    ]


async def test_a_warning_is_given_once_for_each_token(database: Database, feed: Feed) -> None:
    made = await reader(database, feed)
    warned = []
    for _ in range(2):
        async with database.write() as db:
            warned.append(await readers.warn(db, made.id, NOW))
    assert warned == [(MIA, "Phone"), None]
    async with database.write() as db:
        await readers.rotate(db, MIA, made.id, token_hash="new")
        assert await readers.warn(db, made.id, NOW) == (MIA, "Phone")
