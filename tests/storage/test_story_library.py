"""The stories' library and what became of stories, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import people, stories, story_accounts, story_history, story_items
from storage.database import Database
from storage.story_history import Tally
from tests.support.rows import LEO, MIA, NOW, at, person


async def an_account(database: Database) -> int:
    await person(database, MIA)
    async with database.write() as db:
        return await story_accounts.add(db, MIA, "Mia", "UTC", NOW)


async def an_item(database: Database, account_id: int, state: str = "ready", **to: Any) -> int:
    async with database.write() as db:
        return await story_items.add(
            db,
            account_id,
            NOW,
            **{
                "state": state,
                "kind": "photo",
                "source": "chat",
                "name": "beach.jpg",
                "sha256": "a",
                "original_key": "stories/1",
                **to,
            },
        )


async def a_story(database: Database, account_id: int, item_id: int, **to: Any) -> int:
    async with database.write() as db:
        story_id = await stories.make(
            db,
            account_id,
            item_id,
            NOW,
            state="scheduled",
            mode=to.pop("mode", "ask"),
            due_at=at(60),
            next_at=NOW,
        )
        assert story_id is not None
        assert await stories.move(db, story_id, NOW, from_states=["scheduled"], **to)
    return story_id


async def test_only_what_is_shown_is_browsed_and_counted(database: Database) -> None:
    account_id = await an_account(database)
    shown = [await an_item(database, account_id, state) for state in ("fitting", "ready", "unfit")]
    for state in ("arriving", "dropped", "gone"):
        await an_item(database, account_id, state)
    removed = await an_item(database, account_id)
    async with database.write() as db:
        await story_items.remove(db, removed, NOW)
    async with database.read() as db:
        found = await story_items.of_account(db, account_id, 10)
        assert [one.id for one in found] == shown[::-1]
        assert await story_items.count(db, account_id) == 3
        arriving = await story_items.arriving(db, at(1))
        assert [one.state for one in arriving] == ["arriving", "dropped"]
        assert await story_items.arriving(db, NOW) == [], "they may still come"


async def test_a_move_takes_what_must_be_in_the_store(database: Database) -> None:
    account_id = await an_account(database)
    await an_item(database, account_id, fitted_key="stories/2", preview_key="stories/3")
    await an_item(database, account_id, "fitting", sha256="b", original_key="stories/4")
    await an_item(database, account_id, "arriving", sha256="", original_key="stories/5")
    await an_item(database, account_id, "gone", original_key="stories/6")
    async with database.read() as db:
        assert await story_items.all_keys(db) == [
            ("stories/1", "a"),
            ("stories/2", None),
            ("stories/3", None),
            ("stories/4", "b"),
        ]


async def test_what_a_story_needs_is_not_purged(database: Database) -> None:
    account_id = await an_account(database)
    needed, free = [await an_item(database, account_id) for _ in range(2)]
    story_id = await a_story(database, account_id, needed, state="by_hand")
    async with database.write() as db:
        await story_items.remove(db, needed, NOW)
        await story_items.remove(db, free, NOW)
    async with database.read() as db:
        assert [one.id for one in await story_items.purgeable(db, at(1))] == [free]
        assert await story_items.purgeable(db, NOW) == []
        assert await story_items.open_story(db, needed) == story_id
        assert await story_items.open_story(db, free) is None


async def test_a_run_moves_on_once_and_a_used_file_rests(database: Database) -> None:
    account_id = await an_account(database)
    item_id = await an_item(database, account_id, "fitting")
    async with database.write() as db:
        assert await story_items.next_run(db, item_id, 1)
        assert not await story_items.next_run(db, item_id, 1)
        assert not await story_items.change(db, item_id, run=1, state="ready")
        assert not await story_items.change(db, item_id, from_state="ready", state="unfit")
        assert await story_items.change(db, item_id, run=2, state="ready", done=["redrawn"])
        await story_items.used(db, item_id, NOW)
        item = await story_items.get(db, item_id)
    assert item is not None
    assert (item.uses, item.locked_until, item.done) == (1, NOW + timedelta(days=30), ["redrawn"])
    assert story_items.objects(item) == [
        "stories/1",
        *(
            f"stories/{account_id}/{item_id}/{name}"
            for run in (1, 2)
            for name in (
                f"story-{item_id}-{run}.jpg",
                f"story-{item_id}-{run}.mp4",
                f"preview-{run}.jpg",
            )
        ),
    ]


async def test_a_file_stays_when_who_brought_it_goes(database: Database) -> None:
    """Stories name it: deleting an admin must not fail over that."""
    account_id = await an_account(database)
    await person(database, LEO, role="admin")
    item_id = await an_item(database, account_id, added_by=LEO)
    await a_story(database, account_id, item_id, state="posted")
    async with database.write() as db:
        await people.change(db, LEO, delete_after=NOW)
        assert await people.delete(db, LEO, at(1))
        item = await story_items.get(db, item_id)
        assert item is not None
        assert item.added_by is None
        assert [one.id for one in await story_items.of_user(db, MIA)] == [item_id]


async def test_everything_goes_with_its_person(database: Database) -> None:
    account_id = await an_account(database)
    await a_story(database, account_id, await an_item(database, account_id), state="posted")
    async with database.write() as db:
        await people.change(db, MIA, delete_after=NOW)
        assert await people.delete(db, MIA, at(1))
        assert await story_accounts.get(db, account_id) is None
        assert await story_items.of_user(db, MIA) == []


async def test_what_became_of_stories_is_counted_and_listed(database: Database) -> None:
    account_id = await an_account(database)
    item_id = await an_item(database, account_id)
    by_api = {"state": "published", "posting_method": "api", "ended_at": NOW}
    by_hand = {"state": "posted", "posting_method": "manual", "ended_at": NOW}
    await a_story(database, account_id, item_id, **by_api)
    fell_back = await a_story(database, account_id, item_id, **by_hand)
    await a_story(database, account_id, item_id, mode="manual", **by_hand)
    await a_story(database, account_id, item_id, state="skipped", ended_at=NOW)
    await a_story(database, account_id, item_id, state="skipped", ended_at=at(-60))
    await a_story(database, account_id, item_id, state="asking")
    failed = await a_story(database, account_id, item_id, state="by_hand", detail="Meta refused")
    async with database.write() as db:
        await stories.note(db, fell_back, "trouble", NOW, detail="Meta refused")
        await stories.note(db, fell_back, "trouble", at(-60), detail="Meta refused")
    async with database.read() as db:
        assert await story_history.tally(db, account_id, at(-1)) == Tally(
            by_api=1, by_hand=2, fell_back=1, skipped=1, failed=1, troubles=1
        )
        rows = await story_history.rows(db, account_id)
        assert [one.id for one in await story_history.failed(db, account_id, 9)] == [failed]
    assert [row.id for row in rows if row.fell_back] == [fell_back]
    assert (rows[0].name, rows[0].category, rows[0].posting_method) == ("beach.jpg", None, "api")
