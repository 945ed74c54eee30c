"""Instagram sessions as rows."""

from __future__ import annotations

import pytest

from storage import connections
from storage.database import Database
from tests.support.rows import LEO, MIA, NOW, at, connection, person

CANDIDATE = {
    "candidate": b"new",
    "candidate_fingerprint": "7f3a",
    "candidate_expires_at": at(9),
    "run": 1,
}


@pytest.fixture(autouse=True)
async def people(database: Database) -> None:
    await person(database, MIA)
    await person(database, LEO)


async def test_a_candidate_that_proved_itself_becomes_the_secret(database: Database) -> None:
    made = await connection(database, MIA, "1000", warned_days=3, **CANDIDATE)
    async with database.write() as db:
        assert await connections.of_user(db, MIA) == []  # never verified
        assert not await connections.promote(db, made.id, 2, b"sealed", "mia", at(1))
        assert await connections.promote(db, made.id, 1, b"sealed", "mia", at(1))
        assert not await connections.promote(db, made.id, 1, b"again", "mia", at(2))
        (mine,) = await connections.of_user(db, MIA)
        assert await connections.sealed(db, made.id) == b"sealed"
        assert await connections.sealed(db, made.id, "candidate") is None
    assert (mine.label, mine.status, mine.fingerprint, mine.expires_at, mine.warned_days) == (
        "@mia",
        "active",
        "7f3a",
        at(9),
        None,
    )


async def test_one_row_for_an_account_of_a_person(database: Database) -> None:
    mine = await connection(database, MIA, "1000")
    hers = await connection(database, LEO, "1000")
    async with database.read() as db:
        assert await connections.find(db, MIA, "instagram", "1000") == mine
        assert await connections.find(db, LEO, "instagram", "1000") == hers
        assert await connections.find(db, LEO, "instagram", "2000") is None
    assert mine.label == "account 1000"


async def test_a_change_for_an_older_run_does_nothing(database: Database) -> None:
    made = await connection(database, MIA, "1000", **CANDIDATE)
    async with database.write() as db:
        assert not await connections.change(db, made.id, NOW, for_run=0, status="expired")
        assert await connections.change(db, made.id, NOW, for_run=1, status="expired")


async def test_a_check_is_begun_again_by_one(database: Database) -> None:
    made = await connection(database, MIA, "1000", **CANDIDATE)
    async with database.write() as db:
        assert [one.id for one in await connections.with_candidate(db)] == [made.id]
        assert await connections.next_run(db, made.id, 1, at(1)) == 2
        assert await connections.next_run(db, made.id, 1, at(1)) is None
        again = await connections.get(db, made.id)
        assert again is not None
        assert again.idle_runs == 1
        await connections.promote(db, made.id, 2, b"sealed", "mia", at(1))
        assert await connections.with_candidate(db) == []
        assert await connections.next_run(db, made.id, 2, at(1)) is None


async def test_resealing_and_forgetting(database: Database) -> None:
    made = await connection(database, MIA, "1000", **CANDIDATE)
    async with database.write() as db:
        assert await connections.all_sealed(db) == [(made.id, None, b"new")]
        await connections.reseal(db, made.id, b"a", b"b")
        assert await connections.all_sealed(db) == [(made.id, b"a", b"b")]
        await connections.delete(db, made.id)
        assert await connections.get(db, made.id) is None
        assert await connections.sealed(db, made.id) is None


async def test_those_with_a_status(database: Database) -> None:
    active = await connection(database, MIA, "1", status="active")
    await connection(database, MIA, "2", status="expired")
    async with database.read() as db:
        assert await connections.with_status(db, "active", "blocked") == [active]
