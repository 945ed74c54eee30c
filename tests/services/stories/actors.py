"""What the real services stand between in test_two_actors.py: a Meta that answers when it is told
to, and workers that wait for it."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from services.graph.account import Container, ContainerStatus, LiveStory, Quota
from services.graph.public import Mime, PublicUrl
from services.graph.wire import Flavour


@dataclass
class Made:
    """A container at Meta. `effects`: when the requests to publish it that it took do so."""

    status: ContainerStatus
    live: bool = False
    effects: list[datetime] = field(default_factory=list)


@dataclass
class Call:
    """That a worker waits for. `container`: "" for a new one."""

    what: str  # create | look | publish
    container: str
    answer: asyncio.Future[Any]


class Worker:
    """A job of a process of its own, and where it waits. `run`: the story's, which it owns as long
    as the row has it."""

    def __init__(self, run: int = 0) -> None:
        self.run = run
        self.task: asyncio.Task[bool]
        self.call: Call | None = None
        self.waits = asyncio.Event()

    async def ask(self, what: str, container: str = "") -> Any:
        self.call = Call(what, container, asyncio.get_running_loop().create_future())
        self.waits.set()
        return await self.call.answer


class Account:
    """At Meta, as Publishing uses it, in the hands of one worker."""

    flavour = Flavour.INSTAGRAM

    def __init__(self, worker: Worker) -> None:
        self._ask = worker.ask

    async def quota(self) -> Quota:
        return Quota(0, 50)

    async def stories(self) -> list[LiveStory]:
        return []

    async def create_image_story(self, _url: str) -> str:
        return cast(str, await self._ask("create"))

    async def container(self, container_id: str) -> Container:
        return cast(Container, await self._ask("look", container_id))

    async def publish(self, container_id: str) -> str:
        return cast(str, await self._ask("publish", container_id))


class Hosting:
    """Where files are public."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def put(self, _file: Path, _mime: Mime) -> PublicUrl:
        return PublicUrl(f"copy-{next(self._numbers)}", "https://cdn.example/x", None)

    async def delete(self, public_id: str) -> None: ...

    async def sweep(self, _before: datetime) -> int:
        return 0


@dataclass
class Logins:
    account: Account

    async def open(self, _meta_id: int | None) -> Account:
        return self.account
