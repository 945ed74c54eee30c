"""A kind of job whose rows are in memory: it counts parts, and fails or waits where it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.clock import Now, utc_now
from services.jobs.engine import INSTAGRAM, Job

MAX_IDLE_RUNS = 3


@dataclass
class Row:
    """`parts`: how many jobs it takes. Moved as a real one: for its run only."""

    parts: int = 1
    account: str = "1000"
    run: int = 1
    done: int = 0
    idle_runs: int = 0
    state: str = "running"
    changed_at: datetime = field(default_factory=utc_now)


class Rows:
    name = "test"
    queue = INSTAGRAM
    priority = 5

    def __init__(self, now: Now) -> None:
        self._now = now
        self.rows: dict[int, Row] = {}
        self.worked: list[str] = []  # ids of jobs, in the order of their beginnings
        self.at_once: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.breaks = 0  # so many jobs fail from now on
        self.gate = asyncio.Event()
        self.gate.set()

    def hold(self) -> None:
        """Jobs stop in the middle until `let_go`."""
        self.gate.clear()

    def let_go(self) -> None:
        self.gate.set()

    def add(self, row: int, **values: object) -> Job:
        self.rows[row] = Row(changed_at=self._now(), **values)  # type: ignore[arg-type]
        return self.job(row)

    def job(self, row: int) -> Job:
        return Job(self.name, row, self.rows[row].run, 0, self.rows[row].account)

    async def work(self, job: Job) -> bool:
        row = self.rows[job.row]
        if row.run != job.run or row.state != "running":
            return False
        self.worked.append(job.id)
        self.at_once[row.account] += 1
        self.most_at_once[row.account] = max(
            self.most_at_once[row.account], self.at_once[row.account]
        )
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if self.breaks:
                self.breaks -= 1
                raise ZeroDivisionError("told to break")
        finally:
            self.at_once[row.account] -= 1
        if row.run != job.run:
            return False  # fenced
        row.done += 1
        row.changed_at = self._now()
        if row.done == row.parts:
            row.state = "done"
        return row.state == "running"

    async def stranded(self, before: datetime) -> list[Job]:
        return [
            self.job(number)
            for number, row in self.rows.items()
            if row.state == "running" and row.changed_at < before
        ]

    async def restart(self, job: Job) -> Job | None:
        row = self.rows[job.row]
        if row.run != job.run:
            return None
        if row.idle_runs + 1 >= MAX_IDLE_RUNS:
            row.state = "failed"
            return None
        row.run += 1
        row.idle_runs += 1
        row.changed_at = self._now()
        return replace(job, run=row.run)


async def until(true: Callable[[], object]) -> None:
    """Waits for it, at most 20 s."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is awaited sets no event
            await asyncio.sleep(0.01)
