"""Collections and their imports: what services.importing knows and where it stands.

The items of an import are in storage.import_items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.steps import step
from storage.tables import collections, connections, import_items, imports

LIVE = ("previewing", "running")  # a workflow must be at it
UNFINISHED = ("previewing", "offered", "running", "waiting", "paused")
ENDED = ("done", "cancelled", "failed")
SINGLE = ("post:", "share:")  # how the keys of single posts begin


@dataclass(frozen=True, slots=True)
class Import:
    """`cursor`: of the next page, None for the first. `more`: pages remain to be listed.

    `by_clock`: a refresh, which brings only what is new to the collection. `filters`: of the
    collection (services.importing.filters).
    """

    id: int
    user_id: int
    connection_id: int | None
    collection_id: int
    identity: str
    state: str
    run: int
    reason: str | None
    detail: str
    wait_until: datetime | None
    tries: int
    idle_runs: int
    post_limit: int
    cursor: str | None
    more: bool
    pages: int
    by_clock: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    changed_at: datetime
    key: str
    title: str
    url: str
    filters: dict[str, Any]

    @property
    def single(self) -> bool:
        """One post by its own link, no collection that could be refreshed or filtered."""
        return self.key.startswith(SINGLE)


_OF_ITS_COLLECTION = ("key", "title", "url", "filters")
_COLUMNS = [
    (collections if field.name in _OF_ITS_COLLECTION else imports).c[field.name]
    for field in fields(Import)
]
_JOINED = imports.join(collections, collections.c.id == imports.c.collection_id)


# ---------------------------------------------------------------- collections


@dataclass(frozen=True, slots=True)
class Collection:
    """`filters`: what is not imported. `connection_id`: which account refreshes it."""

    id: int
    key: str
    title: str
    url: str
    refresh: str  # never | daily | weekly
    refresh_at: datetime | None
    connection_id: int | None
    filters: dict[str, Any]
    merged_into: int | None


OF_COLLECTION = [collections.c[field.name] for field in fields(Collection)]


async def keep_collection(
    db: AsyncConnection,
    user_id: int,
    *,
    platform: str,
    key: str,
    title: str,
    url: str,
    now: datetime,
    connection_id: int | None = None,
) -> int:
    """The id of the user's collection with this key; made when it is new.

    `connection_id`: the account that it is imported with now, and refreshed with from now on.
    """
    seen: dict[str, Any] = {"title": title, "url": url}
    if connection_id is not None:
        seen |= {"connection_id": connection_id}
    row = {
        "user_id": user_id,
        "platform": platform,
        "key": key,
        "created_at": now,
        **seen,
    }
    kept = await db.execute(
        insert_once(db, collections)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id", "platform", "key"], set_=seen)
        .returning(collections.c.id)
    )
    return int(kept.scalar_one())


def named() -> sa.ColumnElement[bool]:
    """Collections and "all saved posts": not the single posts."""
    return sa.and_(*(~collections.c.key.startswith(prefix) for prefix in SINGLE))


async def collections_of(
    db: AsyncConnection, user_id: int, limit: int, *, parts: bool = True
) -> list[Collection]:
    """Named collections and "all saved posts", last imported first; single posts are left out.

    `parts`: also those that are shown as part of another one.
    """
    c = collections.c
    last = sa.select(sa.func.max(imports.c.id)).where(imports.c.collection_id == c.id)
    query = (
        sa.select(*OF_COLLECTION)
        .where(c.user_id == user_id, named())
        .where(sa.exists().where(imports.c.collection_id == c.id))
        .order_by(last.scalar_subquery().desc())
        .limit(limit)
    )
    if not parts:
        query = query.where(c.merged_into.is_(None))
    return [Collection(*row) for row in await db.execute(query)]


# ---------------------------------------------------------------- imports


async def get(db: AsyncConnection, import_id: int) -> Import | None:
    query = sa.select(*_COLUMNS).select_from(_JOINED).where(imports.c.id == import_id)
    row = (await db.execute(query)).first()
    return Import(*row) if row else None


async def of_ids(db: AsyncConnection, import_ids: Sequence[int]) -> list[Import]:
    """In the order of the ids; those that are gone are left out."""
    query = sa.select(*_COLUMNS).select_from(_JOINED).where(imports.c.id.in_(import_ids))
    found = {item.id: item for item in (Import(*row) for row in await db.execute(query))}
    return [found[import_id] for import_id in import_ids if import_id in found]


async def unfinished(db: AsyncConnection, collection_id: int) -> int | None:
    """The id of the import of this collection that has not ended."""
    query = sa.select(imports.c.id).where(
        imports.c.collection_id == collection_id, imports.c.state.in_(UNFINISHED)
    )
    return (await db.execute(query)).scalar()


async def start(
    db: AsyncConnection,
    *,
    user_id: int,
    connection_id: int,
    collection_id: int,
    identity: str,
    post_limit: int,
    now: datetime,
    by_clock: bool = False,
) -> int | None:
    """A new import; None if one of this collection is unfinished.

    It begins with a preview; a refresh asks nobody and runs at once.
    """
    row = {
        "user_id": user_id,
        "connection_id": connection_id,
        "collection_id": collection_id,
        "identity": identity,
        "state": "running" if by_clock else "previewing",
        "post_limit": post_limit,
        "by_clock": by_clock,
        "started_at": now if by_clock else None,
        "created_at": now,
        "changed_at": now,
    }
    made = await db.execute(
        insert_once(db, imports).values(row).on_conflict_do_nothing().returning(imports.c.id)
    )
    return made.scalar()


async def in_states(
    db: AsyncConnection,
    *states: str,
    user_id: int | None = None,
    connection_id: int | None = None,
    reason: str | None = None,
) -> list[Import]:
    query = sa.select(*_COLUMNS).select_from(_JOINED).where(imports.c.state.in_(states))
    for column, value in (
        (imports.c.user_id, user_id),
        (imports.c.connection_id, connection_id),
        (imports.c.reason, reason),
    ):
        if value is not None:
            query = query.where(column == value)
    return [Import(*row) for row in await db.execute(query.order_by(imports.c.id))]


async def latest(db: AsyncConnection, user_id: int, limit: int) -> list[Import]:
    """Without the refreshes that found nothing."""
    found = sa.exists().where(import_items.c.import_id == imports.c.id)
    query = (
        sa.select(*_COLUMNS)
        .select_from(_JOINED)
        .where(imports.c.user_id == user_id)
        .where(~imports.c.by_clock | (imports.c.state != "done") | found)
        .order_by(imports.c.id.desc())
        .limit(limit)
    )
    return [Import(*row) for row in await db.execute(query)]


async def due(db: AsyncConnection, now: datetime) -> list[tuple[int, int]]:
    """(id, run) of the imports whose waiting is over."""
    query = sa.select(imports.c.id, imports.c.run).where(
        imports.c.state == "waiting", imports.c.wait_until <= now
    )
    return [(row[0], row[1]) for row in await db.execute(query)]


async def healed(db: AsyncConnection) -> list[tuple[int, int]]:
    """(id, run) of the imports that were paused for their session, which works again."""
    query = (
        sa.select(imports.c.id, imports.c.run)
        .join(connections, connections.c.id == imports.c.connection_id)
        .where(
            imports.c.state == "paused",
            imports.c.reason.in_(("cookies", "checkpoint")),
            connections.c.status == "active",
            ~connections.c.app_only,
        )
    )
    return [(row[0], row[1]) for row in await db.execute(query)]


async def stranded(db: AsyncConnection, before: datetime) -> list[Import]:
    """Those that a workflow must be at and that nothing has touched since `before`."""
    query = (
        sa.select(*_COLUMNS)
        .select_from(_JOINED)
        .where(imports.c.state.in_(LIVE), imports.c.changed_at < before)
        .order_by(imports.c.id)
    )
    return [Import(*row) for row in await db.execute(query)]


async def move(
    db: AsyncConnection,
    import_id: int,
    now: datetime,
    *,
    run: int | None = None,
    from_states: Iterable[str],
    new_run: bool = False,
    **to: Any,
) -> bool:
    """A conditional step of the state machine: from these states (and for this run) only."""
    here = imports.c.id == import_id
    return await step(
        db, imports, here, now, run=run, from_states=from_states, new_run=new_run, **to
    )


async def fence(
    db: AsyncConnection, import_id: int, run: int, now: datetime, state: str = "running", **to: Any
) -> bool:
    """First statement of every transaction of a job: False if somebody else has taken over."""
    return await move(db, import_id, now, run=run, from_states=[state], **to)
