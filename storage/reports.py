"""The addresses of analyses as pages. Called by services.analysis."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import reports, users


@dataclass(frozen=True, slots=True)
class Report:
    """Without its token, of which only a hash is kept."""

    id: int
    user_id: int
    analysis_id: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


_COLUMNS = [reports.c[field.name] for field in fields(Report)]


async def add(
    db: AsyncConnection,
    user_id: int,
    analysis_id: int,
    *,
    token_hash: str,
    now: datetime,
    expires_at: datetime,
) -> Report:
    row = {
        "user_id": user_id,
        "analysis_id": analysis_id,
        "token_hash": token_hash,
        "created_at": now,
        "expires_at": expires_at,
    }
    return Report(*(await db.execute(reports.insert().values(row).returning(*_COLUMNS))).one())


async def find(db: AsyncConnection, token_hash: str, now: datetime) -> Report | None:
    """None for what was never given out, is over, or was taken back."""
    r = reports.c
    query = (
        sa.select(*_COLUMNS)
        .join(users, users.c.id == r.user_id)
        .where(
            r.token_hash == token_hash,
            r.revoked_at.is_(None),
            r.expires_at > now,
            users.c.status == "active",
        )
    )
    row = (await db.execute(query)).first()
    return Report(*row) if row else None


async def of_analysis(db: AsyncConnection, analysis_id: int, now: datetime) -> list[Report]:
    """Those that work, oldest first."""
    r = reports.c
    query = sa.select(*_COLUMNS).where(
        r.analysis_id == analysis_id, r.revoked_at.is_(None), r.expires_at > now
    )
    return [Report(*row) for row in await db.execute(query.order_by(r.id))]


async def revoke(db: AsyncConnection, analysis_id: int, now: datetime) -> int:
    """All of this analysis; returns how many worked until now."""
    r = reports.c
    gone = await db.execute(
        reports.update()
        .where(r.analysis_id == analysis_id, r.revoked_at.is_(None), r.expires_at > now)
        .values(revoked_at=now)
    )
    return int(gone.rowcount)


async def drop_expired(db: AsyncConnection, before: datetime) -> None:
    await db.execute(reports.delete().where(reports.c.expires_at <= before))
