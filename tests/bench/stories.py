"""(g) From a story's slot to the story being live, with a Meta that needs no time at all: what is
Reelay's own, and what is the wait before a container may be looked at.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from sandbox.world import World
from services.clock import utc_now
from services.jobs.engine import Job
from services.stories import machine
from services.stories.machine import State
from services.stories.publishing import Publishing
from storage import stories, story_items
from storage.stories import Story
from tests.bench.table import Result
from tests.sandbox.graph.files import jpeg
from tests.support.harness import Harness

STORIES = 30
BEGIN = timedelta(seconds=3)
APART = timedelta(seconds=0.7)  # no multiple of any loop's period: each meets it elsewhere
PATIENCE = 120.0
NOTHING = timedelta(0)
# what the machine itself prescribes between a container and the first look at it
_FRESH = machine.Publication(State.PREPARING, utc_now(), utc_now())
FIRST_LOOK = machine.after_create(_FRESH, "1", _FRESH.due_at).next_at - _FRESH.due_at


@dataclass(frozen=True, slots=True)
class Way:
    """Seconds."""

    start: float
    container: float
    look: float
    published: float
    total: float


async def run(world: World) -> Result:
    with tempfile.TemporaryDirectory(prefix="reelay-bench-") as made:
        bot = Harness(Path(made), world, INSTAGRAM_POSTS_PER_HOUR="100")
        async with _jobs() as jobs, bot as harness:
            meta = harness.sandbox.meta
            meta.containers.processing = (NOTHING, NOTHING)
            ids = await _prepare(harness, Path(made))
            rows = await _published(harness, ids)
            twice = meta.published_twice()
    ways = [_way(row, jobs[row.id]) for row in rows if row.state == State.PUBLISHED]
    missed = []
    if len(ways) < len(ids):
        missed.append(f"{len(ids) - len(ways)} of {len(ids)} stories are not live")
    if twice:
        missed.append(f"{len(twice)} are live twice")
    own = [way.total - FIRST_LOOK.total_seconds() for way in ways]
    table = [
        _row("slot due -> job begins (loop every 2 s)", [way.start for way in ways]),
        _row("-> container (file copied, container made)", [way.container for way in ways]),
        _row("-> first look (Meta's waiting, and the loop)", [way.look for way in ways]),
        _row("-> live (looked, quota, committed, published)", [way.published for way in ways]),
        _row("slot due -> live", [way.total for way in ways]),
        _row(f"  without Meta's waiting of {FIRST_LOOK.seconds} s", own),
    ]
    notes = [
        f"{len(ways)} photos, one every {APART.total_seconds()} s, in one process with all loops",
        f"after a container: {FIRST_LOOK.seconds} s before it is looked at; then, were it not "
        "ready, 5, 10, 20, 30, 60 s …",
    ]
    return Result(
        "(g) Slot to live story", ("", "median s", "p95 s", "most s"), table, notes, missed
    )


def _row(name: str, seconds: Sequence[float]) -> tuple[str, ...]:
    p95 = quantiles(seconds, n=20)[-1]
    return name, f"{median(seconds):.2f}", f"{p95:.2f}", f"{max(seconds):.2f}"


def _way(row: Story, begun: Sequence[datetime]) -> Way:
    """`begun`: its jobs. The first made the container, the last published it."""
    assert row.container_made_at
    assert row.ended_at
    moments = (row.due_at, begun[0], row.container_made_at, begun[-1], row.ended_at)
    start, container, look, published = (
        (after - before).total_seconds() for before, after in pairwise(moments)
    )
    total = (row.ended_at - row.due_at).total_seconds()
    return Way(start, container, look, published, total)


@asynccontextmanager
async def _jobs() -> AsyncIterator[dict[int, list[datetime]]]:
    """When each job began, by its story."""
    begun: dict[int, list[datetime]] = defaultdict(list)
    work = Publishing.work

    async def watched(self: Publishing, job: Job) -> bool:
        begun[job.row].append(utc_now())
        return await work(self, job)

    Publishing.work = watched  # type: ignore[method-assign]
    try:
        yield begun
    finally:
        Publishing.work = work  # type: ignore[method-assign]


async def _prepare(harness: Harness, folder: Path) -> list[int]:
    """Mia, connected at Meta, with a file for each of her next slots."""
    mia = await harness.owner()
    app = harness.app
    await app.meta.logins.paste(mia.user_id, harness.sandbox.meta.instagram_token("mia"))
    account = await app.stories.accounts.one(mia.user_id)
    made, now = [], harness.clock()
    for number in range(STORIES):
        key, given = f"stories/bench-{number}", folder / "given"
        given.write_bytes(jpeg() + str(number).encode())
        await app.objects.adopt(given, key)
        due = now + BEGIN + number * APART
        async with app.database.write() as db:
            item = await story_items.add(
                db,
                account.id,
                now,
                kind="photo",
                source="chat",
                name=f"bench {number}",
                sha256=f"{number:064x}",
                original_key=key,
                state="ready",
            )
            await story_items.change(db, item, fitted_key=key)
            story = await stories.make(
                db,
                account.id,
                item,
                now,
                state=State.SCHEDULED,
                mode="automatic",
                due_at=due,
                next_at=due,
            )
        assert story
        made.append(story)
    return made


async def _published(harness: Harness, ids: Sequence[int]) -> list[Story]:
    """Once all are live, or no patience is left."""
    ends = asyncio.get_running_loop().time() + PATIENCE
    while True:
        async with harness.app.database.read() as db:
            found = [await stories.get(db, number) for number in ids]
        rows = [row for row in found if row]
        late = asyncio.get_running_loop().time() > ends
        if late or all(row.state == State.PUBLISHED for row in rows):
            return rows
        await asyncio.sleep(1)
