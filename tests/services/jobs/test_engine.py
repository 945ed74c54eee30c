"""The engine: chains of jobs, one turn at a time, and nothing is lost by a crash."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.jobs.engine import DEFAULT, Engine, Job
from storage.database import Database
from tests.services.jobs.conftest import MakeEngine
from tests.services.jobs.kind import Rows, until
from tests.support.clock import StillClock

AT_ONCE = timedelta(0)


async def test_a_job_enqueues_its_successor_until_nothing_is_left(
    engine: Engine, rows: Rows
) -> None:
    await engine.enqueue(rows.add(1, parts=3))
    await until(lambda: rows.rows[1].state == "done")
    assert rows.worked == ["test:1:r1:0", "test:1:r1:1", "test:1:r1:2"]


async def test_a_job_may_enqueue_others_while_it_works(
    engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = rows.work

    async def work_and_call(job: Job) -> bool:
        if job.row == 1:
            await engine.enqueue(rows.add(2, account="another"))
        return await work(job)

    monkeypatch.setattr(rows, "work", work_and_call)
    await engine.enqueue(rows.add(1))
    await until(lambda: all(row.state == "done" for row in rows.rows.values()))
    assert sorted(rows.worked) == ["test:1:r1:0", "test:2:r1:0"]


async def test_the_same_job_twice_is_one(engine: Engine, rows: Rows) -> None:
    rows.hold()
    job = rows.add(1)
    await asyncio.gather(*(engine.enqueue(job) for _ in range(3)))
    await until(lambda: rows.worked)
    await engine.enqueue(job)
    rows.let_go()
    await until(lambda: rows.rows[1].state == "done")
    await engine.enqueue(job)  # and it stays one when it has ended
    await engine.enqueue(rows.add(2))
    await until(lambda: rows.rows[2].state == "done")
    assert rows.worked == ["test:1:r1:0", "test:2:r1:0"]


async def test_one_at_a_time_for_an_account_and_several_accounts_at_once(
    engine: Engine, rows: Rows
) -> None:
    rows.hold()
    for number in range(6):
        await engine.enqueue(rows.add(number, parts=2, account="ab"[number % 2]))
    await until(lambda: sum(rows.at_once.values()) == 2)
    rows.let_go()
    await until(lambda: all(row.state == "done" for row in rows.rows.values()))
    assert rows.most_at_once == {"a": 1, "b": 1}
    assert len(rows.worked) == len(set(rows.worked)) == 12


async def test_the_other_queue_knows_no_accounts(
    engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "queue", DEFAULT, raising=False)
    rows.hold()
    for number in range(2):
        await engine.enqueue(rows.add(number))
    await until(lambda: rows.at_once["1000"] == 2)
    rows.let_go()
    await until(lambda: all(row.state == "done" for row in rows.rows.values()))


async def test_an_error_is_logged_and_the_row_is_started_again(
    engine: Engine, rows: Rows, clock: StillClock
) -> None:
    rows.breaks = 1
    with capture_logs() as logs:
        await engine.enqueue(rows.add(1))
        await until(lambda: any(line["event"] == "job failed" for line in logs))
    (line,) = [line for line in logs if line["event"] == "job failed"]
    assert line["log_level"] == "error"
    assert line["exc_info"]
    assert rows.rows[1].state == "running"
    clock.advance(seconds=11)
    await until_idle(engine)
    assert await engine.reconcile() == 1
    await until(lambda: rows.rows[1].state == "done")
    assert rows.worked == ["test:1:r1:0", "test:1:r2:0"]


async def until_idle(engine: Engine) -> None:
    """The workflow that failed is over."""
    async with asyncio.timeout(20):
        while await engine._live_runs():  # noqa: ASYNC110 - the engine sets no event
            await asyncio.sleep(0.01)


async def test_three_runs_without_progress_are_the_last(
    engine: Engine, rows: Rows, clock: StillClock
) -> None:
    rows.breaks = 99
    await engine.enqueue(rows.add(1))
    restarted = []
    while rows.rows[1].state == "running":
        await until(lambda: len(rows.worked) == rows.rows[1].run)
        await until_idle(engine)
        clock.advance(seconds=11)
        restarted.append(await engine.reconcile())
    assert (restarted, rows.rows[1].state, len(rows.worked)) == ([1, 1, 0], "failed", 3)
    assert await engine.reconcile() == 0


async def test_a_row_whose_enqueue_is_on_the_way_is_left_alone(
    engine: Engine, rows: Rows, clock: StillClock
) -> None:
    rows.add(1)
    clock.advance(seconds=9)
    assert await engine.reconcile() == 0
    clock.advance(seconds=2)
    assert await engine.reconcile() == 1
    await until(lambda: rows.worked == ["test:1:r2:0"])


async def test_a_row_that_is_being_worked_on_is_left_alone(
    engine: Engine, rows: Rows, clock: StillClock
) -> None:
    rows.hold()
    await engine.enqueue(rows.add(1))
    await engine.enqueue(rows.add(2))  # waits for its turn
    await until(lambda: rows.worked)
    clock.advance(seconds=50)
    await engine.beat()
    assert await engine.reconcile() == 0
    rows.let_go()
    await until(lambda: rows.rows[2].state == "done")
    assert rows.worked == ["test:1:r1:0", "test:2:r1:0"]


async def test_stopping_in_the_middle_of_a_job_leaves_it_to_the_next_start(
    make_engine: MakeEngine, rows: Rows, clock: StillClock, database: Database
) -> None:
    first = make_engine()
    await first.start()
    rows.hold()
    await first.enqueue(rows.add(1, parts=2))
    await until(lambda: rows.worked)
    await first.stop()
    assert rows.rows[1].state == "running"

    rows.let_go()
    second = make_engine()
    await second.start()
    clock.advance(seconds=61)  # on PostgreSQL the first one must be seen to be dead
    await second.beat()
    await second.reconcile(settling=AT_ONCE)
    await until(lambda: rows.rows[1].state == "done")
    assert rows.rows[1].done == 2


async def test_stopping_ends_the_jobs_under_way(make_engine: MakeEngine, rows: Rows) -> None:
    engine = make_engine()
    await engine.start()
    rows.hold()
    await engine.enqueue(rows.add(1))
    await until(lambda: rows.at_once["1000"] == 1)
    await engine.stop()
    assert rows.at_once["1000"] == 0  # ended by itself, not by the end of the loop


async def test_a_job_has_its_threads_until_it_ends(
    make_engine: MakeEngine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(job: Job) -> bool:
        rows.worked.append(job.id)
        while True:
            await asyncio.to_thread(lambda: None)

    monkeypatch.setattr(rows, "work", work)
    engine = make_engine()
    await engine.start()
    await engine.enqueue(rows.add(1))
    await until(lambda: rows.worked)
    with capture_logs() as logs:
        await engine.stop()
    assert [line for line in logs if line["log_level"] == "error"] == []


async def test_finished_jobs_are_forgotten_after_a_day(
    engine: Engine, rows: Rows, clock: StillClock
) -> None:
    job = rows.add(1)
    await engine.enqueue(job)
    await until(lambda: rows.rows[1].state == "done")
    await until_idle(engine)
    await engine.prune()
    await engine.enqueue(job)  # known: does nothing
    clock.advance(days=1, minutes=1)
    await engine.prune()
    rows.rows[1].state, rows.rows[1].done = "running", 0
    await engine.enqueue(job)
    await until(lambda: len(rows.worked) == 2)


def _lose(folder: Path) -> None:
    for file in folder.glob("jobs.db*"):
        file.unlink()


class TestSqlite:
    """One process runs everything."""

    @pytest.fixture
    def database_url(self, sqlite_url: str) -> str:
        return sqlite_url

    async def test_a_lost_jobs_database_loses_nothing(
        self, make_engine: MakeEngine, rows: Rows, clock: StillClock, tmp_path: Path
    ) -> None:
        first = make_engine()
        await first.start()
        rows.hold()
        for number in range(3):
            await first.enqueue(rows.add(number, parts=2))
        await until(lambda: rows.worked)
        await first.stop()
        _lose(tmp_path)
        rows.let_go()
        rows.worked.clear()

        second = make_engine()
        await second.start()
        clock.advance(seconds=1)
        assert await second.reconcile(settling=AT_ONCE) == 3
        await until(lambda: all(row.state == "done" for row in rows.rows.values()))
        assert {job.split(":")[2] for job in rows.worked} == {"r2"}

    async def test_a_second_kind_of_process_needs_postgresql(self, make_engine: MakeEngine) -> None:
        only_enqueues = make_engine(runs_jobs=False)
        with pytest.raises(AssertionError, match="one process"):
            await only_enqueues.start()


class TestTeam:
    """PostgreSQL: some processes run jobs, others only enqueue."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    async def test_a_process_without_the_worker_role_only_enqueues(
        self, make_engine: MakeEngine, rows: Rows
    ) -> None:
        worker, chat = make_engine(), make_engine(runs_jobs=False)
        await worker.start()
        await chat.start()
        await chat.enqueue(rows.add(1, parts=2))
        await until(lambda: rows.rows[1].state == "done")
        assert rows.worked == ["test:1:r1:0", "test:1:r1:1"]

    async def test_the_jobs_of_a_dead_worker_are_taken_over(
        self, make_engine: MakeEngine, rows: Rows, clock: StillClock
    ) -> None:
        dead, worker = make_engine(), make_engine()
        await dead.start()
        rows.hold()
        await dead.enqueue(rows.add(1))
        await until(lambda: rows.worked)
        await dead.stop()
        await dead.beat()  # a killed one does not take its heartbeat back
        await worker.start()
        await worker.enqueue(rows.add(2))  # of the same account: it waits behind the dead one's

        clock.advance(seconds=59)
        await worker.beat()
        assert await worker.reconcile() == 0  # it may be slow and not dead
        clock.advance(seconds=2)
        assert await worker.reconcile() == 1
        rows.let_go()  # should the dead one wake up after all, its run is over
        await until(lambda: all(row.state == "done" for row in rows.rows.values()))
        assert rows.worked[0] == "test:1:r1:0"
        assert sorted(rows.worked[1:]) == ["test:1:r2:0", "test:2:r1:0"]

    async def test_the_jobs_of_a_worker_that_stopped_cleanly_are_taken_over_at_once(
        self, make_engine: MakeEngine, rows: Rows, clock: StillClock
    ) -> None:
        gone, worker = make_engine(), make_engine()
        await gone.start()
        rows.hold()
        await gone.enqueue(rows.add(1))
        await until(lambda: rows.worked)
        await gone.stop()
        await worker.start()
        clock.advance(seconds=11)
        assert await worker.reconcile() == 1
        rows.let_go()
        await until(lambda: rows.rows[1].state == "done")

    async def test_a_clock_without_the_worker_role_reconciles_too(
        self, make_engine: MakeEngine, rows: Rows, clock: StillClock
    ) -> None:
        worker, chat = make_engine(), make_engine(runs_jobs=False)
        await worker.start()
        await chat.start()
        rows.add(1)
        clock.advance(seconds=11)
        assert await chat.reconcile() == 1
        await until(lambda: rows.worked == ["test:1:r2:0"])
