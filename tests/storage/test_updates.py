"""Telegram's updates are taken once."""

from __future__ import annotations

import asyncio

from storage import updates
from storage.database import Database
from tests.support.rows import NOW, at


async def test_an_update_is_taken_once_until_it_is_too_old_to_come_again(
    database: Database,
) -> None:
    async def take() -> bool:
        async with database.write() as db:
            return await updates.take(db, 7, NOW)

    assert sorted(await asyncio.gather(take(), take(), take())) == [False, False, True]
    async with database.write() as db:
        await updates.prune(db, NOW)
        assert not await updates.take(db, 7, NOW)
        await updates.prune(db, at(1))
        assert await updates.take(db, 7, NOW)
