"""Transactions: real ones on both dialects, and an outage has one name."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import pace, people
from storage.database import Database, Unavailable, sqlite_url
from storage.tables import users
from tests.support.rows import MIA, NOW, person

TASKS, TIMES = 3, 100


async def test_no_increment_is_lost_between_concurrent_transactions(database: Database) -> None:
    """Read, compute, write: the row that is locked for it is nobody else's meanwhile."""

    async def increment() -> None:
        for _ in range(TIMES):
            async with database.write() as db:
                state = await pace.reserve(db, "1000", NOW)
                await pace.put(db, replace(state, strikes=state.strikes + 1))

    await asyncio.gather(*(increment() for _ in range(TASKS)))
    async with database.read() as db:
        state = await pace.get(db, "1000")
    assert state is not None
    assert state.strikes == TASKS * TIMES


async def test_an_error_rolls_the_whole_transaction_back(database: Database) -> None:
    await person(database, balance=5)

    async def fail_half_way() -> None:
        async with database.write() as db:
            await people.change(db, MIA, name="Somebody")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    async with database.read() as db:
        user = await people.get(db, MIA)
    assert user is not None
    assert user.name == "User 11"


async def test_a_read_is_one_snapshot(database: Database) -> None:
    """The audit of the ledger compares two sums: a charge in between must not show in one only."""
    await person(database, balance=5)
    async with database.read() as snapshot:
        before = await people.get(snapshot, MIA)
        async with database.write() as db:
            await people.change(db, MIA, credits=4)
        after = await people.get(snapshot, MIA)
    assert before == after
    async with database.read() as db:
        now = await people.get(db, MIA)
    assert now is not None
    assert now.credits == 4


async def test_a_balance_below_zero_is_refused_by_the_database(database: Database) -> None:
    await person(database, balance=1)
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as db:
            await db.execute(users.update().values(credits=-1))


async def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as db:
            await people.invite(
                db, token_hash="x", role="member", created_by=404, now=NOW, expires_at=NOW
            )


@pytest.mark.parametrize(
    "url",
    [sqlite_url(Path("/nowhere/at/all/reelay.db")), "postgresql+psycopg://x@127.0.0.1:1/x"],
    ids=["sqlite", "postgresql"],
)
async def test_an_absent_database_is_unavailable(url: str) -> None:
    database = Database(url)
    with pytest.raises(Unavailable):
        async with database.read():
            pass
    await database.close()


async def test_a_locked_database_is_unavailable(database: Database) -> None:
    """The second writer gives up when its patience (here: a moment) ends."""
    await person(database)
    async with database.write() as first:
        await people.change(first, MIA, name="First")
        with pytest.raises(Unavailable):
            await _write_impatiently(database)


async def _write_impatiently(database: Database) -> None:
    other = Database(database.url)
    try:
        if other.is_sqlite:
            sa.event.listen(
                other.engine.sync_engine,
                "connect",
                lambda connection, _: connection.execute("PRAGMA busy_timeout=10"),
            )
            async with other.write():
                pass
        else:
            async with other.write() as db:
                await db.execute(sa.text("set local lock_timeout = '10ms'"))
                await people.change(db, MIA, name="Second")
    finally:
        await other.close()
