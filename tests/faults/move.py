"""SIGKILL at random moments of `reelay media move`: is every file still somewhere, and whole?

A library goes from a folder to a bucket (moto's S3, over HTTP), the old copy is cleaned away, and
it goes back, again and again, until as many kills as wanted have hit a move under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from storage import migrate
from storage.database import Database, sqlite_url
from storage.objects import LocalObjects
from tests.faults.table import Figure, equal, most, say
from tests.support.bucket import Bucket, RunningMoto, make_bucket
from tests.support.films import Archive
from tests.support.rows import MIA, person

FILMS = 40
BYTES = (10_000, 300_000)
LARGE = 12_000_000  # of every tenth film: several pieces
LONG_FILM = 200_000_000
KILLS_A_MOVE = 6
PATIENCE = 120.0


@dataclass(slots=True)
class Tally:
    moves: int = 0
    kills: int = 0
    half_way: int = 0  # kills that left something done and something to do
    lost: list[str] = field(default_factory=list)  # in neither store, at any moment
    touched: list[str] = field(default_factory=list)  # gone from the old store before --clean-old
    wrong: list[str] = field(default_factory=list)  # not whole in the new store at the end
    uncleaned: list[str] = field(default_factory=list)
    left: int = 0  # part files
    failed: list[str] = field(default_factory=list)  # moves that ended by themselves, but badly


@dataclass(frozen=True, slots=True)
class Place:
    """A store as the command line names it, and as it is seen from outside."""

    address: str
    options: str
    folder: Path | None
    bucket: Bucket | None

    def digests(self) -> dict[str, str]:
        """{object key: SHA-256} of what lies there, read past the product."""
        if self.bucket:
            found = {
                key.removeprefix("reelay/"): self.bucket.content(key)
                for key in self.bucket.listed()
            }
        else:
            assert self.folder
            found = {
                str(path.relative_to(self.folder)): path.read_bytes()
                for path in self.folder.rglob("*")
                if path.is_file() and ".incoming" not in path.parts
            }
        return {
            key: sha256(content).hexdigest()
            for key, content in found.items()
            if key.startswith("instagram/")  # a probe that a kill has left is no object of ours
        }


class Rig:
    def __init__(self, folder: Path, origin: str, rng: random.Random) -> None:
        self.data = folder / "data"
        self.films: dict[str, str] = {}
        self._rng = rng
        self._seconds: dict[str, float] = {}  # that an undisturbed phase takes
        media = folder / "media"
        bucket = make_bucket(origin)
        self.places = (
            Place(f"local:{media}", "", media, None),
            Place(bucket.address, bucket.options, None, bucket),
        )

    async def prepare(self, sizes: list[int]) -> None:
        self.data.mkdir(parents=True)
        await asyncio.to_thread(migrate.upgrade, sqlite_url(self.data / "reelay.db"))
        database = Database(sqlite_url(self.data / "reelay.db"))
        await person(database, MIA)
        assert self.places[0].folder
        archive = Archive(database, LocalObjects(self.places[0].folder))
        for number, size in enumerate(sizes):
            made = await archive.add(f"p{number}", size)
            self.films |= {key: sha256(content).hexdigest() for key, content in made.items()}
        await database.close()

    async def run(self, tally: Tally, old: Place, new: Place, kills: int) -> None:
        """One move with its cleaning, killed on the way; the two phases share the kills."""
        await self._phase(tally, old, new, kills - kills // 2, "--to")
        await self._phase(tally, old, new, kills // 2, "--from")
        there = new.digests()
        tally.wrong += [key for key, wanted in self.films.items() if there.get(key) != wanted]
        tally.uncleaned += old.digests()
        tally.moves += 1
        for place in self.places:
            if place.folder:
                tally.left += len(list((place.folder / ".incoming").glob("move-*")))
        tally.left += len(list((self.data / "incoming").glob("move-*")))

    async def _phase(self, tally: Tally, old: Place, new: Place, kills: int, flag: str) -> None:
        cleans = flag == "--from"
        present, other = (new, old) if cleans else (old, new)
        command = Command(
            (flag, other.address, *(["--clean-old"] if cleans else [])),
            {
                "DATA_DIR": str(self.data),
                "MEDIA_STORE": present.address,
                "MEDIA_STORE_OPTIONS": present.options,
                "MEDIA_STORE_TO_OPTIONS": other.options,
                "MEDIA_STORE_FROM_OPTIONS": other.options,
            },
        )
        for _ in range(kills):
            if not await command.killed(self._rng.uniform(0, self._seconds[flag])):
                break  # it was done before
            tally.kills += 1
            self._look(tally, old, new, cleans=cleans)
        took, failed = await command.finished()
        if failed:
            tally.failed.append(failed)
        if flag not in self._seconds:
            say(f"undisturbed {flag}: {took:.1f} s")
        self._seconds.setdefault(flag, took)

    def _look(self, tally: Tally, old: Place, new: Place, *, cleans: bool) -> None:
        """What every moment must show."""
        before, after = old.digests(), new.digests()
        for key, wanted in self.films.items():
            if wanted not in (before.get(key), after.get(key)):
                tally.lost.append(key)
            if not cleans and before.get(key) != wanted:
                tally.touched.append(key)
        changing = before if cleans else after
        tally.half_way += 0 < len(changing) < len(self.films)


@dataclass(frozen=True, slots=True)
class Command:
    """`reelay media move` as a process of its own."""

    arguments: tuple[str, ...]
    settings: Mapping[str, str]

    async def killed(self, moment: float) -> bool:
        """SIGKILL so many seconds after its first word. False: it had ended by then."""
        process = await self._start()
        assert process.stdout
        await process.stdout.readline()
        try:
            async with asyncio.timeout(moment):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return True
        return False

    async def finished(self) -> tuple[float, str]:
        """(seconds from its first word to its end, what it said if it failed)"""
        process = await self._start()
        assert process.stdout
        async with asyncio.timeout(PATIENCE):
            first = await process.stdout.readline()
            began = time.monotonic()
            rest, _ = await process.communicate()
        said = (first + rest).decode(errors="replace")[-500:]
        return time.monotonic() - began, said if process.returncode else ""

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._line, env=self._environment, stdout=PIPE, stderr=STDOUT
        )

    async def peak(self) -> float:
        """MB of memory that it had at most. What wait4 would say begins at this process's own."""
        process = await self._start()
        highest = 0.0
        while process.returncode is None:
            highest = max(highest, _high_water(process.pid))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await process.wait()
        return highest

    @property
    def _line(self) -> tuple[str, ...]:
        return (sys.executable, "-m", "bot", "media", "move", *self.arguments)

    @property
    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**inherited, **self.settings}


def _high_water(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    return 0.0  # it has just ended


async def _peak(folder: Path, origin: str, size: int) -> float:
    """MB of memory for moving one film of this size to a bucket."""
    made = Rig(folder, origin, random.Random(0))
    await made.prepare([size])
    old, new = made.places
    settings = {
        "DATA_DIR": str(made.data),
        "MEDIA_STORE": old.address,
        "MEDIA_STORE_TO_OPTIONS": new.options,
    }
    return await Command(("--to", new.address), settings).peak()


async def run(runs: int, seed: int) -> list[Figure]:
    rng, tally = random.Random(seed), Tally()
    with RunningMoto() as origin, tempfile.TemporaryDirectory(prefix="reelay-move-") as name:
        folder = Path(name)
        made = Rig(folder, origin, rng)
        await made.prepare([LARGE if n % 10 == 0 else rng.randint(*BYTES) for n in range(FILMS)])
        old, new = made.places
        await made.run(tally, old, new, 0)
        while tally.kills < runs:
            old, new = new, old
            before = tally.kills
            await made.run(tally, old, new, min(KILLS_A_MOVE, runs - tally.kills))
            say(f"move {tally.moves} to {new.address[:8]}…: {tally.kills - before} kills")
        small = await _peak(folder / "small", origin, 1_000_000)
        large = await _peak(folder / "large", origin, LONG_FILM)
    for line in (*tally.lost, *tally.touched, *tally.wrong, *tally.uncleaned, *tally.failed):
        say(f"BAD {line}")
    part = "media move"
    return [
        Figure(part, "SIGKILLs", str(tally.kills), f">= {runs}", tally.kills >= runs),
        Figure(part, "of them with a move half done", str(tally.half_way), "", True),
        Figure(part, "moves, there and back", str(tally.moves), "", True),
        equal(part, f"of {len(made.films)} files in neither store, ever", len(tally.lost), 0),
        equal(part, "touched before --clean-old", len(tally.touched), 0),
        equal(part, "not whole at the end", len(tally.wrong), 0),
        equal(part, "still in the old store", len(tally.uncleaned), 0),
        equal(part, "part files left behind", tally.left, 0),
        equal(part, "moves that failed by themselves", len(tally.failed), 0),
        most(part, f"memory for {LONG_FILM // 10**6} MB beyond 1 MB", large - small, 80, " MB"),
    ]
