"""Imports and their items: conditional steps, overlapping pages, one import at a time."""

from __future__ import annotations

import asyncio

import pytest

from storage import cards as card_rows
from storage import connections, import_items, importing
from storage.database import Database
from storage.import_items import NewItem, Tally
from tests.support.rows import LEO, MIA, NOW, an_import, archived, at, connection, items, person


@pytest.fixture(autouse=True)
async def people(database: Database) -> None:
    await person(database, MIA, balance=50)
    await person(database, LEO)


async def listed(database: Database, import_id: int) -> list[tuple[str, str]]:
    async with database.read() as db:
        return [(one.shortcode, one.state) for one in await import_items.outcomes(db, import_id)]


class TestStart:
    async def test_one_unfinished_import_of_a_collection_however_many_ask(
        self, database: Database
    ) -> None:
        account = await connection(database)

        async def ask() -> int | None:
            async with database.write() as db:
                collection_id = await importing.keep_collection(
                    db, MIA, platform="instagram", key="k", title="T", url="u", now=NOW
                )
                return await importing.start(
                    db,
                    user_id=MIA,
                    connection_id=account.id,
                    collection_id=collection_id,
                    identity="1000",
                    post_limit=500,
                    now=NOW,
                )

        answers = await asyncio.gather(*(ask() for _ in range(5)))
        (winner,) = [one for one in answers if one is not None]
        async with database.read() as db:
            item = await importing.get(db, winner)
            assert item is not None
            assert await importing.unfinished(db, item.collection_id) == winner
        assert (item.state, item.run, item.more, item.cursor) == ("previewing", 1, True, None)

    @pytest.mark.parametrize("state", importing.UNFINISHED)
    async def test_none_begins_while_one_is(self, database: Database, state: str) -> None:
        await an_import(database, state=state)
        with pytest.raises(AssertionError, match="unfinished"):
            await an_import(database)

    @pytest.mark.parametrize("state", ["done", "cancelled", "failed"])
    async def test_the_next_may_begin_after_one_ended(self, database: Database, state: str) -> None:
        first = await an_import(database, state=state)
        second = await an_import(database)
        assert (second.collection_id, second.id) == (first.collection_id, first.id + 1)

    async def test_two_people_may_import_the_same_collection(self, database: Database) -> None:
        first, second = await an_import(database, MIA), await an_import(database, LEO)
        assert first.collection_id != second.collection_id


class TestMove:
    async def test_only_from_the_states_and_for_the_run_that_were_named(
        self, database: Database
    ) -> None:
        made = await an_import(database)
        async with database.write() as db:
            assert not await importing.move(
                db, made.id, at(1), from_states=["paused"], state="done"
            )
            assert not await importing.fence(db, made.id, 2, at(1))
            assert await importing.fence(db, made.id, 1, at(1))
            assert await importing.move(
                db, made.id, at(2), run=1, from_states=["running"], new_run=True, tries=2
            )
            assert not await importing.fence(db, made.id, 1, at(3))
            item = await importing.get(db, made.id)
        assert item is not None
        assert (item.state, item.run, item.tries, item.changed_at) == ("running", 2, 2, at(2))

    async def test_one_of_many_that_move_at_once_wins(self, database: Database) -> None:
        made = await an_import(database, state="offered")

        async def tap() -> bool:
            async with database.write() as db:
                return await importing.move(
                    db, made.id, NOW, from_states=["offered"], new_run=True, state="running"
                )

        assert sorted(await asyncio.gather(*(tap() for _ in range(5)))) == [False] * 4 + [True]
        async with database.read() as db:
            item = await importing.get(db, made.id)
        assert item is not None
        assert item.run == 2


class TestPages:
    async def test_pages_that_overlap_list_each_post_once(self, database: Database) -> None:
        made = await an_import(database)
        async with database.write() as db:
            await import_items.add_page(db, made.id, items("a", "b", "c"), cursor="2", now=at(1))
            await import_items.add_page(db, made.id, items("c", "d", "d"), cursor="3", now=at(2))
            await import_items.add_page(db, made.id, items("b"), cursor=None, now=at(3))
            item = await importing.get(db, made.id)
            turns = await import_items.pending(db, made.id, charged=False, limit=10)
        assert [one.platform_id for one in turns] == ["a", "b", "c", "d"]
        assert turns[0].raw == {"pk": "a"}
        assert item is not None
        assert (item.pages, item.cursor, item.more) == (4, None, False)

    async def test_an_empty_page_still_moves_the_cursor(self, database: Database) -> None:
        made = await an_import(database)
        async with database.write() as db:
            await importing.move(db, made.id, NOW, from_states=["running"], tries=2, idle_runs=2)
            await import_items.add_page(db, made.id, [], cursor="next", now=at(1))
            item = await importing.get(db, made.id)
        assert item is not None
        assert (item.cursor, item.more, item.tries, item.idle_runs) == ("next", True, 0, 0)

    async def test_known_and_unreadable_posts_are_settled_from_the_start(
        self, database: Database
    ) -> None:
        made = await an_import(database)
        post_id = await archived(database, MIA, "old")
        unreadable = NewItem("unread:0-1", "", {"odd": 1}, None, "unreadable")
        async with database.write() as db:
            page = [*items("new", "old", known={"old": post_id}), unreadable]
            await import_items.add_page(db, made.id, page, cursor=None, now=at(1))
            assert await import_items.reasons(db, [made.id]) == {made.id: {"unreadable": 1}}
            tally = await import_items.tally(db, made.id)
        assert await listed(database, made.id) == [
            ("code-new", "pending"),
            ("code-old", "skipped"),
            ("", "failed"),
        ]
        assert (tally.listed, tally.settled, tally.wanted) == (3, 2, 2)


class TestItems:
    async def test_an_item_is_settled_once(self, database: Database) -> None:
        made = await an_import(database, count=1)
        post_id = await archived(database, MIA)
        async with database.write() as db:
            assert await import_items.settle(db, made.items[0], "saved", NOW, post_id=post_id)
            assert not await import_items.settle(db, made.items[0], "gone", NOW, error="gone")
        assert [state for _, state in await listed(database, made.id)] == ["saved"]

    async def test_a_fresh_listing_replaces_the_addresses(self, database: Database) -> None:
        made = await an_import(database, count=1)
        async with database.write() as db:
            await import_items.refresh(db, made.items[0], {"pk": "fresh"})
            (item,) = await import_items.pending(db, made.id, charged=False, limit=1)
        assert item.raw == {"pk": "fresh"}

    async def test_cancelling_drops_what_waits(self, database: Database) -> None:
        made = await an_import(database, count=3)
        async with database.write() as db:
            await import_items.settle(db, made.items[0], "gone", NOW)
            await import_items.drop_pending(db, made.id, at(1))
            tally = await import_items.tally(db, made.id)
        assert tally == Tally(gone=1, dropped=2)

    async def test_retry_opens_what_failed_and_could_be_read(self, database: Database) -> None:
        made = await an_import(database, count=3)
        unreadable = NewItem("unread:0-1", "", {"odd": 1}, None, "unreadable")
        async with database.write() as db:
            await import_items.settle(db, made.items[0], "failed", NOW, error="short")
            await import_items.settle(db, made.items[1], "gone", NOW, error="gone")
            await import_items.add_page(db, made.id, [unreadable], cursor=None, now=NOW)
            assert await import_items.reopen_failed(db, made.id) == 1
            assert await import_items.reopen_failed(db, made.id) == 0
            bad = await import_items.outcomes(db, made.id, "gone", "failed", limit=1)
        assert [state for _, state in await listed(database, made.id)] == [
            "pending",
            "gone",
            "pending",
            "failed",
        ]
        assert [(one.position, one.error) for one in bad] == [(1, "gone")]

    async def test_tallies_of_many_imports_are_kept_apart(self, database: Database) -> None:
        first = await an_import(database, key="a", count=2)
        second = await an_import(database, key="b", count=1)
        third = await an_import(database, key="c")
        async with database.write() as db:
            await import_items.settle(db, first.items[0], "failed", NOW, error="http_404")
            tallies = await import_items.tallies(db, [first.id, second.id, third.id])
        assert tallies == {
            first.id: Tally(pending=1, failed=1),
            second.id: Tally(pending=1),
        }


class TestLists:
    async def test_stranded_are_those_that_nothing_has_touched(self, database: Database) -> None:
        old = await an_import(database, key="a", now=at(0))
        await an_import(database, key="b", now=at(5))
        await an_import(database, key="c", state="offered", now=at(0))
        preview = await an_import(database, key="d", state="previewing", now=at(1))
        async with database.read() as db:
            found = [one.id for one in await importing.stranded(db, at(5))]
        assert found == [old.id, preview.id]

    async def test_due_are_those_whose_wait_is_over(self, database: Database) -> None:
        made = await an_import(database, state="waiting")
        async with database.write() as db:
            await importing.move(db, made.id, NOW, from_states=["waiting"], wait_until=at(5))
            assert await importing.due(db, at(4)) == []
            assert await importing.due(db, at(5)) == [(made.id, 1)]

    @pytest.mark.parametrize(
        ("reason", "status", "heals"),
        [
            ("cookies", "active", True),
            ("checkpoint", "active", True),
            ("cookies", "expired", False),
            ("checkpoint", "blocked", False),
            ("user", "active", False),
            ("credits", "active", False),
        ],
    )
    async def test_healed_are_those_whose_session_works_again(
        self, database: Database, reason: str, status: str, heals: bool
    ) -> None:
        made = await an_import(database, state="paused")
        async with database.write() as db:
            await importing.move(db, made.id, NOW, from_states=["paused"], reason=reason)
            await connections.change(db, made.connection_id, NOW, status=status)
            assert await importing.healed(db) == ([(made.id, 1)] if heals else [])

    async def test_in_states_takes_each_filter(self, database: Database) -> None:
        mine = await an_import(database, MIA, key="a", state="paused")
        hers = await an_import(database, LEO, key="b", state="paused")
        running = await an_import(database, MIA, key="c")
        async with database.write() as db:
            await importing.move(db, hers.id, NOW, from_states=["paused"], reason="storage")

            async def ids(*states: str, **filters: object) -> list[int]:
                found = await importing.in_states(db, *states, **filters)  # type: ignore[arg-type]
                return [one.id for one in found]

            assert await ids("paused", "running") == [mine.id, hers.id, running.id]
            assert await ids("paused", user_id=MIA) == [mine.id]
            assert await ids("paused", reason="storage") == [hers.id]
            assert await ids("paused", connection_id=hers.connection_id) == [hers.id]

    async def test_collections_are_offered_newest_first_and_without_single_posts(
        self, database: Database
    ) -> None:
        for key in ("named:1", "post:abc", "share:xyz", "saved:1000", "named:2"):
            await an_import(database, key=key, state="done")
        await an_import(database, key="named:1", state="done")
        await an_import(database, LEO, key="named:9", state="done")
        async with database.read() as db:
            found = [one.key for one in await importing.collections_of(db, MIA, 10)]
            assert found == ["named:1", "named:2", "saved:1000"]
            assert len(await importing.collections_of(db, MIA, 2)) == 2

    async def test_a_collection_keeps_its_id_and_takes_its_new_name(
        self, database: Database
    ) -> None:
        async def keep(title: str) -> int:
            async with database.write() as db:
                return await importing.keep_collection(
                    db, MIA, platform="instagram", key="k", title=title, url="u", now=NOW
                )

        assert await keep("Old") == await keep("New")

    async def test_latest_are_a_persons_own(self, database: Database) -> None:
        first = await an_import(database, key="a", state="done")
        await an_import(database, LEO, key="b")
        second = await an_import(database, key="c")
        async with database.read() as db:
            assert [one.id for one in await importing.latest(db, MIA, 5)] == [second.id, first.id]
            assert [one.id for one in await importing.latest(db, MIA, 1)] == [second.id]


class TestCards:
    async def test_a_card_is_due_when_its_import_changed_and_its_time_has_come(
        self, database: Database
    ) -> None:
        made = await an_import(database)
        async with database.write() as db:
            await card_rows.keep(
                db,
                user_id=MIA,
                chat_id=MIA,
                message_id=7,
                import_id=made.id,
                seen_change=NOW,
                not_before=at(1),
            )
            assert await card_rows.due(db, at(1)) == []  # it shows the newest state
            await importing.fence(db, made.id, 1, at(2))
            assert await card_rows.due(db, at(0.5)) == []  # too early
            (card,) = await card_rows.due(db, at(1))
            assert (card.message_id, card.import_id) == (7, made.id)
            await card_rows.shown(db, card.id, not_before=at(3), seen_change=at(2))
            assert await card_rows.due(db, at(9)) == []
            await card_rows.shown(db, card.id, not_before=at(4), seen_change=None)
            assert await card_rows.due(db, at(9)) == []

    async def test_an_import_has_one_card(self, database: Database) -> None:
        made = await an_import(database)
        async with database.write() as db:
            for message_id in (7, 8):
                await card_rows.keep(
                    db,
                    user_id=MIA,
                    chat_id=MIA,
                    message_id=message_id,
                    import_id=made.id,
                    seen_change=None,
                    not_before=NOW,
                )
            (card,) = await card_rows.due(db, NOW)
            assert card.message_id == 8
            await card_rows.drop(db, card.id)
            assert await card_rows.due(db, NOW) == []
