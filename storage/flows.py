"""Unfinished dialogues: what a chat was asked and has not answered yet. Called by bot/."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import flows


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    data: dict[str, Any]


async def begin(
    db: AsyncConnection,
    chat_id: int,
    user_id: int,
    name: str,
    *,
    expires_at: datetime,
    **data: Any,
) -> None:
    """Replaces whatever was asked before."""
    row = {
        "chat_id": chat_id,
        "user_id": user_id,
        "name": name,
        "data": data,
        "expires_at": expires_at,
    }
    await db.execute(
        insert_once(db, flows)
        .values(row)
        .on_conflict_do_update(index_elements=["chat_id", "user_id"], set_=row)
    )


async def current(db: AsyncConnection, chat_id: int, user_id: int, now: datetime) -> Flow | None:
    f = flows.c
    query = sa.select(f.name, f.data).where(
        f.chat_id == chat_id, f.user_id == user_id, f.expires_at > now
    )
    row = (await db.execute(query)).first()
    return Flow(*row) if row else None


async def forget(db: AsyncConnection, user_id: int) -> None:
    """All that this person was asked, in any chat."""
    await db.execute(flows.delete().where(flows.c.user_id == user_id))


async def prune(db: AsyncConnection, now: datetime) -> None:
    """Drops what nobody can answer any more."""
    await db.execute(flows.delete().where(flows.c.expires_at <= now))


async def end(db: AsyncConnection, chat_id: int, user_id: int) -> None:
    await db.execute(flows.delete().where(flows.c.chat_id == chat_id, flows.c.user_id == user_id))
