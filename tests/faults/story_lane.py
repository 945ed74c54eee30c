"""One try after the other: stories are played from their slot to their end by a process that is
killed on the way, and what came of them is judged. Used by stories.py.

The stand-ins live in this process; the one that publishes is forked for each try, killed, and
started again on the same data.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType

import httpx
import sqlalchemy as sa
from cryptography.fernet import Fernet

from sandbox.cloudinary.server import Cloudinary
from sandbox.graph import Call, Fault, Meta
from sandbox.telegram import Telegram, serve
from sandbox.world import World
from services.stories.machine import State
from storage import migrate, notices, stories
from storage.database import Database, sqlite_url
from storage.stories import Story
from storage.tables import notices as notice_table
from tests.faults.nursery import Nursery
from tests.faults.story_chat import NOBODY, TOKEN
from tests.faults.story_worker import START, Counted, Order, SharedClock
from tests.services.stories.stage import Stage, addresses_of
from tests.support.rows import MIA

MANY = 4  # stories at once, for kills at random moments
WORKERS = 2
KILLS_A_WORKER = 3
MOST = 250  # awaits of a worker of a team before it is killed
WITHOUT_END = 10**9
KILLED = -9  # the exit code
# where a story may stand when nothing happens any more without a person
STATED = {State.PUBLISHED, State.BY_HAND, State.ASKING, State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Day:
    """What goes wrong besides the kill.

    `fault`: of the first media_publish. `bad_day`: of Meta or Cloudinary, switched on. `jump`: of
    the clock, while nobody runs. `live`: how often the story is live in the end, at least. `both`:
    killed before and after each await, and also in what comes after the publication. `telegram`:
    "" if the cards do not matter, else "well" or "down", which is until the publication has ended.
    """

    name: str
    fault: Fault | None = None
    bad_day: str = ""
    jump: timedelta = timedelta(0)
    live: int = 1
    kind: str = "photo"
    both: bool = False
    telegram: str = ""


TEAM = Day("two processes on PostgreSQL", live=0)  # a story may be given to a person


@dataclass(slots=True)
class Tally:
    tries: int = 0
    kills: int = 0
    stories: int = 0
    live: int = 0
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # not live, though nothing stood in the way
    wrong: list[str] = field(default_factory=list)  # what the row says is not so, or nothing stated
    unheard: list[str] = field(default_factory=list)  # a card or a file that did not arrive
    again: list[str] = field(default_factory=list)  # one that came too often
    cards: int = 0
    copies: int = 0
    ends: Counter[str] = field(default_factory=Counter)


class Lane:
    """Stand-ins of its own, and a template of the data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = Fernet.generate_key().decode()
        self.clock = SharedClock(folder / "clock")
        self.meta = Meta(World(), now=self.clock)
        self.cloud = Cloudinary(now=self.clock)
        self._nurseries = [Nursery() for _ in range(WORKERS)]
        self._stack = AsyncExitStack()
        self._tries = 0

    async def __aenter__(self) -> Lane:
        await self._stack.enter_async_context(self.meta)
        await self._stack.enter_async_context(self.cloud)
        for nursery in self._nurseries:
            await self._stack.enter_async_context(nursery)
        self.meta.containers.quota = self.meta.usage.allowance = WITHOUT_END
        (self.folder / "template").mkdir()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    # ------------------------------------------------------------ one process after the other

    async def attempt(
        self, day: Day, tally: Tally, kill_at: int | None, *, late: bool = False, count: int = 1
    ) -> Counted:
        """The stories from their time to their end, killed once on the way. Returns how many awaits
        there were in the last process that published."""
        data = self._new_try()
        await self._prepare(data, day, count)
        name = f"{day.name}, await {kill_at} late={late}"
        async with self._telegram(day) as (telegram, origin), self._trouble(day):
            order = self._order(data, sqlite_url(data / "reelay.db"), telegram=origin)
            killed = False
            if kill_at is not None:
                killed = await self._run(replace(order, kill_at=kill_at, late=late)) == KILLED
                self.clock.set(self.clock() + day.jump)
            assert await self._run(order) == 0, "the process failed"
            awaits = Counted.read(order.counted)
            tally.tries += 1
            tally.kills += killed
            await self._judge(order, day, tally, name)
            if telegram:
                if day.telegram == "down":
                    order = replace(order, telegram=telegram[1], alone=False)
                    assert await self._run(order) == 0, "the process failed"
                    killed = False  # nothing was killed that could have said it before
                await self._judge_chat(order, telegram[0], tally, name, killed=killed)
        shutil.rmtree(data)
        return awaits

    async def team(self, url: str, tally: Tally, rng: random.Random) -> None:
        """Stories on a server's database, with WORKERS processes at them that are killed again and
        again; each new one takes from the living what it believes to be left by the dead."""
        data = self._new_try()
        await self._fill(data, url, "photo", MANY)
        order = self._order(data, url)

        async def worker(number: int) -> None:
            counted = data / f"counted-{number}"
            for _ in range(KILLS_A_WORKER):
                at, late = rng.randint(1, MOST), rng.random() < 0.5
                doomed = replace(order, kill_at=at, late=late, alone=False, counted=counted)
                tally.kills += await self._run(doomed, number) == KILLED

        await asyncio.gather(*(worker(number) for number in range(WORKERS)))
        assert await self._run(order) == 0, "the process failed"
        tally.tries += 1
        await self._judge(order, TEAM, tally, f"team, try {self._tries}")
        shutil.rmtree(data)

    async def _run(self, order: Order, nursery: int = 0) -> int:
        return await self._nurseries[nursery].run(order)

    def _order(self, data: Path, url: str, telegram: str = "") -> Order:
        return Order(
            url=url,
            folder=data / "media",
            addresses=dict(self.meta.addresses),
            cloud=self.cloud.origin,
            key=self.key,
            clock=self.folder / "clock",
            counted=data / "counted",
            telegram=telegram,
        )

    # ------------------------------------------------------------ before

    def _new_try(self) -> Path:
        """Nothing of the last one is left at the stand-ins: what is live now is this one's."""
        self._tries += 1
        self.clock.set(START)
        self.meta.forget_orders()
        self.meta.requests.reset()
        self.meta.containers.published.clear()
        return self.folder / f"try-{self._tries}"

    async def _prepare(self, data: Path, day: Day, count: int) -> None:
        template = self.folder / "template" / f"{day.kind}-{count}"
        if not template.exists():
            template.mkdir()
            url = sqlite_url(template / "reelay.db")
            await asyncio.to_thread(migrate.upgrade, url)
            await self._fill(template, url, day.kind, count)
        shutil.copytree(template, data)

    async def _fill(self, data: Path, url: str, kind: str, count: int) -> None:
        """Stories whose slot is now, and a notice that waits for Telegram already."""
        database = Database(url)
        async with httpx.AsyncClient(trust_env=False) as http:
            addresses = addresses_of(self.meta.addresses)
            stage = Stage(database, data / "media", addresses, None, http, self.clock, key=self.key)
            account = await stage.account(self.meta.page_token("mia"))
            for _ in range(count):
                await stage.story(account, kind, State.SCHEDULED)
        async with database.write() as db:
            await notices.add(db, MIA, "granted", self.clock(), amount=7)
        await database.close()

    @asynccontextmanager
    async def _telegram(self, day: Day) -> AsyncIterator[tuple[tuple[Telegram, str] | None, str]]:
        """(Telegram and its origin, what the process takes for it)."""
        if not day.telegram:
            yield None, ""
            return
        telegram = Telegram(TOKEN)
        telegram.add_person(MIA, "Mia")
        telegram.say(MIA, "/start")  # before that the bot may not write to her
        async with serve(telegram) as origin:
            yield (telegram, origin), NOBODY if day.telegram == "down" else origin

    @asynccontextmanager
    async def _trouble(self, day: Day) -> AsyncIterator[None]:
        house = self.cloud if day.bad_day.startswith("cloudinary") else self.meta.bad_days
        if day.fault:
            self.meta.trouble_next(Call.PUBLISH, day.fault)
        if day.bad_day:
            house.switch(day.bad_day, True)
        try:
            yield
        finally:
            if day.bad_day:
                house.switch(day.bad_day, False)

    # ------------------------------------------------------------ after

    async def _judge(self, order: Order, day: Day, tally: Tally, name: str) -> None:
        database = Database(order.url)
        async with database.read() as db:
            ids = range(1, 1 + len(list((order.folder / "stories").iterdir())))
            rows = [row for number in ids if (row := await stories.get(db, number))]
        await database.close()
        live = Counter(story.media.sha256 for story in self.meta.published)
        tally.live += live.total()
        tally.stories += len(rows)
        for row in rows:
            content = (order.folder / str(row.fitted_key)).read_bytes()
            times = live.pop(hashlib.sha256(content).hexdigest(), 0)
            tally.ends[row.state] += 1
            if times > 1:
                tally.twice.append(name)
            if times < day.live:
                tally.lost.append(f"{name}: {row.state} {row.word}")
            if not _is_true(row, times):
                tally.wrong.append(f"{name}: {row.state} though live {times} times")
        tally.wrong += [f"{name}: nobody's file is live" for _ in live]
        tally.copies += len(self.cloud.assets)

    async def _judge_chat(
        self, order: Order, telegram: Telegram, tally: Tally, name: str, *, killed: bool
    ) -> None:
        """Each card once, with its file if there is one; after a kill one of them may come again,
        for Telegram may have taken it without the outbox knowing."""
        database = Database(order.url)
        async with database.read() as db:
            n = notice_table.c
            said = list(await db.execute(sa.select(n.kind, n.delivered_at, n.given_up)))
            story = await stories.get(db, 1)
        await database.close()
        assert story
        history = [one for one in telegram.history(MIA) if one["from"]["is_bot"]]
        files = [one["document"]["file_id"] for one in history if "document" in one]
        whole = (order.folder / str(story.fitted_key)).read_bytes()
        by_hand = story.state == State.BY_HAND
        cards = len(history) - len(files)
        tally.cards += cards
        if any(row.delivered_at is None or row.given_up for row in said) or cards < len(said):
            tally.unheard.append(f"{name}: {said}")
        if len(said) != 2 or len(files) < by_hand:  # the waiting one, and the story's
            tally.unheard.append(f"{name}: {said}, {len(files)} files")
        if any(found is None or found.data != whole for found in map(telegram.files.find, files)):
            tally.unheard.append(f"{name}: not the file that was to be posted")
        if cards > len(said) + killed or len(files) > by_hand + killed:
            tally.again.append(f"{name}: {cards} cards, {len(files)} files")


def _is_true(row: Story, times: int) -> bool:
    match row.state:
        case State.PUBLISHED:
            return times == 1
        case State.UNKNOWN:
            return True
    return row.state in STATED and times == 0
