"""Heartbeats."""

from __future__ import annotations

from storage import workers
from storage.database import Database
from tests.support.rows import at


async def test_those_that_beat_lately_are_alive(database: Database) -> None:
    async with database.write() as db:
        await workers.beat(db, "a", at(0))
        await workers.beat(db, "b", at(0))
        await workers.beat(db, "b", at(2))
        assert {"a", "b"} & await workers.alive(db, at(0)) == {"a", "b"}
        assert {"a", "b"} & await workers.alive(db, at(1)) == {"b"}
