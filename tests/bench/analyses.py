"""Analyses in a process that holds nothing but the runner, so that the figures are its own.

Run by media.py: `python -m tests.bench.analyses REEL FOLDER`; prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable
from pathlib import Path
from statistics import median, quantiles

from services.media.runner import MediaRunner

ALONE = 5  # analyses one after the other, for their time
QUEUED = 8  # analyses for the lag, two at a time
AT_ONCE = 2
ROUNDS = 3
NAP = 0.005  # seconds between two looks at the loop


async def main(reel: str, folder: Path) -> None:
    await analyse(MediaRunner(), reel, folder / "warm")
    times = []
    runner = MediaRunner()
    for number in range(ALONE):
        began = time.perf_counter()
        await analyse(runner, reel, folder / str(number))
        times.append(time.perf_counter() - began)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    idle, busy = [], []
    for _ in range(ROUNDS):
        idle.append(await lag(asyncio.sleep(3)))
        busy.append(await lag(_queue(reel, folder)))
    answer = {"seconds": times, "megabytes": megabytes, "idle": idle, "busy": busy}
    print(json.dumps(answer))  # noqa: T201 - the answer


async def analyse(runner: MediaRunner, reel: str, made: Path) -> None:
    paths = {"source": reel, "audio": f"{made}.m4a", "waveform": f"{made}.png"}
    found = await runner.run("sample", paths)
    assert found["tempo"]
    assert found["audio"] == "m4a"


async def _queue(reel: str, folder: Path) -> None:
    runner = MediaRunner(AT_ONCE)
    await asyncio.gather(*(analyse(runner, reel, folder / f"q{n}") for n in range(QUEUED)))


async def lag(work: Awaitable[None]) -> dict[str, float]:
    """Milliseconds by which the loop was late, while `work` ran."""
    late: list[float] = []
    running = asyncio.ensure_future(work)
    while not running.done():
        began = time.perf_counter()
        await asyncio.sleep(NAP)
        late.append(1000 * (time.perf_counter() - began - NAP))
    await running
    return {"p50": median(late), "p99": quantiles(late, n=100)[98], "max": max(late)}


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
