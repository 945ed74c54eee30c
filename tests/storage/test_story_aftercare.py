"""Queries about stories once media_publish was asked for, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import stories, story_accounts, story_aftercare, story_items
from storage.database import Database
from storage.stories import Story
from tests.support.rows import MIA, NOW, at, person

DAY = timedelta(days=1)


async def account(database: Database) -> int:
    async with database.write() as db:
        return await story_accounts.add(db, MIA, "mia", "Europe/Berlin", NOW)


async def story(database: Database, account_id: int, **columns: Any) -> Story:
    async with database.write() as db:
        item_id = await story_items.add(
            db, account_id, NOW, kind="photo", source="chat", name="x", sha256="x", original_key="x"
        )
        made = await stories.make(
            db, account_id, item_id, NOW, state="publishing", mode="ask", due_at=NOW, next_at=NOW
        )
        assert made
        if columns:
            await stories.move(db, made, NOW, from_states=["publishing"], **columns)
        found = await stories.get(db, made)
    assert found
    return found


async def test_who_is_asked_about_after_a_day(database: Database) -> None:
    await person(database)
    mine = await account(database)
    old = await story(database, mine, publish_requested_at=NOW)
    await story(database, mine, publish_requested_at=at(1))
    await story(database, mine, publish_requested_at=NOW, state="published")
    async with database.write() as db:
        assert [one.id for one in await story_aftercare.doubtful(db, NOW, 9)] == [old.id]
        await stories.note(db, old.id, "asked_if_live", NOW + DAY)
        assert await story_aftercare.doubtful(db, NOW, 9) == []
        # asked of Meta once more since: once more in doubt
        later = NOW + 2 * DAY
        await stories.move(
            db, old.id, later, from_states=["publishing"], publish_requested_at=later
        )
        assert old.id in [one.id for one in await story_aftercare.doubtful(db, later, 9)]


async def test_the_hour_counts_the_others_of_the_account(database: Database) -> None:
    await person(database)
    mine, other = await account(database), await account(database)
    own = await story(database, mine, publish_requested_at=NOW)
    await story(database, mine, publish_requested_at=at(-1))
    await story(database, mine, publish_requested_at=NOW)
    await story(database, mine)
    await story(database, other, publish_requested_at=NOW)
    async with database.write() as db:
        assert await stories.asked_since(db, own, NOW, lock=True) == 1
    async with database.read() as db:
        assert await stories.asked_since(db, own, at(-1)) == 2


async def test_names_and_their_owners(database: Database) -> None:
    await person(database)
    mine = await account(database)
    live: dict[str, Any] = {"state": "published", "publish_requested_at": NOW, "ended_at": NOW}
    first, second = await story(database, mine, **live), await story(database, mine, **live)
    doubtful = await story(database, mine, publish_requested_at=NOW)
    async with database.write() as db:
        assert [one.id for one in await story_aftercare.nameless(db, NOW)] == [first.id, second.id]
        assert await story_aftercare.nameless(db, at(1)) == []
        assert await story_aftercare.accounts_in_doubt(db) == {mine}
        assert await story_aftercare.measurable(db, NOW) == []
        await story_aftercare.name(db, first.id, "m1", "https://instagram/1")
        assert [one.id for one in await story_aftercare.nameless(db, NOW)] == [second.id]
        assert [one.id for one in await story_aftercare.measurable(db, NOW)] == [first.id]
        await story_aftercare.disown(db, first, "m1")
        assert await story_aftercare.media_owners(db, mine, ["m1"]) == {"m1"}
        await story_aftercare.disown(db, doubtful, "m1")
        assert await story_aftercare.media_owners(db, mine, ["m1"]) == set()
