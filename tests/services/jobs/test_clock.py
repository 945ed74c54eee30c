"""Loops: they survive their own errors, and a dead one is seen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from services.jobs.clock import GRACE, Clock
from tests.support.clock import StillClock

MINUTE = timedelta(minutes=1)


class Ticks:
    def __init__(self) -> None:
        self.count = 0
        self.broken = False
        self.ticked = asyncio.Event()

    async def __call__(self) -> None:
        self.count += 1
        self.ticked.set()
        if self.broken:
            raise ZeroDivisionError


async def test_a_loop_is_dead_when_its_last_good_tick_is_two_intervals_ago() -> None:
    now = StillClock()
    clock, good, bad = Clock(now), Ticks(), Ticks()
    clock.every(MINUTE, "good", good)
    clock.every(MINUTE, "bad", bad)
    clock.every(10 * MINUTE, "slow", Ticks())
    bad.broken = True
    for _ in range(2):
        now.advance(minutes=1)
        with capture_logs():
            await clock.tick("good")
            await clock.tick("bad")
    assert clock.dead() == []
    now.advance(seconds=GRACE.total_seconds() + 1)
    assert clock.dead() == ["bad"]
    bad.broken = False
    await clock.tick("bad")
    assert clock.dead() == []
    now.advance(minutes=25)
    assert clock.dead() == ["good", "bad", "slow"]


async def test_after_the_machine_has_slept_no_loop_is_dead() -> None:
    now = StillClock()
    clock, good, bad = Clock(now), Ticks(), Ticks()
    clock.every(MINUTE, "good", good)
    clock.every(MINUTE, "bad", bad)
    bad.broken = True
    now.advance(hours=8)
    with capture_logs():
        await clock.tick("bad")  # whichever wakes up first
        assert clock.dead() == []
        for _ in range(7):  # but one that fails from then on is
            now.advance(minutes=1)
            await clock.tick("good")
            await clock.tick("bad")
    assert clock.dead() == ["bad"]


async def test_an_error_is_logged_with_the_name_of_the_loop() -> None:
    clock, ticks = Clock(StillClock()), Ticks()
    clock.every(MINUTE, "fragile", ticks)
    ticks.broken = True
    with capture_logs() as logs:
        await clock.tick("fragile")
    (line,) = logs
    assert (line["event"], line["loop"], line["log_level"]) == ("tick failed", "fragile", "error")
    assert line["exc_info"]


async def test_the_scheduler_keeps_ticking_a_loop_that_fails() -> None:
    clock, ticks = Clock(StillClock()), Ticks()
    ticks.broken = True
    clock.every(timedelta(seconds=0.02), "fragile", ticks)
    with capture_logs():
        clock.start()
        async with asyncio.timeout(10):
            while ticks.count < 3:
                ticks.ticked.clear()
                await ticks.ticked.wait()
        await clock.stop()
    await clock.stop()  # twice is harmless


async def test_a_start_gives_every_loop_its_time() -> None:
    now = StillClock()
    clock = Clock(now)
    clock.every(MINUTE, "loop", Ticks())
    now.advance(hours=1)  # a slow start
    clock.start()
    assert clock.dead() == []
    await clock.stop()


async def test_two_ticks_of_a_loop_come_one_after_the_other() -> None:
    clock, under_way, most = Clock(StillClock()), 0, 0

    async def tick() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    clock.every(MINUTE, "loop", tick)
    await asyncio.gather(*(clock.tick("loop") for _ in range(3)))
    assert most == 1
