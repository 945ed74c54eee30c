"""The outbox."""

from __future__ import annotations

from storage import notices
from storage.database import Database
from tests.support.rows import LEO, MIA, NOW, at


async def kinds(database: Database, minutes: float = 0) -> list[str]:
    async with database.read() as db:
        return [notice.kind for notice in await notices.due(db, at(minutes))]


async def add(database: Database, *kinds: str, user_id: int = MIA, once: str | None = None) -> None:
    async with database.write() as db:
        for kind in kinds:
            await notices.add(db, user_id, kind, NOW, once=once, number=3)


async def test_a_notice_carries_its_words_and_numbers(database: Database) -> None:
    await add(database, "granted")
    async with database.read() as db:
        (notice,) = await notices.due(db, NOW)
    assert (notice.user_id, notice.kind, notice.data, notice.attempts) == (
        MIA,
        "granted",
        {"number": 3},
        0,
    )


async def test_an_incident_is_said_once_to_each_person(database: Database) -> None:
    await add(database, "a", once="import:1")
    await add(database, "b", once="import:1")
    await add(database, "c", once="import:1", user_id=LEO)
    await add(database, "d", "d")
    assert await kinds(database) == ["a", "c", "d", "d"]


async def test_due_in_the_order_of_writing_and_not_too_many(database: Database) -> None:
    await add(database, "a", "b", "c")
    async with database.read() as db:
        assert [one.kind for one in await notices.due(db, NOW, limit=2)] == ["a", "b"]
    assert await kinds(database, -1) == []


async def test_what_was_put_off_comes_back_and_what_was_given_up_does_not(
    database: Database,
) -> None:
    await add(database, "late", "refused", "told", "blocked")
    async with database.write() as db:
        late, refused, told, blocked = await notices.due(db, NOW)
        await notices.later(db, late.id, at(5))
        await notices.give_up(db, refused.id, "chat not found")
        await notices.delivered(db, told.id, NOW)
        await notices.wait(db, blocked.id, at(60))
    assert await kinds(database, 4) == []
    assert await kinds(database, 5) == ["late"]
    async with database.write() as db:
        await notices.back(db, MIA, at(6))
        due = await notices.due(db, at(6))
    assert [(one.kind, one.attempts) for one in due] == [("late", 1), ("blocked", 0)]


async def test_forgetting_one_notice_or_a_person(database: Database) -> None:
    await add(database, "a", "b")
    await add(database, "c", user_id=LEO)
    async with database.write() as db:
        first, *_ = await notices.due(db, NOW)
        await notices.forget(db, notice_id=first.id)
    assert await kinds(database) == ["b", "c"]
    async with database.write() as db:
        await notices.forget(db, user_id=MIA)
    assert await kinds(database) == ["c"]


async def test_pruning_keeps_named_incidents_and_what_is_not_delivered(database: Database) -> None:
    await add(database, "old", "waiting")
    await add(database, "named", once="x")
    async with database.write() as db:
        for notice in await notices.due(db, NOW):
            if notice.kind != "waiting":
                await notices.delivered(db, notice.id, NOW)
        await notices.prune(db, at(1))
    await add(database, "named again", once="x")
    assert await kinds(database) == ["waiting"]
