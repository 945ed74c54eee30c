"""The machine in any interleaving of Meta, dying workers and people: live once, and said truly.

Pure: publishing.py is played here in a few lines. `make faults` runs it with more examples.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.stories import machine
from services.stories.machine import SETTLED, Publication, State, Status, Step, Trouble, Verdict
from tests.services.instagram.examples import EXAMPLES
from tests.support.rows import NOW

NEW = Publication(State.PREPARING, NOW, NOW)


class Container:
    """Meta's. It goes live at most once; `effects`: when the requests that it took will."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self.live = False
        self.effects: list[datetime] = []


FATES = st.sampled_from([*[Status.FINISHED] * 8, Status.IN_PROGRESS, Status.ERROR])
VERDICTS = st.sampled_from(list(Verdict))
EFFECTS = st.sampled_from([None, 0, 45, 400, 599])  # seconds until media_publish takes effect
CRASHES = st.sampled_from([*[None] * 8, "before", "between", "slow", "after"])
PAUSES = st.sampled_from([1, 31, 61, 601, 87_000])


class Interleavings(RuleBasedStateMachine):
    """One story, workers that die or fall asleep anywhere, Meta on every kind of day, and a person
    who posts by hand. The row is moved as storage does: for the run that it was read with."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.row = NEW
        self.run = 0
        self.containers: dict[str, Container] = {}
        self.by_hand = 0
        self.asleep: list[tuple[int, Publication]] = []  # decided, not committed
        self.unsent: list[str] = []  # committed, not sent

    def commit(self, run: int, moved: Publication) -> bool:
        if run != self.run or self.row.state not in machine.AT_WORK:
            return False
        self.row = moved
        return True

    # -------------------------------------------------- Meta

    def wait(self, until: datetime) -> None:
        if until > self.now:
            self.unsent = []  # a process that lives does not hold a request back for long
        self.now = max(self.now, until)
        for container in self.containers.values():
            if any(at <= self.now for at in container.effects):
                container.live, container.status = True, Status.PUBLISHED

    def publish(self, container_id: str, effect: int | None) -> None:
        container = self.containers[container_id]
        if effect is not None and container.status is Status.FINISHED:
            container.effects.append(self.now + timedelta(seconds=effect))
        self.wait(self.now)

    @precondition(lambda self: self.row.container_id)
    @rule(status=st.sampled_from([Status.FINISHED, Status.ERROR, Status.EXPIRED]))
    def meta_changes_its_mind(self, status: Status) -> None:
        container = self.containers[self.row.container_id or ""]
        if container.status in (Status.IN_PROGRESS, Status.FINISHED):
            container.status = status

    @precondition(lambda self: self.row.state is not State.PREPARING)
    @rule(seconds=PAUSES)
    def time_passes(self, seconds: int) -> None:
        self.wait(self.now + timedelta(seconds=seconds))

    # -------------------------------------------------- workers

    @precondition(lambda self: self.row.state in machine.AT_WORK)
    @rule(
        bad=st.sampled_from([*[None] * 12, *Verdict]),
        fate=FATES,
        effect=EFFECTS,
        answer=st.none() | VERDICTS,
        crash=CRASHES,
    )
    def step(
        self,
        bad: Verdict | None,
        fate: Status,
        effect: int | None,
        answer: Verdict | None,
        crash: str | None,
    ) -> None:
        """`bad`: what the reading or making call meets. `answer`: to media_publish; None: the media
        id, if it took effect."""
        self.wait(self.row.next_at)
        moved, step = self.decide(bad, fate)
        if crash in ("before", "between"):
            if crash == "between":  # asleep; it goes on when another one has gone on, too
                self.asleep.append((self.run, moved))
            self.run += 1
            return
        assert self.commit(self.run, moved)
        if step is not Step.PUBLISH:
            return
        assert moved.container_id
        if crash == "slow":
            self.unsent.append(moved.container_id)
            self.run += 1
            return
        self.publish(moved.container_id, effect)
        if crash == "after":
            self.run += 1
            return
        live = self.containers[moved.container_id].live
        said = "m1" if answer is None and live else Trouble(answer or Verdict.LOOK, "x")
        assert self.commit(self.run, machine.after_publish(moved, said, self.now))

    def decide(self, bad: Verdict | None, fate: Status) -> tuple[Publication, Step]:
        row, now = self.row, self.now
        trouble = Trouble(bad or Verdict.LOOK, "x")
        step = machine.next_step(row, now)
        if step is Step.ASK_PEOPLE:
            return machine.ask_again(row, now), step
        if step is Step.CREATE and bad:
            return machine.after_trouble(row, trouble, now), step
        if step is Step.CREATE:
            name = f"c{len(self.containers) + 1}"
            self.containers[name] = Container(fate)
            return machine.after_create(row, name, now), step
        if bad:
            moved, step = machine.after_blind_look(row, trouble, now)
        else:
            status = self.containers[row.container_id or ""].status
            moved, step = machine.after_look(row, status, now)
        return (machine.ask_for(moved, now) if step is Step.PUBLISH else moved), step

    @precondition(lambda self: self.asleep)
    @rule()
    def a_sleeper_wakes(self) -> None:
        assert not self.commit(*self.asleep.pop())

    @precondition(lambda self: self.unsent)
    @rule(effect=EFFECTS)
    def a_slow_request_is_sent(self, effect: int | None) -> None:
        self.publish(self.unsent.pop(), effect)

    # -------------------------------------------------- people

    @precondition(lambda self: self.containers and machine.may_be_taken_by_hand(self.row))
    @rule()
    def is_taken_by_hand(self) -> None:
        self.run += 1
        self.row = machine.taken_by_hand(self.row, self.now)

    @precondition(lambda self: self.row.state is State.BY_HAND)
    @rule()
    def is_posted_by_hand(self) -> None:
        self.by_hand += 1
        self.row = replace(self.row, state=State.POSTED)

    @precondition(lambda self: self.row.state in (State.BY_HAND, State.ASKING))
    @rule()
    def is_approved_again(self) -> None:
        self.run += 1
        self.row = machine.begin(replace(self.row, due_at=self.now), self.now)

    @precondition(lambda self: machine.wants_a_person(self.row, self.now))
    @rule()
    def somebody_looks(self) -> None:
        self.run += 1
        self.row = machine.told(self.row, self.now, live=self.live > 0)

    # -------------------------------------------------- what must hold

    @property
    def live(self) -> int:
        return sum(container.live for container in self.containers.values())

    @invariant()
    def at_most_once(self) -> None:
        assert self.live + self.by_hand <= 1, (self.row, self.live, self.by_hand)

    @invariant()
    def what_is_said_is_true(self) -> None:
        if self.row.state is State.PUBLISHED:
            assert self.live == 1
        if self.row.state in (State.BY_HAND, State.ASKING):
            assert self.live == 0

    def teardown(self) -> None:
        """Meta is well again, and nobody does anything: it comes to a stated end by itself."""
        for _ in range(100):
            if self.row.state not in machine.AT_WORK:
                break
            current = self.row.container_id and self.containers[self.row.container_id]
            if current and current.status is Status.IN_PROGRESS:
                current.status = Status.FINISHED
            self.step(None, Status.FINISHED, 0, None, None)
        self.wait(self.now + SETTLED)
        self.at_most_once()
        self.what_is_said_is_true()
        ends = (State.PUBLISHED, State.POSTED, State.BY_HAND, State.ASKING)
        assert self.row.state in ends, self.row


Interleavings.TestCase.settings = settings(EXAMPLES, stateful_step_count=25)
TestInterleavings = Interleavings.TestCase
