"""Which accounts want the weekly digest, and which week was told. Called by
services.insights.digest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.insights import InsightAccount
from storage.syncs import UNFINISHED
from storage.tables import insight_accounts, syncs, users

_ACCOUNT = [insight_accounts.c[field.name] for field in fields(InsightAccount)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`zone`: of its person (IANA). `at_work`: a sync reads its figures just now."""

    account: InsightAccount
    zone: str
    at_work: bool


async def wanted(db: AsyncConnection) -> list[Wanted]:
    """Accounts of people who are here."""
    a = insight_accounts.c
    at_work = sa.exists().where(syncs.c.account_id == a.id, syncs.c.state.in_(UNFINISHED))
    query = (
        sa.select(*_ACCOUNT, users.c.zone, at_work)
        .join(users, users.c.id == a.user_id)
        .where(a.digest, users.c.status == "active", users.c.delete_after.is_(None))
        .order_by(a.id)
    )
    rows = await db.execute(query)
    return [Wanted(InsightAccount(*own), zone, at_work) for *own, zone, at_work in rows]


async def tell(db: AsyncConnection, account_id: int, week: date) -> bool:
    """False: this week was told already, or nobody wants it any more."""
    a = insight_accounts.c
    untold = a.digested_week.is_(None) | (a.digested_week < week)
    told = await db.execute(
        insight_accounts.update()
        .where(a.id == account_id, a.digest, untold)
        .values(digested_week=week)
    )
    return bool(told.rowcount)
