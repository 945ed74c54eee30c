"""The object store: media bytes by key. One interface; a local folder today.

Called by services.importing (put), services.accounts (read, delete). Blocking disk work runs in
threads. Errors: OSError (disk full, no permission), KeyError for a key that leads out of the store.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


class ObjectStore:
    """Files below `root`; a key such as "instagram/3900…/0.mp4" is a path inside it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.incoming = self.root / ".incoming"  # part files, on the same disk

    def path(self, key: str) -> Path:
        """Where the object lies. Errors: KeyError if the key would leave the store."""
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root) or path == self.root:
            raise KeyError(key)
        return path

    async def adopt(self, part: Path, key: str) -> None:
        """Moves a finished part file into the store: there whole, or not at all.

        When it returns, or raises, nothing happens any more: a thread can't be cancelled.
        """
        await to_the_end(asyncio.to_thread(self._adopt, part, self.path(key)))

    @staticmethod
    def _adopt(part: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)

    async def delete(self, key: str) -> None:
        path = self.path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self.path(key).is_file)

    async def part(self, name: str) -> Path:
        """The path of a part file of this name; its folder is there."""
        await asyncio.to_thread(self.incoming.mkdir, parents=True, exist_ok=True)
        return self.incoming / name

    async def parts(self, prefix: str) -> list[Path]:
        """The part files whose names begin so, of work under way or left behind."""
        return await asyncio.to_thread(lambda: list(self.incoming.glob(f"{prefix}*")))

    async def free_share(self) -> float:
        """Share of the disk that is free, 0 to 1."""
        await asyncio.to_thread(self.root.mkdir, parents=True, exist_ok=True)
        usage = await asyncio.to_thread(shutil.disk_usage, self.root)
        return usage.free / usage.total


async def to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Awaits it to its end even if the caller is cancelled meanwhile, and only then lets go.

    For what can't be taken back half-way: a move in a thread, a commit that is on its way.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
