"""SIGKILL at awaits all through an analysis, on good days and on bad ones: the reels that are
stored are the world's, once each, and nothing is cut silently.

The stand-in of Instagram lives in this process; the one that analyses is forked for each try,
killed, and started again on the same data.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from cryptography.fernet import Fernet

from sandbox.instagram import Instagram, Refusal
from sandbox.instagram.mobile.users import CLIPS_PAGE_SIZE, ODD_PLACE
from sandbox.world import PROLIFIC, World
from storage import migrate
from storage.database import Database, sqlite_url
from tests.faults import analysis_worker
from tests.faults.analysis_worker import Order
from tests.faults.story_worker import START, SharedClock
from tests.faults.table import Figure, equal, most, say
from tests.services.analysis.stage import CLIPS, Way, opened
from tests.support.rows import MIA, person

LANES = 2
PATIENCE = 60.0  # seconds for a process to come to an end
KILLED = -9  # the exit code
PARTS = 7  # jobs of an analysis: one look at the profile, six pages
AGAIN = 6  # kills of one and the same analysis
PAGE_3 = 2  # pages of reels before it


@dataclass(frozen=True, slots=True)
class Day:
    """What goes wrong besides the kill. `stops`: what the analysis says of it, once. `renewed`: a
    person sends new cookies when it is paused. `odd`: a reel of each page can't be read."""

    name: str
    stops: str | None = None
    bad_day: str | None = None
    refusal: Refusal | None = None
    renewed: bool = False

    @property
    def odd(self) -> bool:
        return self.bad_day == "odd-reels"


GOOD = Day("nothing else")
DAYS = (
    Day("429 on page 3", "RateLimited", bad_day="reels-throttled"),
    Day("429 with a body on page 3", "RateLimited", refusal=Refusal.RATE_LIMIT),
    Day("dead session on page 3", "SessionRefused", refusal=Refusal.LOGIN_REQUIRED, renewed=True),
    Day("an odd reel in each page", bad_day="odd-reels"),
)


@dataclass(slots=True)
class Tally:
    tries: int = 0
    kills: int = 0
    stored: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what the row says is not so
    requests: int = 0
    needed: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def extra(self) -> int:
        return self.requests - self.needed


class Lane:
    """A stand-in of its own, and a template of the data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = Fernet.generate_key().decode()
        self.clock = SharedClock(folder / "clock")
        self.world = World(now=self.clock)
        self.instagram = Instagram(self.world, now=self.clock)
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload([analysis_worker.__name__])
        self._stack = AsyncExitStack()
        self._tries = 0

    async def __aenter__(self) -> Lane:
        await self._stack.enter_async_context(self.instagram)
        self.reels = [str(reel.pk) for reel in self.instagram.reels(PROLIFIC.username)]
        self.way = Way(self.instagram.proxy_url, self.instagram.ca_file)
        template = self.folder / "template"
        template.mkdir()
        await asyncio.to_thread(migrate.upgrade, sqlite_url(template / "reelay.db"))
        self.analysis_id = await self._begin(template)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _begin(self, data: Path) -> int:
        database = Database(sqlite_url(data / "reelay.db"))
        await person(database, MIA, role="owner", now=START)
        async with opened(database, data, self.way, None, self.clock, key=self.key) as stage:
            await stage.connect(self.world)
            begun = await stage.begin(PROLIFIC.username)
        await database.close()
        return begun

    async def attempt(self, day: Day, tally: Tally, kills: list[tuple[int, bool]]) -> int:
        """One analysis to its end, killed on the way. Returns the awaits of its last process."""
        self._tries += 1
        data = self.folder / f"try-{self._tries}"
        self.clock.set(START)
        shutil.copytree(self.folder / "template", data)
        self.instagram.forget_orders()
        self.instagram.reset_log()
        if day.bad_day:
            self.instagram.bad_days.switch(day.bad_day, True)
        if day.refusal:
            self.instagram.refuse_next(CLIPS, day.refusal, skip=PAGE_3)
        order = Order(data, self.way, self.key, self.folder / "clock", self.analysis_id)
        killed = 0
        for kill_at, late in kills:
            killed += await self._run(replace(order, kill_at=kill_at, late=late)) == KILLED
        assert await self._run(order) == 0, "the process failed"
        if day.renewed:
            await self._renew(data)
            assert await self._run(order) == 0, "the process failed"
        if day.bad_day:
            self.instagram.bad_days.switch(day.bad_day, False)
        self._judge(data, day, tally, f"{day.name}, killed at {kills}")
        tally.tries += 1
        tally.kills += killed
        asked = [request for request in self.instagram.requests if request.path == CLIPS]
        tally.requests += len(asked)
        tally.needed += -(-len(self.reels) // CLIPS_PAGE_SIZE) + (day.stops is not None)
        awaits = int(order.counted.read_text())
        shutil.rmtree(data)
        return awaits

    async def _renew(self, data: Path) -> None:
        database = Database(sqlite_url(data / "reelay.db"))
        async with opened(database, data, self.way, None, self.clock, key=self.key) as stage:
            item = await stage.get(self.analysis_id)
            if item.state == "paused":
                await stage.connect(self.world, session="new")
        await database.close()

    async def _run(self, order: Order) -> int | None:
        process = self._forks.Process(target=analysis_worker.main, args=(order,), daemon=True)
        process.start()
        await asyncio.to_thread(process.join, PATIENCE)
        code = process.exitcode
        if code is None:
            process.kill()
        return code

    def _judge(self, data: Path, day: Day, tally: Tally, name: str) -> None:
        with closing(sqlite3.connect(data / "reelay.db")) as db:
            stored = Counter(row[0] for row in db.execute("select platform_id from reels"))
            odd = {row[0] for row in db.execute("select key from unread_reels")}
            row = db.execute("select state, stored, unread, listed, more, error from analyses")
            state, count, unread, listed, more, error = row.fetchone()
        tally.ends[state] += 1
        tally.stored += len(stored)
        wanted_odd = set(self.reels[ODD_PLACE::CLIPS_PAGE_SIZE]) if day.odd else set()
        wanted = set(self.reels) - wanted_odd
        if wanted != set(stored):
            tally.lost.append(f"{name}: {len(wanted - set(stored))} of {len(wanted)}")
        tally.twice += [f"{name}: {pk}" for pk, times in stored.items() if times > 1]
        said = (state, count, unread, listed, more, error)
        true = ("completed", len(wanted), len(wanted_odd), len(self.reels), 0, None)
        if said != true or odd != wanted_odd:
            tally.wrong.append(f"{name}: {said}, not {true}")


async def run(runs: int, seed: int) -> list[Figure]:
    rng = random.Random(seed)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="reelay-analyses-") as folder:
        async with AsyncExitStack() as stack:
            lanes = []
            for number in range(LANES):
                (Path(folder) / str(number)).mkdir()
                lanes.append(await stack.enter_async_context(Lane(Path(folder) / str(number))))
            good = Tally()
            awaits = await lanes[0].attempt(GOOD, good, [])
            spread = [1 + place * awaits // runs for place in range(runs)]
            await _in_lanes(lanes, GOOD, good, [[(n, rng.random() < 0.5)] for n in spread])
            # late enough for a page: three runs that bring nothing are the end, and it says so
            late = range(2 * awaits // PARTS, 3 * awaits // PARTS)
            again = [[(rng.choice(late), True) for _ in range(AGAIN)] for _ in range(LANES)]
            await _in_lanes(lanes, GOOD, good, again)
            say(f"{GOOD.name}: {awaits} awaits, killed {good.kills} times")
            figures += _figures(GOOD, good, runs)
            for day in DAYS:
                tally = Tally()
                awaits = await lanes[0].attempt(day, tally, [])
                drawn = [[(rng.randint(1, awaits), rng.random() < 0.5)] for _ in range(runs // 10)]
                await _in_lanes(lanes, day, tally, drawn)
                say(f"{day.name}: {awaits} awaits, killed {tally.kills} times")
                figures += _figures(day, tally, 0)
    return figures


async def _in_lanes(
    lanes: list[Lane], day: Day, tally: Tally, tries: list[list[tuple[int, bool]]]
) -> None:
    left = list(reversed(tries))

    async def work(lane: Lane) -> None:
        while left:
            await lane.attempt(day, tally, left.pop())

    await asyncio.gather(*(work(lane) for lane in lanes))


def _figures(day: Day, tally: Tally, kills: int) -> list[Figure]:
    part = f"analysis, {day.name}"
    for line in (*tally.lost, *tally.twice, *tally.wrong):
        say(f"BAD {line}")
    bar = f">= {kills}" if kills else ""
    return [
        Figure(part, "SIGKILLs", str(tally.kills), bar, tally.kills >= kills),
        Figure(part, "analyses", str(tally.tries), "", True),
        equal(part, f"with reels missing, of {tally.stored} stored", len(tally.lost), 0),
        equal(part, "reels stored twice", len(tally.twice), 0),
        equal(part, "rows that say what is not so", len(tally.wrong), 0),
        most(part, "requests beyond one a page", tally.extra, tally.kills),
    ]
