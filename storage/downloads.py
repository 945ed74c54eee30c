"""Expiring links to stored files. Called by services.importing.library and services.web."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import downloads


async def add(
    db: AsyncConnection,
    *,
    token_hash: str,
    user_id: int,
    object_key: str,
    name: str,
    expires_at: datetime,
) -> None:
    row = {
        "token_hash": token_hash,
        "user_id": user_id,
        "object_key": object_key,
        "name": name,
        "expires_at": expires_at,
    }
    await db.execute(downloads.insert().values(row))


async def find(db: AsyncConnection, token_hash: str, now: datetime) -> tuple[str, str] | None:
    """(object key, file name) while the link lives."""
    d = downloads.c
    query = sa.select(d.object_key, d.name).where(d.token_hash == token_hash, d.expires_at > now)
    row = (await db.execute(query)).first()
    return (row[0], row[1]) if row else None


async def prune(db: AsyncConnection, now: datetime) -> None:
    await db.execute(downloads.delete().where(downloads.c.expires_at <= now))
