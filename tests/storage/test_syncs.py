"""Syncs: one at a time for an account, and a log that adds up."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from storage import syncs
from storage.database import Database
from storage.insights import InsightAccount
from storage.syncs import Sync, SyncResult
from tests.storage.test_insights import connected
from tests.support.rows import MIA, NOW, at, person

DAY = date(2026, 11, 19)


@pytest.fixture
async def account(database: Database) -> InsightAccount:
    await person(database)
    return await connected(database)


async def begin(database: Database, account: InsightAccount) -> int | None:
    async with database.write() as db:
        made = await syncs.start(db, account.id, DAY, MIA, NOW)
    return made[0] if made else None


async def get(database: Database, sync_id: int) -> Sync:
    async with database.read() as db:
        found = await syncs.get(db, sync_id)
    assert found is not None
    return found


async def test_one_at_a_time(database: Database, account: InsightAccount) -> None:
    made = await asyncio.gather(*(begin(database, account) for _ in range(4)))
    [first] = [one for one in made if one is not None]
    async with database.read() as db:
        live = await syncs.live(db, account.id)
    assert live is not None
    assert (live.id, live.state, live.run) == (first, "pending", 1)
    async with database.write() as db:
        assert await syncs.move(db, first, at(1), from_states=["pending"], state="done")
    second = await begin(database, account)
    assert second is not None
    async with database.read() as db:
        assert [one.id for one in await syncs.latest(db, account.id, 5)] == [second, first]


async def test_a_run_that_was_overtaken_writes_nothing(
    database: Database, account: InsightAccount
) -> None:
    sync_id = await begin(database, account)
    assert sync_id is not None
    stale = await get(database, sync_id)
    async with database.write() as db:
        assert await syncs.fence(db, stale, at(1), requests=2, state="running", to_ask=8)
        assert await syncs.move(db, sync_id, at(1), from_states=syncs.LIVE, new_run=True)
        assert not await syncs.fence(db, stale, at(2), requests=1)
    sync = await get(database, sync_id)
    assert (sync.requests, sync.run, sync.percent) == (2, 2, 25)


async def test_the_log_adds_up_and_an_error_stays_until_it_is_forgiven(
    database: Database, account: InsightAccount
) -> None:
    sync_id = await begin(database, account)
    assert sync_id is not None
    error = {"error": "MetaUnavailable", "message": "Not well."}
    async with database.write() as db:
        await syncs.note(db, sync_id, SyncResult("reach", 3, 2, 1, 0))
        await syncs.note(db, sync_id, SyncResult("reach", **error))  # type: ignore[arg-type]
        await syncs.note(db, sync_id, SyncResult("reach", 1, 0, 0, 4))
        await syncs.note(db, sync_id, SyncResult("likes", error="MetaChanged"))
        before = (await syncs.results(db, [sync_id]))[sync_id]
        await syncs.forgive(db, sync_id, "MetaUnavailable")
        after = (await syncs.results(db, [sync_id]))[sync_id]
    assert SyncResult("reach", 4, 2, 1, 4, "MetaUnavailable", "Not well.") in before
    assert set(after) == {
        SyncResult("reach", 4, 2, 1, 4),
        SyncResult("likes", error="MetaChanged"),
    }


async def test_what_is_as_it_was_is_known(database: Database, account: InsightAccount) -> None:
    for error, ends, expected in (
        ("PermissionMissing", "done", False),
        (None, "failed", True),
        (None, "done", True),  # of the first one: the second has not come to its end
        ("PermissionMissing", "done", False),
    ):
        sync_id = await begin(database, account)
        assert sync_id is not None
        sync = await get(database, sync_id)
        async with database.write() as db:
            assert await syncs.was_so_before(db, sync, "PermissionMissing") is expected
            await syncs.note(db, sync_id, SyncResult("reach", error=error))
            await syncs.move(db, sync_id, NOW, from_states=syncs.LIVE, state=ends)


async def test_waits_end_and_old_logs_go(database: Database, account: InsightAccount) -> None:
    sync_id = await begin(database, account)
    assert sync_id is not None
    async with database.write() as db:
        assert [one.id for one in await syncs.stranded(db, at(1))] == [sync_id]
        await syncs.move(
            db, sync_id, NOW, from_states=syncs.LIVE, state="waiting", wait_until=at(5)
        )
        assert await syncs.stranded(db, at(1)) == []
        assert await syncs.ready(db, at(4)) == []
        assert [one.id for one in await syncs.ready(db, at(5))] == [sync_id]
        await syncs.move(db, sync_id, NOW, from_states=["waiting"], state="done", ended_at=at(6))
        assert await syncs.prune(db, at(6)) == 0
        assert await syncs.prune(db, at(7)) == 1


async def test_its_card_is_due_when_it_has_changed(
    database: Database, account: InsightAccount
) -> None:
    sync_id = await begin(database, account)
    assert sync_id is not None
    async with database.write() as db:
        place = {"chat_id": MIA, "message_id": 5}
        await syncs.CARDS.keep(db, sync_id, **place, seen_change=NOW, not_before=at(1))
        assert await syncs.CARDS.due(db, at(2)) == []
        await syncs.move(db, sync_id, at(1), from_states=syncs.LIVE, state="running")
        assert await syncs.CARDS.due(db, at(0)) == []
        [card] = await syncs.CARDS.due(db, at(2))
        assert (card.row_id, card.chat_id, card.message_id) == (sync_id, MIA, 5)
        await syncs.CARDS.shown(db, sync_id, not_before=at(1), seen_change=at(1))
        assert await syncs.CARDS.due(db, at(2)) == []
        assert await syncs.CARDS.of(db, sync_id) == card
        await syncs.CARDS.drop(db, sync_id)
        assert await syncs.CARDS.of(db, sync_id) is None
