"""Work that many ask for at the same moment and that is done once. Used by services.feed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Once(Generic[Key, Made]):
    """Who asks while the same key is being made waits for that, and gets its result or error."""

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Made]] = {}

    async def do(self, key: Key, make: Callable[[], Awaitable[Made]]) -> Made:
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._run(key, make))
            self._running[key] = task
        return await asyncio.shield(task)  # one who hangs up does not take it from the others

    async def _run(self, key: Key, make: Callable[[], Awaitable[Made]]) -> Made:
        try:
            return await make()
        finally:
            del self._running[key]
