"""SIGKILL at every await of a publication, and at random ones with several stories: each story
goes live at most once, and comes to a stated end.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from sandbox.graph import Fault, containers
from tests.faults.story_lane import MANY, TEAM, WITHOUT_END, Day, Lane, Tally
from tests.faults.table import Figure, equal, say
from tests.support import postgres

LANES = 2
SHARED_MEMORY = Path("/dev/shm")  # a killed process loses nothing by it, and it is fast
FOLDERS = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None

DAYS = (
    Day("nothing else", both=True),
    Day("a film", kind="video"),
    Day("answer of media_publish lost", Fault.LOST),
    Day("5xx after success", Fault.ERROR_AFTER),
    Day("100/33 on reads", bad_day="meta-blind", live=0),
    Day("Cloudinary down", bad_day="cloudinary-down", live=0),
    Day("clock 10 minutes back", jump=-timedelta(minutes=10)),
    Day("clock 3 hours on", jump=timedelta(hours=3), live=0),
    Day("Telegram down", telegram="down"),
    Day("Telegram down, story by hand", bad_day="meta-bad-media", live=0, telegram="down"),
    Day("cards sent, story by hand", bad_day="meta-bad-media", live=0, telegram="well"),
)
RANDOM = "random moments"
NAMES = (*(day.name for day in DAYS), RANDOM, TEAM.name)


async def run(runs: int, seed: int, only: Sequence[str] = ()) -> list[Figure]:
    """`only`: of NAMES; else all of them. `runs`: kills at random moments; half as many besides of
    two processes."""
    containers.CONTAINERS_A_DAY = WITHOUT_END
    tally, figures = Tally(), list[Figure]()
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="reelay-stories-", dir=FOLDERS))
        )
        lanes = []
        for number in range(LANES):
            (folder / str(number)).mkdir()
            lanes.append(await stack.enter_async_context(Lane(folder / str(number))))
        for day in DAYS:
            if day.name in (only or NAMES):
                figures.append(await _enumerated(lanes, day, tally))
        if RANDOM in (only or NAMES):
            figures.append(await _at_random(lanes, tally, random.Random(seed), runs))
        if TEAM.name in (only or NAMES):
            figures += await _teams(lanes[0], tally, random.Random(seed), max(1, runs // 2))
    for line in (*tally.twice, *tally.lost, *tally.wrong, *tally.unheard, *tally.again):
        say(f"BAD {line}")
    counted = ", ".join(f"{number} {state}" for state, number in tally.ends.most_common())
    return [
        *figures,
        Figure("stories", "tries", f"{tally.tries}, {tally.kills} SIGKILLs", "", True),
        Figure("stories", "stories", f"{tally.stories}, {tally.live} live", "", True),
        Figure("stories", "where they ended", counted, "", True),
        equal("stories", "live twice", len(tally.twice), 0),
        equal("stories", "never live, though nothing stood in the way", len(tally.lost), 0),
        equal("stories", "rows that say what is not so, or nothing", len(tally.wrong), 0),
        Figure("stories", "cards that were sent", str(tally.cards), "", True),
        equal("stories", "cards or files that never came", len(tally.unheard), 0),
        equal("stories", "cards that came again without a kill", len(tally.again), 0),
        equal("stories", "copies left at Cloudinary after a day", tally.copies, 0),
    ]


async def _enumerated(lanes: list[Lane], day: Day, tally: Tally) -> Figure:
    """Killed at each await of one story."""
    began, before = time.monotonic(), tally.kills
    awaits = await lanes[0].attempt(day, tally, None)
    if day.both:
        tries = [(day, n, late, 1) for n in range(1, awaits.day + 1) for late in (False, True)]
    else:
        tries = [(day, n, True, 1) for n in range(1, awaits.publication + 1)]
    await _in_lanes(lanes, tally, tries)
    killed = f"{tally.kills - before} of {len(tries)}"
    say(f"{day.name}: killed at {killed} awaits, {_so_far(tally, began)}")
    return Figure("stories", f"{day.name}: awaits killed at", killed, "", tally.kills - before > 0)


async def _at_random(lanes: list[Lane], tally: Tally, rng: random.Random, runs: int) -> Figure:
    """Several stories at once, on any of the days."""
    began, before = time.monotonic(), tally.kills
    days = [day for day in DAYS if day.kind == "photo" and not day.telegram]
    most = (await lanes[0].attempt(DAYS[0], tally, None, count=MANY)).publication
    tries = [
        (rng.choice(days), rng.randint(1, most), rng.random() < 0.5, MANY) for _ in range(runs)
    ]
    await _in_lanes(lanes, tally, tries)
    killed = f"{tally.kills - before} of {runs}"
    say(f"{MANY} stories at once: killed at {killed} moments, {_so_far(tally, began)}")
    return Figure("stories", f"{MANY} at once: moments killed at", killed, "", True)


async def _teams(lane: Lane, tally: Tally, rng: random.Random, runs: int) -> list[Figure]:
    began, before = time.monotonic(), tally.kills
    with postgres.running() as server:
        if server is None:
            say(postgres.WHY_SKIPPED)
            return []
        while tally.kills - before < runs:
            await lane.team(await asyncio.to_thread(server.emptied), tally, rng)
    say(f"{TEAM.name}: {tally.kills - before} kills, {_so_far(tally, began)}")
    return [Figure("stories", f"{TEAM.name}: kills", str(tally.kills - before), "", True)]


async def _in_lanes(
    lanes: list[Lane], tally: Tally, tries: list[tuple[Day, int, bool, int]]
) -> None:
    left = list(reversed(tries))

    async def work(lane: Lane) -> None:
        while left:
            day, kill_at, late, count = left.pop()
            await lane.attempt(day, tally, kill_at, late=late, count=count)

    await asyncio.gather(*(work(lane) for lane in lanes))


def _so_far(tally: Tally, began: float) -> str:
    bad = Counter(
        twice=len(tally.twice),
        lost=len(tally.lost),
        wrong=len(tally.wrong),
        unheard=len(tally.unheard),
        again=len(tally.again),
    )
    found = ", ".join(f"{number} {what}" for what, number in bad.items() if number)
    return f"{time.monotonic() - began:.0f} s, so far {found or 'nothing bad'}"
