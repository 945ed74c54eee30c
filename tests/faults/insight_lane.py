"""One try after the other: an account's figures are synced day by day by a process that is killed,
or by two, or on bad days of Meta's; then what is stored is judged. Used by insights.py.

The stand-in lives in this process; the one that syncs is forked for each order.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from cryptography.fernet import Fernet

from sandbox.graph import Meta, Refusal
from sandbox.world import World
from services.insights.service import AlreadySyncing
from storage import meta_accounts, migrate, people
from storage.database import Database, sqlite_url
from tests.faults import insight_mutants, insight_truth, insight_worker
from tests.faults.insight_tries import BEGIN, EMPTY, LATE, Tally, Trouble, Try
from tests.faults.insight_truth import DAY, Silence, Stored
from tests.faults.insight_worker import House, Order, at_home
from tests.faults.story_worker import SharedClock
from tests.support.rows import MIA, person

HISTORY_DAYS = 5
ZONE = "Europe/Berlin"
PATIENCE = 60.0  # seconds for a process to come to an end
KILLED = -9  # the exit code
LOOK = 0.002  # seconds between two looks at the clock, or at what the stand-in was asked
WITHOUT_END = 10**9


class Lane:
    """A stand-in of its own, and templates of the data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = Fernet.generate_key().decode()
        self.clock = SharedClock(folder / "clock")
        self.meta = Meta(World(), now=self.clock)
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload([insight_worker.__name__])
        self._stack = AsyncExitStack()
        self._templates = folder / "template"
        self._tries = 0

    async def __aenter__(self) -> Lane:
        await self._stack.enter_async_context(self.meta)
        self.meta.usage.allowance = WITHOUT_END
        self._templates.mkdir()
        await asyncio.to_thread(migrate.upgrade, sqlite_url(self._templates / "empty.db"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    # ------------------------------------------------------------ one process after the other

    async def killed(
        self,
        try_: Try,
        tally: Tally,
        kills: Sequence[tuple[int, bool]],
        after: Sequence[float] = (),
    ) -> int:
        """All days in one process, killed at these awaits and after so many seconds. Returns the
        awaits of the last process."""
        order = await self._begin(try_)
        killed = 0
        for kill_at, late in kills:
            killed += await self._run(replace(order, kill_at=kill_at, late=late)) == KILLED
        for seconds in after:
            killed += await self._run(order, kill_after=seconds) == KILLED
        await self._to_the_end(order)
        tally.kills += killed
        name = f"{try_.name}, killed at {[*kills, *after]}"
        await self._finish(try_, order, tally, name, exact=not killed)
        return int(order.counted.read_text())

    async def troubled(self, try_: Try, tally: Tally) -> None:
        """A process for each day on which something goes wrong, and one for those after."""
        order = await self._begin(try_)
        last = max((one.day for one in try_.troubles), default=-1)
        for day, moment in zip(try_.days, try_.moments, strict=True):
            if day > last:
                break
            troubles = [one for one in try_.troubles if one.day == day]
            today = replace(order, moments=(moment,))
            async with self._trouble(troubles, moment):
                await self._to_the_end(today)
            for one in troubles:
                tally.found.log += await self._unsaid(order, one, f"{try_.name}, day {day}")
                if isinstance(one.what, Refusal) and not self._was_met(one.what):
                    tally.unused.append(f"{try_.name}, day {day}")
            if await self._log_in_again(order, try_.username):
                later = max(self.clock(), moment) + timedelta(hours=1)
                await self._to_the_end(replace(order, moments=(later,)))
        await self._to_the_end(order)
        await self._finish(try_, order, tally, try_.name)

    # ------------------------------------------------------------ two at once

    async def taps(self, try_: Try, tally: Tally) -> None:
        """Two taps and the clock, at one moment in one process."""
        order = await self._begin(try_)
        self.clock.set(BEGIN)
        async with self._home(order.url) as house:

            async def tap() -> None:
                with suppress(AlreadySyncing):
                    await house.service.begin(MIA, 0)

            async def clock() -> None:
                for job in await house.service.due():
                    await house.jobs.enqueue(job)

            await asyncio.gather(tap(), tap(), clock(), tap())
            begun = len((await insight_truth.stored(house.database)).syncs)
            while await house.turn():
                pass
        if begun != 1:
            tally.extra.append(f"{try_.name}: {begun} syncs at once")
        await self._to_the_end(order)
        await self._finish(try_, order, tally, try_.name, exact=True)

    async def taken_over(self, try_: Try, tally: Tally, url: str, after: int) -> None:
        """After so many requests somebody takes the sync from a process that lives."""
        order = await self._begin(try_, url)
        name = f"{try_.name}, after {after} requests"
        async with asyncio.TaskGroup() as at_once, self._home(order.url) as house:
            first = at_once.create_task(self._to_the_end(self._first(order)))
            await self._asked(after)
            await house.reconcile()
            if not house.jobs.waiting:
                tally.unused.append(name)
            asked = self.meta.requests.count()
            await first
        self._count_extra(tally, name, asked)
        await self._to_the_end(order)
        await self._finish(try_, order, tally, name)

    async def canceled(self, try_: Try, tally: Tally, after: int) -> None:
        """By its person, after so many requests."""
        order = await self._begin(try_)
        name = f"{try_.name}, after {after} requests"
        async with asyncio.TaskGroup() as at_once, self._home(order.url) as house:
            first = at_once.create_task(self._to_the_end(self._first(order)))
            await self._asked(after)
            if not await house.service.cancel(MIA, 1):
                tally.unused.append(name)
            asked = self.meta.requests.count()
            await first
        self._count_extra(tally, name, asked)
        await self._to_the_end(order)
        await self._finish(try_, order, tally, name)

    def _first(self, order: Order) -> Order:
        return replace(order, moments=order.moments[:1])

    def _count_extra(self, tally: Tally, name: str, asked: int) -> None:
        """Of a process that should have stopped: it may finish what it is at."""
        extra = self.meta.requests.count() - asked
        if extra > 1:
            tally.extra.append(f"{name}: {extra} more")

    async def team(self, try_: Try, tally: Tally, url: str, kills: Sequence[Sequence[int]]) -> None:
        """As many processes at one database as there are rows of `kills`: awaits at which each is
        killed, one after the other; a new one takes what it believes to be left by the dead."""
        order = await self._begin(try_, url)

        async def worker(number: int, awaits: Sequence[int]) -> None:
            counted = order.counted.with_suffix(f".{number}")
            for kill_at in awaits:
                doomed = replace(order, kill_at=kill_at, counted=counted)
                tally.kills += await self._run(doomed) == KILLED

        await asyncio.gather(*(worker(number, one) for number, one in enumerate(kills)))
        # the clock is wherever the fastest was: another two days, on which somebody is alone
        later = self.clock().replace(hour=0, minute=10) + DAY
        await self._to_the_end(replace(order, moments=(later, later + DAY)))
        await self._finish(try_, order, tally, f"{try_.name}, {kills}")

    async def _asked(self, requests: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.meta.requests.count() < requests:  # noqa: ASYNC110 - nothing rings
                await asyncio.sleep(LOOK)

    # ------------------------------------------------------------ processes

    async def _to_the_end(self, order: Order) -> None:
        code = await self._run(order)
        assert code == 0, f"the process ended with {code}"

    async def _run(self, order: Order, kill_after: float | None = None) -> int | None:
        process = self._forks.Process(target=insight_worker.main, args=(order,), daemon=True)
        process.start()
        if kill_after is not None:
            await asyncio.to_thread(process.join, kill_after)
            process.kill()
        await asyncio.to_thread(process.join, PATIENCE)
        return _code(process)

    # ------------------------------------------------------------ before and after

    async def _begin(self, try_: Try, url: str = "") -> Order:
        """`url`: of an empty database; "": a new one."""
        self._tries += 1
        self.clock.set(BEGIN - timedelta(hours=1))
        self.meta.forget_orders()
        data = self.folder / f"try-{self._tries}"
        if url:
            data.mkdir()
            await self._fill(url, try_.username)
        else:
            shutil.copytree(await self._template(try_), data)
        self.meta.requests.reset()
        return Order(
            url=url or sqlite_url(data / "reelay.db"),
            addresses=dict(self.meta.addresses),
            key=self.key,
            clock=self.folder / "clock",
            counted=data / "counted",
            moments=try_.moments,
            history_days=HISTORY_DAYS,
            seconds=try_.seconds,
            mutant=try_.mutant,
        )

    async def _template(self, try_: Try) -> Path:
        without_key = try_.mutant == insight_mutants.WITHOUT_KEY
        template = self._templates / f"{try_.username}{'-keyless' * without_key}"
        if not template.exists():
            template.mkdir()
            path = template / "reelay.db"
            shutil.copy(self._templates / "empty.db", path)
            await self._fill(sqlite_url(path), try_.username)
            if without_key:
                insight_mutants.without_key(path)
        return template

    async def _fill(self, url: str, username: str) -> None:
        async with self._home(url) as house:
            await person(house.database, MIA, role="owner", now=self.clock())
            async with house.database.write() as db:
                await people.change(db, MIA, zone=ZONE)
            await house.logins.paste(MIA, self.meta.instagram_token(username))

    @asynccontextmanager
    async def _home(self, url: str) -> AsyncIterator[House]:
        async with at_home(url, self.meta.addresses, self.key, self.clock, HISTORY_DAYS) as house:
            yield house

    @asynccontextmanager
    async def _trouble(self, troubles: Sequence[Trouble], moment: datetime) -> AsyncIterator[None]:
        for one in troubles:
            if one.what:
                self.meta.trouble_next(one.call, one.what, skip=one.skip, times=one.times)
            if one.bad_day:
                self.meta.bad_days.switch(one.bad_day, True)
            self.meta.usage.told = one.headers
        lasts = max((one.lasts for one in troubles), default=timedelta(0))
        watch = asyncio.create_task(self._well_at(troubles, moment + lasts))
        try:
            yield
        finally:
            watch.cancel()
            self._well(troubles)

    async def _well_at(self, troubles: Sequence[Trouble], at: datetime) -> None:
        while self.clock() < at:  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(LOOK)
        self._well(troubles)

    def _well(self, troubles: Sequence[Trouble]) -> None:
        self.meta.forget_orders()
        self.meta.usage.told = None
        for one in troubles:
            if one.bad_day:
                self.meta.bad_days.switch(one.bad_day, False)

    def _was_met(self, refusal: Refusal) -> bool:
        wanted = (refusal.code, refusal.subcode)
        return any(request.error == wanted for request in self.meta.requests)

    async def _log_in_again(self, order: Order, username: str) -> bool:
        """The person, if the log-in does not work any more."""
        async with self._home(order.url) as house:
            async with house.database.read() as db:
                [login] = await meta_accounts.of_user(db, MIA)
            if login.problem is None:
                return False
            await house.logins.paste(MIA, self.meta.instagram_token(username))
            return True

    async def _unsaid(self, order: Order, trouble: Trouble, name: str) -> list[str]:
        """What the log of the newest sync should say of it, and does not."""
        rows = await self._stored(order.url)
        sync = max(rows.syncs, key=lambda one: one.id)
        errors = [one for one in rows.results if one.sync_id == sync.id and one.error]
        said = [row for row in rows.media_values if row.day == sync.day and row.said]
        waited = (sync.ended_at or sync.created_at) - sync.created_at
        match trouble.says:
            case "reauth":
                is_said = (sync.state, sync.error) == ("failed", "TokenRefused")
            case "waited":
                is_said = sync.state == "done" and waited >= timedelta(minutes=1)
            case "named":
                is_said = sync.state == "done" and bool(errors or said)
            case _:
                is_said = True
        told = f"{sync.state} {sync.error}, {waited}, {[one.error for one in errors]}"
        return [] if is_said else [f"{name}: {trouble.says} is not said: {told}"]

    async def _stored(self, url: str) -> Stored:
        database = Database(url)
        try:
            return await insight_truth.stored(database)
        finally:
            await database.close()

    async def _finish(
        self, try_: Try, order: Order, tally: Tally, name: str, *, exact: bool = False
    ) -> None:
        """`exact`: the log counts each request that the stand-in was asked."""
        rows = await self._stored(order.url)
        account = self.meta.people.account(try_.username)
        silences = [
            Silence(BEGIN + one.day * DAY, BEGIN + (one.day + 0.9) * DAY, one.bad_day == LATE)
            for one in try_.troubles
            if one.bad_day in (LATE, EMPTY)
        ]
        found = insight_truth.judge(self.meta, account, rows, HISTORY_DAYS, silences)
        told, asked = sum(one.requests for one in rows.syncs), self.meta.requests.count()
        if told > asked or (exact and told != asked):
            found.log.append(f"{told} requests, the stand-in was asked {asked}")
        tally.found.add(found, name)
        tally.tries += 1
        tally.syncs += len(rows.syncs)
        tally.requests += asked
        tally.ends.update(one.state for one in rows.syncs)
        for path in order.counted.parent.glob("reelay.db*"):
            path.unlink()


def _code(process: BaseProcess) -> int | None:
    code = process.exitcode
    if code is None:
        process.kill()
    return code
