"""Who did what and when, never a secret's value; and what is ill right now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import audit, incidents


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    actor_id: int | None
    action: str
    subject: str


async def note(
    db: AsyncConnection, actor_id: int | None, action: str, subject: str, now: datetime
) -> None:
    row = {"at": now, "actor_id": actor_id, "action": action, "subject": subject}
    await db.execute(audit.insert().values(row))


async def page(db: AsyncConnection, limit: int, offset: int = 0) -> list[Entry]:
    """Newest first."""
    a = audit.c
    query = sa.select(a.at, a.actor_id, a.action, a.subject).order_by(a.id.desc())
    return [Entry(*row) for row in await db.execute(query.limit(limit).offset(offset))]


async def open_incident(db: AsyncConnection, kind: str, subject: str, now: datetime) -> bool:
    """False if it is open already."""
    row = {"kind": kind, "subject": subject, "opened_at": now}
    opened = await db.execute(
        insert_once(db, incidents).values(row).on_conflict_do_nothing().returning(incidents.c.id)
    )
    return opened.first() is not None


async def close_incident(db: AsyncConnection, kind: str, subject: str, now: datetime) -> bool:
    """False if none was open."""
    i = incidents.c
    closed = await db.execute(
        incidents.update()
        .where(i.kind == kind, i.subject == subject, i.closed_at.is_(None))
        .values(closed_at=now)
    )
    return bool(closed.rowcount)


async def incident_id(db: AsyncConnection, kind: str, subject: str) -> int | None:
    """Of the one that is open."""
    i = incidents.c
    query = sa.select(i.id).where(i.kind == kind, i.subject == subject, i.closed_at.is_(None))
    found: int | None = (await db.execute(query)).scalar()
    return found


async def open_incidents(db: AsyncConnection) -> list[tuple[str, str, datetime]]:
    """(kind, subject, since)."""
    i = incidents.c
    query = sa.select(i.kind, i.subject, i.opened_at).where(i.closed_at.is_(None)).order_by(i.id)
    return [(row[0], row[1], row[2]) for row in await db.execute(query)]
