"""Rows of an account's figures, as a sync leaves them behind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from unittest.mock import Mock

from services.clock import Now
from services.insights.days import end_of
from services.insights.metrics import BY_KEY
from services.insights.service import Insights
from storage.database import Database
from storage.tables import insight_accounts, insight_media, insight_values, media_values
from tests.support.rows import MIA, NOW, person


def insights(database: Database, now: Now) -> Insights:
    return Insights(database, Mock(), Mock(), now)


async def account(database: Database, user_id: int = MIA, **columns: Any) -> int:
    await person(database, user_id)
    row = {"user_id": user_id, "identity": "77", "username": "mia", "created_at": NOW}
    insert = insight_accounts.insert().values(row | columns).returning(insight_accounts.c.id)
    async with database.write() as db:
        return int((await db.execute(insert)).scalar_one())


async def figures(
    database: Database, account_id: int, key: str, told: Iterable[tuple[date, float | None]],
    **columns: Any,
) -> None:  # fmt: skip
    """`key`: of metrics.BY_KEY."""
    metric = BY_KEY[key]
    rows = [
        {
            "account_id": account_id,
            "metric": metric.name,
            "period": metric.period,
            "end_time": end_of(day),
            "breakdown": "",
            "day": day,
            "value": value,
            "reason": None if value is not None else "no_data",
            "read_at": NOW,
        }
        | columns
        for day, value in told
    ]
    async with database.write() as db:
        await db.execute(insight_values.insert(), rows)


async def post(
    database: Database, account_id: int, media_id: str, posted_at: datetime, day: date,
    **told: float,
) -> None:  # fmt: skip
    row = {
        "account_id": account_id, "media_id": media_id, "product": "REELS", "media_type": "VIDEO",
        "permalink": f"https://www.instagram.com/reel/{media_id}/", "caption": "=1+1",
        "posted_at": posted_at,
    }  # fmt: skip
    async with database.write() as db:
        made = await db.execute(insight_media.insert().values(row).returning(insight_media.c.id))
        own = {"media_row": made.scalar_one(), "day": day, "read_at": NOW}
        rows = [{**own, "metric": metric, "value": value} for metric, value in told.items()]
        await db.execute(media_values.insert(), rows)
