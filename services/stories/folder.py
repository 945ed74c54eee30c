"""The watched folder: files that are dropped into library/<category>/ below DATA_DIR come into the
library of the bot's owner, those in library/<account>/<category>/ into that of this account. Called
by the clock, in one process.

A file is taken once it has stayed the same for two looks, and leaves the folder only when it is
stored. One that can't be taken stays where it is, is named once, and keeps no other one waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from services.clock import Now
from services.errors import ReelayError
from services.stories.accounts import Accounts, category_named
from services.stories.arrivals import Arrivals
from storage import notices, people
from storage.database import Database, Unavailable
from storage.story_accounts import StoryAccount

log = structlog.get_logger()

PHOTOS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp"})
VIDEOS = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".3gp"})
HALF = (".part", ".tmp", ".crdownload", ".download")  # what others write to before they rename
AT_ONCE = 20  # files of one look
AGAIN = timedelta(minutes=10)  # until what failed is tried once more
DEPTH = 3  # library/<account>/<category>/file
MAX_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was at one look; any change makes it another one."""

    path: Path
    folders: tuple[str, ...]  # between the watched one and the file, two at most
    size: int
    changed_ns: int
    inode: int


class WatchedFolder:
    def __init__(
        self, database: Database, accounts: Accounts, arrivals: Arrivals, root: Path, now: Now
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._arrivals = arrivals
        self._root = root
        self._now = now
        self._last: set[_Seen] = set()
        self._left: dict[_Seen, datetime | None] = {}  # until when; None: for as long as it is so

    async def look(self) -> int:
        """Takes what has stayed the same since the last look; returns how many."""
        found = await asyncio.to_thread(lambda: set(_files(self._root)))
        self._left = {one: until for one, until in self._left.items() if one in found}
        steady = [one for one in found & self._last if not self._is_left(one)]
        steady.sort(key=lambda one: (one in self._left, one.path))  # what is new goes first
        self._last = found
        if not steady:
            return 0
        async with self._database.read() as db:
            owner = await people.owner(db)
        if owner is None:
            return 0
        accounts = await self._accounts.of_user(owner.id)
        placed = [(one, place) for one in steady if (place := place_of(one.folders, accounts))]
        return sum([await self._take(*place, one) for one, place in placed[:AT_ONCE]])

    def _is_left(self, seen: _Seen) -> bool:
        until = self._left.get(seen, self._now())
        return until is None or until > self._now()

    async def _take(self, account: StoryAccount, category: str, seen: _Seen) -> bool:
        if why := _refused(seen):
            self._left[seen] = None
            await self._name(account, seen, why)
            return False
        try:
            await self._bring(account, category, seen)
        except Unavailable:
            raise
        except ReelayError as error:
            why = error.message
        except OSError as error:  # of the folder: no permission, a disk that fails
            log.warning("a file in the library folder can't be read", error=str(error))
            why = "it can't be read: check its permissions"
        if why:
            self._left[seen] = self._now() + AGAIN
            await self._name(account, seen, why)
            return False
        return await self._clear(account, seen)

    async def _clear(self, account: StoryAccount, seen: _Seen) -> bool:
        """It is stored now. One that may not be removed is let be, or it would be copied at every
        look, and come back whenever somebody removes it from the library."""
        try:
            await asyncio.to_thread(_remove, seen)
        except OSError as error:
            log.warning("a file in the library folder can't be removed", error=str(error))
            self._left[seen] = None
            await self._name(account, seen, "its permissions don't let me remove it", stored=True)
        return True

    async def _bring(self, account: StoryAccount, category: str, seen: _Seen) -> None:
        """Errors: OSError, ReelayError."""
        category_id = None
        if category:
            async with self._database.write() as db:
                category_id = (await category_named(db, account.id, category)).id
        kind = "photo" if seen.path.suffix.lower() in PHOTOS else "video"
        arrival = await self._arrivals.begin(
            account.user_id,
            account.id,
            name=seen.path.name.encode("utf-8", "replace").decode(),
            kind=kind,
            source="folder",
            category_id=category_id,
        )
        part = await self._arrivals.part(arrival)
        try:
            await asyncio.to_thread(_copy, seen, part)
        except OSError:
            await self._arrivals.give_up(arrival)
            raise
        await self._arrivals.arrive(arrival, part)

    async def _name(
        self, account: StoryAccount, seen: _Seen, why: str, *, stored: bool = False
    ) -> None:
        which = f"{seen.path}:{seen.size}:{seen.changed_ns}".encode("utf-8", "replace")
        async with self._database.write() as db:
            await notices.add(
                db,
                account.user_id,
                "story_folder",
                self._now(),
                once=f"folder-{hashlib.sha256(which).hexdigest()[:24]}",
                name="/".join([*seen.folders, seen.path.name])
                .encode("utf-8", "replace")
                .decode()[:200],
                why=why,
                stored=stored,
            )


def place_of(
    folders: tuple[str, ...], accounts: list[StoryAccount]
) -> tuple[StoryAccount, str] | None:
    """(account, category), "" for none. A first folder with the name of a connected account, with
    or without its @, is that one's; else all is the first account's. None: it lies too deep. Pure.
    """
    if folders:
        wanted = folders[0].removeprefix("@").casefold()
        for account in accounts:
            if account.identity and account.name.removeprefix("@").casefold() == wanted:
                return account, "".join(folders[1:])
    return (accounts[0], "".join(folders)) if len(folders) < 2 else None


def _refused(seen: _Seen) -> str:
    """ "" for one that may be taken."""
    if seen.path.suffix.lower() not in PHOTOS | VIDEOS:
        return "it is neither a photo nor a video"
    if seen.size > MAX_BYTES:
        return f"it has more than {MAX_BYTES // 1_000_000} MB"
    return "" if seen.size else "it is empty"


def _files(root: Path) -> Iterator[_Seen]:
    """Of the folder and of those in it, two deep; no links, for they lead elsewhere."""
    level = _inside(root)
    for _ in range(DEPTH):
        for path in level:
            with contextlib.suppress(OSError):  # it goes away in this very moment
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and not path.name.endswith(HALF):
                    folders = path.relative_to(root).parts[:-1]
                    yield _Seen(path, folders, found.st_size, found.st_mtime_ns, found.st_ino)
        level = [one for folder in level for one in _inside(folder)]


def _inside(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    with contextlib.suppress(OSError):
        return sorted(one for one in folder.iterdir() if not one.name.startswith((".", "~")))
    return []


def _copy(seen: _Seen, part: Path) -> None:
    """Errors: OSError, also if it changes meanwhile."""
    try:
        shutil.copyfile(seen.path, part, follow_symlinks=False)
        if not _is_same(seen) or part.stat().st_size != seen.size:
            raise OSError("it changed while it was read")
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _remove(seen: _Seen) -> None:
    """Only the very file that was stored: somebody may just have put another one there. Should we
    be killed before, it is known by its bytes next time. Errors: OSError."""
    if _is_same(seen):
        seen.path.unlink()


def _is_same(seen: _Seen) -> bool:
    found = os.lstat(seen.path)
    same = (seen.size, seen.changed_ns, seen.inode)
    return (found.st_size, found.st_mtime_ns, found.st_ino) == same
