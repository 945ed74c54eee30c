"""The stories' library on a database and a disk, with an owner, a queue and no media process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from services.jobs.engine import Engine, Job
from services.media.runner import MediaRunner
from services.stories.accounts import Accounts
from services.stories.arrivals import Added, Arrival, Arrivals
from services.stories.fit import FitJob, fit_job
from services.stories.folder import WatchedFolder
from services.stories.library import StoryLibrary
from storage import story_items
from storage.database import Database
from storage.objects import LocalObjects
from storage.story_items import StoryItem
from storage.tables import library_items, notices
from tests.support import rows
from tests.support.clock import StillClock

LOOK, NEAR, OTHER = "f" * 64, "f" * 60 + "0000", "0123456789abcdef" * 4


class Queue:
    """The part of the engine that the library knows."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def enqueue(self, job: Job) -> None:
        self.jobs.append(job)


class Fitter:
    """In place of the media process: says what it was told to say."""

    def __init__(self) -> None:
        self.look = LOOK
        self.refuses: dict[str, Any] | None = None
        self.fails: BaseException | None = None

    async def run(self, _task: str, arguments: Mapping[str, str], **_: object) -> dict[str, Any]:
        if self.fails:
            raise self.fails
        if self.refuses:
            return {"refused": self.refuses}
        Path(arguments["target"]).write_bytes(b"fitted")  # noqa: ASYNC240 - a test
        Path(arguments["preview"]).write_bytes(b"both")  # noqa: ASYNC240
        made = {"ending": "jpg", "way": "redrawn", "notes": ["padded"], "looks": [self.look]}
        size = {"width": 1080, "height": 1920, "seconds": None, "bytes": 6, "sha256": "1"}
        source = {"source_width": 9, "source_height": 9, "source_seconds": None}
        hashed = {"source_bytes": 3, "source_sha256": "2"}
        return {"fitted": made | size | source | hashed}


class Desk:
    def __init__(self, folder: Path, database: Database) -> None:
        self.database, self.now, self.queue = database, StillClock(rows.NOW), Queue()
        self.objects = LocalObjects(folder / "media")
        self.fitter = Fitter()
        self.accounts = Accounts(database, self.now)
        self.arrivals = Arrivals(database, self.objects, cast("Engine", self.queue), self.now)
        self.library = StoryLibrary(database, self.objects, self.now, public_url="")
        self.job = FitJob(database, self.objects, cast("MediaRunner", self.fitter), self.now)
        self.root = folder / "library"
        self.folder = WatchedFolder(database, self.accounts, self.arrivals, self.root, self.now)
        self.account_id = 0

    async def arrival(self, name: str = "beach.jpg", source: str = "chat") -> Arrival:
        return await self.arrivals.begin(
            rows.MIA, self.account_id, name=name, kind="photo", source=source
        )

    async def bring(self, content: bytes = b"one", name: str = "beach.jpg") -> Added:
        arrival = await self.arrival(name)
        part = await self.arrivals.part(arrival)
        part.write_bytes(content)
        return await self.arrivals.arrive(arrival, part)

    async def fitted(self, content: bytes, look: str = LOOK) -> StoryItem:
        self.fitter.look = look
        added = await self.bring(content)
        await self.job.work(fit_job(added.item))
        return await self.item(added.item.id)

    async def item(self, item_id: int) -> StoryItem:
        async with self.database.read() as db:
            found = await story_items.get(db, item_id)
        assert found is not None
        return found

    async def set(self, item_id: int, **to: Any) -> None:
        async with self.database.write() as db:
            await story_items.change(db, item_id, **to)

    async def told(self) -> list[str]:
        async with self.database.read() as db:
            return list((await db.execute(sa.select(notices.c.kind))).scalars())

    async def states(self) -> list[str]:
        async with self.database.read() as db:
            query = sa.select(library_items.c.state).order_by(library_items.c.id)
            return list((await db.execute(query)).scalars())

    def stored(self) -> int:
        return sum(one.is_file() for one in (self.objects.root / "stories").rglob("*"))

    def drop(self, name: str, content: bytes = b"one") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path
