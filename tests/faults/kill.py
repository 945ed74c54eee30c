"""SIGKILL and SIGTERM at random moments of an import: does it end as if nothing had happened?

The stand-ins live in this process, the bot in its own. Each import is killed several times, now and
then with its jobs.db deleted, until as many kills as wanted have hit an unfinished import.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.demo import Bot, Sandbox
from sandbox.tours.importing import connect
from sandbox.tours.visitor import Visitor
from tests.faults.facts import Facts, facts, query, settled
from tests.faults.process import FAST, BotProcess, lose_jobs
from tests.faults.table import Figure, equal, most, say

SLUG = "reels-ideas"
POSTS, PAGE = 120, 21
KILLS_AN_IMPORT = 10
TERMS = 10
MOMENT = (0.2, 5.0)  # seconds after a start at which the next kill falls
LOSES_JOBS = 5  # each so-manieth kill also loses jobs.db
PATIENCE = 180.0  # seconds for an import to end
AT_ONCE = 4  # posts in flight: as many single posts may be read again after a kill


@dataclass(slots=True)
class Tally:
    """What the disturbed imports showed."""

    imports: int = 0
    kills: int = 0
    lost_jobs: int = 0
    different: list[str] = field(default_factory=list)
    extra_pages: int = 0
    worst_extra_pages: int = 0  # of one import, beyond one for each of its kills
    extra_singles: int = 0
    worst_extra_singles: int = 0  # beyond AT_ONCE for each kill
    exits: list[float] = field(default_factory=list)  # seconds that SIGTERM took
    duplicates: int = 0
    wrong_books: int = 0
    leftovers: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    facts: Facts
    pages: int
    singles: int
    kills: int


class Rig:
    """One sandbox, and a data folder prepared with a connected person, copied for every import."""

    def __init__(self, sandbox: Sandbox, folder: Path, rng: random.Random) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._rng = rng
        self._count = 0

    async def prepare(self) -> None:
        bot = Bot(self._settings(self._folder / "template"))
        try:
            await bot.start()
            mia = self._visitor()
            await connect(mia, self._sandbox, bot.claim_code)
        finally:
            await bot.stop()

    def _settings(self, data: Path) -> dict[str, str]:
        return {**self._sandbox.settings(data), **FAST, "LOG_LEVEL": "INFO"}

    def _visitor(self) -> Visitor:
        return Visitor(self._sandbox.telegram, self._sandbox.users["mia"], io.StringIO())

    async def play(self, kills: int, tally: Tally, *, term: bool = False) -> Ended:
        """One import from the link to its end, stopped `kills` times on the way."""
        self._count += 1
        data = self._folder / f"import-{self._count}"
        shutil.copytree(self._folder / "template", data)
        log = self._folder / f"import-{self._count}.log"
        bot = BotProcess(self._settings(data), log)
        await bot.start()
        done = 0
        try:
            instagram = self._sandbox.instagram
            instagram.reset_log()
            mia = self._visitor()
            mia.say(self._sandbox.world.collection_url("mia", SLUG))
            await mia.tap("Import all")
            while done < kills:
                await asyncio.sleep(self._rng.uniform(*MOMENT))
                if _is_over(data):
                    break
                if not bot.running:
                    raise RuntimeError(f"the bot ended by itself:\n{bot.printed[-2000:]}")
                if term:
                    tally.exits.append(await bot.terminate())
                else:
                    await bot.kill()
                done += 1
                if not term and done % LOSES_JOBS == 0:
                    tally.lost_jobs += 1
                    lose_jobs(data)
                await bot.start()
            await self._end(bot, data)
        finally:
            if bot.running:
                await bot.terminate()
        found = await facts(data)
        if found.state != "done":
            for line in bot.printed.splitlines():
                if any(word in line for word in ("restarted", "stops", "failed", "cancelling")):
                    say(line[:600])
        shutil.rmtree(data)
        paths = [request.path for request in instagram.requests]
        pages = sum(path.startswith("/api/v1/feed/collection/") for path in paths)
        singles = sum(path.startswith("/api/v1/media/") for path in paths)
        return Ended(found, pages, singles, done)

    async def _end(self, bot: BotProcess, data: Path) -> None:
        until = time.monotonic() + PATIENCE
        while settled(data) is None:
            if time.monotonic() > until:
                state = query(data, "select state, run, reason, detail from imports")
                raise TimeoutError(f"the import did not end: {state}\n{bot.printed[-3000:]}")
            await asyncio.sleep(0.2)


def _is_over(data: Path) -> bool:
    rows = query(data, "select state from imports order by id desc limit 1")
    return bool(rows) and rows[0][0] in ("done", "failed", "cancelled")


@contextlib.asynccontextmanager
async def rig(rng: random.Random) -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="reelay-faults-") as folder:
        async with Sandbox() as sandbox:
            made = Rig(sandbox, Path(folder), rng)
            await made.prepare()
            yield made


def _compare(tally: Tally, ended: Ended, ideal: Ended, name: str) -> None:
    tally.imports += 1
    tally.kills += ended.kills
    pages, singles = ended.pages - ideal.pages, ended.singles - ideal.singles
    tally.extra_pages += pages
    tally.worst_extra_pages = max(tally.worst_extra_pages, pages - ended.kills)
    tally.extra_singles += singles
    tally.worst_extra_singles = max(tally.worst_extra_singles, singles - AT_ONCE * ended.kills)
    tally.duplicates += ended.facts.duplicates
    tally.wrong_books += not ended.facts.books_right
    tally.leftovers += len(ended.facts.leftovers)
    for leftover in ended.facts.leftovers:
        say(f"LEFT BEHIND {leftover}")
    for part in ("state", "outcomes", "files", "samples", "balance"):
        mine, theirs = getattr(ended.facts, part), getattr(ideal.facts, part)
        if mine != theirs:
            shown = f"{ended.facts.counts} {mine}" if part in ("state", "balance") else part
            tally.different.append(f"{name}: {shown}")
    say(
        f"{name}: {ended.kills} stops, {ended.facts.state} {ended.facts.counts}, balance "
        f"{ended.facts.balance}, pages {ended.pages}, single posts {ended.singles}"
    )


async def run(runs: int, seed: int) -> list[Figure]:
    rng = random.Random(seed)
    killed, stopped = Tally(), Tally()
    async with rig(rng) as made:
        ideal = await made.play(0, Tally())
        say(
            f"undisturbed: {ideal.facts.counts}, balance {ideal.facts.balance}, pages "
            f"{ideal.pages}, single posts {ideal.singles}"
        )
        while killed.kills < runs:
            ended = await made.play(min(KILLS_AN_IMPORT, runs - killed.kills), killed)
            _compare(killed, ended, ideal, f"SIGKILL import {killed.imports + 1}")
        while stopped.kills < min(TERMS, runs):
            ended = await made.play(min(TERMS, runs) - stopped.kills, stopped, term=True)
            _compare(stopped, ended, ideal, f"SIGTERM import {stopped.imports + 1}")
    for line in (*killed.different, *stopped.different):
        say(f"DIFFERENT {line}")
    counts = ideal.facts.counts
    return [
        equal("undisturbed", "saved", counts.get("saved", 0), 108),
        equal("undisturbed", "gone", counts.get("gone", 0), 7),
        equal("undisturbed", "failed", counts.get("failed", 0), 5),
        equal("undisturbed", "pages listed", ideal.pages, -(-POSTS // PAGE)),
        *_figures("SIGKILL", killed, runs),
        Figure("SIGKILL", "of them with jobs.db lost too", str(killed.lost_jobs), "", True),
        *_figures("SIGTERM", stopped, min(TERMS, runs)),
        most("SIGTERM", "slowest exit", max(stopped.exits, default=0.0), 3, " s"),
    ]


def _figures(part: str, tally: Tally, runs: int) -> list[Figure]:
    worst = "most in one import beyond"
    return [
        Figure(part, "moments", str(tally.kills), f">= {runs}", tally.kills >= runs),
        equal(part, f"of {tally.imports} imports ended otherwise", len(tally.different), 0),
        equal(part, "duplicates", tally.duplicates, 0),
        equal(part, "imports whose books are wrong", tally.wrong_books, 0),
        equal(part, "files that no row names", tally.leftovers, 0),
        most(part, "extra pages, all imports", tally.extra_pages, tally.kills),
        most(part, f"{worst} 1 page a stop", tally.worst_extra_pages, 0),
        most(part, "extra single posts", tally.extra_singles, AT_ONCE * tally.kills),
        most(part, f"{worst} {AT_ONCE} posts a stop", tally.worst_extra_singles, 0),
    ]
