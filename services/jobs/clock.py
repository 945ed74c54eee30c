"""When things happen: loops that run in this process, each with a beat that readiness watches.

APScheduler keeps the time. A tick that needs durability only enqueues a job. Used by bot/app.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from services.clock import Now

log = structlog.get_logger()

Tick = Callable[[], Awaitable[object]]
STOP_SECONDS = 1.0
GRACE = timedelta(seconds=5)  # for loops that are faster than a slow disk
STOOD_STILL = timedelta(minutes=5)  # without any tick: the machine slept, or its clock was set


@dataclass(slots=True)
class Loop:
    """`beat_at`: when a tick last ended well. `turn`: of whoever ticks it."""

    name: str
    every: timedelta
    beat_at: datetime
    tick: Tick
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Clock:
    """Loops may be added before and after `start()`."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._turning: set[asyncio.Task[object]] = set()
        self._ticked_at = now()
        self.loops: dict[str, Loop] = {}

    def every(self, interval: timedelta, name: str, tick: Tick) -> None:
        """Runs `tick` every interval, never twice at once."""
        self.loops[name] = Loop(name, interval, self._now(), tick)
        self._scheduler.add_job(
            self.tick,
            "interval",
            args=[name],
            seconds=interval.total_seconds(),
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=3600,
        )

    async def tick(self, name: str) -> None:
        """One turn of a loop, now, or after the one under way: never two at once."""
        self._notice_sleep()
        loop = self.loops[name]
        task = asyncio.current_task()
        assert task is not None
        self._turning.add(task)
        try:
            async with loop.turn:
                await loop.tick()
        except Exception:  # the edge of a loop: one bad tick must not end it
            log.exception("tick failed", loop=name)
        else:
            loop.beat_at = self._now()
        finally:
            self._turning.discard(task)

    def _notice_sleep(self) -> None:
        """Nobody is dead for not having ticked while no loop could."""
        now = self._now()
        if now - self._ticked_at > STOOD_STILL:
            self._begin_beats()
        self._ticked_at = now

    def _begin_beats(self) -> None:
        for loop in self.loops.values():
            loop.beat_at = self._now()

    def start(self) -> None:
        self._begin_beats()
        self._scheduler.start()

    async def stop(self) -> None:
        """No new turns; those under way may end, or what they have sent would be sent again."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._turning:
            await asyncio.wait(set(self._turning), timeout=STOP_SECONDS)
        self._scheduler.shutdown(wait=False)

    def dead(self) -> list[str]:
        """Loops whose last good tick is two intervals ago."""
        now = self._now()
        return [
            loop.name for loop in self.loops.values() if now - loop.beat_at > 2 * loop.every + GRACE
        ]
