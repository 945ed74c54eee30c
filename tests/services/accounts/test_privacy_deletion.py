"""Everything of a person is deleted, and nothing of others; what is left behind is swept."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from cryptography.fernet import Fernet

from services.accounts.privacy import Privacy
from services.feed.retention import Retention
from services.feed.visits import Visits
from services.web.outgoing import Outgoing
from services.web.webhooks import Webhooks
from storage import (
    archive,
    audit,
    exports,
    feed_notices,
    flows,
    library,
    pace,
    people,
    stories,
    story_accounts,
    story_items,
    webhooks,
)
from storage.database import Database
from storage.objects import LocalObjects
from storage.pace import Call
from storage.retention import Policy
from storage.tables import insight_accounts, syncs
from storage.vault import Vault
from tests.services.accounts.conftest import Queue
from tests.services.accounts.holdings import build, due, post
from tests.support.clock import StillClock
from tests.support.feeds import TOKEN, a_feed, incident, listed, reader, switched_on
from tests.support.insights import TABLES, measured
from tests.support.rows import LEO, MIA, NOW, an_import, archived, connection, new_media


class TestDeletion:
    async def delete(self, privacy: Privacy, clock: StillClock) -> None:
        when = await privacy.ask_deletion(MIA)
        clock.advance(hours=24)
        assert clock() == when
        await privacy.delete_due()

    async def test_no_trace_of_the_instagram_account_stays(
        self, privacy: Privacy, database: Database, clock: StillClock
    ) -> None:
        await connection(database, MIA, "1000")
        await connection(database, LEO, "2000")
        for identity in ("1000", "2000"):
            async with database.write() as db:
                await pace.reserve(db, identity, clock())
                await pace.log(db, Call(identity, "import", clock(), 1, 0.1, "ok"))
        await self.delete(privacy, clock)
        async with database.read() as db:
            assert await pace.requests_by_identity(db) == {"2000": 1}
            assert await pace.get(db, "1000") is None
            assert await pace.get(db, "2000") is not None

    async def test_not_before_its_day_is_over(
        self, privacy: Privacy, database: Database, clock: StillClock
    ) -> None:
        await privacy.ask_deletion(MIA)
        clock.advance(hours=23, minutes=59)
        await privacy.delete_due()
        async with database.read() as db:
            assert await people.get(db, MIA) is not None
        clock.advance(minutes=1)
        await privacy.delete_due()
        async with database.read() as db:
            assert await people.get(db, MIA) is None
            assert await people.get(db, LEO) is not None

    async def test_it_can_be_undone(
        self, privacy: Privacy, database: Database, clock: StillClock
    ) -> None:
        assert not await privacy.undo_deletion(MIA)
        await privacy.ask_deletion(MIA)
        assert await privacy.undo_deletion(MIA)
        assert not await privacy.undo_deletion(MIA)
        clock.advance(days=2)
        await privacy.delete_due()
        async with database.read() as db:
            assert await people.get(db, MIA) is not None
            assert [one.action for one in await audit.page(db, 5)] == ["kept", "asked for deletion"]

    async def test_bytes_go_unless_somebody_else_holds_them(
        self, privacy: Privacy, database: Database, objects: LocalObjects, clock: StillClock
    ) -> None:
        await post(database, objects, MIA, "mine", files=2)
        await post(database, objects, MIA, "shared")
        await archived(database, LEO, "shared")
        await self.delete(privacy, clock)
        kept = [path.name for path in objects.root.rglob("*.jpg")]
        assert kept == ["0.jpg"]
        assert await objects.size(new_media("shared").object_key) is not None
        async with database.read() as db:
            assert await archive.find(db, "instagram", "mine") is None
            assert await archive.size_of(db, LEO) == (1, 100)

    async def test_insights_go_with_their_person_and_others_stay(
        self, privacy: Privacy, database: Database, clock: StillClock
    ) -> None:
        await measured(database)
        await measured(database, LEO, MIA, name="leo")
        await self.delete(privacy, clock)
        async with database.read() as db:
            for table in TABLES:
                left = [tuple(row) for row in await db.execute(table.select())]
                assert left, "Leo's"
                assert MIA not in [value for row in left for value in row], table.name
            names = (await db.execute(sa.select(insight_accounts.c.username))).scalars().all()
            asked = (await db.execute(sa.select(syncs.c.asked_by, syncs.c.message_id))).all()
        assert names == ["leo"]
        assert [tuple(row) for row in asked] == [(None, None)]

    async def test_the_feed_goes_with_its_person(
        self, privacy: Privacy, database: Database, objects: LocalObjects, clock: StillClock
    ) -> None:
        feed = await a_feed(database)
        await switched_on(database)
        told = await incident(database)
        for name in ("theirs", "shared"):
            path = objects.path(new_media(name).object_key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"picture")
            post_id = await listed(database, feed, name)
        await listed(database, await a_feed(database, LEO), "shared")
        await reader(database, feed)
        hooks = Webhooks(database, Vault([Fernet.generate_key().decode()]), Outgoing(), clock)
        await hooks.put(MIA, feed.id, "https://203.0.114.7/in")
        async with database.write() as db:
            await webhooks.owe(db, feed.id, post_id, clock())
            await feed_notices.open_notice(
                db, feed.id, told, kind="session_dead", guid="x", now=clock()
            )
        await Retention(database, clock).choose(MIA, Policy(days=90))
        visits = Visits(database)
        clock.advance(hours=23)
        assert await visits.enter(TOKEN, clock()) is not None
        await self.delete(privacy, clock)
        assert await visits.enter(TOKEN, clock() + timedelta(seconds=1)) is None
        async with database.read() as db:
            for table in ("readers", "webhooks", "webhook_deliveries", "retention", "polls",
                          "feed_notices", "mobile_sessions", "unread_items"):  # fmt: skip
                query = f"select count(*) from {table}"
                assert (await db.exec_driver_sql(query)).scalar() == 0, table
            rows = await db.exec_driver_sql("select user_id from feeds")
            assert list(rows.scalars()) == [LEO]
        assert await objects.size(new_media("theirs").object_key) is None
        assert await objects.size(new_media("shared").object_key) == len(b"picture")

    async def test_nothing_of_the_person_stays_but_the_receipt_and_the_audit(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        clock: StillClock,
    ) -> None:
        await an_import(database, MIA, count=2)
        (path,) = await build(privacy, queue, objects)
        async with database.write() as db:
            await flows.begin(db, -7, MIA, "zone", expires_at=clock().replace(year=2030))
        await self.delete(privacy, clock)
        assert not path.exists()
        assert await due(database, clock) == [(MIA, "deleted")]
        async with database.read() as db:
            rows = await exports.rows_of_user(db, MIA)
            assert await exports.keys_of_user(db, MIA) == []
            assert await flows.current(db, -7, MIA, clock()) is None
        left = {name for name, found in rows.items() if found}
        assert left == {"notices", "audit"}

    async def test_two_ticks_at_once_give_one_receipt(
        self, privacy: Privacy, database: Database, clock: StillClock
    ) -> None:
        await privacy.ask_deletion(MIA)
        clock.advance(hours=25)
        await asyncio.gather(privacy.delete_due(), privacy.delete_due())
        assert await due(database, clock) == [(MIA, "deleted")]


async def test_what_a_kill_has_left_without_an_owner_is_swept(
    privacy: Privacy, database: Database, objects: LocalObjects
) -> None:
    """Killed after a post was taken out for good, and before its bytes were deleted."""
    post_id = await post(database, objects, MIA, "mine")
    async with database.write() as db:
        await library.remove(db, MIA, post_id, NOW)
        await library.forget_removed(db, NOW + timedelta(seconds=1))
    await privacy.sweep()
    assert await objects.size(new_media("mine").object_key) is None


async def test_questions_that_are_too_old_are_swept(
    privacy: Privacy, database: Database, clock: StillClock
) -> None:
    async with database.write() as db:
        await flows.begin(db, MIA, MIA, "zone", expires_at=clock())
    await privacy.sweep()
    async with database.read() as db:
        assert (await db.exec_driver_sql("select count(*) from flows")).scalar() == 0


async def test_what_a_deleted_admin_decided_is_somebodys(
    privacy: Privacy, database: Database, clock: StillClock
) -> None:
    async with database.write() as db:
        account_id = await story_accounts.add(db, MIA, "x", "UTC", NOW)
        item_id = await story_items.add(
            db, account_id, NOW, kind="photo", source="chat", name="x", sha256="", original_key=""
        )
        story_id = await stories.make(
            db, account_id, item_id, NOW, state="held", mode="ask", due_at=NOW, next_at=NOW
        )
        assert story_id
        await stories.move(db, story_id, NOW, from_states=["held"], decided_by=LEO, decided_at=NOW)
        await stories.note(db, story_id, "approved", NOW, by=LEO)
    await privacy.ask_deletion(LEO)
    clock.advance(days=2)
    await privacy.delete_due()
    async with database.read() as db:
        story = await stories.get(db, story_id)
        (event,) = await stories.history(db, story_id)
    assert story is not None
    assert (story.decided_by, event.by) == (0, 0)


async def test_the_files_of_stories_go_too(
    privacy: Privacy, database: Database, objects: LocalObjects, clock: StillClock
) -> None:
    async with database.write() as db:
        account_id = await story_accounts.add(db, MIA, "Mia", "UTC", NOW)
        item_id = await story_items.add(
            db,
            account_id,
            NOW,
            state="ready",
            kind="photo",
            source="chat",
            name="beach.jpg",
            sha256="a",
            original_key=f"stories/{account_id}/1/original.jpg",
        )
        item = await story_items.get(db, item_id)
    assert item is not None
    for key in story_items.objects(item):
        objects.path(key).parent.mkdir(parents=True, exist_ok=True)
        objects.path(key).write_bytes(b"bytes")
    await privacy.ask_deletion(MIA)
    clock.advance(days=2)
    await privacy.delete_due()
    assert not [one for one in objects.root.rglob("*") if one.is_file()]
