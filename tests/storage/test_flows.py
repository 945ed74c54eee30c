"""Unfinished dialogues."""

from __future__ import annotations

from storage import flows
from storage.database import Database
from storage.flows import Flow
from tests.support.rows import LEO, MIA, NOW, at


async def current(database: Database, user_id: int = MIA, minutes: float = 0) -> Flow | None:
    async with database.read() as db:
        return await flows.current(db, -5, user_id, at(minutes))


async def test_the_last_question_counts(database: Database) -> None:
    async with database.write() as db:
        await flows.begin(db, -5, MIA, "zone", expires_at=at(15))
        await flows.begin(db, -5, MIA, "grant", expires_at=at(15), to=12)
    assert await current(database) == Flow("grant", {"to": 12})
    assert await current(database, LEO) is None


async def test_a_question_ends_and_expires(database: Database) -> None:
    async with database.write() as db:
        await flows.begin(db, -5, MIA, "zone", expires_at=at(15))
        await flows.begin(db, -5, LEO, "zone", expires_at=at(15))
        await flows.end(db, -5, LEO)
    assert await current(database, MIA, 14) == Flow("zone", {})
    assert await current(database, MIA, 15) is None
    assert await current(database, LEO) is None


async def test_old_questions_and_those_of_a_person_who_goes_are_forgotten(
    database: Database,
) -> None:
    async with database.write() as db:
        await flows.begin(db, -5, MIA, "zone", expires_at=at(15))
        await flows.begin(db, MIA, MIA, "grant", expires_at=at(15))
        await flows.begin(db, -5, LEO, "zone", expires_at=at(5))
        await flows.prune(db, at(5))
    assert await current(database, LEO, -60) is None
    async with database.write() as db:
        await flows.forget(db, MIA)
    assert await current(database, MIA, -60) is None
    async with database.read() as db:
        assert await flows.current(db, MIA, MIA, NOW) is None
