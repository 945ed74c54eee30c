"""A person's credits: history and audit. Called by bot/accounts/credits.py."""

from __future__ import annotations

from storage import credits
from storage.credits import Audit, Line
from storage.database import Database


class Ledger:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, user_id: int, limit: int, offset: int) -> list[Line]:
        async with self._database.read() as db:
            return await credits.history(db, user_id, limit, offset)

    async def audit(self, user_id: int) -> Audit:
        """Read in one snapshot, so a running import does not disturb it."""
        async with self._database.read() as db:
            return await credits.audit(db, user_id)
