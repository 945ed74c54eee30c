"""What a person takes along: everything that is theirs, and nothing of others."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.accounts import privacy as module
from services.accounts.privacy import Privacy
from services.errors import BadInput
from services.feed.retention import Retention
from services.jobs.engine import Job
from services.tokens import token_hash
from services.web.outgoing import Outgoing
from services.web.webhooks import Webhooks
from storage import (
    connections,
    exports,
    meta_accounts,
    notices,
    stories,
    story_accounts,
    story_items,
)
from storage.database import Database
from storage.objects import LocalObjects
from storage.retention import Policy
from storage.vault import Vault
from tests.services.accounts.conftest import Queue
from tests.services.accounts.holdings import build, due, post, zips
from tests.support.analyses import analysed, new
from tests.support.clock import StillClock
from tests.support.feeds import TOKEN, a_feed, listed, reader
from tests.support.insights import measured
from tests.support.rows import LEO, MIA, NOW, an_import, connection, new_media


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


async def test_what_a_person_holds(
    privacy: Privacy, database: Database, objects: LocalObjects
) -> None:
    await post(database, objects, MIA, "mine", size=70, files=2)
    assert await privacy.holds(MIA) == (1, 140)
    assert await privacy.holds(LEO) == (0, 0)


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
