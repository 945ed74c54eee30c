"""Moves all media from one object store to another. Called by the command line (bot/upkeep.py).

Nothing is remembered between two runs: what lies in the target with the right bytes is done,
whatever stopped the run before. The source is only read, until `clean` deletes from it what `copy`
has just proved to lie in the target.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from services.clock import Now
from services.errors import BadInput
from storage import exports, samples, story_items
from storage.database import Database
from storage.objects import ObjectStore, digest, file_digest

AT_ONCE = 4
PARTS = "move-"


@dataclass(slots=True)
class Moved:
    """Where a move stands. Of what could not be proved, nothing new is in the target."""

    total: int = 0
    proved: int = 0
    bytes: int = 0  # of what was proved
    copied: int = 0
    missing: list[str] = field(default_factory=list)  # neither store has it
    damaged: list[str] = field(default_factory=list)  # the only bytes are not those of the import


class Move:
    """`in_use`: Reelay works with the target now, so what it has there is the newer.

    `told` hears where the move stands, first and after each handful of objects. Errors of the
    methods: OSError of either store, Unavailable of the database.
    """

    def __init__(
        self,
        database: Database,
        source: ObjectStore,
        target: ObjectStore,
        now: Now,
        *,
        in_use: bool,
        told: Callable[[Moved], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._source = source
        self._target = target
        self._now = now
        self._in_use = in_use
        self._told = told
        self._proved: set[str] = set()

    async def copy(self) -> Moved:
        """Brings everything that the archive names to the target, and proves it by digest.

        Goes on until the archive names nothing new, so imports may run meanwhile.
        Errors: BadInput if both stores are one.
        """
        await self._differ()
        for left in await self._target.parts(PARTS):  # of a run that was killed
            left.unlink(missing_ok=True)
        moved = Moved()
        seen: dict[str, str | None] = {}
        while new := [one for one in (await self._named()).items() if one[0] not in seen]:
            seen.update(new)
            moved.total += len(new)
            self._told(moved)
            for batch in _batches(new):
                await self._together(batch, moved)
                self._told(moved)
        await self._forget(seen, moved)
        return moved

    async def clean(self) -> int:
        """Deletes from the source what `copy` has proved, and exports, which can be made anew.

        Nothing else: a Reelay that was not restarted may still be bringing files there.
        Returns how many objects there were.
        """
        await asyncio.to_thread(os.sync)  # a power cut must not take back what was just proved
        async with self._database.read() as db:
            zips = [key for _, keys in await exports.keys_before(db, self._now()) for key in keys]
        gone = 0
        for key in [*sorted(self._proved), *zips]:
            if await self._source.size(key) is not None:
                await self._source.delete(key)
                gone += 1
        return gone

    async def _named(self) -> dict[str, str | None]:
        """{object key: its SHA-256, None for what was derived from a file}"""
        async with self._database.read() as db:
            return dict([*await samples.all_keys(db), *await story_items.all_keys(db)])

    async def _differ(self) -> None:
        """Two addresses may mean one place, and cleaning would delete the only copy."""
        key = f"{PARTS}probe-{secrets.token_hex(8)}"
        part = await self._source.part(key)
        await asyncio.to_thread(part.write_bytes, key.encode())
        try:
            await self._source.adopt(part, key)
            if await self._target.size(key) is not None:
                raise BadInput("Both addresses mean the same place.", "Nothing was changed.")
        finally:
            part.unlink(missing_ok=True)
            await self._source.delete(key)

    async def _together(self, batch: Sequence[tuple[str, str | None]], moved: Moved) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for key, known in batch:
                    group.create_task(self._bring(key, known, moved))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _bring(self, key: str, known: str | None, moved: Moved) -> None:
        size, there = await self._source.size(key), await self._target.size(key)
        try:
            if there is not None and await self._is_right(key, known, in_source=size is not None):
                self._prove(key, there, moved)
            elif size is None:
                (moved.missing if there is None else moved.damaged).append(key)
            elif await self._carry(key, known, size):
                moved.copied += 1
                self._prove(key, size, moved)
            else:
                moved.damaged.append(key)
        except FileNotFoundError:  # its post was deleted in this very moment, or see _forget
            moved.missing.append(key)

    def _prove(self, key: str, size: int, moved: Moved) -> None:
        self._proved.add(key)
        moved.proved += 1
        moved.bytes += size

    async def _is_right(self, key: str, known: str | None, *, in_source: bool) -> bool:
        if known is None:
            if self._in_use or not in_source:
                return True  # only whole files are put there
            known = await digest(self._source, key)
        return await digest(self._target, key) == known

    async def _carry(self, key: str, known: str | None, size: int) -> bool:
        """False if the source has other bytes than it should.

        The part is read again, from the disk; the target compares what it makes of it.
        """
        wanted = known or await digest(self._source, key)
        part = await self._target.part(f"{PARTS}{secrets.token_hex(8)}")
        try:
            with await asyncio.to_thread(part.open, "wb") as file:
                async for piece in self._source.read(key, 0, size):
                    await asyncio.to_thread(file.write, piece)
            if await asyncio.to_thread(file_digest, part) != wanted:
                return False
            await self._target.adopt(part, key)
        finally:
            part.unlink(missing_ok=True)
        return True

    async def _forget(self, seen: dict[str, str | None], moved: Moved) -> None:
        """What was deleted from the archive meanwhile is no loss, and its copy must go too."""
        named = await self._named()
        for key in seen.keys() - named.keys():
            await self._target.delete(key)
        moved.missing = [key for key in moved.missing if key in named]
        moved.damaged = [key for key in moved.damaged if key in named]


def _batches(
    items: Sequence[tuple[str, str | None]],
) -> Iterator[Sequence[tuple[str, str | None]]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
