"""The one archive of posts and their media that imports and the feed fill. Called by
services.importing, services.feed and services.accounts (export, deletion).

The feed keeps a post when it sees it and its files when they have come; an import keeps both at
once. A post without files is therefore known, but not archived yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.samples import MADE, made_key
from storage.tables import feed_items, media, posts, samples, user_posts


@dataclass(frozen=True, slots=True)
class NewPost:
    platform: str
    platform_id: str
    shortcode: str
    kind: str  # photo | video | carousel
    author_id: str
    author: str
    caption: str
    taken_at: datetime
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewMedia:
    position: int
    kind: str  # image | video
    mime: str
    bytes: int
    sha256: str
    object_key: str
    width: int | None
    height: int | None


async def known(
    db: AsyncConnection, user_id: int, platform: str, platform_ids: Sequence[str]
) -> dict[str, int]:
    """{platform id: post id} of those that are in the user's library already."""
    query = (
        sa.select(posts.c.platform_id, posts.c.id)
        .join(user_posts, user_posts.c.post_id == posts.c.id)
        .where(
            user_posts.c.user_id == user_id,
            user_posts.c.removed_at.is_(None),
            posts.c.platform == platform,
            posts.c.platform_id.in_(platform_ids),
        )
    )
    return {platform_id: post_id for platform_id, post_id in await db.execute(query)}


async def find(db: AsyncConnection, platform: str, platform_id: str) -> int | None:
    """The post's id if it is archived with its files, whoever brought it."""
    query = sa.select(posts.c.id).where(
        posts.c.platform == platform,
        posts.c.platform_id == platform_id,
        sa.exists().where(media.c.post_id == posts.c.id),
    )
    return (await db.execute(query)).scalar()


async def save(db: AsyncConnection, post: NewPost, files: Sequence[NewMedia], now: datetime) -> int:
    """Adds the post with its media. What is there already stays as it is; a post that waits for its
    files gets them, or at least its newer addresses. Returns the post's id."""
    columns = {name: getattr(post, name) for name in NewPost.__slots__}
    added = await db.execute(
        insert_once(db, posts)
        .values(columns | {"archived_at": now})
        .on_conflict_do_nothing(index_elements=["platform", "platform_id"])
        .returning(posts.c.id)
    )
    post_id = added.scalar()
    if post_id is None:
        post_id = await _held(db, post)
        if await _has_files(db, post_id):
            return post_id
        await db.execute(posts.update().where(posts.c.id == post_id).values(raw=post.raw))
    if files:
        rows = [
            {name: getattr(file, name) for name in NewMedia.__slots__} | {"post_id": post_id}
            for file in files
        ]
        await db.execute(media.insert(), rows)
    return int(post_id)


async def _held(db: AsyncConnection, post: NewPost) -> int:
    """The id of a post that is there; until the transaction ends nobody else gives it its files or
    drops it."""
    query = sa.select(posts.c.id).where(
        posts.c.platform == post.platform, posts.c.platform_id == post.platform_id
    )
    found: int | None = (await db.execute(query.with_for_update())).scalar()
    assert found is not None, "a conflicting post vanished inside one transaction"
    return found


async def _has_files(db: AsyncConnection, post_id: int) -> bool:
    query = sa.select(media.c.id).where(media.c.post_id == post_id).limit(1)
    return (await db.execute(query)).first() is not None


async def raw(db: AsyncConnection, post_id: int) -> dict[str, Any]:
    """The post as the platform sent it last."""
    found: dict[str, Any] = (
        await db.execute(sa.select(posts.c.raw).where(posts.c.id == post_id))
    ).scalar_one()
    return found


async def caption(db: AsyncConnection, post_id: int) -> str:
    return str(
        (await db.execute(sa.select(posts.c.caption).where(posts.c.id == post_id))).scalar_one()
    )


async def give(db: AsyncConnection, user_id: int, post_id: int, now: datetime) -> None:
    """Puts the post into the user's library, also when it was just taken out."""
    row = {"user_id": user_id, "post_id": post_id, "added_at": now}
    await db.execute(
        insert_once(db, user_posts)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id", "post_id"], set_={"removed_at": None})
    )


@dataclass(frozen=True, slots=True)
class OwnedMedia:
    """A file of a user's library, for exports."""

    shortcode: str
    position: int
    object_key: str
    bytes: int
    sha256: str


async def media_of_user(db: AsyncConnection, user_id: int) -> list[OwnedMedia]:
    query = (
        sa.select(
            posts.c.shortcode,
            media.c.position,
            media.c.object_key,
            media.c.bytes,
            media.c.sha256,
        )
        .join(posts, posts.c.id == media.c.post_id)
        .join(user_posts, user_posts.c.post_id == posts.c.id)
        .where(user_posts.c.user_id == user_id)
        .order_by(posts.c.id, media.c.position)
    )
    return [OwnedMedia(*row) for row in await db.execute(query)]


async def size_of(db: AsyncConnection, user_id: int) -> tuple[int, int]:
    """(posts, bytes) of a user's library."""
    mine = sa.select(user_posts.c.post_id).where(user_posts.c.user_id == user_id)
    count = sa.select(sa.func.count()).select_from(mine.subquery())
    size = sa.select(sa.func.coalesce(sa.func.sum(media.c.bytes), 0)).where(
        media.c.post_id.in_(mine)
    )
    return (await db.execute(count)).scalar_one(), int((await db.execute(size)).scalar_one())


async def orphans(db: AsyncConnection) -> list[tuple[int, list[str]]]:
    """(post id, object keys) of posts that are in nobody's library and that no feed has.

    A file whose analysis is not settled may have left objects that its row does not name yet: they
    are listed too, whether they are there or not.
    """
    made = (samples.c.audio_key, samples.c.waveform_key, samples.c.thumbnail_key)
    rows = await db.execute(
        sa.select(posts.c.id, samples.c.state, media.c.object_key, *made)
        .outerjoin(media, media.c.post_id == posts.c.id)
        .outerjoin(samples, samples.c.media_id == media.c.id)
        .where(~_owned(posts.c.id))
        .order_by(posts.c.id, media.c.position)
    )
    found: dict[int, list[str]] = {}
    for post_id, state, *keys in rows:
        if state == "pending":
            keys += [made_key(keys[0], ending) for ending in MADE]
        found.setdefault(post_id, []).extend(key for key in keys if key)
    return list(found.items())


async def drop_orphan(db: AsyncConnection, post_id: int) -> bool:
    """Deletes the post unless somebody has taken it meanwhile."""
    # waits for whoever is taking it right now; the next statement then sees that they did
    await db.execute(sa.select(posts.c.id).where(posts.c.id == post_id).with_for_update())
    gone = await db.execute(
        posts.delete().where(posts.c.id == post_id, ~_owned(sa.literal(post_id)))
    )
    return bool(gone.rowcount)


def _owned(post_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Some library or some feed has the post."""
    return sa.or_(
        *(sa.exists().where(table.c.post_id == post_id) for table in (user_posts, feed_items))
    )


async def media_exists(db: AsyncConnection, object_key: str) -> bool:
    query = sa.select(media.c.id).where(media.c.object_key == object_key).limit(1)
    return (await db.execute(query)).first() is not None


async def digest_of(db: AsyncConnection, object_key: str) -> str | None:
    """SHA-256 of a post's file; None for what is no post's file."""
    query = sa.select(media.c.sha256).where(media.c.object_key == object_key).limit(1)
    return (await db.execute(query)).scalar()
