"""The library as files to take along: what is in them, how they break into parts, and how a build
ends that is cancelled or killed."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.accounts.privacy import Privacy
from services.errors import BadInput, NotAllowed
from services.importing import export as module
from services.importing.export import Form, LibraryExport
from services.jobs.engine import Job
from storage import archive, exports, library, notices, samples
from storage.database import Database
from storage.library import Filters
from storage.objects import LocalObjects
from storage.tables import collections, import_items, media
from storage.tables import exports as export_table
from storage.tables import samples as sample_table
from tests.services.accounts.conftest import Queue
from tests.support.clock import StillClock
from tests.support.databases import database, postgres_url, sqlite_url
from tests.support.rows import LEO, MIA, NOW, an_import, at, new_media, new_post, person

__all__ = ["database", "postgres_url", "sqlite_url"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Its queries run on both in tests/storage."""
    return sqlite_url


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "media")


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
async def service(
    database: Database, objects: LocalObjects, queue: Queue, clock: StillClock
) -> LibraryExport:
    await person(database, MIA)
    await person(database, LEO)
    return LibraryExport(database, objects, queue, clock)  # type: ignore[arg-type]


async def a_film(
    database: Database, objects: LocalObjects, name: str, *, user_id: int = MIA, size: int = 100
) -> int:
    """A post with one film of 120 BPM in C major, whose sound has `size` bytes."""
    sound = f"instagram/{name}/0.m4a"
    path = objects.path(sound)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    async with database.write() as db:
        post_id = await archive.save(db, new_post(name, kind="video"), [new_media(name)], NOW)
        await samples.plan(db, post_id, ["beats"], NOW)
        await archive.give(db, user_id, post_id, at(post_id))
        await db.execute(media.update().where(media.c.post_id == post_id).values(kind="video"))
        found = sa.select(media.c.id).where(media.c.post_id == post_id)
        row = {"state": "ready", "bpm": 120.0, "key": "C major", "audio_key": sound}
        mine = sample_table.c.media_id.in_(found)
        await db.execute(sample_table.update().where(mine).values(**row))
    return post_id


async def build(service: LibraryExport, queue: Queue, form: Form, **of: Any) -> Job:
    await service.begin(MIA, form, **of)
    job = queue.jobs.pop()
    assert not await service.work(job)
    return job


def files(objects: LocalObjects, job: Job) -> list[Path]:
    return sorted((objects.root / "exports" / str(job.row)).glob("*/*"))


def codes(path: Path) -> list[str]:
    rows = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    return [row["shortcode"].removeprefix("code-") for row in rows]


async def told(database: Database, clock: StillClock) -> list[tuple[str, dict[str, Any]]]:
    async with database.read() as db:
        return [(one.kind, one.data) for one in await notices.due(db, clock())]


async def row_of(database: Database, job: Job) -> exports.Export:
    async with database.read() as db:
        export = await exports.get(db, job.row)
    assert export
    return export


# ---------------------------------------------------------------- tables


async def test_a_table_has_every_post_once_in_chunks(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    for name in "abcd":  # two whole chunks: the third is empty
        await a_film(database, objects, name)
    await a_film(database, objects, "leos", user_id=LEO)
    job = await build(service, queue, Form.CSV)
    (path,) = files(objects, job)
    assert path.name == "reelay-library.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfshortcode,link,")
    assert codes(path) == ["d", "c", "b", "a"]
    key = f"exports/{job.row}/1/reelay-library.csv"
    assert await told(database, clock) == [
        (
            "library_export_ready",
            {"form": "csv", "count": 4, "left_out": 0, "object_keys": [key], "large": []},
        )
    ]
    job = await build(service, queue, Form.JSON)
    posts = json.loads(files(objects, job)[0].read_bytes())
    assert [post["shortcode"] for post in posts] == ["code-d", "code-c", "code-b", "code-a"]
    assert (posts[0]["tempo"], posts[0]["hashtags"]) == (120.0, ["beats"])
    assert list(objects.incoming.iterdir()) == []


async def test_what_is_filtered_out_stays_out(
    service: LibraryExport, database: Database, objects: LocalObjects, queue: Queue
) -> None:
    await a_film(database, objects, "a")
    kept = await a_film(database, objects, "b")
    async with database.write() as db:
        await library.keep_view(db, MIA, Filters(bpm=(110, 130), posts=(kept,)), 0)
    await service.begin(MIA, Form.CSV)
    async with database.write() as db:  # what the shelf shows later is not what was asked for
        await library.keep_view(db, MIA, Filters(), 0)
    job = queue.jobs.pop()
    await service.work(job)
    assert codes(files(objects, job)[0]) == ["b"]


async def test_merged_collections_are_one(
    service: LibraryExport, database: Database, objects: LocalObjects, queue: Queue
) -> None:
    made = [await an_import(database, MIA, key=f"named:{n}", count=1) for n in range(3)]
    for one, name in zip(made, "abc", strict=True):
        post_id = await a_film(database, objects, name)
        async with database.write() as db:
            mine = import_items.c.id == one.items[0]
            await db.execute(import_items.update().where(mine).values(post_id=post_id))
    async with database.write() as db:
        part = collections.c.id == made[1].collection_id
        await db.execute(collections.update().where(part).values(merged_into=made[0].collection_id))
    job = await build(service, queue, Form.JSON, collection_id=made[0].collection_id)
    posts = json.loads(files(objects, job)[0].read_bytes())
    assert [post["shortcode"] for post in posts] == ["code-b", "code-a"]
    assert [post["collections"] for post in posts] == [["Named:0"], ["Named:0"]]
    with pytest.raises(NotAllowed):
        await service.begin(LEO, Form.CSV, made[0].collection_id)


async def test_a_library_that_was_emptied_meanwhile_is_an_empty_table(
    service: LibraryExport, database: Database, objects: LocalObjects, queue: Queue
) -> None:
    post_id = await a_film(database, objects, "a")
    for form in (Form.CSV, Form.JSON):
        await service.begin(MIA, form)
        async with database.write() as db:
            await library.remove(db, MIA, post_id, NOW)
        job = queue.jobs.pop()
        await service.work(job)
        (path,) = files(objects, job)
        assert (codes(path) if form is Form.CSV else json.loads(path.read_bytes())) == []
        async with database.write() as db:
            await library.put_back(db, MIA, post_id, NOW)


# ---------------------------------------------------------------- sound


async def test_sounds_come_in_parts_that_telegram_takes(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 3000)
    for name in "abcde":
        await a_film(database, objects, name, size=1000)
    await a_film(database, objects, "large", size=5000)
    await a_film(database, objects, "lost")
    objects.path("instagram/lost/0.m4a").unlink()
    job = await build(service, queue, Form.SOUND)
    parts = files(objects, job)
    assert [path.name for path in parts] == [f"reelay-sounds-{n}.zip" for n in (1, 2, 3)]
    assert max(path.stat().st_size for path in parts) <= 3000
    held: dict[str, bytes] = {}
    for path in parts:
        with zipfile.ZipFile(path) as archive_file:
            held |= {name: archive_file.read(name) for name in archive_file.namelist()}
    sounds = {name: objects.path(f"instagram/{name}/0.m4a").read_bytes() for name in "abcde"}
    assert held == {f"creator_code-{n}_120_C-major.m4a": sounds[n] for n in "abcde"}
    ((_, data),) = await told(database, clock)
    assert (data["count"], data["left_out"]) == (5, 0)
    assert data["large"] == [["instagram/large/0.m4a", "creator_code-large_120_C-major.m4a"]]


async def test_what_is_too_much_is_counted(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 1500)
    monkeypatch.setattr(module, "MAX_PARTS", 2)
    for name in "abcde":
        await a_film(database, objects, name, size=1000)
    job = await build(service, queue, Form.SOUND)
    ((_, data),) = await told(database, clock)
    assert (len(files(objects, job)), data["count"], data["left_out"]) == (2, 2, 3)


async def test_a_table_that_is_too_large_goes_by_a_link(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 10)
    await a_film(database, objects, "a")
    job = await build(service, queue, Form.CSV)
    ((_, data),) = await told(database, clock)
    key = f"exports/{job.row}/1/reelay-library.csv"
    assert (data["object_keys"], data["large"]) == ([], [[key, "reelay-library.csv"]])
    assert (await row_of(database, job)).object_keys == [key]  # the sweep finds it


# ---------------------------------------------------------------- one at a time, and its ends


async def test_one_at_a_time_and_nothing_of_nothing(
    service: LibraryExport, database: Database, objects: LocalObjects, queue: Queue
) -> None:
    with pytest.raises(BadInput, match="nothing to export"):
        await service.begin(MIA, Form.CSV)
    await a_film(database, objects, "a")
    await service.begin(MIA, Form.CSV)
    with pytest.raises(BadInput, match="being built already"):
        await service.begin(MIA, Form.SOUND)
    assert len(queue.jobs) == 1
    assert await service.cancel(MIA)
    assert not await service.cancel(MIA)
    await service.begin(MIA, Form.SOUND)


async def test_the_export_of_everything_is_another_matter(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
) -> None:
    """Neither waits for the other, and neither takes the other's rows up after a crash."""
    await a_film(database, objects, "a")
    privacy = Privacy(database, objects, queue, clock)  # type: ignore[arg-type]
    await privacy.export(MIA)
    await service.begin(MIA, Form.CSV)
    later = clock() + timedelta(seconds=1)
    assert [job.kind for job in await privacy.stranded(later)] == ["export"]
    assert [job.kind for job in await service.stranded(later)] == ["library_export"]
    await service.cancel(MIA)
    assert len(await privacy.stranded(later)) == 1


async def test_cancelled_in_the_middle_leaves_nothing(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 1500)
    for name in "abc":
        await a_film(database, objects, name, size=1000)
    await service.begin(MIA, Form.SOUND)
    adopt = objects.adopt

    async def first_then_cancel(part: Path, key: str) -> None:
        await adopt(part, key)
        await service.cancel(MIA)

    monkeypatch.setattr(objects, "adopt", first_then_cancel)
    job = queue.jobs.pop()
    await service.work(job)
    assert files(objects, job) == []
    assert list(objects.incoming.iterdir()) == []
    assert await told(database, clock) == []


async def test_killed_in_the_middle_it_begins_anew_from_its_row(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second part dies with the process; meanwhile the library has shrunk to one part."""
    monkeypatch.setattr(module, "PART_BYTES", 1500)
    posts = [await a_film(database, objects, name, size=1000) for name in "abc"]
    await service.begin(MIA, Form.SOUND)
    adopt = objects.adopt
    adopted: list[str] = []

    class Killed(BaseException):
        pass

    async def once(part: Path, key: str) -> None:
        if adopted:
            (objects.incoming / f"{part.name}").rename(objects.incoming / f"{part.name}.left")
            raise Killed
        adopted.append(key)
        await adopt(part, key)

    monkeypatch.setattr(objects, "adopt", once)
    job = queue.jobs.pop()
    with pytest.raises(Killed):
        await service.work(job)
    monkeypatch.setattr(objects, "adopt", adopt)
    async with database.write() as db:
        for post_id in posts[1:]:
            await library.remove(db, MIA, post_id, NOW)
    (stranded,) = await service.stranded(clock() + timedelta(seconds=1))
    again = await service.restart(stranded)
    assert again
    assert again.run == 2
    await service.work(job)  # the dead run's job, if it comes back: it does nothing
    await service.work(again)
    assert [path.name for path in files(objects, job)] == ["reelay-sounds-1.zip"]
    assert list(objects.incoming.iterdir()) == []
    assert [(kind, data["count"]) for kind, data in await told(database, clock)] == [
        ("library_export_ready", 1)
    ]


async def test_a_run_that_comes_back_late_takes_nothing_from_the_next_one(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that was taken for dead wakes up when the next run has ended."""
    await a_film(database, objects, "a")
    await service.begin(MIA, Form.CSV)
    old = queue.jobs.pop()
    adopt = objects.adopt

    async def late(part: Path, key: str) -> None:
        await adopt(part, key)
        monkeypatch.setattr(objects, "adopt", adopt)
        again = await service.restart(old)
        assert again
        await service.work(again)

    monkeypatch.setattr(objects, "adopt", late)
    await service.work(old)
    ((_, data),) = await told(database, clock)
    for key in data["object_keys"]:
        assert await objects.size(key)
    assert len(files(objects, old)) == 1


async def test_given_up_after_three_runs(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
) -> None:
    await a_film(database, objects, "a")
    await service.begin(MIA, Form.CSV)
    job: Job | None = queue.jobs.pop()
    runs = 0
    while job:
        runs += 1
        last, job = job, await service.restart(job)
    assert runs == 3
    assert (await row_of(database, last)).state == "failed"
    assert [kind for kind, _ in await told(database, clock)] == ["library_export_failed"]
    assert await service.begin(MIA, Form.CSV)


async def test_kept_a_day_then_swept_with_those_of_privacy(
    service: LibraryExport,
    database: Database,
    objects: LocalObjects,
    queue: Queue,
    clock: StillClock,
) -> None:
    await a_film(database, objects, "a")
    job = await build(service, queue, Form.CSV)
    privacy = Privacy(database, objects, queue, clock)  # type: ignore[arg-type]
    clock.advance(hours=23)
    await privacy.sweep()
    assert len(files(objects, job)) == 1
    clock.advance(hours=2)
    await privacy.sweep()
    assert files(objects, job) == []
    async with database.read() as db:
        assert not (await db.execute(sa.select(export_table.c.id))).all()
