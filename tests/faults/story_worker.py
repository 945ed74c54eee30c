"""A process that publishes stories, and dies at the await that it was told. Used by stories.py.

It runs the real services on a clock that it shares with the stand-ins, and waits for nothing: when
no step is due, it moves the clock.
"""

from __future__ import annotations

import asyncio
import encodings.idna
import gc
import json
import os
import signal
import struct
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import aiosqlite
import anyio._backends._asyncio
import cloudinary.api
import cloudinary.uploader
import httpcore
import httpx
import structlog

from sandbox.cloudinary.server import API_KEY, API_SECRET, CLOUD
from services.graph.public.cloud import Cloud, CloudinaryFiles
from services.stories import machine
from services.stories.machine import State
from services.stories.rows import publication_of
from storage import stories
from storage.database import Database
from storage.stories import Story
from storage.vault import Secret
from tests.faults.story_chat import StoryChat
from tests.services.stories.stage import Stage, addresses_of

# imported here, before the fork, and not after each one
__all__ = ["aiosqlite", "anyio", "cloudinary", "encodings", "httpcore"]

Result = TypeVar("Result")
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CERTIFICATES = httpx.create_ssl_context()  # also before the fork: it takes 30 ms
TURNS = 400
OPEN = (State.SCHEDULED, *machine.AT_WORK)
HALF_A_DAY = timedelta(hours=12)
OUTAGE = timedelta(seconds=3)  # of Telegram, after the publication


class SharedClock:
    """Seconds after START, in a file of eight bytes that several processes map."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._bytes = mmap(file.fileno(), 8)

    def __call__(self) -> datetime:
        return START + timedelta(seconds=struct.unpack("d", self._bytes[:8])[0])

    def set(self, at: datetime) -> None:
        self._bytes[:8] = struct.pack("d", (at - START).total_seconds())


@dataclass(frozen=True, slots=True)
class Order:
    """`kill_at`: dies at this await, counted from 1; None: at none. `late`: not when it begins to
    wait, but when what it waited for is there. The number of awaits is left in `counted`.
    `alone`: no other process is at work, so a day may go by at the end. `telegram`: where its API
    is; "": nobody is told anything."""

    url: str
    folder: Path
    addresses: dict[str, str]
    cloud: str
    key: str
    clock: Path
    counted: Path
    kill_at: int | None = None
    late: bool = False
    alone: bool = True
    telegram: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """Awaits of a worker: until its stories had ended and were told of, and with the day after."""

    publication: int
    day: int

    @classmethod
    def read(cls, path: Path) -> Counted:
        return cls(*json.loads(path.read_text()))


class Awaits:
    """Drives coroutines as the event loop does, and counts where they give way."""

    def __init__(self, kill_at: int | None, *, late: bool) -> None:
        self._kill_at = kill_at
        self._late = late
        self.count = 0

    async def of(self, work: Coroutine[Any, Any, Result]) -> Result:
        return await _Driven(self._drive(work))

    def _drive(self, work: Coroutine[Any, Any, Result]) -> Generator[Any, Any, Result]:
        error: BaseException | None = None
        while True:
            try:
                waits_for = work.throw(error) if error else work.send(None)
            except StopIteration as end:
                return cast(Result, end.value)
            self.count += 1
            self._die(late=False)
            try:
                yield waits_for
                error = None
            except BaseException as met:  # noqa: BLE001 - handed on to whom it is meant for
                error = met
            self._die(late=True)

    def _die(self, *, late: bool) -> None:
        if self.count == self._kill_at and late is self._late:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class _Driven(Generic[Result]):
    driver: Generator[Any, Any, Result]

    def __await__(self) -> Generator[Any, Any, Result]:
        return self.driver


def main(order: Order) -> None:
    gc.disable()  # it would copy what the fork shares, in a process that soon ends
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asyncio.run(_run(order))


async def _run(order: Order) -> None:
    clock = SharedClock(order.clock)
    database = Database(order.url)
    async with httpx.AsyncClient(trust_env=False, verify=CERTIFICATES) as http:
        public = CloudinaryFiles(Cloud(CLOUD, API_KEY, Secret(API_SECRET), order.cloud))
        stage = Stage(
            database,
            order.folder,
            addresses_of(order.addresses),
            public,
            http,
            clock,
            key=order.key,
        )
        chat = StoryChat(stage, order.telegram, CERTIFICATES) if order.telegram else None
        awaits = Awaits(order.kill_at, late=order.late)
        await _to_the_end(stage, clock, awaits, chat)
        if chat:
            await _tell(chat, clock, awaits)
        publication = awaits.count
        if order.alone:
            await awaits.of(_a_day_later(stage, clock))
        if chat:
            await chat.close()
    order.counted.write_text(json.dumps([publication, awaits.count]))
    await database.close()


async def _to_the_end(
    stage: Stage, clock: SharedClock, awaits: Awaits, chat: StoryChat | None
) -> None:
    """Until nothing happens any more without a person."""
    await awaits.of(stage.reconcile())
    for _ in range(TURNS):
        async with stage.database.read() as db:
            open_ = await stories.due(db, OPEN, clock() + timedelta(days=30), 100)
        waiting = [story for story in open_ if not _wants_a_person(story, clock())]
        if not waiting:
            break
        if chat:
            await awaits.of(chat.deliver())
        scheduled = any(story.state == State.SCHEDULED for story in waiting)
        turn = stage.deciding.turn if scheduled else stage.turn
        if not await awaits.of(turn()):
            await _wait(waiting, clock)


async def _tell(chat: StoryChat, clock: SharedClock, awaits: Awaits) -> None:
    """Until everything is said, or for as long as Telegram is away."""
    ends = clock() + OUTAGE
    while clock() < ends and (at := await chat.next_at()):
        clock.set(max(clock(), at))
        await awaits.of(chat.deliver())


async def _wait(waiting: list[Story], clock: SharedClock) -> None:
    soonest = min(story.next_at for story in waiting)
    if all(story.state == "unknown" for story in waiting):
        clock.set(clock() + HALF_A_DAY)
    elif soonest > clock():
        clock.set(soonest)
    else:  # another process is at it
        await asyncio.sleep(0.01)


async def _a_day_later(stage: Stage, clock: SharedClock) -> None:
    await stage.deciding.ask_in_doubt()
    await stage.aftercare.name()
    await stage.aftercare.clear()
    clock.set(clock() + timedelta(hours=25))
    await stage.aftercare.clear()
    await stage.aftercare.sweep()


def _wants_a_person(story: Story, now: datetime) -> bool:
    return machine.wants_a_person(publication_of(story), now)
