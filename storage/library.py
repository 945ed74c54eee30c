"""A person's library: their posts, filtered and counted. Called by services.importing.library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import (
    collections,
    import_items,
    imports,
    library_views,
    media,
    post_tags,
    posts,
    samples,
    user_posts,
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; None and empty mean all. `keys`: any of them; `posts`: these only."""

    kind: str | None = None  # video | photo
    author: str | None = None
    tag: str | None = None
    collection_id: int | None = None
    bpm: tuple[float, float] | None = None  # from, to
    keys: tuple[str, ...] = ()
    since: str | None = None  # ISO date; posts taken on or after it
    text: str = ""
    posts: tuple[int, ...] = ()

    @property
    def any(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True)
class LibraryPost:
    id: int
    shortcode: str
    kind: str  # photo | video | carousel
    author: str
    caption: str
    taken_at: datetime
    added_at: datetime


_COLUMNS = [
    (user_posts if field.name == "added_at" else posts).c[field.name]
    for field in fields(LibraryPost)
]


def _mine(user_id: int, filters: Filters) -> sa.Select[Any]:
    query = (
        sa.select(*_COLUMNS)
        .join(user_posts, user_posts.c.post_id == posts.c.id)
        .where(user_posts.c.user_id == user_id, user_posts.c.removed_at.is_(None))
    )
    for condition in _conditions(user_id, filters):
        query = query.where(condition)
    return query


def _conditions(user_id: int, filters: Filters) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    has = sa.exists().where(media.c.post_id == posts.c.id)
    if filters.kind:
        found.append(has.where(media.c.kind == ("video" if filters.kind == "video" else "image")))
    if filters.author:
        found.append(posts.c.author == filters.author)
    if filters.tag:
        found.append(
            sa.exists().where(post_tags.c.post_id == posts.c.id, post_tags.c.tag == filters.tag)
        )
    if filters.collection_id:
        found.append(posts.c.id.in_(_in_collection(user_id, filters.collection_id)))
    sampled = has.where(samples.c.media_id == media.c.id)
    if filters.bpm:
        low, high = filters.bpm
        found.append(sampled.where(samples.c.bpm >= low, samples.c.bpm < high))
    if filters.keys:
        found.append(sampled.where(samples.c.key.in_(filters.keys)))
    if filters.since:
        found.append(posts.c.taken_at >= datetime.fromisoformat(filters.since))
    if filters.text:
        words = posts.c.caption + " " + posts.c.author
        found += [words.icontains(word, autoescape=True) for word in filters.text.split()[:5]]
    if filters.posts:
        found.append(posts.c.id.in_(filters.posts))
    return found


def _in_collection(user_id: int, collection_id: int) -> sa.Select[Any]:
    """Posts that an import of this collection, or of one merged into it, has brought or met."""
    group = sa.or_(collections.c.id == collection_id, collections.c.merged_into == collection_id)
    return (
        sa.select(import_items.c.post_id)
        .join(imports, imports.c.id == import_items.c.import_id)
        .join(collections, collections.c.id == imports.c.collection_id)
        .where(imports.c.user_id == user_id, group, import_items.c.post_id.is_not(None))
    )


async def page(
    db: AsyncConnection, user_id: int, filters: Filters, limit: int, offset: int
) -> list[LibraryPost]:
    """Newest addition first."""
    query = _mine(user_id, filters).order_by(user_posts.c.added_at.desc(), posts.c.id.desc())
    return [LibraryPost(*row) for row in await db.execute(query.limit(limit).offset(offset))]


async def count(db: AsyncConnection, user_id: int, filters: Filters) -> int:
    query = sa.select(sa.func.count()).select_from(_mine(user_id, filters).subquery())
    return (await db.execute(query)).scalar_one()


async def get(db: AsyncConnection, user_id: int, post_id: int) -> LibraryPost | None:
    row = (await db.execute(_mine(user_id, Filters(posts=(post_id,))))).first()
    return LibraryPost(*row) if row else None


# ---------------------------------------------------------------- what there is to choose from


async def authors(db: AsyncConnection, user_id: int, limit: int) -> list[tuple[str, int]]:
    """(author, number of posts), most first."""
    number = sa.func.count()
    query = (
        sa.select(posts.c.author, number)
        .join(user_posts, user_posts.c.post_id == posts.c.id)
        .where(user_posts.c.user_id == user_id, user_posts.c.removed_at.is_(None))
        .group_by(posts.c.author)
        .order_by(number.desc(), posts.c.author)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await db.execute(query)]


async def tags(db: AsyncConnection, user_id: int, limit: int) -> list[tuple[str, int]]:
    """(hashtag, number of posts), most first."""
    number = sa.func.count()
    query = (
        sa.select(post_tags.c.tag, number)
        .join(user_posts, user_posts.c.post_id == post_tags.c.post_id)
        .where(user_posts.c.user_id == user_id, user_posts.c.removed_at.is_(None))
        .group_by(post_tags.c.tag)
        .order_by(number.desc(), post_tags.c.tag)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await db.execute(query)]


async def tempos_and_keys(
    db: AsyncConnection, user_id: int
) -> list[tuple[int, float | None, str | None]]:
    """(post id, BPM, key) of every film that has one of them, for "similar"."""
    query = (
        sa.select(media.c.post_id, samples.c.bpm, samples.c.key)
        .join(media, media.c.id == samples.c.media_id)
        .join(user_posts, user_posts.c.post_id == media.c.post_id)
        .where(
            user_posts.c.user_id == user_id,
            user_posts.c.removed_at.is_(None),
            samples.c.bpm.is_not(None) | samples.c.key.is_not(None),
        )
        .order_by(media.c.post_id)
    )
    return [(row[0], row[1], row[2]) for row in await db.execute(query)]


async def tags_of(db: AsyncConnection, post_ids: Sequence[int]) -> dict[int, list[str]]:
    query = sa.select(post_tags.c.post_id, post_tags.c.tag).where(post_tags.c.post_id.in_(post_ids))
    found: dict[int, list[str]] = {}
    for post_id, tag in await db.execute(query.order_by(post_tags.c.tag)):
        found.setdefault(post_id, []).append(tag)
    return found


# ---------------------------------------------------------------- what the person looks at


async def view(db: AsyncConnection, user_id: int) -> tuple[Filters, int]:
    """(filters, page) as they were left."""
    v = library_views.c
    row = (await db.execute(sa.select(v.filters, v.page).where(v.user_id == user_id))).first()
    if row is None:
        return Filters(), 0
    kept = {name: value for name, value in row[0].items() if name in Filters.__slots__}
    for name in ("bpm", "keys", "posts"):
        if kept.get(name) is not None:
            kept[name] = tuple(kept[name])
    return Filters(**kept), row[1]


async def keep_view(db: AsyncConnection, user_id: int, filters: Filters, page: int) -> None:
    row = {"user_id": user_id, "filters": asdict(filters), "page": page}
    await db.execute(
        insert_once(db, library_views)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id"], set_=row)
    )


# ---------------------------------------------------------------- taking out


async def remove(db: AsyncConnection, user_id: int, post_id: int, now: datetime | None) -> bool:
    """Out of the library, or with None back into it."""
    u = user_posts.c
    there = u.removed_at.is_(None) if now else u.removed_at.is_not(None)
    changed = await db.execute(
        user_posts.update()
        .where(u.user_id == user_id, u.post_id == post_id, there)
        .values(removed_at=now)
    )
    return bool(changed.rowcount)


async def forget_removed(db: AsyncConnection, before: datetime) -> int:
    """Ends the time in which a removal can be undone."""
    gone = await db.execute(user_posts.delete().where(user_posts.c.removed_at < before))
    return gone.rowcount
