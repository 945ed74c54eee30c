"""Counts over everything."""

from __future__ import annotations

from storage import figures, import_items, importing
from storage.database import Database
from tests.support.rows import MIA, NOW, an_import, at, person


async def test_counts(database: Database) -> None:
    await person(database, MIA)
    made = await an_import(database, key="a", count=4)
    await an_import(database, key="b", count=1)
    async with database.write() as db:
        for item, state in zip(made.items, ("saved", "failed", "gone"), strict=False):
            await import_items.settle(db, item, state, NOW)
        await importing.move(
            db,
            made.id,
            at(3),
            from_states=["running"],
            state="done",
            started_at=NOW,
            ended_at=at(3),
        )
        assert await figures.imports_by_state(db) == {"done": 1, "running": 1}
        assert await figures.items_by_state(db) == {
            "saved": 1,
            "failed": 1,
            "gone": 1,
            "pending": 2,
        }
        assert await figures.import_seconds(db) == [180.0]
        assert await figures.failing_imports(db, at(1)) == [(made.id, 1, 3)]
        assert await figures.failing_imports(db, at(4)) == []
