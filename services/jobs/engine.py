"""The durable engine: thin jobs on DBOS.

A job is one workflow with one step that moves one row forward (one batch, one check, one part) and
then enqueues its successor. It carries ids only; the domain rows are the truth, so losing `jobs.db`
loses nothing: `reconcile()` starts again whatever is in a running state without a live workflow.

Capabilities register their kinds; the engine imports none of them. Used by bot/app.py.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

from services.clock import Now
from storage import workers
from storage.database import Database
from storage.jobs_database import sqlite_engine

log = structlog.get_logger()

ALIVE = ["ENQUEUED", "DELAYED", "PENDING"]
APPLICATION_VERSION = "reelay"  # one constant: no step sequence has to stay compatible
INSTAGRAM = "instagram"  # one job at a time for each identity
DEFAULT = "default"
MEDIA = "media"  # heavy on the processor: two at a time in each process
POLL_SECONDS = 0.25
SETTLING = timedelta(seconds=10)  # a row that changed this recently has its enqueue on the way
BEAT = timedelta(seconds=15)
DEAD_AFTER = timedelta(seconds=60)
RECOVERIES = 3  # of one workflow, after a crash
KEEP_FINISHED = timedelta(days=1)
STOP_SECONDS = 5.0  # for jobs to let go of what they hold


@dataclass(frozen=True, slots=True)
class Job:
    """`account`: whose turn it takes in the queue, an identity or a user."""

    kind: str
    row: int
    run: int
    part: int
    account: str

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.row}:r{self.run}:{self.part}"

    @property
    def successor(self) -> Job:
        return replace(self, part=self.part + 1)


class Kind(Protocol):
    """What a capability registers."""

    name: str
    queue: str
    priority: int  # 1 goes first

    async def work(self, job: Job) -> bool:
        """Move the row one part forward. True: there is more to do."""

    async def stranded(self, before: datetime) -> list[Job]:
        """The rows in a running state that nothing has touched since `before`, as their next job
        would be if nothing is at it."""

    async def restart(self, job: Job) -> Job | None:
        """Begin a new run of the row; None if it ended, or was given up, instead."""


class Engine:
    """One per process. `jobs`: a file for SQLite, or a postgresql:// URL.

    `runs_jobs=False` makes a process that only enqueues (PostgreSQL only: with SQLite exactly one
    process runs everything).
    """

    def __init__(
        self, jobs: Path | str, database: Database, now: Now, *, runs_jobs: bool = True
    ) -> None:
        self._jobs = jobs
        self._database = database
        self._now = now
        self._runs_jobs = runs_jobs
        self._kinds: dict[str, Kind] = {}
        self._client: DBOSClient | None = None
        self._working: set[asyncio.Task[Any]] = set()
        # a file has one process, so its name may stay; on PostgreSQL each process is its own
        self.worker = "main" if isinstance(jobs, Path) else f"worker-{secrets.token_hex(4)}"

    def register(self, kind: Kind) -> None:
        self._kinds[kind.name] = kind

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Inside the running loop: DBOS adopts it."""
        serializer = DBOSPortableJSONSerializer()
        if not self._runs_jobs:
            assert isinstance(self._jobs, str), "SQLite has one process that runs everything"
            self._client = DBOSClient(system_database_url=self._jobs, serializer=serializer)
            return
        config: dict[str, Any] = {
            "name": "reelay",
            "application_version": APPLICATION_VERSION,
            "executor_id": self.worker,
            "log_level": "CRITICAL",  # a cancelled job is no error; ours are logged in _run
            "serializer": serializer,
            "max_executor_threads": 16,
            # nothing listens here, but stop() waits for a turn of it: its default is a second
            "notification_listener_polling_interval_sec": POLL_SECONDS,
        }
        if isinstance(self._jobs, Path):
            config["system_database_engine"] = sqlite_engine(self._jobs)
        else:
            config["system_database_url"] = self._jobs
        DBOS(config=config)  # type: ignore[arg-type]

        # a job that takes the process down with it is given up by DBOS; reconcile then counts it
        @DBOS.workflow(name="job", max_recovery_attempts=RECOVERIES)
        async def job(kind: str, row: int, run: int, part: int, account: str) -> None:
            await self._job(Job(kind, row, run, part, account))

        DBOS.launch()
        await DBOS.register_queue_async(
            INSTAGRAM,
            partition_concurrency=1,
            worker_concurrency=8,
            polling_interval_sec=POLL_SECONDS,
        )
        await DBOS.register_queue_async(
            DEFAULT, worker_concurrency=4, polling_interval_sec=POLL_SECONDS
        )
        await DBOS.register_queue_async(
            MEDIA, worker_concurrency=2, polling_interval_sec=POLL_SECONDS
        )
        await self.beat()

    async def stop(self) -> None:
        """Ends running jobs where they are: their rows say how far they came."""
        if self._client:
            await asyncio.to_thread(self._client.destroy)
            return
        # DBOS has put its own threads behind asyncio.to_thread and closes them: jobs under way need
        # others, and one of them may put DBOS's back meanwhile
        loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor()
        loop.set_default_executor(threads)
        await asyncio.to_thread(
            DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=0
        )
        loop.set_default_executor(threads)
        await self._end_jobs()
        async with self._database.write() as db:  # or its jobs would wait for the heartbeat's end
            await workers.retire(db, self.worker)

    async def _end_jobs(self) -> None:
        """DBOS leaves its tasks to the end of the loop. There they would meet a closed database,
        and one that is just starting a subprocess would never end: closing the loop also cancels
        the task that connects the pipes (python/cpython#125502, mended after 3.11)."""
        for task in self._working:
            task.cancel()
        if self._working:
            _, left = await asyncio.wait(set(self._working), timeout=STOP_SECONDS)
            if left:
                log.error("jobs that do not end", count=len(left))

    # ------------------------------------------------------------ jobs

    async def enqueue(self, job: Job) -> None:
        """The same job twice is one workflow.

        Also while a job works. DBOS forbids that, because a repeated step would begin another
        workflow; ours begins the same one, so it may be done where DBOS doesn't see the step.
        """
        await asyncio.create_task(self._enqueue(job), context=Context())

    async def _enqueue(self, job: Job) -> None:
        kind = self._kinds[job.kind]
        options: dict[str, Any] = {
            "workflow_name": "job",
            "queue_name": kind.queue,
            "workflow_id": job.id,
            "priority": kind.priority,
        }
        if kind.queue == INSTAGRAM:
            options["queue_partition_key"] = job.account
        arguments = (job.kind, job.row, job.run, job.part, job.account)
        if self._client:
            await self._client.enqueue_async(options, *arguments)  # type: ignore[arg-type]
        else:
            await DBOS.enqueue_workflow_with_options_async(options, *arguments)  # type: ignore[arg-type]

    async def _job(self, job: Job) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        if await DBOS.run_step_async({"name": "work"}, self._work, job):
            await self.enqueue(job.successor)

    async def _work(self, job: Job) -> bool:
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(job=job.id):
            try:
                return await self._kinds[job.kind].work(job)
            except Exception:
                log.exception("job failed", seconds=round(time.monotonic() - began, 3))
                return False

    # ------------------------------------------------------------ reconcile

    async def reconcile(self, *, settling: timedelta = SETTLING) -> int:
        """Start again what is in a running state without a live workflow. Returns how many.

        At the start of the process nothing settles: pass timedelta(0).
        """
        now = self._now()
        stranded = [
            job for kind in self._kinds.values() for job in await kind.stranded(now - settling)
        ]
        if not stranded:
            return 0
        live = await self._live_runs()
        again = 0
        for job in stranded:
            if (job.kind, job.row, job.run) in live:
                continue
            again += await self._restart(job)
        return again

    async def _restart(self, job: Job) -> bool:
        try:
            restarted = await self._kinds[job.kind].restart(job)
            if restarted is None:
                return False
            await self.enqueue(restarted)
        except Exception:  # the edge of one row: it must not keep the others from starting
            log.exception("restart failed", job=job.id)
            return False
        log.info("restarted", job=restarted.id)
        return True

    async def _live_runs(self) -> set[tuple[str, int, int]]:
        """Runs with a workflow that waits its turn or is at work in a living process.

        Workflows of dead processes are cancelled: they would hold their account's turn for ever.
        """
        source: Any = self._client or DBOS
        workflows = await source.list_workflows_async(
            status=ALIVE, load_input=False, load_output=False
        )
        async with self._database.read() as db:
            living = await workers.alive(db, self._now() - DEAD_AFTER)
        dead = [
            workflow.workflow_id
            for workflow in workflows
            if workflow.status == "PENDING" and workflow.executor_id not in living
        ]
        if dead:
            log.warning("cancelling jobs of dead workers", count=len(dead))
            await source.cancel_workflows_async(dead)
        gone = set(dead)
        return {
            _run_of(workflow.workflow_id)
            for workflow in workflows
            if workflow.workflow_id not in gone
        }

    async def beat(self) -> None:
        """This process lives. Called every BEAT by the clock of a process that runs jobs."""
        async with self._database.write() as db:
            await workers.beat(db, self.worker, self._now())

    async def prune(self) -> None:
        """Forget finished workflows; the open-source engine keeps them for ever."""
        before = (self._now() - KEEP_FINISHED).isoformat()
        done = await DBOS.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            end_time=before,
            load_input=False,
            load_output=False,
            limit=5000,
        )
        if done:
            await DBOS.delete_workflows_async([workflow.workflow_id for workflow in done])


def _run_of(workflow_id: str) -> tuple[str, int, int]:
    kind, row, run, _part = workflow_id.split(":")
    return kind, int(row), int(run.removeprefix("r"))
