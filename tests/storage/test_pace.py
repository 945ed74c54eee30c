"""The pace of an identity as a row, and the log of calls."""

from __future__ import annotations

from dataclasses import replace

from storage import pace
from storage.database import Database
from storage.pace import Call, Pace
from tests.support.rows import NOW, at


async def test_a_row_is_made_when_it_is_first_reserved(database: Database) -> None:
    async with database.write() as db:
        assert await pace.get(db, "1000") is None
        fresh = await pace.reserve(db, "1000", NOW)
        assert fresh == Pace("1000", NOW, None, None, 0, None)
        frozen = replace(fresh, reason="rate", frozen_until=at(5), strikes=1, struck_at=NOW)
        await pace.put(db, frozen)
        assert await pace.reserve(db, "1000", at(9)) == frozen
        await pace.reserve(db, "2000", NOW)
        assert await pace.frozen(db) == [frozen]


async def test_calls_are_counted_by_outcome_purpose_and_identity(database: Database) -> None:
    async with database.write() as db:
        for identity, purpose, minutes, requests, outcome in (
            ("1", "import", 0, 1, "ok"),
            ("1", "import", 30, 2, "ok"),
            ("1", "import", 61, 1, "RateLimited"),
            ("2", "connect", 61, 3, "ok"),
        ):
            await pace.log(db, Call(identity, purpose, at(minutes), requests, 0.5, outcome))
        assert await pace.outcomes_since(db, at(30)) == {"ok": 2, "RateLimited": 1}
        assert await pace.requests_by_identity(db) == {"1": 4, "2": 3}
        assert await pace.calls_by_outcome(db) == {
            ("import", "ok"): 2,
            ("import", "RateLimited"): 1,
            ("connect", "ok"): 1,
        }
