"""Each way in which Instagram can refuse the timeline, and all that a poll makes of it: its row,
the pace, the connection, the feed, the chat. The adapter's part is in tests/services/instagram.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sandbox.instagram.answers import Refusal
from sandbox.instagram.bad_days import Fault
from sandbox.instagram.mobile import timeline
from services.feed.fetching import TRIES
from services.instagram.pace import CHECKPOINT, RATE
from storage import pace
from storage.pace import Pace
from storage.tables import feed_items
from tests.services.feed.stage import Stage

FIRST_FREEZE = timedelta(minutes=5)
CONFIRM = "wants to check that it is you.*confirm there, then press the button"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`pace`: why the identity is frozen. `told`: the incident, in the feed and in the chat, where
    `words` match."""

    error: str
    state: str = "waiting"
    status: str = "active"
    pace: str | None = None
    told: str | None = None
    words: str = ""


UNAVAILABLE, CHANGED = Outcome("Unavailable"), Outcome("UpstreamChanged")
LIMITED = Outcome("RateLimited", pace=RATE)
DEAD = Outcome(
    "SessionRefused", "ill", "expired", told="session_dead", words="has logged the account out"
)
STOPPED = Outcome("Checkpoint", "ill", "blocked", CHECKPOINT, "checkpoint", CONFIRM)
CONSENT = replace(STOPPED, error="ConsentWanted", words="agree to its terms.*press the button")
SUSPENDED = replace(STOPPED, error="Suspended", words="has suspended the account.*Appeal")

OUTCOMES = {
    Refusal.SERVER_ERROR: UNAVAILABLE,
    Refusal.TIMEOUT: UNAVAILABLE,
    Refusal.SILENCE: UNAVAILABLE,
    Refusal.CUT: UNAVAILABLE,
    Refusal.HTML: CHANGED,
    Refusal.GARBAGE: CHANGED,
    Refusal.UNKNOWN_SHAPE: CHANGED,
    Refusal.FAILED: CHANGED,
    Refusal.HOME: CHANGED,
    Refusal.NOT_FOUND: Outcome("NotFound"),
    Refusal.RATE_LIMIT: LIMITED,
    Refusal.RATE_LIMIT_BARE: LIMITED,
    Refusal.RATE_LIMIT_ERROR: LIMITED,
    Refusal.PLEASE_WAIT: LIMITED,
    Refusal.FEEDBACK: LIMITED,
    Refusal.SENTRY_BLOCK: LIMITED,
    Refusal.LOGIN: DEAD,
    Refusal.LOGIN_REQUIRED: DEAD,
    Refusal.CHECKPOINT: STOPPED,
    Refusal.CHALLENGE: STOPPED,
    Refusal.CHALLENGE_REQUIRED: STOPPED,
    Refusal.CHALLENGE_IN_APP: STOPPED,
    Refusal.AUTH_PLATFORM: STOPPED,
    Refusal.NOT_FOUND_BARE: STOPPED,
    Refusal.SUSPENDED: SUSPENDED,
    Refusal.CONSENT: CONSENT,
}
OF_A_LOG_IN = {Refusal.BAD_PASSWORD, Refusal.TWO_FACTOR}


async def pace_of(stage: Stage) -> Pace:
    async with stage.app.ground.database.read() as db:
        state = await pace.get(db, (await stage.row()).identity)
    assert state is not None
    return state


async def mend(stage: Stage, outcome: Outcome) -> None:
    """What its person does, or the time that passes until the pace has forgotten its strikes."""
    if outcome is DEAD:
        await stage.renew_cookies()
    elif outcome.status == "blocked":
        await stage.app.feed.home.confirmed(stage.mia.user_id, stage.connection_id)
    else:
        stage.clock.advance(hours=7)


async def refused(stage: Stage, refusal: Refusal, outcome: Outcome) -> None:
    """One poll that meets this refusal, and the next one, which is good."""
    told, notices = await stage.told(), await stage.notices("feed_ill")
    stage.refuse(refusal)
    before = len(stage.requests())
    row = await stage.poll()
    assert (row.state, row.last_error, row.failures) == (outcome.state, outcome.error, 1)
    assert len(stage.requests()) == before + 1, "nothing is tried again at once"
    assert await stage.status() == outcome.status
    freeze = await pace_of(stage)
    assert freeze.reason == outcome.pace
    if freeze.reason == RATE:
        assert freeze.struck_at
        assert freeze.frozen_until == freeze.struck_at + FIRST_FREEZE
        assert row.next_at >= freeze.frozen_until
    elif outcome.state == "waiting":
        assert row.next_at - row.changed_at >= timedelta(minutes=10)
    else:  # whose person has to act is not polled until then
        assert await stage.app.feed.poll_job.wake() == []

    if outcome.told is None:  # it may be a hiccup
        assert (await stage.told(), await stage.notices("feed_ill")) == (told, notices)
    else:
        assert await stage.told() == [*told, (outcome.told, False)]
        assert await stage.notices("feed_ill") == notices + 1
        card = await stage.mia.sees(f"(?s)The feed of @mia stands still.*{outcome.words}")
        key = "🍪 Send new cookies" if outcome is DEAD else "✅ I confirmed"
        assert key in stage.mia.labels(card)

    await mend(stage, outcome)
    row = await stage.poll()
    assert (row.state, row.last_error, row.failures) == ("due", None, 0)
    assert await stage.status() == "active"
    assert all(over for _, over in await stage.told())


async def test_each_refusal_and_its_outcome(stage: Stage) -> None:
    assert set(OUTCOMES) == set(Refusal) - OF_A_LOG_IN
    await stage.poll()
    listed = await stage.items()
    identity = (await stage.row()).identity
    session = stage.app.ground.mobile._sessions[identity]
    for refusal, outcome in OUTCOMES.items():
        session._wire.answer_seconds = 0.2 if refusal is Refusal.SILENCE else 30
        try:
            await refused(stage, refusal, outcome)
        except AssertionError as wrong:
            wrong.add_note(f"after {refusal}")
            raise
    assert await stage.items() == listed
    assert (await stage.row()).gaps == 0


async def test_each_fault_of_a_file_and_its_outcome(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them is the poll's: the others are listed, and the one once its file comes."""
    await stage.poll()
    faults = [fault for fault in Fault if fault is not Fault.SLOW]
    monkeypatch.setattr(timeline, "PAGE_SIZE", len(faults) + TRIES)
    broken = dict(zip(stage.publish(len(faults)), faults, strict=True))
    for number, fault in broken.items():
        url = stage.instagram.file_url(int(number), "full")
        stage.instagram.break_next(url, fault, times=3 * TRIES)
    for _ in range(TRIES):
        stage.publish()
        assert (await stage.poll()).state == "due"
    items = await stage.items()
    unseen = set(stage.truth()[: len(faults) + TRIES]) - set(items)
    assert not unseen
    assert {number: items[number] for number in broken} == dict.fromkeys(broken, "placeholder")
    assert {state for number, state in items.items() if number not in broken} == {"shown"}
    assert (await stage.told(), await stage.notices("feed_ill")) == ([], 0)
    stage.instagram.forget_orders()
    i = feed_items.c
    async with stage.app.ground.database.read() as db:
        tries = set(
            (await db.execute(sa.select(i.tries).where(i.state == "placeholder"))).scalars()
        )
    assert tries >= {TRIES}
