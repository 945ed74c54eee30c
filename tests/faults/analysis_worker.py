"""A process that analyses a profile, and dies at the await that it was told. Used by analysis.py.

It runs the real services on a clock that it shares with the stand-ins, and waits for nothing: when
no page is due, it moves the clock.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path

import aiosqlite
import instagrapi
import structlog

from services.instagram import mobile_client, mobile_login
from storage.database import Database, sqlite_url
from tests.faults.story_worker import Awaits, SharedClock
from tests.services.analysis.stage import Stage, Way, opened

# imported here, before the fork, and not after each one
__all__ = ["aiosqlite", "instagrapi", "mobile_client", "mobile_login"]

TURNS = 400


@dataclass(frozen=True, slots=True)
class Order:
    """`kill_at`: dies at this await, counted from 1; None: at none. `late`: not when it begins to
    wait, but when what it waited for is there. The number of awaits is left in `counted`."""

    data: Path
    instagram: Way
    key: str
    clock: Path
    analysis_id: int
    kill_at: int | None = None
    late: bool = False

    @property
    def counted(self) -> Path:
        return self.data / "counted"


def main(order: Order) -> None:
    gc.disable()  # it would copy what the fork shares, in a process that soon ends
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asyncio.run(_run(order))


async def _run(order: Order) -> None:
    clock = SharedClock(order.clock)
    database = Database(sqlite_url(order.data / "reelay.db"))
    awaits = Awaits(order.kill_at, late=order.late)
    async with opened(database, order.data, order.instagram, None, clock, key=order.key) as stage:
        await _to_the_end(stage, clock, awaits, order.analysis_id)
    order.counted.write_text(str(awaits.count))
    await database.close()


async def _to_the_end(stage: Stage, clock: SharedClock, awaits: Awaits, analysis_id: int) -> None:
    """Until nothing happens any more without a person."""
    await awaits.of(stage.reconcile())
    for _ in range(TURNS):
        if stage.jobs.waiting:
            await awaits.of(stage.step())
            continue
        item = await stage.get(analysis_id)
        if item.wait_until is not None:
            clock.set(max(clock(), item.wait_until))
        if not await awaits.of(stage.wake()):
            return
