"""Collections, imports and their items: what services.importing knows and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import cards, collections, connections, import_items, imports

LIVE = ("previewing", "running")  # a workflow must be at it
UNFINISHED = ("previewing", "offered", "running", "waiting", "paused")


@dataclass(frozen=True, slots=True)
class Import:
    """`cursor`: of the next page, None for the first. `more`: pages remain to be listed."""

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
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    changed_at: datetime
    key: str
    title: str
    url: str


_COLUMNS = [
    (collections if field.name in ("key", "title", "url") else imports).c[field.name]
    for field in fields(Import)
]
_JOINED = imports.join(collections, collections.c.id == imports.c.collection_id)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items of an import are in each state; `held` are paid for and not settled."""

    pending: int = 0
    saved: int = 0
    skipped: int = 0
    gone: int = 0
    failed: int = 0
    dropped: int = 0
    held: int = 0

    @property
    def listed(self) -> int:
        return self.pending + self.settled + self.dropped

    @property
    def settled(self) -> int:
        return self.saved + self.skipped + self.gone + self.failed

    @property
    def wanted(self) -> int:
        """Those that count against the limit: all but the ones that were here before."""
        return self.listed - self.skipped


@dataclass(frozen=True, slots=True)
class NewItem:
    platform_id: str
    shortcode: str
    raw: dict[str, Any]
    known_post_id: int | None
    error: str | None = None  # set: it could not be read and is failed from the start


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


# ---------------------------------------------------------------- collections


@dataclass(frozen=True, slots=True)
class Collection:
    id: int
    key: str
    title: str
    url: str


async def keep_collection(
    db: AsyncConnection,
    user_id: int,
    *,
    platform: str,
    key: str,
    title: str,
    url: str,
    now: datetime,
) -> int:
    """The id of the user's collection with this key; made when it is new."""
    row = {
        "user_id": user_id,
        "platform": platform,
        "key": key,
        "title": title,
        "url": url,
        "created_at": now,
    }
    kept = await db.execute(
        insert_once(db, collections)
        .values(row)
        .on_conflict_do_update(
            index_elements=["user_id", "platform", "key"], set_={"title": title, "url": url}
        )
        .returning(collections.c.id)
    )
    return int(kept.scalar_one())


async def collections_of(db: AsyncConnection, user_id: int, limit: int) -> list[Collection]:
    """Named collections and "all saved posts", last imported first; single posts are left out."""
    last = sa.func.max(imports.c.id)
    c = collections.c
    query = (
        sa.select(c.id, c.key, c.title, c.url)
        .join(imports, imports.c.collection_id == c.id)
        .where(c.user_id == user_id, ~c.key.like("post:%"), ~c.key.like("share:%"))
        .group_by(c.id, c.key, c.title, c.url)
        .order_by(last.desc())
        .limit(limit)
    )
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
) -> int | None:
    """A new import in state previewing; None if one of this collection is unfinished."""
    row = {
        "user_id": user_id,
        "connection_id": connection_id,
        "collection_id": collection_id,
        "identity": identity,
        "state": "previewing",
        "post_limit": post_limit,
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
    query = (
        sa.select(*_COLUMNS)
        .select_from(_JOINED)
        .where(imports.c.user_id == user_id)
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
    which = (imports.c.id == import_id) & imports.c.state.in_(list(from_states))
    if run is not None:
        which &= imports.c.run == run
    if new_run:
        to["run"] = imports.c.run + 1
    moved = await db.execute(imports.update().where(which).values(changed_at=now, **to))
    return bool(moved.rowcount)


async def fence(
    db: AsyncConnection, import_id: int, run: int, now: datetime, state: str = "running", **to: Any
) -> bool:
    """First statement of every transaction of a job: False if somebody else has taken over."""
    return await move(db, import_id, now, run=run, from_states=[state], **to)


# ---------------------------------------------------------------- items


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
            "state": "failed" if item.error else "skipped" if item.known_post_id else "pending",
            "error": item.error,
            "raw": None if item.known_post_id else item.raw,
            "post_id": item.known_post_id,
            "settled_at": now if item.error or item.known_post_id else None,
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


async def reopen_failed(db: AsyncConnection, import_id: int) -> int:
    """failed -> pending with a new attempt, if the item could be read. Returns how many."""
    i = import_items.c
    reopened = await db.execute(
        import_items.update()
        .where(i.import_id == import_id, i.state == "failed", i.platform_id.not_like("unread:%"))
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


# ---------------------------------------------------------------- the card in the chat


@dataclass(frozen=True, slots=True)
class Card:
    id: int
    user_id: int
    chat_id: int
    message_id: int
    import_id: int


_CARD = [cards.c[field.name] for field in fields(Card)]


async def keep_card(
    db: AsyncConnection,
    *,
    user_id: int,
    chat_id: int,
    message_id: int,
    import_id: int,
    seen_change: datetime | None,
    not_before: datetime,
) -> None:
    """From now on this message is the one that shows the import; it shows it as of `seen_change`
    (None: it shows something else) and stays as it is until `not_before`."""
    row = {
        "user_id": user_id,
        "chat_id": chat_id,
        "message_id": message_id,
        "import_id": import_id,
        "seen_change": seen_change,
        "not_before": not_before,
    }
    to = {name: row[name] for name in ("chat_id", "message_id", "seen_change", "not_before")}
    await db.execute(
        insert_once(db, cards)
        .values(row)
        .on_conflict_do_update(index_elements=["import_id"], set_=to)
    )


async def cards_due(db: AsyncConnection, now: datetime) -> list[Card]:
    """Cards whose import has changed since they were shown, and that may be edited again."""
    behind = cards.c.seen_change.is_(None) | (cards.c.seen_change != imports.c.changed_at)
    query = (
        sa.select(*_CARD)
        .join(imports, imports.c.id == cards.c.import_id)
        .where(cards.c.not_before <= now, behind)
        .order_by(cards.c.id)
    )
    return [Card(*row) for row in await db.execute(query)]


async def card_of(db: AsyncConnection, import_id: int) -> Card | None:
    row = (await db.execute(sa.select(*_CARD).where(cards.c.import_id == import_id))).first()
    return Card(*row) if row else None


async def card_shown(
    db: AsyncConnection, card_id: int, *, not_before: datetime, seen_change: datetime | None
) -> None:
    """`seen_change`: Import.changed_at of what the card shows now; None: it could not be shown."""
    to: dict[str, Any] = {"not_before": not_before}
    if seen_change is not None:
        to["seen_change"] = seen_change
    await db.execute(cards.update().where(cards.c.id == card_id).values(to))


async def drop_card(db: AsyncConnection, card_id: int) -> None:
    await db.execute(cards.delete().where(cards.c.id == card_id))
