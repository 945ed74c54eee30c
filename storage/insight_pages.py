"""The addresses under which an account's figures are a page. Called by services.insights.pages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import insight_pages, stories, story_accounts, story_metrics, syncs, users


@dataclass(frozen=True, slots=True)
class Page:
    """Without its token, of which only a hash is kept. `user_id`: who made it."""

    id: int
    user_id: int
    account_id: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


_COLUMNS = [insight_pages.c[field.name] for field in fields(Page)]


async def add(
    db: AsyncConnection,
    user_id: int,
    account_id: int,
    *,
    token_hash: str,
    now: datetime,
    expires_at: datetime,
) -> Page:
    row = {
        "user_id": user_id,
        "account_id": account_id,
        "token_hash": token_hash,
        "created_at": now,
        "expires_at": expires_at,
    }
    return Page(*(await db.execute(insight_pages.insert().values(row).returning(*_COLUMNS))).one())


async def find(db: AsyncConnection, token_hash: str, now: datetime) -> Page | None:
    """None for what was never given out, is over, or was taken back."""
    p = insight_pages.c
    query = (
        sa.select(*_COLUMNS)
        .join(users, users.c.id == p.user_id)
        .where(p.token_hash == token_hash, _works(now), users.c.status == "active")
    )
    row = (await db.execute(query)).first()
    return Page(*row) if row else None


async def of_account(db: AsyncConnection, account_id: int, now: datetime) -> list[Page]:
    """Those that work, oldest first."""
    p = insight_pages.c
    query = sa.select(*_COLUMNS).where(p.account_id == account_id, _works(now)).order_by(p.id)
    return [Page(*row) for row in await db.execute(query)]


async def revoke(db: AsyncConnection, account_id: int, now: datetime) -> int:
    """All of this account; returns how many worked until now."""
    which = (insight_pages.c.account_id == account_id) & _works(now)
    gone = await db.execute(insight_pages.update().where(which).values(revoked_at=now))
    return int(gone.rowcount)


async def drop_expired(db: AsyncConnection, before: datetime) -> int:
    gone = await db.execute(insight_pages.delete().where(insight_pages.c.expires_at <= before))
    return int(gone.rowcount)


def _works(now: datetime) -> sa.ColumnElement[bool]:
    return insight_pages.c.revoked_at.is_(None) & (insight_pages.c.expires_at > now)


Mark = tuple[object, ...]


async def mark(
    db: AsyncConnection, account_id: int, user_id: int, identity: str, since: datetime
) -> Mark:
    """Is another one after every step of a sync, and after every change of a story that the
    account, which is this person's and has this identity at Instagram, has published since then:
    two small queries."""
    last = (
        sa.select(syncs.c.id, syncs.c.state, syncs.c.changed_at)
        .where(syncs.c.account_id == account_id)
        .order_by(syncs.c.id.desc())
        .limit(1)
    )
    told = (
        sa.select(
            sa.func.count(stories.c.id.distinct()),
            sa.func.count(story_metrics.c.metric),
            sa.func.max(story_metrics.c.at),
        )
        .join(story_accounts, story_accounts.c.id == stories.c.account_id)
        .outerjoin(story_metrics, story_metrics.c.story_id == stories.c.id)
        .where(
            story_accounts.c.user_id == user_id,
            story_accounts.c.identity == identity,
            stories.c.state == "published",
            stories.c.publish_requested_at >= since,
        )
    )
    return (*((await db.execute(last)).first() or ()), *(await db.execute(told)).one())
