"""How long the feeds' posts are kept: for ever, or as long or as much as their person has chosen.

What a feed's documents list never goes, however old or large it is. Called by bot/feed and by the
clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.clock import Now
from services.feed.serving import MAX_LIMIT
from storage import audit, feeds, retention
from storage.database import Database
from storage.retention import Excess, Policy

BATCH, BATCHES = 500, 20  # posts in one transaction, transactions in one tick

CHOICES: dict[str, Policy | None] = {
    "all": None,
    "90d": Policy(days=90),
    "365d": Policy(days=365),
    "1gb": Policy(bytes=10**9),
    "5gb": Policy(bytes=5 * 10**9),
    "20gb": Policy(bytes=20 * 10**9),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """`policy` None: everything is kept. `going`: what would go if it were `policy`."""

    policy: Policy | None
    going: Excess


class Retention:
    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now

    async def of_user(self, user_id: int) -> Policy | None:
        async with self._database.read() as db:
            return await retention.get(db, user_id)

    async def what_goes(self, user_id: int, policy: Policy | None) -> Kept:
        """Changes nothing."""
        nothing = Excess(0, 0)
        async with self._database.read() as db:
            going = policy and await retention.excess(
                db, user_id, policy, listed=MAX_LIMIT, now=self._now()
            )
        return Kept(policy, going or nothing)

    async def choose(self, user_id: int, policy: Policy | None) -> None:
        now = self._now()
        async with self._database.write() as db:
            await retention.put(db, user_id, policy, now)
            await audit.note(db, user_id, "feed kept", _words(policy), now)

    async def sweep(self) -> int:
        """From the clock. Takes out of the feeds what may go; returns how many posts, whose files
        are then orphans if nobody else has them."""
        async with self._database.read() as db:
            policies = await retention.everybody(db)
        return sum([await self._sweep(user_id, policy) for user_id, policy in policies])

    async def _sweep(self, user_id: int, policy: Policy) -> int:
        async with self._database.read() as db:
            going = await retention.going(
                db, user_id, policy, listed=MAX_LIMIT, now=self._now(), limit=BATCH * BATCHES
            )
        for start in range(0, len(going), BATCH):
            now = self._now()
            async with self._database.write() as db:
                if await retention.get(db, user_id) != policy:
                    return start  # chosen anew meanwhile
                for feed_id in await retention.drop(db, user_id, going[start : start + BATCH]):
                    await feeds.bump(db, feed_id, now)
        return len(going)


def _words(policy: Policy | None) -> str:
    if policy is None:
        return "for ever"
    return f"{policy.days} days" if policy.days is not None else f"{policy.bytes} bytes"
