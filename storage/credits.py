"""The ledger of credits. Every change of a balance is an entry in the same transaction.

Called by services.accounts (grants, history) and services.importing (charges, refunds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import collections, credit_entries, import_items, imports, users


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a history: a grant, or what one import cost and gave back on one day."""

    at: datetime
    kind: str  # grant | charge | refund
    amount: int
    title: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What must all be zero, beside the two sums that must be equal."""

    balance: int
    entries: int
    charges_without_post: int  # settled import, charged, neither saved nor refunded
    saved_without_charge: int
    refunds_without_charge: int

    @property
    def holds(self) -> bool:
        return self.balance == self.entries and not (
            self.charges_without_post or self.saved_without_charge or self.refunds_without_charge
        )


async def grant(db: AsyncConnection, user_id: int, amount: int, note: str, now: datetime) -> None:
    await _add_to_balance(db, user_id, amount)
    entry = {"user_id": user_id, "amount": amount, "kind": "grant", "note": note, "at": now}
    await db.execute(credit_entries.insert().values(entry))


async def charge(
    db: AsyncConnection, user_id: int, import_id: int, items: Sequence[int], now: datetime
) -> bool:
    """Takes one credit for each item, all or none; False if the balance is too small."""
    paid = await db.execute(
        users.update()
        .where(users.c.id == user_id, users.c.credits >= len(items))
        .values(credits=users.c.credits - len(items))
    )
    if not paid.rowcount:
        return False
    mine = sa.select(
        sa.literal(user_id),
        sa.literal(-1),
        sa.literal("charge"),
        sa.literal(import_id),
        import_items.c.id,
        import_items.c.attempt,
        sa.literal(now, credit_entries.c.at.type),
    ).where(import_items.c.id.in_(items))
    names = ["user_id", "amount", "kind", "import_id", "item_id", "attempt", "at"]
    await db.execute(credit_entries.insert().from_select(names, mine))
    await db.execute(import_items.update().where(import_items.c.id.in_(items)).values(charged=True))
    return True


async def refund(db: AsyncConnection, import_id: int, items: Sequence[int], now: datetime) -> int:
    """Gives back what was charged for these items and not refunded yet; returns how many.

    The caller moves the items in the same transaction.
    """
    charged = sa.select(
        credit_entries.c.user_id, credit_entries.c.item_id, credit_entries.c.attempt
    ).join(
        import_items,
        (import_items.c.id == credit_entries.c.item_id)
        & (import_items.c.attempt == credit_entries.c.attempt),
    )
    charged = charged.where(
        credit_entries.c.import_id == import_id,
        credit_entries.c.kind == "charge",
        import_items.c.charged.is_(sa.true()),
        import_items.c.id.in_(items),
    )
    rows = (await db.execute(charged)).all()
    if not rows:
        return 0
    entries = [
        {
            "user_id": user_id,
            "amount": 1,
            "kind": "refund",
            "import_id": import_id,
            "item_id": item_id,
            "attempt": attempt,
            "at": now,
        }
        for user_id, item_id, attempt in rows
    ]
    inserted = await db.execute(
        insert_once(db, credit_entries)
        .values(entries)
        .on_conflict_do_nothing(index_elements=["item_id", "attempt", "kind"])
        .returning(credit_entries.c.id)  # an INSERT's rowcount is -1 on PostgreSQL
    )
    given = len(inserted.all())
    await _add_to_balance(db, rows[0][0], given)
    await db.execute(
        import_items.update()
        .where(import_items.c.id.in_([row[1] for row in rows]))
        .values(charged=False)
    )
    return given


async def _add_to_balance(db: AsyncConnection, user_id: int, amount: int) -> None:
    await db.execute(
        users.update().where(users.c.id == user_id).values(credits=users.c.credits + amount)
    )


async def history(db: AsyncConnection, user_id: int, limit: int, offset: int = 0) -> list[Line]:
    """Newest first; the entries of one import and kind are one line."""
    group = sa.func.coalesce(credit_entries.c.import_id, -credit_entries.c.id)
    query = (
        sa.select(
            sa.func.max(credit_entries.c.at, type_=credit_entries.c.at.type),
            credit_entries.c.kind,
            sa.func.sum(credit_entries.c.amount),
            sa.func.coalesce(sa.func.max(collections.c.title), sa.func.max(credit_entries.c.note)),
        )
        .outerjoin(imports, imports.c.id == credit_entries.c.import_id)
        .outerjoin(collections, collections.c.id == imports.c.collection_id)
        .where(credit_entries.c.user_id == user_id)
        .group_by(group, credit_entries.c.kind)
        .order_by(sa.func.max(credit_entries.c.id).desc())
        .limit(limit)
        .offset(offset)
    )
    return [Line(*row) for row in await db.execute(query)]


async def totals(db: AsyncConnection, import_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """{import id: (charged, refunded) credits}, both as positive numbers."""
    e = credit_entries.c
    query = (
        sa.select(e.import_id, e.kind, sa.func.sum(e.amount))
        .where(e.import_id.in_(import_ids))
        .group_by(e.import_id, e.kind)
    )
    sums = {(import_id, kind): amount for import_id, kind, amount in await db.execute(query)}
    return {
        import_id: (-sums.get((import_id, "charge"), 0), sums.get((import_id, "refund"), 0))
        for import_id in import_ids
    }


async def refunds_ever(db: AsyncConnection) -> int:
    query = sa.select(sa.func.count()).where(credit_entries.c.kind == "refund")
    return (await db.execute(query)).scalar_one()


async def audit(db: AsyncConnection, user_id: int) -> Audit:
    """Reads the ledger as an auditor would: from the entries, not from the balance."""

    async def number(query: sa.Select[Any]) -> int:
        return int((await db.execute(query)).scalar() or 0)

    entry = credit_entries.alias("entry")
    refunded = sa.exists().where(
        credit_entries.c.item_id == entry.c.item_id,
        credit_entries.c.attempt == entry.c.attempt,
        credit_entries.c.kind == "refund",
    )
    charged = sa.exists().where(
        credit_entries.c.item_id == entry.c.item_id,
        credit_entries.c.attempt == entry.c.attempt,
        credit_entries.c.kind == "charge",
    )
    mine = (
        sa.select(sa.func.count())
        .select_from(entry)
        .join(import_items, import_items.c.id == entry.c.item_id)
        .join(imports, imports.c.id == entry.c.import_id)
        .where(entry.c.user_id == user_id)
    )
    held = (import_items.c.state == "pending") & (imports.c.state == "running")
    lost = mine.where(entry.c.kind == "charge", ~refunded, import_items.c.state != "saved", ~held)
    paid = sa.exists().where(
        credit_entries.c.item_id == import_items.c.id,
        credit_entries.c.attempt == import_items.c.attempt,
        credit_entries.c.kind == "charge",
    )
    free = (
        sa.select(sa.func.count())
        .select_from(import_items)
        .join(imports, imports.c.id == import_items.c.import_id)
        .where(imports.c.user_id == user_id, import_items.c.state == "saved", ~paid)
    )
    return Audit(
        balance=await number(sa.select(users.c.credits).where(users.c.id == user_id)),
        entries=await number(
            sa.select(sa.func.sum(credit_entries.c.amount)).where(
                credit_entries.c.user_id == user_id
            )
        ),
        charges_without_post=await number(lost),
        saved_without_charge=await number(free),
        refunds_without_charge=await number(mine.where(entry.c.kind == "refund", ~charged)),
    )
