"""Who reads which feed: one token for each reader, kept as a hash. Called by services.feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.feeds import FEED_COLUMNS, Feed
from storage.tables import feeds, readers, users


@dataclass(frozen=True, slots=True)
class Reader:
    """Without its token: that is shown once, when it is made. `not_modified`: how many of its
    `fetches` were answered "nothing new"."""

    id: int
    user_id: int
    feed_id: int
    name: str
    created_at: datetime
    last_fetch_at: datetime | None
    fetches: int
    not_modified: int
    revoked_at: datetime | None
    warned_at: datetime | None


_COLUMNS = [readers.c[field.name] for field in fields(Reader)]


async def add(
    db: AsyncConnection, user_id: int, feed_id: int, *, name: str, token_hash: str, now: datetime
) -> Reader:
    row = {
        "user_id": user_id,
        "feed_id": feed_id,
        "name": name,
        "token_hash": token_hash,
        "created_at": now,
    }
    made = await db.execute(readers.insert().values(row).returning(*_COLUMNS))
    return Reader(*made.one())


async def of_user(db: AsyncConnection, user_id: int) -> list[Reader]:
    """Those that were not revoked, oldest first."""
    mine = (readers.c.user_id == user_id) & readers.c.revoked_at.is_(None)
    rows = await db.execute(sa.select(*_COLUMNS).where(mine).order_by(readers.c.id))
    return [Reader(*row) for row in rows]


async def rotate(
    db: AsyncConnection, user_id: int, reader_id: int, *, token_hash: str
) -> Reader | None:
    """A new token; the old one opens nothing any more. None: not theirs, or revoked."""
    changed = await db.execute(
        readers.update()
        .where(_theirs(user_id, reader_id))
        .values(token_hash=token_hash, warned_at=None)
        .returning(*_COLUMNS)
    )
    row = changed.first()
    return Reader(*row) if row else None


async def revoke(db: AsyncConnection, user_id: int, reader_id: int, now: datetime) -> bool:
    """False: not theirs, or revoked before."""
    gone = await db.execute(
        readers.update().where(_theirs(user_id, reader_id)).values(revoked_at=now)
    )
    return bool(gone.rowcount)


def _theirs(user_id: int, reader_id: int) -> sa.ColumnElement[bool]:
    r = readers.c
    return (r.id == reader_id) & (r.user_id == user_id) & r.revoked_at.is_(None)


async def by_token(db: AsyncConnection, token_hash: str) -> tuple[int, Feed, str] | None:
    """(reader id, its feed, its person's time zone) of a token that still opens something."""
    query = (
        sa.select(readers.c.id, *FEED_COLUMNS, users.c.zone)
        .join_from(readers, feeds, feeds.c.id == readers.c.feed_id)
        .join(users, users.c.id == readers.c.user_id)
        .where(
            readers.c.token_hash == token_hash,
            readers.c.revoked_at.is_(None),
            users.c.status == "active",
        )
    )
    row = (await db.execute(query)).first()
    return (row[0], Feed(*row[1:-1]), row[-1]) if row else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one reader did since it was last noted."""

    reader_id: int
    fetches: int
    not_modified: int
    last_fetch_at: datetime


async def note(db: AsyncConnection, fetched: Sequence[Fetched]) -> None:
    """Adds to the figures of each."""
    if not fetched:
        return
    r = readers.c
    await db.execute(
        readers.update()
        .where(r.id == sa.bindparam("reader"))
        .values(
            fetches=r.fetches + sa.bindparam("more"),
            not_modified=r.not_modified + sa.bindparam("unchanged"),
            last_fetch_at=sa.bindparam("at"),
        ),
        [
            {
                "reader": one.reader_id,
                "more": one.fetches,
                "unchanged": one.not_modified,
                "at": one.last_fetch_at,
            }
            for one in fetched
        ],
    )


async def warn(db: AsyncConnection, reader_id: int, now: datetime) -> tuple[int, str] | None:
    """(user id, reader's name) the first time, so that it is said once; None after that."""
    r = readers.c
    warned = await db.execute(
        readers.update()
        .where(r.id == reader_id, r.warned_at.is_(None), r.revoked_at.is_(None))
        .values(warned_at=now)
        .returning(r.user_id, r.name)
    )
    row = warned.first()
    return (row[0], row[1]) if row else None
