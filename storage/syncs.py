"""Syncs of an account's own figures: their states and their log.

Called by services.insights (the service and the sync) and by the chat's progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.row_cards import RowCards
from storage.steps import step
from storage.tables import sync_results, syncs

LIVE = ("pending", "running")  # a workflow must be at it
UNFINISHED = (*LIVE, "waiting")
CARDS = RowCards(syncs)


@dataclass(frozen=True, slots=True)
class Sync:
    """`day`: the last one that was over when it began. `asked_by` None: the clock. `tries`: rounds
    in a row that broke off. `requests`: those whose answer is stored; of `to_ask`, as it was
    planned when it began.

    `error`, `message` and `next_step` say why it waits or failed; a message alone, what else there
    is to say about how it went.
    """

    id: int
    account_id: int
    day: date
    asked_by: int | None
    state: str  # pending | running | waiting | done | failed | canceled
    run: int
    idle_runs: int
    tries: int
    wait_until: datetime | None
    error: str | None
    message: str
    next_step: str
    requests: int
    to_ask: int
    created_at: datetime
    ended_at: datetime | None
    changed_at: datetime

    @property
    def percent(self) -> int:
        """How far it is; own posts and second rounds were not planned."""
        if self.state == "done":
            return 100
        return min(100 * self.requests // self.to_ask, 99) if self.to_ask else 0


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync did about one metric. `metric`: services.insights.metrics.Metric.key, or "posts".
    `fetched`: figures that Meta told; of these, `written` are new and `revised` are not what they
    were before. `skipped`: days without a figure. `error`: class of services.errors."""

    metric: str
    fetched: int = 0
    written: int = 0
    revised: int = 0
    skipped: int = 0
    error: str | None = None
    message: str = ""


_COLUMNS = [syncs.c[field.name] for field in fields(Sync)]
_RESULT = [sync_results.c[field.name] for field in fields(SyncResult)]


# ---------------------------------------------------------------- their states


async def start(
    db: AsyncConnection, account_id: int, day: date, asked_by: int | None, now: datetime
) -> tuple[int, int] | None:
    """(id, run) of a new one; None if one of this account is unfinished."""
    row = {
        "account_id": account_id,
        "day": day,
        "asked_by": asked_by,
        "state": "pending",
        "created_at": now,
        "changed_at": now,
    }
    made = await db.execute(
        insert_once(db, syncs)
        .values(row)
        .on_conflict_do_nothing()
        .returning(syncs.c.id, syncs.c.run)
    )
    found = made.first()
    return (found.id, found.run) if found else None


async def get(db: AsyncConnection, sync_id: int) -> Sync | None:
    found = await _many(db, syncs.c.id == sync_id)
    return found[0] if found else None


async def live(db: AsyncConnection, account_id: int) -> Sync | None:
    """The unfinished one of this account."""
    found = await _many(db, (syncs.c.account_id == account_id) & syncs.c.state.in_(UNFINISHED))
    return found[0] if found else None


async def latest(db: AsyncConnection, account_id: int, limit: int, offset: int = 0) -> list[Sync]:
    """Newest first."""
    query = sa.select(*_COLUMNS).where(syncs.c.account_id == account_id).order_by(syncs.c.id.desc())
    return [Sync(*row) for row in await db.execute(query.limit(limit).offset(offset))]


async def stranded(db: AsyncConnection, before: datetime) -> list[Sync]:
    """Those that a workflow must be at and that nothing has touched since `before`."""
    return await _many(db, syncs.c.state.in_(LIVE) & (syncs.c.changed_at < before))


async def ready(db: AsyncConnection, now: datetime) -> list[Sync]:
    """Whose wait is over."""
    return await _many(db, (syncs.c.state == "waiting") & (syncs.c.wait_until <= now))


async def move(
    db: AsyncConnection,
    sync_id: int,
    now: datetime,
    *,
    run: int | None = None,
    from_states: Iterable[str],
    new_run: bool = False,
    **to: Any,
) -> bool:
    """A conditional step of the state machine: from these states (and for this run) only."""
    here = syncs.c.id == sync_id
    return await step(db, syncs, here, now, run=run, from_states=from_states, new_run=new_run, **to)


async def fence(
    db: AsyncConnection, sync: Sync, now: datetime, *, requests: int = 0, **to: Any
) -> bool:
    """First statement of every transaction of a job: False if somebody else has taken over.
    `requests`: that have just been answered."""
    to["requests"] = syncs.c.requests + requests
    return await move(db, sync.id, now, run=sync.run, from_states=LIVE, **to)


async def prune(db: AsyncConnection, before: datetime) -> int:
    """Deletes the log of what ended before then; returns how many."""
    gone = await db.execute(syncs.delete().where(syncs.c.ended_at < before))
    return int(gone.rowcount)


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Sync]:
    rows = await db.execute(sa.select(*_COLUMNS).where(which).order_by(syncs.c.id))
    return [Sync(*row) for row in rows]


# ---------------------------------------------------------------- their log


async def note(db: AsyncConnection, sync_id: int, result: SyncResult) -> None:
    """Adds what an answer has brought; an error takes the place of an earlier one. In the
    transaction of the figures, after `fence`."""
    r = sync_results.c
    told: dict[str, Any] = {"error": result.error, "message": result.message}
    counts = {name: getattr(result, name) for name in ("fetched", "written", "revised", "skipped")}
    added = {name: r[name] + count for name, count in counts.items()}
    await db.execute(
        insert_once(db, sync_results)
        .values({"sync_id": sync_id, "metric": result.metric, **counts, **told})
        .on_conflict_do_update(
            index_elements=["sync_id", "metric"], set_=added | (told if result.error else {})
        )
    )


async def results(db: AsyncConnection, sync_ids: Iterable[int]) -> dict[int, list[SyncResult]]:
    """{sync id: by metric, in no order}"""
    r = sync_results.c
    found: dict[int, list[SyncResult]] = {sync_id: [] for sync_id in sync_ids}
    query = sa.select(r.sync_id, *_RESULT).where(r.sync_id.in_(list(found)))
    for sync_id, *row in await db.execute(query):
        found[sync_id].append(SyncResult(*row))
    return found


async def was_so_before(db: AsyncConnection, sync: Sync, error: str) -> bool:
    """Whether the one before that came to its end had this error, too."""
    s, r = syncs.c, sync_results.c
    before = (
        sa.select(s.id)
        .where(s.account_id == sync.account_id, s.id < sync.id, s.state == "done")
        .order_by(s.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(r.sync_id).where(r.sync_id == before, r.error == error).limit(1)
    return (await db.execute(query)).first() is not None


async def forgive(db: AsyncConnection, sync_id: int, error: str) -> None:
    """The metrics with this error are tried again."""
    r = sync_results.c
    which = (r.sync_id == sync_id) & (r.error == error)
    await db.execute(sync_results.update().where(which).values(error=None, message=""))


async def forget_person(db: AsyncConnection, user_id: int) -> None:
    """Syncs of others' accounts that they asked for are nobody's from now on, and what they saw of
    one is not kept up to date any more."""
    s = syncs.c
    await db.execute(syncs.update().where(s.asked_by == user_id).values(asked_by=None))
    hidden = {"chat_id": None, "message_id": None}
    await db.execute(syncs.update().where(s.chat_id == user_id).values(hidden))
