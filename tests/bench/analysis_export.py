"""One export of an analysis in a process that does nothing else, so that the memory is its own.

Run by analysis.py: `python -m tests.bench.analysis_export FOLDER ANALYSIS FORM`; prints one JSON
object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from services.analysis.exports import AnalysisExports, Order
from services.analysis.service import Analysing
from services.jobs.engine import Engine, Job
from services.sheets import Form
from storage import notices
from storage.database import Database, sqlite_url
from storage.objects import LocalObjects

USER = 11


def now() -> datetime:
    return datetime.now(UTC)


class Jobs:
    """Where the engine stands."""

    async def enqueue(self, job: Job) -> None:
        self.job = job


async def main(folder: Path, analysis_id: int, form: Form) -> None:
    database = Database(sqlite_url(folder / "reelay.db"))
    jobs = Jobs()
    engine = cast("Engine", jobs)
    analysing = Analysing(database, engine, cast("Any", None), now)
    service = AnalysisExports(database, LocalObjects(folder / "media"), engine, analysing, now)
    export_id = await service.begin(USER, Order(analysis_id, form))
    began = time.perf_counter()
    await service.work(jobs.job)
    seconds = time.perf_counter() - began
    made = await service.made(USER, export_id)
    async with database.read() as db:
        told = (await notices.due(db, now()))[-1].data
    answer = {
        "seconds": seconds,
        "megabytes": peak_megabytes(),
        "bytes": made.bytes,
        "rows": told["count"],
    }
    await database.close()
    print(json.dumps(answer))  # noqa: T201 - the answer


def peak_megabytes() -> float:
    """Of this program alone: getrusage would count what its parent held when it forked."""
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Form(sys.argv[3])))
