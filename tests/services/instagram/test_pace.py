"""One pace for one identity: gaps, a ceiling, freezes that grow, and a memory that survives."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import Checkpoint, InstagramError, RateLimited, Unavailable
from services.instagram.pace import CALM, Pacer, Policy, is_frozen, struck
from storage import pace as storage
from storage.database import Database
from storage.pace import Pace
from tests.support.clock import StillClock
from tests.support.databases import database, database_url, postgres_url, sqlite_url
from tests.support.rows import NOW

__all__ = ["database", "database_url", "postgres_url", "sqlite_url"]

ME = "1000"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


class Instagram:
    """Calls through a pacer; `at` are the times at which they happened."""

    def __init__(
        self, database: Database, clock: StillClock, policy: Policy, chance: float
    ) -> None:
        self.clock = clock
        self.at: list[datetime] = []
        self.now = 0
        self.most_at_once = 0
        self.pacer = Pacer(database, clock, policy, sleep=self._sleep, chance=lambda: chance)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.clock.advance(seconds=seconds)

    async def call(
        self,
        error: Exception | None = None,
        *,
        requests: int = 1,
        takes: float = 0,
        identity: str = ME,
    ) -> None:
        async with self.pacer.turn(identity, "import") as turn:
            turn.requests = requests
            self.at.append(self.clock())
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
            await asyncio.sleep(0)
            self.clock.advance(seconds=takes)
            self.now -= 1
            if error:
                raise error


@pytest.fixture
def instagram(database: Database, clock: StillClock) -> Instagram:
    return Instagram(database, clock, Policy(), 0.5)


async def strike(instagram: Instagram) -> timedelta:
    """A rate limit; returns how long it freezes."""
    with pytest.raises(RateLimited) as caught:
        await instagram.call(RateLimited())
    assert caught.value.until is not None
    return caught.value.until - instagram.clock()


class TestGaps:
    async def test_calls_are_apart_by_the_pause_and_the_first_waits_for_nothing(
        self, instagram: Instagram
    ) -> None:
        for _ in range(4):
            await instagram.call()
        assert instagram.at[0] == NOW
        assert [later - sooner for sooner, later in pairwise(instagram.at)] == [
            timedelta(seconds=9)
        ] * 3

    async def test_a_call_that_took_longer_than_the_pause_is_followed_at_once(
        self, instagram: Instagram
    ) -> None:
        await instagram.call(takes=30)
        await instagram.call()
        assert instagram.at[1] - instagram.at[0] == timedelta(seconds=30)

    async def test_one_at_a_time_for_an_identity(self, instagram: Instagram) -> None:
        await asyncio.gather(*(instagram.call() for _ in range(5)))
        assert instagram.most_at_once == 1
        assert all(
            later - sooner >= timedelta(seconds=9) for sooner, later in pairwise(instagram.at)
        )

    async def test_identities_do_not_wait_for_each_other(self, instagram: Instagram) -> None:
        await instagram.call()
        await instagram.call(identity="2000")
        assert instagram.at == [NOW, NOW]

    async def test_a_call_of_three_requests_uses_up_three_turns(self, instagram: Instagram) -> None:
        await instagram.call(requests=3)
        await instagram.call()
        assert instagram.at[1] - instagram.at[0] == timedelta(seconds=27)

    @given(st.floats(0, 1), st.integers(1, 200), st.floats(0, 20), st.floats(0, 20))
    def test_the_pause_keeps_gap_and_ceiling(
        self, chance: float, per_minute: int, low: float, more: float
    ) -> None:
        policy = Policy(gap=(low, low + more), per_minute=per_minute)
        pause = policy.pause(chance).total_seconds()
        assert pause >= max(low, 60 / per_minute) - 1e-5
        assert pause <= max(low + more, 60 / per_minute) + 1e-5


Step = tuple[float, float, int, bool]
"""Idle before and length of the calls in seconds, how many at once, and whether they fail."""
STEPS = st.tuples(
    st.sampled_from([0, 0, 0, 0.5, 7, 61]),
    st.sampled_from([0, 0, 0.1, 3]),
    st.integers(1, 4),
    st.booleans(),
)


def test_never_more_than_the_ceiling_in_any_minute(sqlite_url: str) -> None:
    """Whatever the callers do: random calls, lengths, errors and idle times, several at once."""
    identities = map(str, count())

    async def schedule(instagram: Instagram, steps: list[Step]) -> None:
        identity = next(identities)

        async def call(takes: float, fails: bool) -> None:
            with suppress(Unavailable):
                await instagram.call(
                    Unavailable() if fails else None, takes=takes, identity=identity
                )

        for idle, takes, callers, fails in steps:
            instagram.clock.advance(seconds=idle)
            await asyncio.gather(*(call(takes, fails) for _ in range(callers)))

    with asyncio.Runner() as runner:
        database = Database(sqlite_url)

        @settings(max_examples=40, deadline=None)
        @given(per_minute=st.integers(1, 20), steps=st.lists(STEPS, max_size=10))
        def check(per_minute: int, steps: list[Step]) -> None:
            policy = Policy(gap=(0, 0), per_minute=per_minute)
            instagram = Instagram(database, StillClock(NOW), policy, 0)
            runner.run(schedule(instagram, steps))
            for first in instagram.at:
                within = [at for at in instagram.at if first <= at < first + MINUTE]
                assert len(within) <= per_minute

        check()
        runner.run(database.close())


class TestFreezes:
    async def test_they_grow(self, instagram: Instagram) -> None:
        frozen = []
        for _ in range(7):
            frozen.append(await strike(instagram))
            instagram.clock.advance(seconds=frozen[-1].total_seconds())
        minutes = [round(one / MINUTE) for one in frozen]
        # the last comes after six hours of silence, which is not yet more than that
        assert minutes == [5, 15, 45, 120, 360, 360, 360]

    async def test_nothing_is_sent_before_the_thaw(self, instagram: Instagram) -> None:
        frozen = await strike(instagram)
        instagram.clock.advance(seconds=frozen.total_seconds() - 1)
        await instagram.pacer.thaw(ME)  # for checkpoints: a strike is Instagram's to end
        with pytest.raises(RateLimited) as caught:
            await instagram.call()
        assert caught.value.until == instagram.clock() + timedelta(seconds=1)
        assert len(instagram.at) == 1
        instagram.clock.advance(seconds=1)
        await instagram.call()
        assert await instagram.pacer.state(ME) is None

    async def test_hours_of_calm_begin_anew(self, instagram: Instagram) -> None:
        await strike(instagram)
        instagram.clock.advance(minutes=5)
        assert await strike(instagram) == 15 * MINUTE
        instagram.clock.advance(seconds=CALM.total_seconds() + 1)
        assert await strike(instagram) == 5 * MINUTE

    async def test_a_success_in_between_is_no_calm(self, instagram: Instagram) -> None:
        await strike(instagram)
        instagram.clock.advance(minutes=5)
        await instagram.call()
        assert await strike(instagram) == 15 * MINUTE

    async def test_a_checkpoint_lasts_until_its_owner_acts(self, instagram: Instagram) -> None:
        with pytest.raises(Checkpoint):
            await instagram.call(Checkpoint())
        instagram.clock.advance(days=30)
        with pytest.raises(Checkpoint):
            await instagram.call()
        assert len(instagram.at) == 1
        frozen = await instagram.pacer.state(ME)
        assert frozen is not None
        assert (frozen.reason, frozen.frozen_until) == ("checkpoint", None)
        await instagram.pacer.thaw(ME)
        await instagram.call()

    async def test_other_errors_freeze_nothing(self, instagram: Instagram) -> None:
        for error in (Unavailable(), ZeroDivisionError()):
            with pytest.raises(type(error)):
                await instagram.call(error)
        assert await instagram.pacer.state(ME) is None

    async def test_of_those_that_wait_behind_a_strike_none_is_sent(
        self, instagram: Instagram
    ) -> None:
        first, *rest = await asyncio.gather(
            instagram.call(RateLimited()),
            *(instagram.call() for _ in range(3)),
            return_exceptions=True,
        )
        assert len(instagram.at) == 1
        assert all(isinstance(one, RateLimited) for one in (first, *rest))

    async def test_a_stranger_is_not_frozen(self, instagram: Instagram) -> None:
        assert await instagram.pacer.state("never seen") is None
        await strike(instagram)
        await instagram.call(identity="2000")

    def test_the_calm_is_more_than_six_hours(self) -> None:
        state = Pace(ME, NOW, None, None, 2, NOW)
        assert struck(state, Policy(), NOW + CALM).strikes == 3
        assert struck(state, Policy(), NOW + CALM + timedelta(seconds=1)).strikes == 1
        assert not is_frozen(None, NOW)


async def test_a_restart_forgets_neither_pause_nor_freeze(
    instagram: Instagram, database: Database, clock: StillClock
) -> None:
    await instagram.call()
    after = Instagram(database, clock, Policy(), 0.5)
    await after.call()
    assert after.at == [NOW + timedelta(seconds=9)]
    frozen = await strike(after)
    again = Instagram(database, clock, Policy(), 0.5)
    with pytest.raises(RateLimited):
        await again.call()
    clock.advance(seconds=frozen.total_seconds())
    assert await strike(again) == 15 * MINUTE  # the second in a row


async def test_two_processes_share_one_pace(database: Database, clock: StillClock) -> None:
    pair = [Instagram(database, clock, Policy(), 0.5) for _ in range(2)]
    await asyncio.gather(*(one.call() for one in pair for _ in range(3)))
    async with database.read() as db:
        state = await storage.get(db, ME)
    assert state is not None
    # six reservations, none of them lost
    assert state.next_at >= NOW + timedelta(seconds=9 * 6)


@pytest.mark.parametrize(
    ("error", "requests", "outcome"),
    [
        (None, 2, "ok"),
        (RateLimited(), 3, "RateLimited"),
        (Unavailable(), 0, "Unavailable"),  # it never got there
        (ZeroDivisionError(), 2, "ZeroDivisionError"),
    ],
)
async def test_requests_are_counted_whatever_came_of_them(
    instagram: Instagram,
    database: Database,
    error: Exception | None,
    requests: int,
    outcome: str,
) -> None:
    if isinstance(error, InstagramError):
        error.requests = requests
    with pytest.raises(type(error)) if error else nullcontext():
        await instagram.call(error, requests=2, takes=1.5)
    async with database.read() as db:
        assert await storage.requests_by_identity(db) == {ME: requests}
        assert await storage.calls_by_outcome(db) == {("import", outcome): 1}
        seconds = (await db.exec_driver_sql("select seconds from calls")).scalar()
    assert seconds == pytest.approx(1.5)
