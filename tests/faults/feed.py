"""SIGKILL and SIGTERM at random moments of polls: does every post arrive, once, with its files?

One person's timeline grows while the bot that reads it is stopped again and again, now and then
with its jobs.db deleted. After some stops the polls may end; the feed must list what was posted.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.demo import Sandbox
from sandbox.instagram import Refusal
from sandbox.instagram.bad_days import Fault
from sandbox.instagram.mobile import timeline
from sandbox.tours.importing import connect
from sandbox.tours.visitor import Visitor
from sandbox.world.posts import Post
from tests.faults.facts import UNDELIVERED, query
from tests.faults.feed_facts import Flaws, State, flaws, listed, missing, seen, state_of
from tests.faults.process import FAST, BotProcess, free_port, lose_jobs
from tests.faults.table import Figure, equal, most, say

TIMELINE = "/api/v1/feed/timeline/"
FIRST_PAGES = 4
NEW = (1, 14)  # posts that come between two stops
UNREAD = 24  # posts at most; more could be beyond the four pages of one poll, which is a gap
SLOW = 0.25  # of the posts: their files take SLOW_SECONDS
SLOW_SECONDS = 1.5
MOMENT = (0.0, 1.5)  # seconds of a poll after which the stop falls
EARLY, EARLY_MOMENT = 0.3, (0.1, 3.0)  # of the starts with a poll that was cut: seconds after them
SILENT = 0.3  # of the polls that SIGTERM stops: Instagram does not answer
STOPS_TO_CHECK = 10
LOSES_JOBS = 5  # each so-manieth kill also loses jobs.db
TERMS = 10
BEGINS, PATIENCE = 20.0, 120.0  # seconds for a poll to begin, and for all of them to end
FILES = 40  # in flight: four posts of ten files
ADDRESS = re.compile(r"http://127\.0\.0\.1:[0-9]+/f/[A-Za-z0-9_-]{22}/")


@dataclass(slots=True)
class Tally:
    """What the stops of one kind showed. `hits`: those that fell into a poll."""

    stops: int = 0
    hits: int = 0
    lost_jobs: int = 0
    posted: int = 0
    polled: int = 0
    requests: int = 0  # for the timeline, as Instagram saw them
    files_again: int = 0
    exits: list[float] = field(default_factory=list)  # seconds that SIGTERM took
    flaws: Flaws = field(default_factory=Flaws)

    @property
    def extra(self) -> float:
        """Requests beyond one for each page of new posts, and one for each good poll."""
        return self.requests - self.polled - self.posted / timeline.PAGE_SIZE


class Rig:
    """The sandbox, and a bot on one data folder that stays through all stops."""

    def __init__(self, sandbox: Sandbox, folder: Path, rng: random.Random) -> None:
        self._sandbox = sandbox
        self._rng = rng
        self._data = folder / "data"
        settings = {**sandbox.settings(self._data), **FAST, "LOG_LEVEL": "INFO"}
        self._bot = BotProcess({**settings, "WEB_PORT": str(free_port())}, folder / "bot.log")
        self._wanted: set[str] = set()
        self._address = ""

    async def prepare(self) -> None:
        """A connected account, whose first poll has ended, and a reader of all accounts."""
        await self._bot.start()
        mia = Visitor(self._sandbox.telegram, self._sandbox.users["mia"], io.StringIO())
        await connect(mia, self._sandbox, await self._bot.claim_code())
        mia.say("/feed")
        await mia.tap("Read @mia")
        await mia.tap("New reader")
        await mia.sees("New reader of All accounts")
        mia.say("Feedly")
        found = ADDRESS.search((await mia.sees("reads All accounts here"))["text"])
        assert found
        self._address = found[0]
        posts = self._sandbox.instagram._mobile.newsroom.feed("mia")
        first = [str(post.pk) for post in posts[: FIRST_PAGES * timeline.PAGE_SIZE]]
        del first[timeline.UNREADABLE_PLACE]
        self._wanted = set(first)
        await self._settled(None)

    async def close(self) -> None:
        if self._bot.running:
            await self._bot.terminate()

    async def play(self, runs: int, tally: Tally, *, term: bool = False) -> None:
        """Until so many stops have hit a poll."""
        instagram = self._sandbox.instagram
        instagram.bad_days.slow_seconds = SLOW_SECONDS
        instagram.reset_log()
        before = state_of(self._data)
        while tally.hits < runs:
            await self._stop_one(tally, term=term)
            if tally.stops % STOPS_TO_CHECK == 0 and tally.hits < runs:
                await self._check(tally)
        await self._check(tally, last=True)
        paths = [request.path for request in instagram.requests]
        files = [path for path in paths if not path.startswith("/api/")]
        tally.requests = paths.count(TIMELINE)
        tally.files_again = len(files) - len(set(files))
        tally.polled = state_of(self._data).polled - before.polled

    async def _stop_one(self, tally: Tally, *, term: bool) -> None:
        self._publish(tally)
        if term and self._rng.random() < SILENT:
            self._sandbox.instagram.refuse_next(TIMELINE, Refusal.SILENCE)
        self._make_due()
        before = state_of(self._data)
        if not self._bot.running:
            await self._bot.start()
        if before.state == "running" and self._rng.random() < EARLY:
            await asyncio.sleep(self._rng.uniform(*EARLY_MOMENT))
        else:
            await self._begins(before)
            await asyncio.sleep(self._rng.uniform(*MOMENT))
        if not self._bot.running:
            raise RuntimeError(f"the bot ended by itself:\n{self._bot.printed[-2000:]}")
        if term:
            tally.exits.append(await self._bot.terminate())
        else:
            await self._bot.kill()
        tally.stops += 1
        tally.hits += state_of(self._data).state == "running"
        tally.flaws.missing += missing(self._data)
        if not term and tally.stops % LOSES_JOBS == 0:
            tally.lost_jobs += 1
            lose_jobs(self._data)

    def _publish(self, tally: Tally) -> None:
        unread = len(self._wanted - seen(self._data))
        count = min(self._rng.randint(*NEW), UNREAD - unread)
        authors = self._sandbox.world.following("mia")
        for _ in range(count):
            post = self._sandbox.instagram.publish_new(self._rng.choice(authors).username)
            self._wanted.add(str(post.pk))
            if self._rng.random() < SLOW:
                self._slow_down(post)
        tally.posted += count

    def _slow_down(self, post: Post) -> None:
        instagram = self._sandbox.instagram
        for piece in post.pieces:
            url = instagram.file_url(piece.pk, "film" if piece.is_film else "full")
            instagram.break_next(url, Fault.SLOW, times=3)

    def _make_due(self) -> None:
        """As if the time had come."""
        with closing(sqlite3.connect(self._data / "reelay.db", timeout=30)) as db, db:
            db.execute("update polls set next_at = changed_at where state <> 'running'")

    async def _begins(self, before: State) -> None:
        """Waits for the first word of a poll; one that was over before anybody looked has none."""
        until = time.monotonic() + BEGINS
        while time.monotonic() < until:
            now = state_of(self._data)
            if now.state == "running" and now.changed_at != before.changed_at:
                return
            if now.polled != before.polled:
                return
            await asyncio.sleep(0.02)

    # ------------------------------------------------------------ at rest

    async def _check(self, tally: Tally, *, last: bool = False) -> None:
        """`last`: every file is asked for once more."""
        self._sandbox.instagram.forget_orders()
        if not self._bot.running:
            await self._bot.start()
        await self._settled(state_of(self._data).good_at)
        fetched = set() if last else tally.flaws.files
        found = await flaws(self._data, self._address, self._wanted, fetched)
        all_of_them = tally.flaws
        for name in ("lost", "twice", "missing", "unnamed", "wrong"):
            getattr(all_of_them, name).extend(getattr(found, name))
        all_of_them.files = found.files
        say(
            f"{tally.stops} stops, {tally.hits} in a poll; {len(self._wanted)} posts, "
            f"{len(found.files)} files"
        )

    async def _settled(self, good_at: str | None) -> None:
        """Until everything was read after `good_at`, listed and told. Whatever still waits then is
        a flaw."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(sqlite3.OperationalError):
                now = state_of(self._data)
                told = query(self._data, UNDELIVERED)[0][0] == 0
                if _is_good(now, good_at) and self._wanted <= listed(self._data) and told:
                    return
                if now.state != "running":
                    self._make_due()
            await asyncio.sleep(0.5)
        say(f"THE POLLS DO NOT END {state_of(self._data)}\n{self._bot.printed[-2000:]}")


def _is_good(now: State, before: str | None) -> bool:
    return now.state == "due" and now.good_at is not None and now.good_at != before


@contextlib.asynccontextmanager
async def rig(rng: random.Random) -> AsyncIterator[Rig]:
    logging.getLogger("aiohttp.server").disabled = True  # the stand-in's clients are killed
    with tempfile.TemporaryDirectory(prefix="reelay-faults-") as folder:
        async with Sandbox() as sandbox:
            made = Rig(sandbox, Path(folder), rng)
            try:
                await made.prepare()
                yield made
            finally:
                await made.close()


async def run(runs: int, seed: int) -> list[Figure]:
    killed, stopped = Tally(), Tally()
    async with rig(random.Random(seed)) as made:
        await made.play(runs, killed)
        await made.play(min(TERMS, runs), stopped, term=True)
    return [
        *_figures("SIGKILL in polls", killed, runs),
        Figure("SIGKILL in polls", "stops that lost jobs.db too", str(killed.lost_jobs), "", True),
        *_figures("SIGTERM in polls", stopped, min(TERMS, runs)),
        most("SIGTERM in polls", "slowest exit", max(stopped.exits, default=0.0), 3, " s"),
    ]


def _figures(part: str, tally: Tally, runs: int) -> list[Figure]:
    found = tally.flaws
    for line in (*found.lost, *found.twice, *found.missing, *found.unnamed, *found.wrong):
        say(f"BAD {line}")
    return [
        Figure(part, "moments in a poll", str(tally.hits), f">= {runs}", tally.hits >= runs),
        Figure(part, "stops between polls", str(tally.stops - tally.hits), "", True),
        equal(part, f"of {tally.posted} new posts lost", len(found.lost), 0),
        equal(part, "twice: rows, GUIDs, objects", len(found.twice), 0),
        equal(part, f"listed files ({len(found.files)}) that are missing", len(found.missing), 0),
        equal(part, "objects that no row names", len(found.unnamed), 0),
        equal(part, "wrong counters and notices", len(found.wrong), 0),
        most(part, "extra timeline requests", round(tally.extra, 1), tally.stops),
        most(part, "files asked for again", tally.files_again, FILES * tally.stops),
    ]
