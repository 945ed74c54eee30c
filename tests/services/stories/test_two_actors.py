"""Automatic and manual at one story, in any interleaving: the real services on real rows.

Workers hang in their calls of Meta for as long as they like, die there, and are taken for dead
while they live; people approve, undo, take over and post. Whoever has lost the story changes
nothing any more and asks nothing of Meta. REELAY_EXAMPLES tries more.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.accounts.meta import MetaLogins
from services.errors import ContainerInDoubt, MediaUnfit, MetaError, MetaUnavailable, NotAllowed
from services.graph.account import Container, ContainerStatus
from services.jobs.engine import Job
from services.stories.deciding import Deciding
from services.stories.machine import AT_WORK, SETTLED, State
from services.stories.publishing import Publishing
from storage import meta_accounts, people, stories, story_accounts, story_items
from storage.database import Database, sqlite_url
from storage.objects import LocalObjects
from storage.stories import Story
from tests.services.instagram.examples import EXAMPLES
from tests.services.stories.actors import Account, Call, Hosting, Logins, Made, Worker
from tests.support.clock import StillClock
from tests.support.rows import MIA

Result = TypeVar("Result")
HOUR = timedelta(hours=1)
STORY = 1
ENDS = (State.PUBLISHED, State.POSTED, State.BY_HAND, State.ASKING, State.SKIPPED)
# of these, none may be live
NOT_LIVE = {*ENDS, State.SCHEDULED, State.HELD} - {State.PUBLISHED}


# One rule for all: hypothesis would leave out most rules of an example, and here all are needed.
WHAT = st.sampled_from(
    [
        *["turn"] * 8,
        *["answer"] * 12,
        *["die", "taken for dead", "taken for dead", "container dies", "pause"],
        *["post now", "post now", "undo", "tomorrow", "by hand", "I posted it", "I looked"],
    ]
)
WHICH = st.integers(0, 2)
HOW = st.sampled_from([*["well"] * 5, "lost", "dropped", "late", "refused"])
PAUSE = st.sampled_from([1, 31, 61, 601, 90_000])


class TwoActors(RuleBasedStateMachine):
    """`template`: a database with the story. `folder`: for the files of this example."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        shutil.copy(template, self.folder / "reelay.db")
        self.database = Database(sqlite_url(self.folder / "reelay.db"))
        self.rows = sqlite3.connect(self.folder / "reelay.db")
        self.objects = LocalObjects(self.folder)
        self.hosting = Hosting()
        self.clock = StillClock()
        self.deciding = Deciding(self.database, self.clock)
        self.workers: list[Worker] = []
        self.made: dict[str, Made] = {}
        self.by_hand = 0
        (self.folder / "beach").write_bytes(b"beach")

    # -------------------------------------------------- the machinery

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    @property
    def state(self) -> str:
        """Read past the services' connections: it is asked for at each step."""
        return str(self.row[1])

    @property
    def row(self) -> tuple[Any, ...]:
        what = "run, state, container_id, publish_requested_at, publishes, looks, next_at, media_id"
        found: tuple[Any, ...] = self.rows.execute(f"select {what} from stories").fetchone()
        return found

    @property
    def waiting(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.call]

    def publishing(self, worker: Worker) -> Publishing:
        logins = Logins(cast(Any, Account(worker)))
        return Publishing(
            self.database,
            self.objects,
            cast(MetaLogins, logins),
            self.hosting,
            self.clock,
            per_hour=25,
        )

    def start(self, job: Job) -> None:
        worker = Worker(job.run)
        self.workers.append(worker)
        worker.task = self.loop.create_task(self.publishing(worker).work(job))
        self.go_on(worker)

    def go_on(self, worker: Worker) -> None:
        """Until it waits for Meta, or is through."""

        async def step() -> None:
            waits = asyncio.ensure_future(worker.waits.wait())
            await asyncio.wait({worker.task, waits}, return_when=asyncio.FIRST_COMPLETED)
            waits.cancel()

        self.do(step())
        worker.waits.clear()
        if worker.task.done():
            worker.task.result()

    @rule(what=WHAT, which=WHICH, how=HOW, pause=PAUSE)
    def something_happens(self, what: str, which: int, how: str, pause: int) -> None:
        """`which`: of the workers that wait. `how`: Meta takes the call."""
        match what:
            case "turn":
                self.the_clock_turns()
            case "pause":
                self.time_passes(pause)
            case "container dies":
                self.a_container_dies()
            case "taken for dead":
                self.whoever_is_at_work_is_taken_for_dead()
            case "answer" | "die":
                if self.waiting:
                    worker = self.waiting[which % len(self.waiting)]
                    (self.answer if what == "answer" else self.dies)(worker, how)
            case _:
                self.somebody_taps(what)

    # -------------------------------------------------- Meta

    def answer(self, worker: Worker, how: str) -> None:
        call, worker.call = worker.call, None
        assert call
        said = self.take(call, how)
        if isinstance(said, MetaError):
            call.answer.set_exception(said)
        else:
            call.answer.set_result(said)
        before = self.row
        self.go_on(worker)
        if worker.run != before[0]:
            assert self.row == before
            assert worker.call is None

    def take(self, call: Call, how: str) -> str | Container | MetaError:
        """What is done and said. Lost: done, and not said. Late: done later, and not said."""
        match call.what:
            case "create" if how in ("well", "late"):
                name = str(18_000 + len(self.made))
                self.made[name] = Made(ContainerStatus.FINISHED)
                return name
            case "create":
                return MediaUnfit() if how == "refused" else MetaUnavailable()
            case "look" if how in ("well", "late"):
                return Container(call.container, self.made[call.container].status, "Error: 2207026")
            case "look":
                return ContainerInDoubt()
        made = self.made[call.container]
        if how in ("well", "lost", "late") and made.status is ContainerStatus.FINISHED:
            later = timedelta(seconds=400 if how == "late" else 0)
            made.effects.append(self.clock() + later)
            self.effects()
        if how == "well" and made.live:
            return f"media-{call.container}"
        return MediaUnfit() if how == "refused" else ContainerInDoubt()

    def effects(self) -> None:
        for made in self.made.values():
            if any(at <= self.clock() for at in made.effects):
                made.live, made.status = True, ContainerStatus.PUBLISHED

    def a_container_dies(self) -> None:
        made = list(self.made.values())[-1:]
        if made and not made[0].live:
            made[0].status, made[0].effects = ContainerStatus.ERROR, []

    def time_passes(self, seconds: float) -> None:
        """A worker may hang for ever before it has decided; a request to publish times out."""
        for worker in self.waiting:
            if worker.call and worker.call.what == "publish" and seconds > 60:
                self.answer(worker, "dropped")
        self.clock.advance(seconds=seconds)
        self.effects()

    # -------------------------------------------------- workers

    def the_clock_turns(self) -> None:
        """When the next step is due, if that is soon."""
        soon = datetime.fromisoformat(self.row[6]).replace(tzinfo=UTC) - self.clock()
        if timedelta(0) < soon < SETTLED:
            self.time_passes(soon.total_seconds())
        self.do(self.deciding.turn())
        for job in self.do(self.publishing(Worker()).wake()):
            self.start(job)

    def dies(self, worker: Worker, how: str) -> None:
        assert worker.call
        self.take(worker.call, how)  # its request is on its way
        worker.call = None
        worker.task.cancel()
        with suppress(asyncio.CancelledError):
            self.do(cast("Coroutine[Any, Any, bool]", worker.task))

    def whoever_is_at_work_is_taken_for_dead(self) -> None:
        publishing = self.publishing(Worker())
        for job in self.do(publishing.stranded(self.clock() + timedelta(days=1))):
            if again := self.do(publishing.restart(job)):
                self.start(again)

    # -------------------------------------------------- people

    def somebody_taps(self, what: str) -> None:
        ways: dict[str, Callable[[], Coroutine[Any, Any, Story]]] = {
            "post now": lambda: self.deciding.approve(MIA, STORY, at_once=True),
            "undo": lambda: self.deciding.undo(MIA, STORY),
            "tomorrow": lambda: self.deciding.postpone(MIA, STORY, self.clock() + HOUR),
            "by hand": lambda: self.deciding.take_by_hand(MIA, STORY),
            "I posted it": lambda: self.deciding.posted(MIA, STORY),
            "I looked": lambda: self.deciding.answer(MIA, STORY, live=self.live > 0),
        }
        try:
            self.do(ways[what]())
        except NotAllowed:
            return
        self.by_hand += what == "I posted it"

    # -------------------------------------------------- what must hold

    @property
    def live(self) -> int:
        return sum(made.live for made in self.made.values())

    @invariant()
    def at_most_once(self) -> None:
        assert self.live + self.by_hand <= 1, (self.live, self.by_hand)

    @invariant()
    def what_is_said_is_true(self) -> None:
        state = self.state
        if state == State.PUBLISHED:
            assert self.live == 1
        if state in NOT_LIVE:
            assert self.live == 0, state

    def teardown(self) -> None:
        """All is well again: it comes to a stated end by itself."""
        try:
            for _ in range(100):
                while self.waiting:
                    self.answer(self.waiting[0], "well")
                if self.state not in AT_WORK:
                    break
                self.whoever_is_at_work_is_taken_for_dead()
                self.time_passes(601)
                self.the_clock_turns()
            self.time_passes(SETTLED.total_seconds())
            self.at_most_once()
            self.what_is_said_is_true()
            assert self.state in {*ENDS, State.SCHEDULED, State.HELD}
        finally:
            for worker in self.workers:
                worker.task.cancel()
            self.rows.close()
            self.do(self.database.close())
            self.loop.close()
            shutil.rmtree(self.folder)


async def _fill(url: str) -> None:
    """An account at Meta, and its story that was approved."""
    database, now = Database(url), StillClock()()
    async with database.write() as db:
        await people.add(db, MIA, name="Mia", username=None, locale="en", role="owner", now=now)
        meta = await meta_accounts.keep(
            db,
            MIA,
            "1",
            now,
            username="mia",
            flavour="instagram",
            account_type="BUSINESS",
            scopes=[],
            issued_at=now,
            unlimited=False,
        )
        account = await story_accounts.add(db, MIA, "mia", "UTC", now, meta_id=meta.id)
        item = await story_items.add(
            db,
            account,
            now,
            kind="photo",
            source="chat",
            name="beach",
            sha256="ab",
            original_key="beach",
            state="ready",
        )
        await story_items.change(db, item, fitted_key="beach")
        await stories.make(
            db, account, item, now, state=State.ASKING, mode="ask", due_at=now, next_at=now
        )
    await database.close()


def test_one_of_them_and_once(templates: Path, tmp_path: Path) -> None:
    template = tmp_path / "template.db"
    shutil.copy(templates / "reelay.db", template)
    asyncio.run(_fill(sqlite_url(template)))
    examples = settings(EXAMPLES, max_examples=max(20, EXAMPLES.max_examples // 20))
    run_state_machine_as_test(  # its type wants a class, its text anything that makes one
        cast(Any, lambda: TwoActors(template, tmp_path)),
        settings=settings(examples, stateful_step_count=25),
    )
