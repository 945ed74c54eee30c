"""One pace for one identity: every request that reaches Instagram takes its turn here.

Called by every capability before a call; the state is stored, so a restart forgets neither a pause
nor a freeze. Media bytes come from the CDN and do not count.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from services.clock import Now
from services.errors import Checkpoint, InstagramError, RateLimited
from storage import pace as storage
from storage.database import Database
from storage.pace import Call, Pace

RATE, CHECKPOINT = "rate", "checkpoint"
MINUTE = timedelta(minutes=1)
CALM = timedelta(hours=6)  # without a strike for so long, the back-off begins anew


@dataclass(frozen=True, slots=True)
class Policy:
    """`gap`: seconds between two requests, at least and at most; `per_minute`: the ceiling."""

    gap: tuple[float, float] = (6.0, 12.0)
    per_minute: int = 30
    backoff: tuple[timedelta, ...] = (
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(minutes=45),
        timedelta(hours=2),
        timedelta(hours=6),
    )

    def pause(self, chance: float) -> timedelta:
        """The pause after a request; `chance` in 0..1 spreads it between the two ends."""
        low, high = self.gap
        least = MINUTE / self.per_minute + timedelta.resolution  # it may have been rounded down
        return max(timedelta(seconds=low + (high - low) * chance), least)

    def freeze(self, strikes: int) -> timedelta:
        """How long the n-th strike in a row freezes the identity, n from 1."""
        return self.backoff[min(strikes, len(self.backoff)) - 1]


def is_frozen(state: Pace | None, now: datetime) -> bool:
    if state is None or state.reason is None:
        return False
    return state.frozen_until is None or state.frozen_until > now


def struck(state: Pace, policy: Policy, now: datetime) -> Pace:
    """After a 429, a "please wait" or a feedback block."""
    calm = state.struck_at is None or now - state.struck_at > CALM
    strikes = 1 if calm else state.strikes + 1
    return replace(
        state,
        strikes=strikes,
        struck_at=now,
        reason=RATE,
        frozen_until=now + policy.freeze(strikes),
    )


@dataclass(slots=True)
class Turn:
    """Of one call: whoever makes it says how many requests it took."""

    requests: int = 1


class Pacer:
    """Give it to every adapter that talks to Instagram. `sleep` and `chance` are injected."""

    def __init__(
        self,
        database: Database,
        now: Now,
        policy: Policy,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._now = now
        self._policy = policy
        self._sleep = sleep
        self._chance = chance
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, identity: str, purpose: str) -> AsyncIterator[Turn]:
        """Around one call: waits for its time, one at a time, and keeps what came of it.

        Errors: RateLimited or Checkpoint at once if the identity is frozen; whatever the call
        raises passes through after it was counted (an InstagramError knows its `requests`).
        """
        lock = self._turns.setdefault(identity, asyncio.Lock())
        async with lock:
            await self._wait(identity)
            began = self._now()
            turn, outcome = Turn(), "ok"
            try:
                yield turn
            except InstagramError as error:
                outcome = type(error).__name__
                turn.requests = error.requests
                await self._react(identity, error)
                raise
            except BaseException as error:
                outcome = type(error).__name__
                raise
            finally:
                seconds = (self._now() - began).total_seconds()
                await self._keep(Call(identity, purpose, began, turn.requests, seconds, outcome))

    async def _wait(self, identity: str) -> None:
        """Reserve the next free moment and sleep until it comes."""
        now = self._now()
        pause = self._policy.pause(self._chance())
        async with self._database.write() as db:
            state = await storage.reserve(db, identity, now)
            if is_frozen(state, now):
                raise frozen_error(state)
            mine = max(now, state.next_at)
            thawed = replace(state, reason=None, frozen_until=None)
            await storage.put(db, replace(thawed, next_at=mine + pause))
        if mine > now:
            await self._sleep((mine - now).total_seconds())

    async def _react(self, identity: str, error: InstagramError) -> None:
        now = self._now()
        async with self._database.write() as db:
            state = await storage.reserve(db, identity, now)
            if isinstance(error, RateLimited):
                after = struck(state, self._policy, now)
                error.until = after.frozen_until
                await storage.put(db, after)
            elif isinstance(error, Checkpoint):
                await storage.put(db, replace(state, reason=CHECKPOINT, frozen_until=None))

    async def _keep(self, call: Call) -> None:
        """Logs the call; one of three requests has used up the turns of two others."""
        extra = max(0, call.requests - 1) * self._policy.pause(self._chance())
        async with self._database.write() as db:
            await storage.log(db, call)
            if extra:
                state = await storage.reserve(db, call.identity, call.at)
                await storage.put(db, replace(state, next_at=state.next_at + extra))

    async def thaw(self, identity: str) -> None:
        """Its owner acted: ends a checkpoint. The time after a strike is not theirs to end."""
        async with self._database.write() as db:
            state = await storage.reserve(db, identity, self._now())
            if state.reason == CHECKPOINT:
                await storage.put(db, replace(state, reason=None, frozen_until=None))

    async def follow(self, before: str, identity: str) -> None:
        """What was paced as `before` turned out to be this identity: its next request waits."""
        async with self._database.write() as db:
            known = await storage.get(db, before)
            state = await storage.reserve(db, identity, self._now())
            if known and known.next_at > state.next_at:
                await storage.put(db, replace(state, next_at=known.next_at))

    async def state(self, identity: str) -> Pace | None:
        """The freeze of this identity; None if it may go on."""
        async with self._database.read() as db:
            state = await storage.get(db, identity)
        return state if is_frozen(state, self._now()) else None


def frozen_error(state: Pace) -> InstagramError:
    if state.reason == CHECKPOINT:
        return Checkpoint(subject=state.identity)
    return RateLimited(until=state.frozen_until, subject=state.identity)
