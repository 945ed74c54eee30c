"""Who did what, and what is ill."""

from __future__ import annotations

import asyncio

from storage import audit
from storage.audit import Entry
from storage.database import Database
from tests.support.rows import LEO, MIA, NOW, at


async def test_the_newest_first_page_by_page(database: Database) -> None:
    async with database.write() as db:
        for n, (actor, action) in enumerate([(MIA, "invited"), (LEO, "joined"), (None, "deleted")]):
            await audit.note(db, actor, action, "x", at(n))
        assert await audit.page(db, 2) == [
            Entry(at(2), None, "deleted", "x"),
            Entry(at(1), LEO, "joined", "x"),
        ]
        assert await audit.page(db, 2, 2) == [Entry(at(0), MIA, "invited", "x")]


async def test_an_incident_opens_once_closes_once_and_may_come_again(database: Database) -> None:
    async def open_it() -> bool:
        async with database.write() as db:
            return await audit.open_incident(db, "disk", "", NOW)

    assert sorted(await asyncio.gather(open_it(), open_it(), open_it())) == [False, False, True]
    async with database.write() as db:
        assert await audit.open_incident(db, "disk", "other", at(1))
        assert await audit.open_incidents(db) == [("disk", "", NOW), ("disk", "other", at(1))]
        assert await audit.close_incident(db, "disk", "", at(2))
        assert not await audit.close_incident(db, "disk", "", at(2))
        assert await audit.open_incident(db, "disk", "", at(3))
