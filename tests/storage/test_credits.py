"""The ledger: every balance is the sum of its entries, whatever happens in whatever order."""

from __future__ import annotations

import asyncio
import os

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.importing.ending import release
from storage import credits, import_items, people
from storage.credits import Line
from storage.database import Database
from storage.tables import credit_entries, imports, users
from storage.tables import import_items as item_table
from tests.support.rows import LEO, MIA, NOW, MadeImport, an_import, at, person

POSTS = 6


class Ledger(RuleBasedStateMachine):
    """One person, one import of a few posts. A model of plain numbers runs beside the database."""

    runner: asyncio.Runner
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.made: MadeImport
        self.balance = 0
        self.held: set[int] = set()  # charged and pending
        self.saved: set[int] = set()
        self.lost: set[int] = set()

    @initialize(start=st.integers(0, 8))
    def begin(self, start: int) -> None:
        async def empty() -> None:
            async with self.database.write() as db:
                for table in (users, credit_entries):
                    await db.execute(table.delete())

        self.runner.run(empty())
        self.runner.run(person(self.database, MIA, balance=start))
        self.made = self.runner.run(an_import(self.database, MIA, count=POSTS))
        self.balance = start

    @property
    def open_items(self) -> list[int]:
        return [one for one in self.made.items if one not in self.held | self.saved | self.lost]

    @rule(amount=st.integers(1, 4))
    def grant(self, amount: int) -> None:
        async def step() -> None:
            async with self.database.write() as db:
                await credits.grant(db, MIA, amount, "More", NOW)

        self.runner.run(step())
        self.balance += amount

    @rule(count=st.integers(1, POSTS))
    def charge(self, count: int) -> None:
        batch = self.open_items[:count]

        async def step() -> bool:
            async with self.database.write() as db:
                return await credits.charge(db, MIA, self.made.id, batch, NOW)

        paid = self.runner.run(step())
        assert paid == (self.balance >= len(batch))
        if paid:
            self.balance -= len(batch)
            self.held |= set(batch)

    @rule(data=st.data())
    def charge_again(self, data: st.DataObject) -> None:
        """What is paid for can't be paid for twice: the whole transaction is undone."""
        if not self.held or self.balance == 0:
            return
        item = data.draw(st.sampled_from(sorted(self.held)))

        async def step() -> None:
            async with self.database.write() as db:
                await credits.charge(db, MIA, self.made.id, [item], NOW)

        with pytest.raises(sa.exc.IntegrityError):
            self.runner.run(step())

    @rule(data=st.data(), ends=st.sampled_from(["saved", "gone", "failed"]), twice=st.booleans())
    def settle(self, data: st.DataObject, ends: str, twice: bool) -> None:
        if not self.held:
            return
        item = data.draw(st.sampled_from(sorted(self.held)))

        async def step() -> int:
            async with self.database.write() as db:
                settled = await import_items.settle(db, item, ends, NOW)
                if settled and ends != "saved":
                    return await credits.refund(db, self.made.id, [item], NOW)
                return 0

        given = self.runner.run(step())
        assert given == (ends != "saved")
        if twice:  # a job that was killed after its commit does it all again
            assert self.runner.run(step()) == 0
        self.held.discard(item)
        (self.saved if ends == "saved" else self.lost).add(item)
        self.balance += given

    @rule()
    def refund_again(self) -> None:
        async def step() -> int:
            async with self.database.write() as db:
                return await credits.refund(db, self.made.id, sorted(self.lost), NOW)

        assert self.runner.run(step()) == 0

    @rule()
    def stop(self) -> None:
        """Pause, wait or a restart: what is held comes back and can be charged anew."""

        async def step() -> int:
            async with self.database.write() as db:
                return await release(db, self.made.id, NOW)

        assert self.runner.run(step()) == len(self.held)
        self.balance += len(self.held)
        self.held.clear()

    @rule()
    def retry_failed(self) -> None:
        async def step() -> int:
            async with self.database.write() as db:
                return await import_items.reopen_failed(db, self.made.id)

        failed = self.runner.run(self._in_state("failed"))
        assert self.runner.run(step()) == len(failed)
        self.lost -= failed

    async def _in_state(self, state: str) -> set[int]:
        query = sa.select(item_table.c.id).where(item_table.c.state == state)
        async with self.database.read() as db:
            return set((await db.execute(query)).scalars())

    @invariant()
    def the_books_balance(self) -> None:
        async def look() -> tuple[credits.Audit, int, int]:
            per_attempt = (
                sa.select(sa.func.count())
                .where(credit_entries.c.item_id.is_not(None))
                .group_by(credit_entries.c.item_id, credit_entries.c.attempt, credit_entries.c.kind)
                .order_by(sa.func.count().desc())
            )
            async with self.database.read() as db:
                user = await people.get(db, MIA)
                most = (await db.execute(per_attempt)).scalar() or 0
                return await credits.audit(db, MIA), user.credits if user else 0, most

        audit, balance, most = self.runner.run(look())
        assert audit.holds, audit
        assert balance == self.balance == audit.entries >= 0
        assert most <= 1


def test_the_books_balance_after_anything(database_url: str) -> None:
    with asyncio.Runner() as runner:
        Ledger.runner, Ledger.database = runner, Database(database_url)
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=int(os.environ.get("REELAY_TEST_EXAMPLES", "12")),
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        runner.run(Ledger.database.close())


async def test_two_batches_at_once_do_not_overdraw(database: Database) -> None:
    await person(database, balance=5)
    first = await an_import(database, key="named:1", count=4)
    second = await an_import(database, key="named:2", count=4)

    async def pay(made: MadeImport) -> bool:
        async with database.write() as db:
            return await credits.charge(db, MIA, made.id, made.items, NOW)

    assert sorted(await asyncio.gather(pay(first), pay(second))) == [False, True]
    async with database.read() as db:
        audit = await credits.audit(db, MIA)
    assert (audit.balance, audit.entries) == (1, 1)


async def test_one_refund_when_two_jobs_lose_the_same_post(database: Database) -> None:
    await person(database, balance=3)
    made = await an_import(database, count=3)
    async with database.write() as db:
        await credits.charge(db, MIA, made.id, made.items, NOW)

    async def give_back() -> int:
        async with database.write() as db:
            return await credits.refund(db, made.id, made.items, NOW)

    assert sorted(await asyncio.gather(give_back(), give_back())) == [0, 3]
    async with database.read() as db:
        user = await people.get(db, MIA)
        assert await credits.totals(db, [made.id]) == {made.id: (3, 3)}
        assert await credits.refunds_ever(db) == 3
    assert user is not None
    assert user.credits == 3


class TestAudit:
    """It must not hold when somebody has tampered with a row."""

    @pytest.fixture
    async def made(self, database: Database) -> MadeImport:
        """Three posts paid for: one saved, one lost and refunded, one held."""
        await person(database, balance=5)
        made = await an_import(database, count=3)
        async with database.write() as db:
            await credits.charge(db, MIA, made.id, made.items, NOW)
            await import_items.settle(db, made.items[0], "saved", NOW)
            await import_items.settle(db, made.items[1], "gone", NOW, error="gone")
            await credits.refund(db, made.id, [made.items[1]], NOW)
        return made

    async def _audit(self, database: Database) -> credits.Audit:
        async with database.read() as db:
            return await credits.audit(db, MIA)

    async def test_it_holds(self, database: Database, made: MadeImport) -> None:
        assert (await self._audit(database)) == credits.Audit(3, 3, 0, 0, 0)

    async def test_a_balance_from_nowhere(self, database: Database, made: MadeImport) -> None:
        async with database.write() as db:
            await people.change(db, MIA, credits=99)
        assert not (await self._audit(database)).holds

    async def test_a_charge_for_a_post_that_never_came(
        self, database: Database, made: MadeImport
    ) -> None:
        async with database.write() as db:
            await import_items.settle(db, made.items[2], "failed", NOW, error="short")
        assert (await self._audit(database)).charges_without_post == 1

    async def test_a_held_credit_of_an_import_that_does_not_run(
        self, database: Database, made: MadeImport
    ) -> None:
        async with database.write() as db:
            await db.execute(imports.update().values(state="paused"))
        assert (await self._audit(database)).charges_without_post == 1

    async def test_a_saved_post_that_was_never_charged(
        self, database: Database, made: MadeImport
    ) -> None:
        other = await an_import(database, key="named:2", count=1)
        async with database.write() as db:
            await import_items.settle(db, other.items[0], "saved", NOW)
        assert (await self._audit(database)).saved_without_charge == 1

    async def test_a_saved_post_whose_credit_came_back(
        self, database: Database, made: MadeImport
    ) -> None:
        """Released and then saved without being charged anew."""
        async with database.write() as db:
            await release(db, made.id, NOW)
            await import_items.settle(db, made.items[2], "saved", NOW)
        assert (await self._audit(database)).saved_without_charge == 1

    async def test_a_refund_without_a_charge(self, database: Database, made: MadeImport) -> None:
        entry = {"user_id": MIA, "amount": 1, "kind": "refund", "import_id": made.id}
        async with database.write() as db:
            await db.execute(
                credit_entries.insert().values(
                    entry | {"item_id": made.items[2], "attempt": 7, "at": NOW}
                )
            )
        assert (await self._audit(database)).refunds_without_charge == 1


async def test_history_tells_each_import_in_two_lines(database: Database) -> None:
    await person(database, balance=10)
    await person(database, LEO, balance=1)
    made = await an_import(database, key="named:beats", count=3)
    async with database.write() as db:
        await credits.charge(db, MIA, made.id, made.items, at(1))
        await import_items.settle(db, made.items[0], "gone", at(2))
        await credits.refund(db, made.id, made.items[:1], at(2))
        await credits.grant(db, MIA, 7, "Granted by Leo", at(3))
    async with database.read() as db:
        assert await credits.history(db, MIA, 10) == [
            Line(at(3), "grant", 7, "Granted by Leo"),
            Line(at(2), "refund", 1, "Named:Beats"),
            Line(at(1), "charge", -3, "Named:Beats"),
            Line(at(0), "grant", 10, "Welcome"),
        ]
        assert await credits.history(db, MIA, 1, 1) == [Line(at(2), "refund", 1, "Named:Beats")]
