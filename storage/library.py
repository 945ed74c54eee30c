"""A person's library: their posts, filtered and counted. Called by services.importing.library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.importing import named
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
    sampled = has.where(samples.c.media_id == media.c.id)  # one film has both, tempo and key
    if filters.bpm:
        low, high = filters.bpm
        sampled = sampled.where(samples.c.bpm >= low, samples.c.bpm < high)
    if filters.keys:
        sampled = sampled.where(samples.c.key.in_(filters.keys))
    if filters.bpm or filters.keys:
        found.append(sampled)
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
    """Newest addition first; chosen posts (`filters.posts`) in the order of that choice."""
    order: list[sa.ColumnElement[Any]] = [user_posts.c.added_at.desc(), posts.c.id.desc()]
    if filters.posts:
        places = {post_id: place for place, post_id in enumerate(filters.posts)}
        order = [sa.case(places, value=posts.c.id)]
    query = _mine(user_id, filters).order_by(*order)
    return [LibraryPost(*row) for row in await db.execute(query.limit(limit).offset(offset))]


async def slice_below(
    db: AsyncConnection, user_id: int, filters: Filters, below: int | None, limit: int
) -> list[LibraryPost]:
    """For an export: at most `limit` posts with ids below that one, highest id first."""
    query = _mine(user_id, filters).order_by(user_posts.c.post_id.desc()).limit(limit)
    if below is not None:
        query = query.where(user_posts.c.post_id < below)
    return [LibraryPost(*row) for row in await db.execute(query)]


async def count(db: AsyncConnection, user_id: int, filters: Filters) -> int:
    query = sa.select(sa.func.count()).select_from(_mine(user_id, filters).subquery())
    return (await db.execute(query)).scalar_one()


async def get(db: AsyncConnection, user_id: int, post_id: int) -> LibraryPost | None:
    row = (await db.execute(_mine(user_id, Filters(posts=(post_id,))))).first()
    return LibraryPost(*row) if row else None


# ---------------------------------------------------------------- what there is to choose from


async def authors(db: AsyncConnection, user_id: int, limit: int) -> list[tuple[str, int]]:
    """(author, number of posts), most first."""
    return await _frequent(db, user_id, posts.c.author, posts.c.id, limit)


async def tags(db: AsyncConnection, user_id: int, limit: int) -> list[tuple[str, int]]:
    """(hashtag, number of posts), most first."""
    return await _frequent(db, user_id, post_tags.c.tag, post_tags.c.post_id, limit)


async def _frequent(
    db: AsyncConnection,
    user_id: int,
    value: sa.Column[str],
    post_id: sa.Column[int],
    limit: int,
) -> list[tuple[str, int]]:
    number = sa.func.count()
    query = (
        sa.select(value, number)
        .join(user_posts, user_posts.c.post_id == post_id)
        .where(user_posts.c.user_id == user_id, user_posts.c.removed_at.is_(None))
        .group_by(value)
        .order_by(number.desc(), value)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await db.execute(query)]


async def collection_title(db: AsyncConnection, user_id: int, collection_id: int) -> str | None:
    c = collections.c
    query = sa.select(c.title).where(c.id == collection_id, c.user_id == user_id)
    return (await db.execute(query)).scalar()


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


async def collections_of_posts(
    db: AsyncConnection, user_id: int, post_ids: Sequence[int]
) -> dict[int, list[str]]:
    """{post id: titles of the collections it came from}; merged ones count as the one they are
    merged into, and a post that was brought by its own link came from none."""
    head = collections.alias("head")
    query = (
        sa.select(import_items.c.post_id, head.c.title)
        .distinct()
        .join(imports, imports.c.id == import_items.c.import_id)
        .join(collections, collections.c.id == imports.c.collection_id)
        .join(head, head.c.id == sa.func.coalesce(collections.c.merged_into, collections.c.id))
        .where(imports.c.user_id == user_id, import_items.c.post_id.in_(post_ids), named())
        .order_by(head.c.title)
    )
    found: dict[int, list[str]] = {}
    for post_id, title in await db.execute(query):
        found.setdefault(post_id, []).append(title)
    return found


# ---------------------------------------------------------------- what the person looks at


async def view(db: AsyncConnection, user_id: int) -> tuple[Filters, int]:
    """(filters, page) as they were left."""
    v = library_views.c
    row = (await db.execute(sa.select(v.filters, v.page).where(v.user_id == user_id))).first()
    if row is None:
        return Filters(), 0
    return filters_of(row[0]), row[1]


def filters_of(row: Mapping[str, Any]) -> Filters:
    """From what `asdict` made of them, after its way through JSON."""
    kept = {name: value for name, value in row.items() if name in Filters.__slots__}
    for name in ("bpm", "keys", "posts"):
        if kept.get(name) is not None:
            kept[name] = tuple(kept[name])
    return Filters(**kept)


async def keep_view(db: AsyncConnection, user_id: int, filters: Filters, page: int) -> None:
    row = {"user_id": user_id, "filters": asdict(filters), "page": page}
    await db.execute(
        insert_once(db, library_views)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id"], set_=row)
    )


# ---------------------------------------------------------------- taking out


async def remove(db: AsyncConnection, user_id: int, post_id: int, now: datetime) -> bool:
    """Out of the library. False: it is not there."""
    u = user_posts.c
    changed = await db.execute(
        user_posts.update()
        .where(u.user_id == user_id, u.post_id == post_id, u.removed_at.is_(None))
        .values(removed_at=now)
    )
    return bool(changed.rowcount)


async def put_back(db: AsyncConnection, user_id: int, post_id: int, since: datetime) -> bool:
    """Undoes a removal that is not older than `since`."""
    u = user_posts.c
    changed = await db.execute(
        user_posts.update()
        .where(u.user_id == user_id, u.post_id == post_id, u.removed_at >= since)
        .values(removed_at=None)
    )
    return bool(changed.rowcount)


async def forget_removed(db: AsyncConnection, before: datetime) -> int:
    """Ends the time in which a removal can be undone."""
    gone = await db.execute(user_posts.delete().where(user_posts.c.removed_at < before))
    return gone.rowcount
