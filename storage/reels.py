"""The reels of an analysis, as they were then. Called by services.analysis.

They are added page by page and never changed. Whoever reads them all does it in chunks, so that a
profile of any size takes the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import reels, unread_reels


@dataclass(frozen=True, slots=True)
class _Reel:
    """`likes` None: hidden; other counts None: not told. `audio_id` None: no named sound."""

    platform_id: str
    shortcode: str
    thumbnail: str
    caption: str
    likes: int | None
    comments: int | None
    views: int | None
    plays: int | None
    taken_at: datetime
    seconds: float | None
    hashtags: list[str]
    mentions: list[str]
    audio_id: str | None
    audio_title: str
    audio_artist: str
    audio_original: bool


@dataclass(frozen=True, slots=True)
class NewReel(_Reel):
    """`raw`: what the platform sent. Kept, but not read again."""

    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredReel(_Reel):
    id: int


@dataclass(frozen=True, slots=True)
class UnreadReel:
    """`key`: the platform's number, or the place where it stood. `what`: why nobody could read
    it."""

    key: str
    what: str
    raw: dict[str, Any] = field(repr=False)


async def add(
    db: AsyncConnection, analysis_id: int, found: Sequence[NewReel], limit: int
) -> tuple[int, int]:
    """The first `limit` of those that the analysis has not. Returns how many those were, and how
    many were left out. A pinned reel comes twice in a profile."""
    known = await _known(db, analysis_id, [reel.platform_id for reel in found])
    fresh: dict[str, NewReel] = {}
    for reel in found:
        if reel.platform_id not in known:
            fresh.setdefault(reel.platform_id, reel)
    added = list(fresh.values())[: max(limit, 0)]
    if added:
        await db.execute(reels.insert(), [_row(reel, analysis_id) for reel in added])
    return len(added), len(fresh) - len(added)


async def _known(db: AsyncConnection, analysis_id: int, platform_ids: Sequence[str]) -> set[str]:
    query = sa.select(reels.c.platform_id).where(
        reels.c.analysis_id == analysis_id, reels.c.platform_id.in_(platform_ids)
    )
    return set((await db.execute(query)).scalars())


async def add_unread(db: AsyncConnection, analysis_id: int, odd: Sequence[UnreadReel]) -> int:
    """Returns how many of them are new."""
    if not odd:
        return 0
    rows = [_row(one, analysis_id) for one in odd]
    added = await db.execute(
        insert_once(db, unread_reels)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(unread_reels.c.key)
    )
    return len(added.all())


def _row(one: NewReel | UnreadReel, analysis_id: int) -> dict[str, Any]:
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    return values | {"analysis_id": analysis_id}


@dataclass(frozen=True, slots=True)
class Told:
    """How many reels there are, and how many of them tell plays and views."""

    reels: int
    plays: int
    views: int


async def told(db: AsyncConnection, analysis_id: int) -> Told:
    r = reels.c
    query = sa.select(sa.func.count(), sa.func.count(r.plays), sa.func.count(r.views))
    return Told(*(await db.execute(query.where(r.analysis_id == analysis_id))).one())


async def median(db: AsyncConnection, analysis_id: int, name: str) -> float | None:
    """Of the plays or the views, as far as they are told; None where none are."""
    column = reels.c[name]
    which = (reels.c.analysis_id == analysis_id) & column.is_not(None)
    count = (await db.execute(sa.select(sa.func.count()).where(which))).scalar_one()
    if not count:
        return None
    middle = sa.select(column).where(which).order_by(column).offset((count - 1) // 2)
    one_or_two = list((await db.execute(middle.limit(2 - count % 2))).scalars())
    return float(sum(one_or_two) / len(one_or_two))


Place = tuple[datetime, int]  # of a reel: when it was taken, and its id


async def chunk(
    db: AsyncConnection, analysis_id: int, after: Place | None, limit: int
) -> list[StoredReel]:
    """Newest first, from behind `after` on."""
    r = reels.c
    which = r.analysis_id == analysis_id
    if after is not None:
        taken_at, last = after
        which &= (r.taken_at < taken_at) | ((r.taken_at == taken_at) & (r.id < last))
    query = sa.select(*(r[field.name] for field in fields(StoredReel))).where(which)
    query = query.order_by(r.taken_at.desc(), r.id.desc()).limit(limit)
    return [StoredReel(*row) for row in await db.execute(query)]
