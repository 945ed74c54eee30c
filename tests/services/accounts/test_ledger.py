"""A person's own view of the ledger."""

from __future__ import annotations

from services.accounts.ledger import Ledger
from storage import credits, people
from storage.database import Database
from tests.support.rows import LEO, MIA, NOW, an_import, person


async def test_history_and_audit_are_ones_own(database: Database) -> None:
    await person(database, MIA, balance=10)
    await person(database, LEO, balance=3)
    made = await an_import(database, MIA, count=2)
    async with database.write() as db:
        await credits.charge(db, MIA, made.id, made.items, NOW)
        await people.change(db, LEO, credits=99)  # somebody tampered with Leo's
    ledger = Ledger(database)
    assert [line.amount for line in await ledger.history(MIA, 10, 0)] == [-2, 10]
    assert [line.amount for line in await ledger.history(MIA, 10, 1)] == [10]
    assert (await ledger.audit(MIA)).holds
    assert not (await ledger.audit(LEO)).holds
