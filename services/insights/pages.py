"""The addresses under which an account's figures are a page: made, found by their token, taken
back.

Called by bot/insights (make, revoke), services.web (open) and the clock (sweep).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.clock import Now
from services.errors import NotAllowed
from services.tokens import new_token, token_hash
from storage import insight_pages, insights, people
from storage.database import Database, Transaction
from storage.insight_pages import Page

LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Address:
    """Known now and never again: only a hash of the token is kept."""

    page: Page
    url: str


class Pages:
    """`base`: the side server's address from outside; it may be set later, where the port is not
    known before the server listens."""

    def __init__(self, database: Database, now: Now, *, base: str) -> None:
        self._database = database
        self._now = now
        self.base = base

    async def make(self, user_id: int, account_id: int) -> Address:
        """A new address; older ones stay good until their end. Errors: NotAllowed."""
        token = new_token()
        now = self._now()
        async with self._database.write() as db:
            await _check(db, user_id, account_id)
            page = await insight_pages.add(
                db,
                user_id,
                account_id,
                token_hash=token_hash(token),
                now=now,
                expires_at=now + LIFE,
            )
        return Address(page, f"{self.base.rstrip('/')}/insights/{token}")

    async def revoke(self, user_id: int, account_id: int) -> int:
        """All addresses of this account, whoever of the team made them; returns how many worked.
        Errors: NotAllowed."""
        async with self._database.write() as db:
            await _check(db, user_id, account_id)
            return await insight_pages.revoke(db, account_id, self._now())

    async def working(self, user_id: int, account_id: int) -> list[Page]:
        """Oldest first. Errors: NotAllowed."""
        async with self._database.read() as db:
            await _check(db, user_id, account_id)
            return await insight_pages.of_account(db, account_id, self._now())

    async def open(self, token: str) -> Page | None:
        """What an address opens; None for all that does not, whatever the reason."""
        async with self._database.read() as db:
            return await insight_pages.find(db, token_hash(token), self._now())

    async def sweep(self) -> int:
        """Drops those whose time is over; returns how many."""
        async with self._database.write() as db:
            return await insight_pages.drop_expired(db, self._now())


async def _check(db: Transaction, user_id: int, account_id: int) -> None:
    """The rule of Insights.one: one's own accounts and the team's."""
    account = await insights.get(db, account_id)
    if account is None or account.user_id not in await people.team_of(db, user_id):
        raise NotAllowed("That account is gone.", "Open /insights for those that are there.")
