"""A person's right over their data."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from services.accounts import privacy as module
from services.accounts.privacy import Privacy
from services.errors import BadInput
from services.feed.retention import Retention
from services.feed.visits import Visits, token_hash
from services.jobs.engine import Job
from services.web.outgoing import Outgoing
from services.web.webhooks import Webhooks
from storage import (
    archive,
    audit,
    connections,
    exports,
    feed_notices,
    flows,
    library,
    meta_accounts,
    notices,
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
from tests.support.analyses import analysed, new
from tests.support.clock import StillClock
from tests.support.feeds import TOKEN, a_feed, incident, listed, reader, switched_on
from tests.support.insights import TABLES, measured
from tests.support.rows import LEO, MIA, NOW, an_import, archived, connection, new_media, person


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "media")


@pytest.fixture
async def privacy(
    database: Database, objects: LocalObjects, queue: Queue, clock: StillClock
) -> Privacy:
    await person(database, MIA, balance=5)
    await person(database, LEO)
    return Privacy(database, objects, queue, clock)  # type: ignore[arg-type]


async def post(
    database: Database,
    objects: LocalObjects,
    user_id: int,
    name: str,
    *,
    size: int = 100,
    files: int = 1,
) -> int:
    """A post with its files on the disk, `size` bytes that can't be compressed each."""
    for position in range(files):
        path = objects.path(new_media(name, position).object_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    post_id = await archived(database, user_id, name, files=files)
    async with database.write() as db:
        await db.exec_driver_sql(f"update media set bytes = {size} where post_id = {post_id}")
    return post_id


async def build(privacy: Privacy, queue: Queue, objects: LocalObjects) -> list[Path]:
    await privacy.export(MIA)
    job = queue.jobs.pop()
    assert not await privacy.work(job)
    return zips(objects, job)


def zips(objects: LocalObjects, job: Job) -> list[Path]:
    return sorted((objects.root / "exports" / str(job.row)).glob("*/*.zip"))


async def due(database: Database, clock: StillClock) -> list[tuple[int, str]]:
    async with database.read() as db:
        return [(one.user_id, one.kind) for one in await notices.due(db, clock())]


class TestExport:
    async def test_it_holds_everything_and_no_secret(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        clock: StillClock,
    ) -> None:
        await an_import(database, MIA, count=2)
        await post(database, objects, MIA, "mine", files=2)
        await post(database, objects, LEO, "hers")
        made = await connection(database, MIA, "1000", username="mia")
        async with database.write() as db:
            await connections.reseal(db, made.id, b"sealed-session", b"sealed-candidate")

        (path,) = await build(privacy, queue, objects)
        with zipfile.ZipFile(path) as file:
            assert file.testzip() is None
            assert sorted(file.namelist()) == [
                "data.json",
                "media/code-mine_0.jpg",
                "media/code-mine_1.jpg",
                "raw.json",
            ]
            data, raw = (json.loads(file.read(name)) for name in ("data.json", "raw.json"))
            assert len(file.read("media/code-mine_0.jpg")) == 100
        assert raw == {"code-mine": {"pk": "mine"}}
        assert data["users"][0]["credits"] == 5
        assert "mia" in [one["username"] for one in data["connections"]]
        assert len(data["import_items"]) == 2
        everything = json.dumps(data)
        assert "sealed" not in everything
        assert "code-hers" not in everything
        assert await due(database, clock) == [(MIA, "export_ready")]
        assert await objects.parts("export-") == []

    async def test_the_feed_is_in_it_without_its_secrets(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        clock: StillClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "ROWS", 2)
        vault = Vault([Fernet.generate_key().decode()])
        feed, of_one = await a_feed(database), await a_feed(database, identity="1000")
        for name in ("a", "b", "c"):
            await listed(database, feed, name, caption=f"Of {name} 🌇")
        await listed(database, of_one, "a")
        await listed(database, await a_feed(database, LEO), "hers")
        await reader(database, feed, name="Feedly")
        hooks = Webhooks(database, vault, Outgoing(), clock)
        made = await hooks.put(MIA, feed.id, "https://203.0.114.7/in?key=s3cr3t")
        await Retention(database, clock).choose(MIA, Policy(days=90))

        found, with_feed = await build(privacy, queue, objects)
        with zipfile.ZipFile(found) as file:
            data = json.loads(file.read("data.json"))
        with zipfile.ZipFile(with_feed) as file:
            text = file.read("feed.jsonl").decode()
        lines = [json.loads(line) for line in text.splitlines()]
        assert [(one["feed_id"], one["guid"][-2:]) for one in lines] == [
            (feed.id, ":a"), (feed.id, ":b"), (feed.id, ":c"), (of_one.id, ":a"),
        ]  # fmt: skip
        assert lines[1]["caption"] == "Of b 🌇"
        assert [one["identity"] for one in data["feeds"]] == [None, "1000"]
        assert [one["name"] for one in data["readers"]] == ["Feedly"]
        assert [(one["host"], "sealed" in one) for one in data["webhooks"]] == [
            ("203.0.114.7", False)
        ]
        assert [one["days"] for one in data["retention"]] == [90]
        everything = json.dumps(data) + text
        assert made.key
        for secret in (TOKEN, token_hash(TOKEN), "s3cr3t", made.key, "hers"):
            assert secret not in everything

    async def test_what_analyses_have_read_is_in_it(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "ROWS", 2)
        for user_id, first in ((MIA, 0), (LEO, 50)):
            await analysed(database, [new(first + n, raw={"pk": "r4w"}) for n in range(3)], user_id)
        found, with_reels = await build(privacy, queue, objects)
        with zipfile.ZipFile(found) as file:
            data = json.loads(file.read("data.json"))
        with zipfile.ZipFile(with_reels) as file:
            text = file.read("reels.jsonl").decode()
        lines = [json.loads(line) for line in text.splitlines()]
        assert [(one["platform_id"], one["likes"]) for one in lines] == [
            ("0", None), ("1", None), ("2", None),
        ]  # fmt: skip
        assert [one["asked"] for one in data["analyses"]] == ["rosa"]
        assert "r4w" not in text

    async def test_insights_are_in_it_with_what_they_were(
        self, privacy: Privacy, database: Database, queue: Queue, objects: LocalObjects
    ) -> None:
        await measured(database)
        await measured(database, LEO, name="hers")
        found, of_posts, of_accounts = await build(privacy, queue, objects)
        assert [path.name for path in (of_posts, of_accounts)] == [
            "reelay-insight-posts.zip", "reelay-insights.zip",
        ]  # fmt: skip
        with zipfile.ZipFile(found) as file:
            data = json.loads(file.read("data.json"))
        with zipfile.ZipFile(of_accounts) as file:
            lines = [json.loads(line) for line in file.read("insights.jsonl").splitlines()]
        with zipfile.ZipFile(of_posts) as file:
            posts = [json.loads(line) for line in file.read("insight-posts.jsonl").splitlines()]
        told = [(one["value"], one["reason"], len(one["earlier"])) for one in lines]
        assert told == [(5, None, 1), (None, "no_data", 0)]
        assert [one["metric"] for one in posts] == ["reach", "views"]
        assert [one["username"] for one in data["insight_accounts"]] == ["mia"]
        assert [one["metric"] for one in data["sync_results"]] == ["reach"]
        assert [one["caption"] for one in data["insight_media"]] == ["By mia"]
        assert len(data["insight_pages"]) == len(data["syncs"]) == 1
        assert "hash-11" not in json.dumps(data)
        assert "hers" not in json.dumps(data)

    async def test_parts_are_small_enough_to_be_sent(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "PART_BYTES", 20_000)
        for n in range(9):
            await post(database, objects, MIA, f"p{n}", size=6_000)
        paths = await build(privacy, queue, objects)
        assert len(paths) >= 4
        names: list[str] = []
        for path in paths:
            with zipfile.ZipFile(path) as file:
                names += file.namelist()
                packed = sum(one.compress_size for one in file.infolist())
            assert packed <= 20_000
        assert len(names) == len(set(names)) == 11

    async def test_what_is_too_large_for_the_chat_is_marked(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        clock: StillClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "PART_BYTES", 20_000)
        monkeypatch.setattr(module, "CHAT_BYTES", 25_000)
        await post(database, objects, MIA, "small", size=6_000)
        await post(database, objects, MIA, "film", size=30_000)
        paths = await build(privacy, queue, objects)
        async with database.read() as db:
            (notice,) = await notices.due(db, clock())
        (large,) = notice.data["large"]
        assert len(paths) == len(notice.data["object_keys"]) == 2
        assert large in notice.data["object_keys"]
        assert objects.path(large).stat().st_size > 25_000

    async def test_a_part_is_at_most_45_mb(self) -> None:
        assert module.PART_BYTES == 45_000_000  # Telegram takes 50, with the zip's own bytes
        assert module.CHAT_BYTES == 50_000_000

    async def test_an_empty_library_is_one_small_zip(
        self, privacy: Privacy, queue: Queue, objects: LocalObjects
    ) -> None:
        (path,) = await build(privacy, queue, objects)
        with zipfile.ZipFile(path) as file:
            assert sorted(file.namelist()) == ["data.json", "raw.json"]

    async def test_one_at_a_time(self, privacy: Privacy, queue: Queue) -> None:
        await privacy.export(MIA)
        with pytest.raises(BadInput, match="already"):
            await privacy.export(MIA)
        await privacy.export(LEO)
        assert len(queue.jobs) == 2

    async def test_a_file_that_is_gone_does_not_stop_it(
        self, privacy: Privacy, database: Database, queue: Queue, objects: LocalObjects
    ) -> None:
        await post(database, objects, MIA, "mine", files=2)
        await objects.delete(new_media("mine", 0).object_key)
        (path,) = await build(privacy, queue, objects)
        with zipfile.ZipFile(path) as file:
            assert "media/code-mine_1.jpg" in file.namelist()

    async def test_a_run_that_was_overtaken_says_nothing(
        self, privacy: Privacy, database: Database, queue: Queue, clock: StillClock
    ) -> None:
        await privacy.export(MIA)
        old = queue.jobs.pop()
        clock.advance(minutes=1)
        (stranded,) = await privacy.stranded(clock())
        new = await privacy.restart(stranded)
        assert new is not None
        await privacy.work(old)
        assert await due(database, clock) == []
        await privacy.work(new)
        await privacy.work(new)
        assert await due(database, clock) == [(MIA, "export_ready")]

    async def test_the_row_names_a_file_before_it_is_there(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        clock: StillClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A process that is killed now must not leave a zip that nobody knows of."""
        named: list[bool] = []
        adopt = objects.adopt

        async def watched(part: Path, key: str) -> None:
            async with database.read() as db:
                named.append(key in await exports.keys_of_user(db, MIA))
            await adopt(part, key)
            raise OSError("killed")

        monkeypatch.setattr(objects, "adopt", watched)
        await privacy.export(MIA)
        job: Job | None = queue.jobs.pop()
        assert job
        with pytest.raises(OSError, match="killed"):
            await privacy.work(job)
        assert named == [True]
        monkeypatch.undo()
        left = zips(objects, job)
        job = await privacy.restart(job)
        assert job
        await privacy.work(job)
        assert len(left) == len(zips(objects, job)) == 1
        assert not left[0].exists(), "what the run before had made is gone"

    async def test_what_is_built_for_somebody_who_is_deleted_meanwhile_goes_too(
        self,
        privacy: Privacy,
        database: Database,
        queue: Queue,
        objects: LocalObjects,
        clock: StillClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        adopt = objects.adopt

        async def late(part: Path, key: str) -> None:
            await privacy.ask_deletion(MIA)
            clock.advance(hours=25)
            await privacy.delete_due()
            await adopt(part, key)

        monkeypatch.setattr(objects, "adopt", late)
        await privacy.export(MIA)
        job = queue.jobs.pop()
        assert not await privacy.work(job)
        assert await due(database, clock) == [(MIA, "deleted")]
        assert zips(objects, job) == []

    async def test_three_runs_that_come_to_nothing_are_the_last(
        self, privacy: Privacy, database: Database, queue: Queue, clock: StillClock
    ) -> None:
        await privacy.export(MIA)
        job: Job | None = queue.jobs.pop()
        runs = 0
        while job:
            runs += 1
            clock.advance(minutes=1)
            (stranded,) = await privacy.stranded(clock())
            job = await privacy.restart(stranded)
        assert runs == 3
        assert await due(database, clock) == [(MIA, "export_failed")]
        assert await privacy.stranded(clock()) == []

    async def test_it_is_kept_a_day(
        self, privacy: Privacy, queue: Queue, objects: LocalObjects, clock: StillClock
    ) -> None:
        (path,) = await build(privacy, queue, objects)
        clock.advance(hours=24)
        await privacy.sweep()
        assert path.exists()
        clock.advance(seconds=1)
        await privacy.sweep()
        assert not path.exists()


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


async def test_what_a_person_holds(
    privacy: Privacy, database: Database, objects: LocalObjects
) -> None:
    await post(database, objects, MIA, "mine", size=70, files=2)
    assert await privacy.holds(MIA) == (1, 140)
    assert await privacy.holds(LEO) == (0, 0)


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


async def test_stories_are_in_the_export_without_tokens(
    privacy: Privacy, database: Database, queue: Queue, objects: LocalObjects
) -> None:
    made = {}
    async with database.write() as db:
        for user_id in (MIA, LEO):
            meta = await meta_accounts.keep(
                db,
                user_id,
                str(user_id),
                NOW,
                username=f"of_{user_id}",
                flavour="facebook",
                account_type="BUSINESS",
                scopes=[],
                issued_at=NOW,
                unlimited=True,
                sealed=b"sealed-token",
                spare=b"sealed-spare",
            )
            account_id = await story_accounts.add(db, user_id, "x", "UTC", NOW, meta_id=meta.id)
            await story_accounts.add_category(db, account_id, f"Promo {user_id}")
            item_id = await story_items.add(
                db,
                account_id,
                NOW,
                state="ready",
                kind="photo",
                source="chat",
                name=f"beach {user_id}",
                sha256="a",
                original_key=f"stories/{account_id}/original.png",
            )
            story_id = await stories.make(
                db, account_id, item_id, NOW, state="posted", mode="ask", due_at=NOW, next_at=NOW
            )
            assert story_id
            await stories.note(db, story_id, "posted", NOW, by=user_id, detail=f"by {user_id}")
            made[user_id] = (item_id, f"stories/{account_id}/original.png")
    for _, key in made.values():
        objects.path(key).parent.mkdir(parents=True, exist_ok=True)
        objects.path(key).write_bytes(b"picture")
    (path,) = await build(privacy, queue, objects)
    with zipfile.ZipFile(path) as file:
        name = f"stories/{made[MIA][0]}.png"
        assert sorted(file.namelist()) == ["data.json", "raw.json", name]
        assert file.read(name) == b"picture"
        data = json.loads(file.read("data.json"))
    assert [one["username"] for one in data["meta_accounts"]] == [f"of_{MIA}"]
    assert [one["name"] for one in data["library_items"]] == [f"beach {MIA}"]
    assert [one["name"] for one in data["categories"]] == [f"Promo {MIA}"]
    assert [one["state"] for one in data["stories"]] == ["posted"]
    assert [one["detail"] for one in data["story_events"]] == [f"by {MIA}"]
    assert "sealed" not in json.dumps(data)


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
