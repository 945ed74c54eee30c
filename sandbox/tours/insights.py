"""The tour of insights: forty days of one account in minutes, three of them while the product is
dead, one that Meta revises later, one on which Meta is late and one on which it is down. Then what
the chat has told is compared with what Meta has (sandbox.tours.told, sandbox.tours.checking).

The product is a process with another clock (sandbox.machine_clock), the same that the stand-ins
have. Knows insights only as a person in the chat does.
"""

from __future__ import annotations

import asyncio
import re
import time as real
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TextIO

import aiohttp

from sandbox.demo import HISTORY_DAYS, Sandbox
from sandbox.graph.rules import Call
from sandbox.telegram.wire import Json
from sandbox.tours import checking
from sandbox.tours.checking import Found
from sandbox.tours.stage import OWNER, Stage
from sandbox.tours.told import AGAIN, Cell, Sync, Told
from sandbox.tours.visitor import TourFailed, Visitor, labels

PATIENCE = 150.0  # seconds
PATIENCE_FOR_DIGEST = 20 * 60.0  # real ones; its loop is the product's slowest
LOOK, QUIET = 0.1, 0.4  # seconds between two looks; without a request, after which a sync is over
CUT_SHORT = 8  # requests of a sync, after which the product is killed
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HOUR = 14  # UTC, at which the days of everybody are over that have been anywhere
REVISED = (("reach", False), ("views", True), ("likes", True))  # metric, is it a total
REVISED_BY = 7
DIFFERENCES = 40  # lines of them that are printed
LOG, READ = rf"🧾 @{OWNER} · syncs, the newest", rf"✅ @{OWNER}: figures up to"
ADDRESS = re.compile(r"http://\S+/insights/[\w-]+")
UNIQUE = re.compile(r"([\d,]+) different accounts in 28 days(?: until (\d+ \w+))?")
FACTS = (
    "values_expected", "values_equal", "states_wrong", "wrong_zeros", "gaps_left", "revisions",
    "duplicates",
)  # fmt: skip


class Machine(Protocol):
    """That the product runs on."""

    async def passes(self, by: timedelta) -> None:
        """Lets time pass, at once."""

    async def kill(self) -> None:
        """The product, wherever it is."""

    async def start(self) -> None:
        """The product, again."""


@dataclass(frozen=True, slots=True)
class Script:
    """On which day after the connection something happens; `down` days are without the product."""

    days: int = 40
    late: int = 6
    ill: int = 10
    revised: int = 13
    killed: int = 18
    down: int = 3
    digest: int = 30  # from then on


@dataclass(frozen=True, slots=True)
class Process:
    """The product as a process."""

    stage: Stage

    async def passes(self, by: timedelta) -> None:
        self.stage.clock.advance(by)

    async def kill(self) -> None:
        await self.stage.bot.kill()

    async def start(self) -> None:
        await self.stage.bot.start_again()


async def tour_insights(stage: Stage) -> dict[str, object]:
    """Forty days after ninety days of history."""
    mia = await stage.owner(patience=PATIENCE)
    visit = Visit(mia, stage.sandbox, Process(stage), stage.out, Script(), HISTORY_DAYS)
    return await visit.play()


class Visit:
    """For a visitor who may use the bot. `history`: days that the first sync reads."""

    def __init__(
        self,
        mia: Visitor,
        sandbox: Sandbox,
        machine: Machine,
        out: TextIO,
        script: Script,
        history: int,
    ) -> None:
        self._mia = mia
        self._sandbox = sandbox
        self._machine = machine
        self._out = out
        self._script = script
        self._history = history
        self._account = sandbox.meta.people.account(OWNER)
        self._syncs: list[Sync] = []
        self._card: Json  # the message that shows a sync, or the log of all

    async def play(self) -> dict[str, object]:
        """Errors: TourFailed."""
        await self._machine.passes(_next_at(self._sandbox.now(), HOUR))
        await self._connect()
        passed = 0
        while passed < self._script.days:
            passed += await self._next(passed + 1)
        await self._look()
        found = await self._compare()
        await self._digest()
        return {"days": passed, **{name: getattr(found, name) for name in FACTS}}

    # ------------------------------------------------------------ connect

    async def _connect(self) -> None:
        """With the first sync, which begins by itself."""
        mia, begun, before = self._mia, self._sandbox.now(), self._asked()
        mia.say("/connect")
        await mia.tap("Meta: stories, insights")
        await mia.tap("Paste a token")
        await mia.sees("Paste a token of Meta's App Dashboard")
        mia.say(self._sandbox.meta.instagram_token(OWNER))
        await mia.sees(f"Connected at Meta\n@{OWNER} · Instagram · Business")
        await self._until_asked(before)
        await self._until_quiet()
        mia.say("/insights")
        chart = await mia.sees(f"📈 @{OWNER} · Reach")
        ended: list[str] = []
        while not ended:
            await self._until_quiet()
            await mia.tap("Sync log", below=chart)  # each in a message of its own
            self._card = await mia.sees(LOG)
            ended = _ended(self._card)
        await mia.tap(ended[0], below=self._card)
        await mia.sees(READ)
        self._synced(begun)

    # ------------------------------------------------------------ days

    async def _next(self, number: int) -> int:
        """Lets a day pass, or those without the product; returns how many."""
        script = self._script
        match number:
            case script.late:
                self._say("Meta is late: it tells nothing before 48 hours are over")
                self._sandbox.switch("meta-insights-late", True)
                await self._a_day(late=True)
                self._sandbox.switch("meta-insights-late", False)
            case script.ill:
                await self._ill()
            case script.revised:
                self._revise()
                await self._a_day()
            case script.killed:
                await self._killed()
                return 1 + script.down
            case script.digest:
                self._mia.say("/insights")
                await self._mia.tap("Weekly digest: off")
                await self._mia.sees_button("Weekly digest: on")
                await self._a_day()
            case _:
                await self._a_day()
        return 1

    async def _a_day(self, *, late: bool = False) -> None:
        begun = await self._begins()
        await self._until_read()
        self._synced(begun, late=late)

    async def _begins(self, requests: int = 1) -> datetime:
        """The next day, and the sync that begins by itself; returns since when it may."""
        before = self._asked()
        await self._machine.passes(DAY)
        begun = self._sandbox.now()
        await self._until_asked(before + requests - 1)
        return begun

    async def _ill(self) -> None:
        """Meta is down when it is asked, and well a minute later."""
        self._sandbox.switch("meta-down", True)
        begun = await self._begins()
        await self._until(lambda newest, _: newest.startswith("⏳"), "a sync that waits")
        self._say("Meta is down, and well again")
        self._sandbox.switch("meta-down", False)
        await self._machine.passes(2 * MINUTE)
        await self._until_read()
        self._synced(begun)

    async def _killed(self) -> None:
        """In the middle of a sync; then for some days nobody is there."""
        begun = await self._begins(requests=CUT_SHORT)
        day = self._day()
        await self._machine.kill()
        down = self._script.down
        self._say(f"the product was killed while it asked, and is down for {down} days")
        await self._machine.passes(down * DAY)
        back = self._sandbox.now()
        await self._machine.start()
        await self._until_read()
        self._syncs.append(Sync(day, begun, self._sandbox.now(), whole=False))
        self._synced(back)

    def _revise(self) -> None:
        """Meta corrects what it has told of one of the days that are read again."""
        truth, now = self._sandbox.meta.truth, self._sandbox.now()
        for metric, is_total in REVISED:
            for day in (self._day() - n * DAY for n in range(AGAIN)):
                told = truth.told_at(self._account, metric, day, now, is_total=is_total)
                if told is not None:
                    truth.correct(self._account, metric, day, told + REVISED_BY, now)
                    self._say(f"Meta corrects {metric} of {day}: {told + REVISED_BY}, not {told}")
                    break

    # ------------------------------------------------------------ syncs, as the chat shows them

    def _day(self) -> date:
        """The last one that is over."""
        return self._sandbox.now().date() - DAY

    def _synced(self, begun: datetime, *, late: bool = False) -> None:
        self._syncs.append(Sync(self._day(), begun, self._sandbox.now(), late=late))

    async def _until_read(self) -> None:
        """The figures of the last day are: its sync has ended well. Errors: TourFailed."""
        day = f"{self._day():%a %-d %b}"
        told = f"figures up to {day} are read"
        await self._until(lambda _, ended: told in ended, f"the sync of {day}")

    async def _until(self, is_so: Callable[[str, str], bool], what: str) -> None:
        """Looks at the log of the syncs until it is so of the newest one, as the log has it, and
        of the newest that has ended, as its card has it. Errors: TourFailed."""
        begun = real.monotonic()
        while real.monotonic() - begun < PATIENCE:
            await self._until_quiet()
            await self._mia.tap("Sync log", below=self._card)
            log = await self._mia.sees(LOG)
            await self._mia.tap(_ended(log)[0], below=log)
            if is_so(labels(log)[0], (await self._mia.sees(READ))["text"]):
                return
        raise TourFailed(f"{PATIENCE:.0f} s in vain for {what}")

    def _asked(self) -> int:
        return self._sandbox.meta.requests.count(Call.ACCOUNT_INSIGHTS)

    async def _until_asked(self, before: int) -> None:
        """More often than that. Errors: TourFailed."""
        begun = real.monotonic()
        while self._asked() <= before:
            if real.monotonic() - begun > PATIENCE:
                raise TourFailed(f"{PATIENCE:.0f} s in vain for a sync of {self._day()}")
            await asyncio.sleep(LOOK)

    async def _until_quiet(self) -> None:
        """Meta is not asked any more; whether it has ended the chat says."""
        asked, since = -1, 0.0
        while asked != len(self._sandbox.meta.requests) or real.monotonic() - since < QUIET:
            if asked != len(self._sandbox.meta.requests):
                asked, since = len(self._sandbox.meta.requests), real.monotonic()
            await asyncio.sleep(LOOK)

    # ------------------------------------------------------------ what is shown

    async def _look(self) -> None:
        """At the chart, by metric and by days, at the best, the audience and the page."""
        mia, until = self._mia, f"{self._day():%-d %b %Y}"
        mia.say("/insights")
        chart = await mia.sees(f"Reach, 28 days to {until}")
        reach = self._check_reach(chart["caption"])
        await mia.tap("90 d", below=chart)
        await mia.sees(f"Reach, 90 days to {until}")
        await mia.tap("📊 Reach", below=chart)
        await mia.sees("Which figure")
        await mia.tap("Views", below=chart)
        await mia.sees(f"Views, 90 days to {until}")
        await mia.tap("🏆 Best", below=chart)
        await mia.sees(f"🏆 @{OWNER} · posted")
        await mia.tap("👥 Audience", below=chart)
        await mia.sees(f"👥 @{OWNER} · Followers")
        await mia.tap("‹ Chart", below=chart)
        await mia.tap("🌐 Page", below=chart)
        found = ADDRESS.search((await mia.sees(ADDRESS.pattern))["text"])
        assert found is not None, "it was seen"
        async with aiohttp.ClientSession() as http, http.get(found[0]) as answer:
            page = await answer.text()
            if answer.status != 200 or reach not in page:
                raise TourFailed(f"the page answers {answer.status}, without a reach of {reach}")

    def _check_reach(self, caption: str) -> str:
        """As the card below the chart tells it. Errors: TourFailed."""
        found = UNIQUE.search(caption)
        if found is None:
            raise TourFailed(f"the card tells no reach of 28 days: {caption}")
        days = (self._day() - n * DAY for n in range(28))
        day = next(one for one in days if found[2] in (None, f"{one:%-d %b}"))
        true = self._told().of(Cell("reach", "days_28", day)).parts[""].told[-1:]
        if int(found[1].replace(",", "")) not in true:
            raise TourFailed(f"the card tells a reach of {found[1]} until {day}, Meta {true}")
        return found[1]

    async def _digest(self) -> None:
        """Of the last full week. Errors: TourFailed."""
        today, begun = self._sandbox.now().date(), real.monotonic()
        week = today - (today.weekday() + 7) * DAY
        told = rf"📬 @{OWNER} · the week of {week:%-d %b}"
        while not self._mia.count(told):
            if real.monotonic() - begun > PATIENCE_FOR_DIGEST:
                raise TourFailed(f"no digest of the week of {week}")
            await asyncio.sleep(LOOK)
        await self._mia.sees(told)

    # ------------------------------------------------------------ what is true

    async def _compare(self) -> Found:
        await self._mia.tap("JSON")
        export = b""
        while not export.startswith(b"{"):  # beside the figures comes how each post stood, a list
            export = await self._mia.receives(".json")
        found = checking.compare(checking.read(export), self._told())
        for line in found.differences[:DIFFERENCES]:
            self._say(line)
        self._say(f"{found.values_equal} of {found.values_expected} values are as Meta has them")
        return found

    def _told(self) -> Told:
        return Told(self._sandbox.meta, self._account, self._syncs, self._history)

    def _say(self, text: str) -> None:
        print(f"    * {text}", file=self._out, flush=True)


def _ended(log: Json) -> list[str]:
    """Labels of the syncs that have, the newest first."""
    return [label for label in labels(log) if label.startswith("✅")]


def _next_at(now: datetime, hour: int) -> timedelta:
    at = datetime.combine(now.date(), time(hour), now.tzinfo)
    return (at if at > now else at + DAY) - now
