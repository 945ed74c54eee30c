"""An account's figures, synced day by day: each error of Meta's in the middle of a sync, SIGKILLs,
two at once, days on which nobody was at work. What is stored in the end is what Meta told.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sandbox.graph import Call, Fault, Refusal, documented
from tests import contracts
from tests.faults.insight_lane import Lane
from tests.faults.insight_mutants import MUTANTS
from tests.faults.insight_tries import EMPTY, LATE, Tally, Trouble, Try
from tests.faults.stories import FOLDERS
from tests.faults.table import Figure, equal, say
from tests.support import postgres

LANES = 2
WORKERS = 2
KILLS_A_WORKER = 4
MOST = 500  # awaits of a worker before it is killed: the other one soon takes its sync
GOOD = Try("nothing else")
TAKEN = Try("taken over by a second process")
TEAM = Try("two processes on PostgreSQL", days=(0,))
CANCELED = Try("canceled in the middle")
TAPS = Try("two taps and the clock")
OF_STATUS = "status"  # in the contract: errors that only a container has
# what the log must say, by what the contract says is to be done; else the error is named
SAYS = {
    "reauth": "reauth",
    "backoff": "waited",
    "retry": "waited",
    "unknown_state": "waited",
    "check_status_then_new_container": "waited",
    "retry_same_30s_120s_then_check_status": "waited",
    "retry_new_container_after_status_check": "waited",
}
# where each error is met, on a day of its own
PLACES = ((0, Call.ACCOUNT_INSIGHTS, 60), (1, Call.MEDIA_INSIGHTS, 6), (2, Call.ACCOUNT, 1))
OFTEN = 3  # tries of the client
FAULTS = (Fault.DROPPED, Fault.GARBAGE)  # once, and for two figures in a row, too
ERROR_DAYS = (0, 1, 2, 3, 4)
LASTS = timedelta(hours=3)
LEO = "leo"  # 61 followers


def _day(name: str, *troubles: Trouble, days: Sequence[int] = (0, 1, 2, 3, 4, 5)) -> Try:
    return Try(name, tuple(days), troubles)


DAYS = (
    Try("61 followers", username=LEO),
    Try("nobody for 3 days", days=(0, 4, 5)),
    Try("nobody for 12 days", days=(0, 1, 13, 14, 15)),
    Try("nobody for 40 days", days=(0, 1, 41, 42, 43)),
    *(
        _day(
            f"{bad_day} from day {first} on",
            *(Trouble(first + n, bad_day=bad_day, lasts=LASTS) for n in range(2)),
        )
        for first in (0, 2)
        for bad_day in (
            "meta-down",
            "meta-garbage",
            "meta-rate-limit",
            LATE,
            EMPTY,
            "meta-insights-removed",
            "meta-no-insights-permission",
            "meta-busy",
        )
    ),
    _day(
        "Meta down for 6 minutes",
        Trouble(0, bad_day="meta-down", lasts=timedelta(minutes=4), says="waited"),
        Trouble(2, bad_day="meta-down", lasts=timedelta(minutes=20), says="waited"),
    ),
    _day(
        "rate limit for 5 hours",
        Trouble(0, bad_day="meta-rate-limit", lasts=timedelta(hours=5), says="waited"),
    ),
    _day(
        "allowance used up",
        Trouble(0, headers=(95, 25), lasts=timedelta(hours=3), says="waited"),
        Trouble(1, headers=(91, 0), lasts=timedelta(hours=3), says="waited"),
        Trouble(2, headers=(80, 0)),
    ),
)
ERRORS, KILLS, MOMENTS, TOGETHER, ON_PURPOSE = "errors", "kills", "moments", "together", "mutants"
BAD_DAYS = "bad days"
NAMES = (ERRORS, *(day.name for day in DAYS), KILLS, MOMENTS, TOGETHER, ON_PURPOSE)

Work = Callable[[Lane, Tally], Awaitable[object]]


async def run(runs: int, seed: int, only: Sequence[str] = ()) -> list[Figure]:
    """`only`: of NAMES; else all of them. `runs`: kills at awaits; a fifth as many at random
    moments, and some of two processes."""
    rng, wanted = random.Random(seed), only or NAMES
    tally = Tally()
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="reelay-figures-", dir=FOLDERS))
        )
        lanes = []
        for number in range(LANES):
            (folder / str(number)).mkdir()
            lanes.append(await stack.enter_async_context(Lane(folder / str(number))))
        lone = await _lone(lanes[0], tally)
        began = time.monotonic()
        awaits = await lanes[0].killed(GOOD, tally, [])
        seconds = time.monotonic() - began
        say(f"{GOOD.name}: {awaits} awaits, {seconds:.1f} s; {lone} requests on the first day")
        parts: list[tuple[str, list[Work]]] = [
            (ERRORS, list(_errors(rng))),
            (BAD_DAYS, [_troubled(day) for day in DAYS if day.name in wanted]),
            (KILLS, list(_kills(rng, runs, awaits))),
            (MOMENTS, list(_moments(rng, runs // 5, seconds))),
            (TOGETHER, list(_together(rng, max(1, runs // 10), lone))),
        ]
        for name, works in parts:
            if works and (name in wanted or name == BAD_DAYS):
                await _in_lanes(lanes, tally, name, works)
        if TOGETHER in wanted:
            await _team(lanes[0], tally, rng, max(1, runs // 20), lone)
        mutants = [
            await _mutant(lanes[0], name) for name in (MUTANTS if ON_PURPOSE in wanted else ())
        ]
    return [*_figures(tally), *mutants]


async def _lone(lane: Lane, tally: Tally) -> int:
    """Requests of the first day."""
    before = tally.requests
    await lane.killed(Try("the first day", days=(0,)), tally, [])
    return tally.requests - before


# ---------------------------------------------------------------- what is done


def _errors(rng: random.Random) -> Iterator[Work]:
    """Each that Meta's pages name, and each fault of the line to it."""
    rows = json.loads((Path(contracts.__file__).parent / "graph.json").read_text())["_errors"]
    for row in rows:
        if row["where"] != OF_STATUS:
            what = documented(row["code"], row["subcode"])
            says = SAYS.get(row["action"], "named")
            times = OFTEN if says == "waited" else 1
            day = _error(rng, f"{row['code']}/{row['subcode']}", what, times)
            yield _troubled(replace(day, troubles=tuple(_saying(day.troubles, row["action"]))))
    for fault in Fault:
        for times in (1, OFTEN, 2 * OFTEN) if fault in FAULTS else (OFTEN,):
            day = _error(rng, f"{fault.name}, {times} times", fault, times)
            yield _troubled(replace(day, seconds=0.5))


def _error(rng: random.Random, name: str, what: Refusal | Fault, times: int) -> Try:
    troubles = [Trouble(day, what, call, rng.randrange(most), times) for day, call, most in PLACES]
    return Try(name, ERROR_DAYS, tuple(troubles))


def _saying(troubles: Sequence[Trouble], action: str) -> Iterator[Trouble]:
    says = SAYS.get(action, "named")
    for one in troubles:
        # a post's figure is asked for again in the next part of the sync, without a wait
        is_silent = one.call is Call.MEDIA_INSIGHTS and says == "waited" and action != "backoff"
        yield replace(one, says="" if is_silent else says)


def _troubled(day: Try) -> Work:
    return lambda lane, tally: lane.troubled(day, tally)


def _kills(rng: random.Random, runs: int, awaits: int) -> Iterator[Work]:
    """At awaits all through three days; some syncs again and again."""

    def killed(kills: Sequence[tuple[int, bool]]) -> Work:
        return lambda lane, tally: lane.killed(GOOD, tally, kills)

    for place in range(runs):
        yield killed([(1 + place * awaits // runs, rng.random() < 0.5)])
    for most in (awaits // 40, awaits // 4):  # before anything was stored, or after
        yield killed([(rng.randint(1, most), True) for _ in range(6)])


def _moments(rng: random.Random, runs: int, seconds: float) -> Iterator[Work]:
    def killed(after: float) -> Work:
        return lambda lane, tally: lane.killed(GOOD, tally, [], [after])

    for _ in range(runs):
        yield killed(rng.random() * seconds)


def _together(rng: random.Random, runs: int, lone: int) -> Iterator[Work]:
    def taken_over(after: int) -> Work:
        return lambda lane, tally: lane.taken_over(TAKEN, tally, "", after)

    def canceled(after: int) -> Work:
        return lambda lane, tally: lane.canceled(CANCELED, tally, after)

    yield lambda lane, tally: lane.taps(TAPS, tally)
    for _ in range(runs):
        yield taken_over(rng.randint(1, lone * 3 // 4))
        yield canceled(rng.randint(1, lone * 3 // 4))


async def _team(lane: Lane, tally: Tally, rng: random.Random, runs: int, lone: int) -> None:
    began, before = time.monotonic(), tally.kills
    with postgres.running() as server:
        if server is None:
            say(postgres.WHY_SKIPPED)
            return
        for _ in range(runs):
            kills = [[rng.randint(1, MOST) for _ in range(KILLS_A_WORKER)] for _ in range(WORKERS)]
            await lane.team(TEAM, tally, server.emptied(), kills)
            after = rng.randint(1, lone * 3 // 4)
            await lane.taken_over(TAKEN, tally, server.emptied(), after)
    say(f"{TEAM.name}: {tally.kills - before} kills, {_so_far(tally, began)}")


async def _mutant(lane: Lane, name: str) -> Figure:
    """A mistake that is made on purpose, and must be found."""
    tally = Tally()
    day = Try(f"mutant: {name}", mutant=name)
    try:
        if name == "no fence":
            await lane.taken_over(day, tally, "", 2)
            await lane.canceled(day, tally, 2)
        else:
            await lane.killed(day, tally, [])
    except (AssertionError, ExceptionGroup) as error:
        tally.found.wrong.append(str(error))
    found = [*tally.found.bad(), *tally.extra]
    kinds = sorted({line.partition(":")[0] for line in tally.found.bad()})
    say(f"{day.name}: found {len(found)} times, {', '.join(kinds)}; {found[:1]}")
    return Figure("insights", day.name, f"{len(found)} found", ">= 1", bool(found))


async def _in_lanes(lanes: list[Lane], tally: Tally, name: str, works: Sequence[Work]) -> None:
    left = list(reversed(works))
    began, kills = time.monotonic(), tally.kills

    async def work(lane: Lane) -> None:
        while left:
            await left.pop()(lane, tally)

    await asyncio.gather(*(work(lane) for lane in lanes))
    say(f"{name}: {len(works)} tries, {tally.kills - kills} kills, {_so_far(tally, began)}")


# ---------------------------------------------------------------- what is told


def _so_far(tally: Tally, began: float) -> str:
    bad = len(list(tally.found.bad())) + len(tally.extra)
    return f"{time.monotonic() - began:.0f} s, so far {f'{bad} bad' if bad else 'nothing bad'}"


def _figures(tally: Tally) -> list[Figure]:
    found = tally.found
    for line in (*found.bad(), *tally.extra, *tally.unused):
        say(f"BAD {line}")
    counted = ", ".join(f"{number} {state}" for state, number in tally.ends.most_common())
    stored = f"{found.numbers} figures, {found.reasons} reasons, {found.revisions} revisions"
    return [
        Figure("insights", "tries", f"{tally.tries}, {tally.kills} SIGKILLs", "", True),
        Figure("insights", "syncs", f"{tally.syncs}: {counted}", "", True),
        Figure("insights", f"stored, of {tally.requests} requests", stored, "", True),
        equal("insights", "rows that are there twice", len(found.twice), 0),
        equal("insights", "gaps that Meta would have told", len(found.gaps), 0),
        equal("insights", "zeros where there is no data", len(found.zeros), 0),
        equal("insights", "figures or revisions that Meta did not tell then", len(found.wrong), 0),
        equal("insights", "not read again while Meta could change them", len(found.stale), 0),
        equal("insights", "reasons that are not so", len(found.states), 0),
        equal("insights", "lines of the log that are not so", len(found.log), 0),
        equal("insights", "syncs or requests that nobody needed", len(tally.extra), 0),
        equal("insights", "troubles that met no request", len(tally.unused), 0),
    ]
