"""(g) An analysis: its figures, its charts, and its exports, whose memory must not grow with the
rows. The charts run in media processes, each export in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.world import World
from services.analysis.figures import Tier, figures, placed
from services.analysis.measure import seen
from services.analysis.rhythm import week
from services.analysis.trend import Trend
from services.analysis.views import new_reel
from services.instagram.profiles import Audio, Profile, Reel
from services.media.charts import (
    Cell,
    Chart,
    Colour,
    Dot,
    Edge,
    Key,
    LineChart,
    Theme,
    Tick,
    TrendChart,
    ViewsChart,
    WeekChart,
    arguments,
    calendar_ticks,
)
from services.media.runner import MediaRunner
from services.sheets import Form
from storage import analysis, migrate, people, reels
from storage.database import Database, sqlite_url
from tests.bench.table import Result

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
USER = 11
ZONE = ZoneInfo("Europe/Berlin")
PROFILE = Profile(
    "77", "neonloops", "Neon Loops", "", 45_000, 10, 5_000, False, False, "", {}
)  # fmt: skip
LARGE = 5_000  # reels of the figures and of the charts
SIZES = (1_000, 10_000, 100_000)
GROWTH = 1.2  # of an export's memory, from the smallest to the largest
RUNS = 5
INK = dict(zip(Tier, Colour, strict=True))


async def run(_world: World) -> Result:
    many = list(_reels(LARGE))
    rows = [("figures of 5,000 reels", f"{1000 * _figures(many):.0f}", "", "")]
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="reelay-bench-") as made:
        folder = Path(made)
        for name, chart in _charts(many):
            rows.append((f"chart: {name}", f"{1000 * await _draw(chart, folder):.0f}", "", ""))
        address = sqlite_url(folder / "reelay.db")
        await asyncio.to_thread(migrate.upgrade, address)
        ids = await _store(address)
        for form in Form:
            peaks = []
            for size, analysis_id in ids.items():
                told = await _export(folder, analysis_id, form)
                peaks.append(told["megabytes"])
                name = f"{form.upper()}, {size:,} reels"
                file = f"{told['bytes'] / 1e6:.1f}"
                rows.append(
                    (name, f"{1000 * told['seconds']:.0f}", f"{told['megabytes']:.0f}", file)
                )
                if told["rows"] != size:
                    missed.append(f"{name}: {told['rows']} rows")
            if max(peaks) > GROWTH * peaks[0]:
                missed.append(f"{form}: {peaks[0]:.0f} MB grow to {max(peaks):.0f} MB")
    notes = [
        "figures: in this process; charts: with the start of their process, medians of "
        f"{RUNS}; exports: the job on SQLite, all columns, peak of its whole process",
    ]
    return Result("(g) An analysis", ("", "ms", "peak MB", "file MB"), rows, notes, missed)


def _reels(count: int) -> Iterator[Reel]:
    """Three a day, with a lifelike spread; the same at every run."""
    rng = random.Random(7)
    for number in range(count):
        views = int(12_000 * math.exp(rng.gauss(0, 1)))
        words = rng.sample(range(400), 6)
        yield Reel(
            platform_id=str(3_000_000_000 + number),
            shortcode=f"C{number:09d}x",
            thumbnail=f"https://scontent.cdn.example/{number}.jpg?oh={rng.getrandbits(256):x}",
            caption=" ".join(f"word{word}" for word in words) * 8,
            likes=None if number % 9 == 0 else views // 20,
            comments=views // 400,
            views=None,
            plays=views,
            taken_at=NOW - timedelta(hours=8 * number + rng.randrange(8)),
            seconds=round(rng.uniform(5, 90), 1),
            hashtags=tuple(f"tag{word}" for word in words),
            mentions=(f"friend{words[0]}",),
            audio=Audio(str(words[1]), f"Song {words[1]}", "Leo", False),
            raw={},
        )


def _figures(many: list[Reel]) -> float:
    def once() -> float:
        began = time.perf_counter()
        told = figures(PROFILE, many, ZONE, NOW)
        assert told.median_views.n == LARGE
        return time.perf_counter() - began

    return median(once() for _ in range(RUNS))


# ---------------------------------------------------------------- charts


def _charts(many: list[Reel]) -> Iterator[tuple[str, Chart]]:
    for count in (200, LARGE):
        told = figures(PROFILE, many[:count], ZONE, NOW)
        shown = placed(seen(many[:count], told.measure), NOW)
        assert told.first
        assert told.last
        assert told.median_views.value
        assert isinstance(told.trend, Trend)
        line = [(moment, told.trend.views_at(moment)) for moment in told.trend.corners]
        dots = tuple(Dot(one.reel.taken_at.timestamp(), one.views, INK[one.tier]) for one in shown)
        ticks = tuple(
            Tick(moment.timestamp(), f"{moment:%b %Y}")
            for moment in calendar_ticks(told.first, told.last, ZONE)
        )
        legend = tuple(Key(INK[tier], f"{tier} {told.tiers[tier]}") for tier in Tier)
        views = ViewsChart("", "", dots, ticks, told.median_views.value, "median", legend)
        yield f"views of {count:,} reels", views
        edges = tuple(Edge(moment.timestamp(), *three) for moment, three in line)
        plain = tuple(replace(dot, colour=Colour.GREY) for dot in dots)
        yield f"trend of {count:,} reels", TrendChart("", "", plain, ticks, edges, "a", "b")
    cells = week(seen(many, told.measure), ZONE, 3)
    yield (
        "weekday and hour",
        WeekChart(
            "", "", ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"), ("0",) * 8,
            tuple(tuple(Cell(one.value, one.n) for one in row) for row in cells),
            told.median_views.value, 3, "less", "more", "few",
        ),
    )  # fmt: skip
    days = tuple(None if day % 17 == 0 else 1_000.0 + day for day in range(90))
    yield "line of 90 days", LineChart("", "", days, ("day",) * 90, "1 k", "+5 %", True)


async def _draw(chart: Chart, folder: Path) -> float:
    runner = MediaRunner()

    async def once() -> float:
        began = time.perf_counter()
        await runner.run("chart", arguments(chart, Theme.DARK, folder / "chart.png"))
        return time.perf_counter() - began

    return median([await once() for _ in range(RUNS)])


# ---------------------------------------------------------------- exports


async def _store(address: str) -> dict[int, int]:
    """{reels: analysis}."""
    database = Database(address)
    async with database.write() as db:
        await people.add(
            db, USER, name="Mia", username=None, locale="en", role="owner", now=NOW
        )  # fmt: skip
    ids = {size: await _one(database, size) for size in SIZES}
    await database.close()
    return ids


async def _one(database: Database, size: int) -> int:
    async with database.write() as db:
        made = await analysis.start(
            db, USER, f"profile{size}", NOW, wanted=size, source="app", identity="1000"
        )
        assert made
        analysis_id, run = made
        profile_id = await analysis.keep_profile(db, "instagram", str(size), f"profile{size}", NOW)
        await analysis.turn_page(
            db, analysis_id, listed=size, stored=size, unread=0, cursor=None, more=False
        )
        await analysis.move(
            db, analysis_id, NOW, run=run, from_states=["pending"], state="completed",
            profile_id=profile_id, username=f"profile{size}", ended_at=NOW,
        )  # fmt: skip
    some: list[Any] = []
    for number, reel in enumerate(_reels(size), 1):
        some.append(new_reel(reel))
        if len(some) == 500 or number == size:
            async with database.write() as db:
                await reels.add(db, analysis_id, some, size)
            some = []
    return analysis_id


async def _export(folder: Path, analysis_id: int, form: Form) -> dict[str, Any]:
    command = (sys.executable, "-m", "tests.bench.analysis_export")
    process = await asyncio.create_subprocess_exec(
        *command, str(folder), str(analysis_id), form.value, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(output)
    return answer
