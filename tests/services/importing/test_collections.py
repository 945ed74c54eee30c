"""What is due when, who may do what, and what a changed filter means for an open question."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import BadInput, NotAllowed
from services.importing.collections import Collections
from services.importing.service import AlreadyRunning, Importing
from services.jobs.engine import Job
from storage import connections, import_items, importing, people
from storage.database import Database
from storage.import_items import NewItem
from storage.people import User
from tests.support.clock import StillClock
from tests.support.databases import database, sqlite_url
from tests.support.rows import LEO, MIA, MadeImport, an_import, connection, person

__all__ = ["database", "sqlite_url"]

START = datetime(2026, 3, 25, 8, 15, tzinfo=UTC)  # four days before clocks change in Europe


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


class Queue:
    """The engine as far as it is needed: what was handed to it."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.dead = False

    async def enqueue(self, job: Job) -> None:
        if self.dead:
            raise RuntimeError("killed between the row and the queue")
        self.jobs.append(job)


class Desk:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = StillClock(START)
        self.queue = Queue()
        self.collections = Collections(database, self.queue, self.clock, post_limit=500)  # type: ignore[arg-type]
        self.importing = Importing(database, self.queue, self.clock, post_limit=500)  # type: ignore[arg-type]

    async def user(self, user_id: int = MIA) -> User:
        async with self.database.read() as db:
            user = await people.get(db, user_id)
        assert user
        return user

    async def imported(self, key: str = "collection:1", user_id: int = MIA) -> MadeImport:
        """A collection with an import that is done."""
        made = await an_import(self.database, user_id, key=key)
        async with self.database.write() as db:
            await connections.change(
                db, made.connection_id, START, status="active", secret=b"x", fingerprint="7f"
            )
            await importing.move(
                db, made.id, START, from_states=["running"], state="done", ended_at=START
            )
        return made

    async def daily(self) -> MadeImport:
        made = await self.imported()
        assert await self.collections.refresh(await self.user(), made.collection_id, "daily")
        return made

    async def next_at(self, collection_id: int) -> datetime:
        at = (await self.collections.view(MIA, collection_id)).collection.refresh_at
        assert at
        return at

    async def ends(self, import_id: int) -> None:
        async with self.database.write() as db:
            await importing.move(
                db, import_id, self.clock(), from_states=["running"], state="done",
                ended_at=self.clock(),
            )  # fmt: skip


@pytest.fixture
async def desk(database: Database) -> Desk:
    await person(database, MIA, balance=50)
    await person(database, LEO)
    async with database.write() as db:
        await people.change(db, MIA, zone="Europe/Berlin")
    return Desk(database)


# ---------------------------------------------------------------- when


async def test_it_keeps_the_time_of_the_persons_day(desk: Desk) -> None:
    """09:15 in Berlin, also after the night in which clocks change."""
    made = await desk.daily()
    for day in range(1, 7):
        desk.clock.advance(days=1)
        at = await desk.next_at(made.collection_id)
        assert at == datetime(2026, 3, 25 + day, 8 if day < 4 else 7, 15, tzinfo=UTC)
        await desk.collections.start_due()
        assert len(desk.queue.jobs) == day
        await desk.ends(desk.queue.jobs[-1].row)
    assert [(job.kind, job.run, job.part) for job in desk.queue.jobs] == [("import", 1, 0)] * 6


async def test_it_is_not_due_before_and_a_second_tap_moves_nothing(desk: Desk) -> None:
    made = await desk.daily()
    at = await desk.next_at(made.collection_id)
    desk.clock.advance(hours=23, minutes=59)
    assert not await desk.collections.refresh(await desk.user(), made.collection_id, "daily")
    await desk.collections.start_due()
    assert (desk.queue.jobs, await desk.next_at(made.collection_id)) == ([], at)
    assert await desk.collections.refresh(await desk.user(), made.collection_id, "never")
    desk.clock.advance(days=2)
    await desk.collections.start_due()
    assert desk.queue.jobs == []


async def test_days_of_downtime_are_one_catch_up(desk: Desk) -> None:
    made = await desk.daily()
    desk.clock.advance(days=9, hours=3)
    for _ in range(3):
        await desk.collections.start_due()
    assert len(desk.queue.jobs) == 1
    left = await desk.next_at(made.collection_id) - desk.clock()
    assert timedelta(0) < left < timedelta(days=1)


async def test_several_clocks_at_once_start_it_once(desk: Desk) -> None:
    await desk.daily()
    desk.clock.advance(days=1)
    await asyncio.gather(*(desk.collections.start_due() for _ in range(5)))
    assert len(desk.queue.jobs) == 1


async def test_a_kill_between_the_row_and_the_queue_leaves_one_import(desk: Desk) -> None:
    made = await desk.daily()
    desk.clock.advance(days=1)
    desk.queue.dead = True
    with pytest.raises(RuntimeError):
        await desk.collections.start_due()
    desk.queue.dead = False
    await desk.collections.start_due()
    assert desk.queue.jobs == []
    async with desk.database.read() as db:  # this is what reconcile starts again
        (left,) = await importing.stranded(db, desk.clock() + timedelta(seconds=1))
    assert (left.id, left.state, left.by_clock) == (made.id + 1, "running", True)


@pytest.mark.parametrize("state", ["offered", "running", "waiting", "paused"])
async def test_an_unfinished_import_counts_for_it(desk: Desk, state: str) -> None:
    made = await desk.daily()
    await an_import(desk.database, key="collection:1", state=state)
    before = await desk.next_at(made.collection_id)
    desk.clock.advance(days=1)
    await desk.collections.start_due()
    assert desk.queue.jobs == []
    assert await desk.next_at(made.collection_id) == before + timedelta(days=1)
    with pytest.raises(AlreadyRunning):
        await desk.collections.refresh_now(MIA, made.collection_id)


async def test_a_refused_account_is_waited_for(desk: Desk) -> None:
    made = await desk.daily()
    async with desk.database.write() as db:
        await connections.change(db, made.connection_id, START, status="expired")
    desk.clock.advance(days=3)
    await desk.collections.start_due()
    assert desk.queue.jobs == []
    async with desk.database.write() as db:
        await connections.change(db, made.connection_id, START, status="active")
    await desk.collections.start_due()
    assert len(desk.queue.jobs) == 1


async def test_a_forgotten_account_is_known_again(desk: Desk) -> None:
    made = await desk.daily()
    async with desk.database.write() as db:
        await connections.delete(db, made.connection_id)
    desk.clock.advance(days=3)
    await desk.collections.start_due()
    assert (await desk.collections.view(MIA, made.collection_id)).account is None
    await connection(desk.database, MIA, "other", status="active", secret=b"x")
    await desk.collections.start_due()
    assert desk.queue.jobs == []
    again = await connection(desk.database, MIA, f"{MIA}000", status="active", secret=b"x")
    assert (await desk.collections.view(MIA, made.collection_id)).account == again
    await desk.collections.start_due()
    assert len(desk.queue.jobs) == 1


@pytest.mark.parametrize("change", [{"status": "blocked"}, {"delete_after": START}])
async def test_nothing_starts_for_who_is_blocked_or_leaves(
    desk: Desk, change: dict[str, object]
) -> None:
    await desk.daily()
    async with desk.database.write() as db:
        await people.change(db, MIA, **change)
    desk.clock.advance(days=1)
    await desk.collections.start_due()
    assert desk.queue.jobs == []


# ---------------------------------------------------------------- who, and what it needs


async def test_only_its_owner_may_do_anything(desk: Desk) -> None:
    made, other = await desk.daily(), await desk.imported("collection:2", LEO)
    leo, mine = await desk.user(LEO), desk.collections
    for act in (
        mine.refresh(leo, made.collection_id, "never"),
        mine.refresh_now(LEO, made.collection_id),
        mine.set_filters(LEO, made.collection_id, kind="video"),
        mine.merge(LEO, other.collection_id, made.collection_id),
        mine.merge(LEO, made.collection_id, other.collection_id),
        mine.unmerge(LEO, made.collection_id),
        mine.view(LEO, made.collection_id),
        mine.others(LEO, made.collection_id),
        mine.refresh(await desk.user(), made.collection_id, "hourly"),
        mine.refresh(await desk.user(), 99, "daily"),
    ):
        with pytest.raises(NotAllowed):
            await act
    view = await mine.view(MIA, made.collection_id)
    assert (view.collection.refresh, view.collection.filters, view.parts) == ("daily", {}, [])


async def test_single_posts_are_no_collections(desk: Desk) -> None:
    made = await desk.imported("post:C1a2b3c4d5")
    with pytest.raises(NotAllowed):
        await desk.collections.refresh(await desk.user(), made.collection_id, "daily")


async def test_what_was_never_imported_has_nothing_to_go_on_from(desk: Desk) -> None:
    made = await an_import(desk.database, state="cancelled")
    with pytest.raises(BadInput, match="not been imported yet"):
        await desk.collections.refresh(await desk.user(), made.collection_id, "daily")
    with pytest.raises(BadInput, match="not been imported yet"):
        await desk.collections.refresh_now(MIA, made.collection_id)


# ---------------------------------------------------------------- filters and merging


@pytest.mark.parametrize("state", ["offered", "previewing"])
async def test_new_filters_make_an_open_question_forget_what_it_listed(
    desk: Desk, state: str
) -> None:
    made = await an_import(desk.database, count=3, state=state)
    await desk.collections.set_filters(MIA, made.collection_id)  # no change at all
    assert not await desk.importing.look_again(MIA, made.id)
    await desk.collections.set_filters(MIA, made.collection_id, kind="video")
    view = await desk.importing.view(MIA, made.id)
    assert (view.tally.listed, view.item.pages, view.item.more) == (0, 0, True)
    if state == "previewing":  # its job goes on
        return
    assert await desk.importing.look_again(MIA, made.id)
    assert not await desk.importing.look_again(MIA, made.id)
    assert [(job.row, job.run) for job in desk.queue.jobs] == [(made.id, 2)]


async def test_new_filters_leave_a_running_import_what_it_listed(desk: Desk) -> None:
    made = await an_import(desk.database, count=3)
    await desk.collections.set_filters(MIA, made.collection_id, tags=("beats",))
    view = await desk.importing.view(MIA, made.id)
    assert (view.tally.pending, view.item.filters) == (3, {"tags": ["beats"]})


async def test_merged_ones_are_shown_as_one_and_refresh_each(desk: Desk) -> None:
    first, second = await desk.daily(), await desk.imported("collection:2")
    head, part = first.collection_id, second.collection_id
    assert [one.id for one in await desk.collections.others(MIA, head)] == [part]
    assert await desk.collections.merge(MIA, head, part)
    assert not await desk.collections.merge(MIA, head, part)
    assert not await desk.collections.merge(MIA, part, head)
    assert not await desk.collections.merge(MIA, head, head)
    assert await desk.collections.others(MIA, head) == []
    view = await desk.collections.view(MIA, part)
    assert (view.head and view.head.id, view.collection.refresh) == (head, "never")
    async with desk.database.read() as db:
        shown = await importing.collections_of(db, MIA, 9, parts=False)
    assert [one.id for one in shown] == [head]
    assert await desk.collections.unmerge(MIA, part)
    assert not await desk.collections.unmerge(MIA, part)
    assert (await desk.collections.view(MIA, head)).parts == []


async def test_a_refresh_that_found_nothing_is_not_among_the_jobs(desk: Desk) -> None:
    made = await desk.daily()
    import_id = await desk.collections.refresh_now(MIA, made.collection_id)
    assert import_id in [one.item.id for one in await desk.importing.latest(MIA)]
    await desk.ends(import_id)
    assert import_id not in [one.item.id for one in await desk.importing.latest(MIA)]
    async with desk.database.write() as db:
        await import_items.add_page(
            db, import_id, [NewItem("1", "C1", {}, None)], cursor=None, now=START
        )
    assert import_id in [one.item.id for one in await desk.importing.latest(MIA)]
