"""The items of imports, one for each listed post: their states, turns and outcomes.

Called by services.importing; the imports themselves are in storage.importing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.importing import ENDED
from storage.tables import import_items, imports, posts, user_posts

UNREAD = "unread:"  # how the id of an item begins that has none


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items of an import are in each state; `held` are paid for and not settled."""

    pending: int = 0
    saved: int = 0
    skipped: int = 0
    filtered: int = 0
    gone: int = 0
    failed: int = 0
    dropped: int = 0
    held: int = 0

    @property
    def listed(self) -> int:
        return self.pending + self.settled + self.dropped

    @property
    def settled(self) -> int:
        return self.saved + self.skipped + self.filtered + self.gone + self.failed

    @property
    def wanted(self) -> int:
        """Those that count against the limit: neither here before nor filtered out."""
        return self.listed - self.skipped - self.filtered


@dataclass(frozen=True, slots=True)
class NewItem:
    platform_id: str
    shortcode: str
    raw: dict[str, Any]
    known_post_id: int | None
    error: str | None = None  # set: it could not be read and is failed from the start
    filtered: bool = False  # the collection's filters leave it out: never fetched, never charged

    @property
    def state(self) -> str:
        """What it begins as."""
        if self.error:
            return "failed"
        return "skipped" if self.known_post_id else "filtered" if self.filtered else "pending"


@dataclass(frozen=True, slots=True)
class Item:
    id: int
    platform_id: str
    shortcode: str
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of a report."""

    position: int
    shortcode: str
    state: str
    error: str | None
    charged: bool
    settled_at: datetime | None


async def add_page(
    db: AsyncConnection,
    import_id: int,
    items: Sequence[NewItem],
    *,
    cursor: str | None,
    now: datetime,
) -> None:
    """One listed page: its new items, the next cursor, and the count of pages.

    Posts that an earlier page had already (lists shift while they are read) are passed over.
    """
    query = sa.select(sa.func.coalesce(sa.func.max(import_items.c.position), -1)).where(
        import_items.c.import_id == import_id
    )
    first = (await db.execute(query)).scalar_one() + 1
    rows = [
        {
            "import_id": import_id,
            "position": first + index,
            "platform_id": item.platform_id,
            "shortcode": item.shortcode,
            "state": item.state,
            "error": item.error,
            "raw": None if item.known_post_id or item.filtered else item.raw,
            "post_id": item.known_post_id,
            "settled_at": None if item.state == "pending" else now,
        }
        for index, item in enumerate(items)
    ]
    if rows:
        await db.execute(
            insert_once(db, import_items)
            .values(rows)
            .on_conflict_do_nothing(index_elements=["import_id", "platform_id"])
        )
    await db.execute(
        imports.update()
        .where(imports.c.id == import_id)
        .values(
            cursor=cursor,
            more=cursor is not None,
            pages=imports.c.pages + 1,
            tries=0,
            idle_runs=0,
            changed_at=now,
        )
    )


async def tally(db: AsyncConnection, import_id: int) -> Tally:
    return (await tallies(db, [import_id])).get(import_id, Tally())


async def tallies(db: AsyncConnection, import_ids: Sequence[int]) -> dict[int, Tally]:
    """One query for all of them."""
    query = (
        sa.select(
            import_items.c.import_id,
            import_items.c.state,
            sa.func.count(),
            sa.func.sum(sa.case((import_items.c.charged, 1), else_=0)),
        )
        .where(import_items.c.import_id.in_(import_ids))
        .group_by(import_items.c.import_id, import_items.c.state)
    )
    counts: dict[int, dict[str, int]] = {}
    for import_id, state, count, charged in await db.execute(query):
        mine = counts.setdefault(import_id, {})
        mine[state] = count
        if state == "pending":
            mine["held"] = int(charged)
    return {import_id: Tally(**mine) for import_id, mine in counts.items()}


async def pending(db: AsyncConnection, import_id: int, *, charged: bool, limit: int) -> list[Item]:
    """The next ones in the order of the list."""
    i = import_items.c
    query = (
        sa.select(i.id, i.platform_id, i.shortcode, i.raw)
        .where(i.import_id == import_id, i.state == "pending", i.charged.is_(charged))
        .order_by(i.position)
        .limit(limit)
    )
    return [Item(row[0], row[1], row[2], row[3] or {}) for row in await db.execute(query)]


async def settle(
    db: AsyncConnection,
    item_id: int,
    state: str,
    now: datetime,
    *,
    post_id: int | None = None,
    error: str | None = None,
) -> bool:
    """pending -> saved | gone | failed, once. A saved item needs its raw form no more."""
    values: dict[str, Any] = {
        "state": state,
        "post_id": post_id,
        "error": error,
        "settled_at": now,
    }
    if post_id is not None:
        values["raw"] = None
    moved = await db.execute(
        import_items.update()
        .where(import_items.c.id == item_id, import_items.c.state == "pending")
        .values(values)
    )
    return bool(moved.rowcount)


async def refresh(db: AsyncConnection, item_id: int, raw: dict[str, Any]) -> None:
    """The item as a fresh listing shows it, with addresses that have not expired."""
    await db.execute(import_items.update().where(import_items.c.id == item_id).values(raw=raw))


async def held(db: AsyncConnection, import_id: int) -> list[int]:
    """Ids of the items that are paid for and not settled."""
    i = import_items.c
    query = sa.select(i.id).where(
        i.import_id == import_id, i.state == "pending", i.charged.is_(sa.true())
    )
    return list((await db.execute(query)).scalars())


async def next_attempt(db: AsyncConnection, import_id: int, items: Sequence[int]) -> None:
    """These items may be charged again: their refunded attempt is over."""
    await db.execute(
        import_items.update()
        .where(import_items.c.import_id == import_id, import_items.c.id.in_(items))
        .values(attempt=import_items.c.attempt + 1)
    )


async def drop_pending(db: AsyncConnection, import_id: int, now: datetime) -> None:
    await db.execute(
        import_items.update()
        .where(import_items.c.import_id == import_id, import_items.c.state == "pending")
        .values(state="dropped", raw=None, settled_at=now)
    )


async def forget(db: AsyncConnection, import_id: int) -> None:
    """Everything that was listed, of an import that has not begun to pay."""
    await db.execute(import_items.delete().where(import_items.c.import_id == import_id))


async def met(
    db: AsyncConnection, collection_id: int, but: int, platform_ids: Sequence[str]
) -> dict[str, bool]:
    """Those of these posts that other imports than `but` of the collection have met.

    The value: whether all that ever became of it is that the filters left it out.
    """
    i = import_items.c
    left_out = sa.func.min(sa.case((i.state == "filtered", 1), else_=0))
    query = (
        sa.select(i.platform_id, left_out)
        .join(imports, imports.c.id == i.import_id)
        .where(
            imports.c.collection_id == collection_id,
            i.import_id != but,
            i.platform_id.in_(platform_ids),
            i.state.in_(("saved", "skipped", "filtered", "gone", "failed")),
        )
        .group_by(i.platform_id)
    )
    return {platform_id: bool(out) for platform_id, out in await db.execute(query)}


def _brought(user_id: sa.ColumnElement[int]) -> sa.Exists:
    """That the failed item's post has come into this library by another way."""
    return (
        sa.exists()
        .where(user_posts.c.user_id == user_id, user_posts.c.removed_at.is_(None))
        .where(posts.c.id == user_posts.c.post_id)
        .where(posts.c.platform_id == import_items.c.platform_id)
    )


async def retryable(db: AsyncConnection, collection_id: int) -> tuple[int, int] | None:
    """(import, number of its failed posts) of the newest ended import that has any.

    Posts that came by another way meanwhile, and items that could not be read, do not count.
    """
    i = import_items.c
    query = (
        sa.select(i.import_id, sa.func.count())
        .join(imports, imports.c.id == i.import_id)
        .where(
            imports.c.collection_id == collection_id,
            imports.c.state.in_(ENDED),
            i.state == "failed",
            ~i.platform_id.startswith(UNREAD),
            ~_brought(imports.c.user_id),
        )
        .group_by(i.import_id)
        .order_by(i.import_id.desc())
        .limit(1)
    )
    row = (await db.execute(query)).first()
    return (row[0], row[1]) if row else None


async def reopen_failed(db: AsyncConnection, import_id: int) -> int:
    """failed -> pending with a new attempt, if the item could be read and its post has not come by
    another way meanwhile: that would be paid for twice. Returns how many."""
    i = import_items.c
    owner = sa.select(imports.c.user_id).where(imports.c.id == import_id).scalar_subquery()
    reopened = await db.execute(
        import_items.update()
        .where(i.import_id == import_id, i.state == "failed", ~i.platform_id.startswith(UNREAD))
        .where(~_brought(owner))
        .values(state="pending", attempt=i.attempt + 1, charged=False, error=None, settled_at=None)
    )
    return reopened.rowcount


async def outcomes(
    db: AsyncConnection, import_id: int, *states: str, limit: int | None = None
) -> list[Outcome]:
    i = import_items.c
    query = sa.select(i.position, i.shortcode, i.state, i.error, i.charged, i.settled_at).where(
        i.import_id == import_id
    )
    if states:
        query = query.where(i.state.in_(states))
    rows = await db.execute(query.order_by(i.position).limit(limit))
    return [Outcome(*row) for row in rows]


async def reasons(db: AsyncConnection, import_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """{import id: {error word: how many}} of the failed items, most frequent first."""
    i = import_items.c
    query = (
        sa.select(i.import_id, i.error, sa.func.count())
        .where(i.import_id.in_(import_ids), i.state == "failed")
        .group_by(i.import_id, i.error)
        .order_by(sa.func.count().desc(), i.error)
    )
    found: dict[int, dict[str, int]] = {}
    for import_id, error, count in await db.execute(query):
        found.setdefault(import_id, {})[error or ""] = count
    return found
