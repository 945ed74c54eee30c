"""Analyses as files: what is in them, how they are fetched again, and how a build ends that is
cancelled, killed, or whose analysis goes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any, cast

import openpyxl
import pytest

from services.accounts.privacy import Privacy
from services.analysis import exports as module
from services.analysis.exports import AnalysisExports, Order
from services.analysis.service import Analysing
from services.analysis.views import new_reel
from services.errors import BadInput, NotAllowed
from services.jobs.engine import Engine, Job
from services.sheets import Form
from services.tokens import token_hash
from storage import analysis, downloads, exports, notices, people, reels
from storage.database import Database
from storage.objects import LocalObjects
from tests.services.analysis.reels import reel
from tests.services.analysis.stage import Jobs
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW, at, person

COUNT = 30


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "media")


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
async def service(
    database: Database, objects: LocalObjects, jobs: Jobs, clock: StillClock
) -> AnalysisExports:
    await person(database, MIA)
    await person(database, LEO)
    engine = cast("Engine", jobs)
    analysing = Analysing(database, engine, cast("Any", None), clock)
    base = "https://reelay.example"
    return AnalysisExports(database, objects, engine, analysing, clock, base=base)


async def an_analysis(database: Database, count: int = COUNT) -> int:
    """Of @neonloops; the first reel's likes are hidden, its caption is a formula."""
    async with database.write() as db:
        way = {"source": "app", "identity": "1000"}
        made = await analysis.start(db, MIA, "neonloops", NOW, wanted=500, **way)
        assert made
        analysis_id, run = made
        profile_id = await analysis.keep_profile(db, "instagram", "77", "neonloops", NOW)
        told = [reel(n, n, 100, caption=f"#{n}") for n in range(1, count)]
        odd = reel(0, 0, 1_000, likes=None, caption="=1+1", hashtags=("a", "b"))
        some = [new_reel(one) for one in (odd, *told)][:count]
        await reels.add(db, analysis_id, some, 500)
        await analysis.turn_page(
            db, analysis_id, listed=count, stored=count, unread=0, cursor=None, more=False
        )
        await analysis.move(
            db, analysis_id, NOW, run=run, from_states=["pending"], state="completed",
            profile_id=profile_id, username="neonloops", full_name="Neon Loops", followers=7,
            ended_at=NOW,
        )  # fmt: skip
    return analysis_id


async def build(service: AnalysisExports, jobs: Jobs, order: Order) -> Job:
    await service.begin(MIA, order)
    job = jobs.waiting.pop()
    assert not await service.work(job)
    return job


def only_file(objects: LocalObjects, job: Job) -> Path:
    [path] = (objects.root / "exports" / str(job.row)).glob("*/*")
    return path


async def told(database: Database, clock: StillClock) -> list[tuple[str, dict[str, Any]]]:
    async with database.read() as db:
        return [(one.kind, one.data) for one in await notices.due(db, clock())]


async def test_each_form_has_every_reel_once(
    service: AnalysisExports,
    database: Database,
    objects: LocalObjects,
    jobs: Jobs,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    analysis_id = await an_analysis(database)
    wanted = [f"C{n}" for n in range(COUNT)]

    job = await build(service, jobs, Order(analysis_id, Form.CSV, about=False))
    path = only_file(objects, job)
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    assert [row["shortcode"] for row in rows] == wanted
    assert (rows[0]["caption"], rows[0]["likes"], rows[0]["likes_hidden"]) == ("'=1+1", "", "yes")
    assert (rows[0]["tier"], rows[0]["medians"], rows[1]["tier"]) == ("breakout", "10.0", "typical")

    order = Order(analysis_id, Form.JSON, ("caption", "shortcode"), zone="Asia/Tokyo")
    document = json.loads(only_file(objects, await build(service, jobs, order)).read_text())
    assert [one["shortcode"] for one in document["reels"]] == wanted
    assert document["reels"][0] == {"shortcode": "C0", "caption": "=1+1"}
    assert (document["about"]["followers"], document["about"]["reels"]) == (7, COUNT)

    path = only_file(objects, await build(service, jobs, Order(analysis_id, Form.XLSX)))
    book = openpyxl.load_workbook(path, read_only=True)
    assert [row[0] for row in book["reels"].iter_rows(values_only=True)] == ["shortcode", *wanted]
    book.close()

    kind, data = (await told(database, clock))[0]
    assert kind == "analysis_export_ready"
    assert (data["count"], data["form"], data["analysis_id"]) == (COUNT, "csv", analysis_id)
    assert data["name"] == "reelay-neonloops-20261120T1200Z.csv"
    assert await objects.size(data["object_keys"][0]) == data["bytes"]
    assert not list(objects.incoming.iterdir())


async def test_a_large_one_is_packed_and_goes_by_a_link(
    service: AnalysisExports,
    database: Database,
    objects: LocalObjects,
    jobs: Jobs,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PACK_BYTES", 100)
    monkeypatch.setattr(module, "PART_BYTES", 100)
    analysis_id = await an_analysis(database)
    job = await build(service, jobs, Order(analysis_id, Form.CSV))
    path = only_file(objects, job)
    assert path.name.endswith(".csv.gz")
    assert gzip.decompress(path.read_bytes()).count(b"/reel/") == COUNT
    [(_, data)] = await told(database, clock)
    assert data["object_keys"] == []
    [made] = await service.history(MIA)
    assert (made.fits, made.name) == (False, path.name)
    url = await service.link(MIA, made.id)
    assert url
    assert url.startswith("https://reelay.example/downloads/")
    async with database.read() as db:
        token = token_hash(url.rpartition("/")[2])
        assert await downloads.find(db, token, NOW) == (made.object_key, made.name)
        assert await downloads.find(db, token, made.gone_at) is None


async def test_what_was_made_can_be_fetched_again_for_a_day(
    service: AnalysisExports,
    database: Database,
    objects: LocalObjects,
    jobs: Jobs,
    clock: StillClock,
) -> None:
    analysis_id = await an_analysis(database)
    first = await build(service, jobs, Order(analysis_id, Form.CSV))
    second = await build(service, jobs, Order(analysis_id, Form.XLSX))
    assert [one.id for one in await service.history(MIA)] == [second.row, first.row]
    assert (await service.made(MIA, first.row)).form is Form.CSV
    assert await service.history(LEO) == []
    with pytest.raises(NotAllowed):
        await service.made(LEO, first.row)
    clock.advance(hours=24, seconds=1)
    assert await service.history(MIA) == []
    with pytest.raises(NotAllowed):
        await service.link(MIA, first.row)
    privacy = Privacy(database, objects, cast("Any", None), clock)
    await privacy.sweep()
    assert not list((objects.root / "exports").rglob("*.*"))


async def test_one_at_a_time_and_nothing_of_nothing(
    service: AnalysisExports, database: Database, jobs: Jobs
) -> None:
    analysis_id = await an_analysis(database)
    await service.begin(MIA, Order(analysis_id, Form.CSV))
    with pytest.raises(BadInput):
        await service.begin(MIA, Order(analysis_id, Form.JSON))
    with pytest.raises(NotAllowed):
        await service.begin(LEO, Order(analysis_id, Form.CSV))
    async with database.read() as db:  # the library's export does not see it as its own
        assert not await exports.building(db, user_id=MIA, of_library=True)
        assert not await exports.building(db, user_id=MIA)
    empty = await an_analysis(database, 0)
    with pytest.raises(BadInput):
        await service.begin(MIA, Order(empty, Form.CSV))


async def test_a_cancelled_one_leaves_nothing(
    service: AnalysisExports,
    database: Database,
    objects: LocalObjects,
    jobs: Jobs,
    clock: StillClock,
) -> None:
    analysis_id = await an_analysis(database)
    await service.begin(MIA, Order(analysis_id, Form.CSV))
    job = jobs.waiting.pop()
    assert await service.cancel(MIA)
    assert not await service.cancel(MIA)
    assert not await service.work(job)
    assert await told(database, clock) == []
    assert not list((objects.root / "exports").rglob("*.*"))


async def test_a_cancelled_one_stops_in_the_middle(
    service: AnalysisExports,
    database: Database,
    objects: LocalObjects,
    jobs: Jobs,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analysis_id = await an_analysis(database)
    await service.begin(MIA, Order(analysis_id, Form.XLSX))
    job = jobs.waiting.pop()
    true = module.tables_out.about

    def cancelled_meanwhile(*of: Any) -> Any:
        cancelling.append(service.cancel(MIA))
        return true(*of)

    cancelling: list[Any] = []
    monkeypatch.setattr(module.tables_out, "about", cancelled_meanwhile)
    still = module.ExportFiles.still

    async def after_the_cancel(files: Any) -> None:
        if cancelling:
            await cancelling.pop()
        await still(files)

    monkeypatch.setattr(module.ExportFiles, "still", after_the_cancel)
    assert not await service.work(job)
    assert await told(database, clock) == []
    assert not list((objects.root / "exports").rglob("*.*"))
    assert not list(objects.incoming.iterdir())


async def test_a_killed_one_is_built_anew(
    service: AnalysisExports,
    database: Database,
    objects: LocalObjects,
    jobs: Jobs,
    clock: StillClock,
) -> None:
    analysis_id = await an_analysis(database)
    export_id = await service.begin(MIA, Order(analysis_id, Form.CSV))
    job = jobs.waiting.pop()
    left = await objects.part(f"export-{export_id}-1-half.csv")
    left.write_bytes(b"half")
    [stranded] = await service.stranded(at(1))
    assert stranded == job
    again = await service.restart(stranded)
    assert again
    assert not await service.work(job)  # the old run, late
    assert await told(database, clock) == []
    assert not await service.work(again)
    assert [kind for kind, _ in await told(database, clock)] == ["analysis_export_ready"]
    assert only_file(objects, again).parent.name == "2"
    assert not left.exists()


async def test_a_deleted_analysis_ends_its_export(
    service: AnalysisExports, database: Database, jobs: Jobs, clock: StillClock
) -> None:
    analysis_id = await an_analysis(database)
    export_id = await service.begin(MIA, Order(analysis_id, Form.CSV))
    async with database.write() as db:
        await analysis.delete(db, analysis_id)
    assert not await service.work(jobs.waiting.pop())
    assert await told(database, clock) == [("analysis_export_failed", {"export_id": export_id})]


async def test_three_runs_in_vain_end_it(
    service: AnalysisExports, database: Database, jobs: Jobs, clock: StillClock
) -> None:
    analysis_id = await an_analysis(database)
    export_id = await service.begin(MIA, Order(analysis_id, Form.CSV))
    job: Job | None = jobs.waiting.pop()
    for _ in range(3):
        assert job
        job = await service.restart(job)
    assert job is None
    assert await told(database, clock) == [("analysis_export_failed", {"export_id": export_id})]
    async with database.read() as db:
        assert await people.get(db, MIA)
