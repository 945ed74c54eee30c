"""The addresses under which an analysis is a page: made, found by their token, taken back.

Called by bot/analysis (make, revoke) and services.web (open).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.clock import Now
from services.errors import NotAllowed
from services.tokens import new_token, token_hash
from storage import analysis, reports
from storage.database import Database, Transaction
from storage.reports import Report

LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Address:
    """Known now and never again: only a hash of the token is kept."""

    report: Report
    url: str


class Reports:
    """`base`: the side server's address from outside; it may be set later, where the port is not
    known before the server listens."""

    def __init__(self, database: Database, now: Now, *, base: str) -> None:
        self._database = database
        self._now = now
        self.base = base

    async def make(self, user_id: int, analysis_id: int) -> Address:
        """A new address; older ones stay good until their end. Errors: NotAllowed."""
        token = new_token()
        now = self._now()
        async with self._database.write() as db:
            await _check(db, user_id, analysis_id)
            report = await reports.add(
                db,
                user_id,
                analysis_id,
                token_hash=token_hash(token),
                now=now,
                expires_at=now + LIFE,
            )
        return Address(report, f"{self.base.rstrip('/')}/reports/{token}")

    async def revoke(self, user_id: int, analysis_id: int) -> int:
        """All addresses of this analysis; returns how many worked. Errors: NotAllowed."""
        async with self._database.write() as db:
            await _check(db, user_id, analysis_id)
            return await reports.revoke(db, analysis_id, self._now())

    async def working(self, user_id: int, analysis_id: int) -> list[Report]:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            await _check(db, user_id, analysis_id)
            return await reports.of_analysis(db, analysis_id, self._now())

    async def open(self, token: str) -> Report | None:
        """What an address opens; None for all that does not, whatever the reason."""
        async with self._database.read() as db:
            return await reports.find(db, token_hash(token), self._now())


async def _check(db: Transaction, user_id: int, analysis_id: int) -> None:
    item = await analysis.get(db, analysis_id)
    if item is None or item.user_id != user_id:
        raise NotAllowed("That analysis is gone.", "Open /reports for those that are there.")
