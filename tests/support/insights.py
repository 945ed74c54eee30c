"""A person's insights: a row in each of their tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage import tables
from storage.database import Database
from tests.support.rows import MIA, NOW, at

TABLES = (
    tables.insight_accounts,
    tables.insight_values,
    tables.insight_revisions,
    tables.insight_media,
    tables.media_values,
    tables.syncs,
    tables.sync_results,
    tables.insight_pages,
)


async def measured(
    database: Database, user_id: int = MIA, asked_by: int | None = None, *, name: str = "mia"
) -> int:
    """An account with two figures, of which Meta has changed one once, a post, a sync that
    `asked_by` has asked for, and a page. Returns its id."""
    day = NOW.date()
    async with database.write() as db:

        async def put(table: sa.Table, **row: Any) -> int:
            first = next(iter(table.primary_key.columns))
            made = await db.execute(table.insert().values(row).returning(first))
            return int(made.scalar_one())

        account = await put(
            tables.insight_accounts, user_id=user_id, identity=name, username=name, created_at=NOW
        )
        own = {"account_id": account, "metric": "reach", "period": "day", "breakdown": ""}
        told = {"day": day, "read_at": NOW}
        changed = await put(tables.insight_values, **own, **told, end_time=NOW, value=5, revision=1)
        await put(tables.insight_values, **own, **told, end_time=at(1), reason="no_data")
        await put(tables.insight_revisions, value_id=changed, revision=0, value=4, read_at=at(-1))
        post = await put(
            tables.insight_media, account_id=account, media_id="9", product="FEED",
            media_type="IMAGE", permalink="", caption=f"By {name}", posted_at=NOW,
        )  # fmt: skip
        for metric in ("reach", "views"):
            await put(tables.media_values, **told, media_row=post, metric=metric, value=7)
        sync = await put(
            tables.syncs, account_id=account, day=day, asked_by=asked_by, chat_id=asked_by,
            message_id=asked_by and 1, state="done", created_at=NOW, ended_at=NOW, changed_at=NOW,
        )  # fmt: skip
        await put(tables.sync_results, sync_id=sync, metric="reach", fetched=1)
        await put(
            tables.insight_pages, user_id=user_id, account_id=account,
            token_hash=f"hash-{user_id}-{name}", created_at=NOW, expires_at=at(60),
        )  # fmt: skip
    return account
