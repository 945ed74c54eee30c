"""Feeds and what stands in them. Called by services.feed: the polls fill, the serving side reads.

Whatever changes what a feed lists raises its revision in the same transaction (`bump`): the bytes
that readers get are built once for each revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import webhooks
from storage.database import insert_once
from storage.tables import feed_items, feeds, media, posts, users

POSTS, STORIES = "posts", "stories"

CAPTION_LIMIT = 20_000
"""Characters of a caption that are read. Instagram allows 2,200; an archive may hold more."""


@dataclass(frozen=True, slots=True)
class Feed:
    """`lists`: posts or stories. `identity`: the account's user id on the platform; None: all
    accounts of the person, as the feed of stories always is. `changed_at`: when `revision` began.
    """

    id: int
    user_id: int
    lists: str
    identity: str | None
    connection_id: int | None
    title: str
    revision: int
    changed_at: datetime
    created_at: datetime


FEED_COLUMNS = [feeds.c[field.name] for field in fields(Feed)]


async def get(db: AsyncConnection, feed_id: int) -> Feed | None:
    row = (await db.execute(sa.select(*FEED_COLUMNS).where(feeds.c.id == feed_id))).first()
    return Feed(*row) if row else None


async def of_user(db: AsyncConnection, user_id: int) -> list[Feed]:
    """The one of all accounts first, then as they were made; that of stories last."""
    query = sa.select(*FEED_COLUMNS).where(feeds.c.user_id == user_id)
    order = (feeds.c.lists, feeds.c.identity.is_not(None), feeds.c.id)
    rows = await db.execute(query.order_by(*order))
    return [Feed(*row) for row in rows]


async def everybodys(db: AsyncConnection) -> list[Feed]:
    return [Feed(*row) for row in await db.execute(sa.select(*FEED_COLUMNS).order_by(feeds.c.id))]


async def of_the_owner(db: AsyncConnection) -> tuple[Feed, str] | None:
    """The owner's feed of all accounts, and the owner's zone: what FEED_PUBLIC shows."""
    query = (
        sa.select(*FEED_COLUMNS, users.c.zone)
        .join(users, users.c.id == feeds.c.user_id)
        .where(users.c.role == "owner", feeds.c.lists == POSTS, feeds.c.identity.is_(None))
    )
    row = (await db.execute(query)).first()
    return (Feed(*row[:-1]), row[-1]) if row else None


async def ensure(
    db: AsyncConnection,
    user_id: int,
    *,
    lists: str = POSTS,
    identity: str | None,
    connection_id: int | None,
    title: str,
    now: datetime,
) -> Feed:
    """The feed of this account, made when there is none. An account that was disconnected and came
    back finds its feed, with the addresses of its readers."""
    row = {
        "user_id": user_id,
        "lists": lists,
        "identity": identity,
        "connection_id": connection_id,
        "title": title,
        "changed_at": now,
        "created_at": now,
    }
    await db.execute(insert_once(db, feeds).values(row).on_conflict_do_nothing())
    which = (feeds.c.user_id == user_id) & (feeds.c.lists == lists)
    which &= feeds.c.identity == identity if identity else feeds.c.identity.is_(None)
    kept = await db.execute(
        feeds.update().where(which).values(connection_id=connection_id).returning(*FEED_COLUMNS)
    )
    return Feed(*kept.one())


async def bump(db: AsyncConnection, feed_id: int, now: datetime) -> None:
    """What the feed lists has changed."""
    await db.execute(
        feeds.update()
        .where(feeds.c.id == feed_id)
        .values(revision=feeds.c.revision + 1, changed_at=now)
    )


# ---------------------------------------------------------------- items, written by the polls


async def sight(db: AsyncConnection, feed_id: int, post_id: int, guid: str) -> bool:
    """The post was seen in the timeline; listed later, by `show`. False: it was known, and keeps
    the guid of its first sight."""
    i = feed_items.c
    seen = sa.select(
        sa.literal(feed_id), posts.c.id, sa.literal(guid), sa.literal("pending"),
        sa.func.lower(posts.c.author), posts.c.taken_at,
    ).where(posts.c.id == post_id)  # fmt: skip
    added = await db.execute(
        insert_once(db, feed_items)
        .from_select(["feed_id", "post_id", "guid", "state", "author", "taken_at"], seen)
        .on_conflict_do_nothing()
        .returning(i.post_id)
    )
    return added.first() is not None


async def tried(db: AsyncConnection, feed_id: int, post_id: int) -> int:
    """One more try to get its media failed. Returns the tries so far."""
    i = feed_items.c
    counted = await db.execute(
        feed_items.update()
        .where(i.feed_id == feed_id, i.post_id == post_id)
        .values(tries=i.tries + 1)
        .returning(i.tries)
    )
    return int(counted.scalar_one())


async def show(
    db: AsyncConnection, feed_id: int, post_id: int, now: datetime, *, placeholder: bool = False
) -> bool:
    """Lists a pending post, with its media or as a placeholder; gives a placeholder its media,
    which lists it anew, or readers would never see them. False: nothing to change."""
    i = feed_items.c
    moved = await db.execute(
        feed_items.update()
        .where(
            i.feed_id == feed_id,
            i.post_id == post_id,
            i.state.in_(("pending",) if placeholder else ("pending", "placeholder")),
        )
        .values(state="placeholder" if placeholder else "shown", shown_at=now)
    )
    if moved.rowcount:
        await bump(db, feed_id, now)
        await webhooks.owe(db, feed_id, post_id, now)
    return bool(moved.rowcount)


# ---------------------------------------------------------------- items, read for readers


@dataclass(frozen=True, slots=True)
class Item:
    """A listed post. `caption`: its first CAPTION_LIMIT characters."""

    post_id: int
    guid: str
    state: str  # shown | placeholder
    shown_at: datetime
    platform_id: str
    shortcode: str
    kind: str  # photo | video | carousel | story
    author: str
    caption: str
    taken_at: datetime


_ITEM: list[sa.ColumnElement[Any]] = [
    feed_items.c.post_id,
    feed_items.c.guid,
    feed_items.c.state,
    feed_items.c.shown_at,
    posts.c.platform_id,
    posts.c.shortcode,
    posts.c.kind,
    posts.c.author,
    sa.func.substr(posts.c.caption, 1, CAPTION_LIMIT),
    posts.c.taken_at,
]


async def newest(
    db: AsyncConnection, feed_id: int, *, limit: int, since: datetime | None = None
) -> list[Item]:
    """What the feed began to list last, so that nothing found late is passed over; with `since`,
    only of posts that were taken then or later."""
    i = feed_items.c
    which = (i.feed_id == feed_id) & i.shown_at.is_not(None)
    if since is not None:  # a post is listed after it was taken: the first half bounds the walk
        which &= (i.shown_at >= since) & (i.taken_at >= since)
    return await _items(db, which, [i.shown_at.desc(), i.post_id.desc()], limit)


async def listed(db: AsyncConnection, feed_id: int, post_id: int) -> Item | None:
    """One post, if the feed lists it."""
    i = feed_items.c
    which = (i.feed_id == feed_id) & (i.post_id == post_id) & i.shown_at.is_not(None)
    found = await _items(db, which, [i.post_id], 1)
    return found[0] if found else None


async def of_author(
    db: AsyncConnection, feed_id: int, author: str, *, limit: int, since: datetime | None = None
) -> list[Item]:
    """One author's newest posts."""
    i = feed_items.c
    which = (i.feed_id == feed_id) & (i.author == author.lower()) & i.shown_at.is_not(None)
    if since is not None:
        which &= i.taken_at >= since
    return await _items(db, which, [i.taken_at.desc(), i.post_id.desc()], limit)


@dataclass(frozen=True, slots=True)
class Search:
    """Of the archive. `words`: a part of the caption or of the author's name; `since` <= taken <
    `until`. What is empty does not filter."""

    words: str = ""
    author: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def search(
    db: AsyncConnection, feed_id: int, wanted: Search, *, limit: int, offset: int
) -> list[Item]:
    """Newest first, by the time they were taken."""
    i = feed_items.c
    order = [i.taken_at.desc(), i.post_id.desc()]
    return await _items(db, _found(feed_id, wanted), order, limit, offset)


async def count(db: AsyncConnection, feed_id: int, wanted: Search) -> int:
    query = sa.select(sa.func.count()).select_from(feed_items)
    if wanted.words:
        query = query.join(posts, posts.c.id == feed_items.c.post_id)
    return int((await db.execute(query.where(_found(feed_id, wanted)))).scalar_one())


def _found(feed_id: int, wanted: Search) -> sa.ColumnElement[bool]:
    i = feed_items.c
    which = (i.feed_id == feed_id) & i.shown_at.is_not(None)
    if wanted.author:
        which &= i.author == wanted.author.lower()
    if wanted.since is not None:
        which &= i.taken_at >= wanted.since
    if wanted.until is not None:
        which &= i.taken_at < wanted.until
    if wanted.words:
        which &= posts.c.caption.icontains(wanted.words, autoescape=True) | i.author.icontains(
            wanted.words, autoescape=True
        )
    return which


async def _items(
    db: AsyncConnection,
    which: sa.ColumnElement[bool],
    order: Sequence[sa.ColumnElement[object]],
    limit: int,
    offset: int = 0,
) -> list[Item]:
    query = (
        sa.select(*_ITEM)
        .join_from(feed_items, posts, posts.c.id == feed_items.c.post_id)
        .where(which)
        .order_by(*order)
    )
    return [Item(*row) for row in await db.execute(query.limit(limit).offset(offset))]


@dataclass(frozen=True, slots=True)
class File:
    """One picture or film of a listed post."""

    position: int
    kind: str  # image | video
    mime: str
    bytes: int
    width: int | None
    height: int | None


async def files_of(db: AsyncConnection, post_ids: Sequence[int]) -> dict[int, list[File]]:
    """{post id: its files in order}; a post without files has no entry."""
    columns = [media.c[field.name] for field in fields(File)]
    query = (
        sa.select(media.c.post_id, *columns)
        .where(media.c.post_id.in_(post_ids))
        .order_by(media.c.post_id, media.c.position)
    )
    found: dict[int, list[File]] = {}
    for post_id, *values in await db.execute(query):
        found.setdefault(post_id, []).append(File(*values))
    return found


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a file lies in the object store, and what it is."""

    object_key: str
    mime: str
    bytes: int
    sha256: str


async def stored_file(
    db: AsyncConnection, feed_id: int, post_id: int, position: int
) -> StoredFile | None:
    """None unless this feed lists the post."""
    columns = [media.c[field.name] for field in fields(StoredFile)]
    i = feed_items.c
    query = (
        sa.select(*columns)
        .join(feed_items, i.post_id == media.c.post_id)
        .where(
            i.feed_id == feed_id,
            i.shown_at.is_not(None),
            media.c.post_id == post_id,
            media.c.position == position,
        )
    )
    row = (await db.execute(query)).first()
    return StoredFile(*row) if row else None
