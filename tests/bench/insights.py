"""(i) An account's figures: a year's back-fill from a Meta that answers at once, the daily sync
after it, and what two years of rows cost those who look at them.

The stand-in shares the process with the sync, so a request's time is that of both.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import httpx
import sqlalchemy as sa

from bot.insights.charts import line
from sandbox.graph import Meta
from sandbox.world import World
from services.insights.looking import Looking
from services.insights.metrics import NOW as AS_IT_STANDS
from services.media.charts import Theme, arguments
from services.media.runner import MediaRunner
from storage import migrate
from storage.database import Database, sqlite_url
from storage.tables import insight_values, media_values
from tests.bench.table import Result
from tests.services.insights.stage import Stage
from tests.support.clock import StillClock
from tests.support.rows import MIA, person

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
YEAR = 365
RUNS = 5
CHARTED = "reach"
SHOWN = (7, 28, 90)
WITHOUT_END = 10**9
TURNS = 2000

Cell = tuple[str, ...]


async def run(world: World) -> Result:
    rows: list[Cell] = []
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="reelay-bench-") as made:
        folder = Path(made)
        async with _stage(folder, world) as stage:
            rows += await _synced(stage, folder, missed)
            await _add_a_year(stage.database)
            rows += await _looked(stage, folder)
    notes = [
        "SQLite; the real adapter, job and stand-in in one process; a job is 25 requests or so",
        f"looking and charts: medians of {RUNS}; charts with the start of their process",
    ]
    columns = ("", "requests", "s", "ms each", "rows", "MB")
    return Result("(i) An account's figures", columns, rows, notes, missed)


@asynccontextmanager
async def _stage(folder: Path, world: World) -> AsyncIterator[Stage]:
    url = sqlite_url(folder / "reelay.db")
    migrate.upgrade(url)
    database, clock = Database(url), StillClock(NOW)
    async with Meta(world, now=clock) as meta, httpx.AsyncClient(trust_env=False) as http:
        meta.usage.allowance = WITHOUT_END
        await person(database, MIA, role="owner")
        stage = Stage(database, meta, http, clock, history_days=YEAR)
        await stage.connect()
        yield stage
    await database.close()


async def _synced(stage: Stage, folder: Path, missed: list[str]) -> list[Cell]:
    """The back-fill, then a daily sync."""
    rows: list[Cell] = []
    for name in ("the first sync, a year back", "the daily sync after it"):
        before = stage.meta.requests.count()
        began = time.perf_counter()
        assert await stage.tick() == 1
        for _ in range(TURNS):
            if not stage.jobs.waiting:
                break
            await stage.step()
        seconds = time.perf_counter() - began
        view = await stage.last()
        requests = stage.meta.requests.count() - before
        failed = [one.metric for one in view.results if one.error]
        if view.sync.state != "done" or failed or view.sync.requests != requests:
            missed.append(f"{name}: {view.sync.state}, {failed}, {view.sync.requests} requests")
        megabytes = await asyncio.to_thread(_megabytes, folder)
        each = f"{1000 * seconds / requests:.1f}"
        stored = f"{await _rows(stage.database):,}"
        rows.append((name, f"{requests:,}", f"{seconds:.1f}", each, stored, f"{megabytes:.1f}"))
        stage.clock.advance(days=1)
    return rows


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("reelay.db*")) / 1e6


async def _rows(database: Database) -> int:
    async with database.read() as db:
        tables = (insight_values, media_values)
        queries = [sa.select(sa.func.count()).select_from(table) for table in tables]
        return sum([(await db.execute(query)).scalar_one() for query in queries])


async def _add_a_year(database: Database) -> None:
    """What was read, once more a year earlier."""
    v = insight_values.c
    names = ("account_id", "metric", "period", "breakdown", "value", "reason", "read_at")
    columns = [*(v[name] for name in names), v.end_time, v.day]
    before = timedelta(days=YEAR + 5)  # a series reaches further back than it was asked to
    async with database.write() as db:
        found = (await db.execute(sa.select(*columns).where(v.period != AS_IT_STANDS))).mappings()
        rows = [
            {**row, "end_time": row["end_time"] - before, "day": row["day"] - before}
            for row in found
        ]
        await db.execute(insight_values.insert(), rows)


async def _looked(stage: Stage, folder: Path) -> list[Cell]:
    looking, runner = Looking(stage.database, stage.service, stage.clock), MediaRunner()
    rows: list[Cell] = []
    for days in SHOWN:
        sight = await looking.sight(MIA, 0, CHARTED, days)
        picture = arguments(line(sight), Theme.DARK, folder / "chart.png")
        looks: dict[str, Callable[[], Awaitable[object]]] = {
            f"{days} days of a metric": partial(looking.sight, MIA, 0, CHARTED, days),
            f"{days} days, the overview": partial(looking.overview, MIA, 0, days),
            f"{days} days, the best posts": partial(looking.best, MIA, 0, days),
            f"{days} days, the chart": partial(runner.run, "chart", picture),
        }
        for name, look in looks.items():
            rows.append((f"{name}, of two years", "", "", f"{await _timed(look):.1f}", "", ""))
    return rows


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await work()
        times.append(1000 * (time.perf_counter() - began))
    return median(times)
