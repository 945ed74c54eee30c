"""Stories: each with its way to being live, its history, its copies and its figures.

Called by services.stories. Moves are conditional: "from this state, for this run".
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
from storage.tables import (
    library_items,
    stories,
    story_accounts,
    story_copies,
    story_events,
    story_metrics,
    users,
)

AT_WORK = ("preparing", "processing", "publishing", "unknown")  # a job must be at it
OPEN = ("scheduled", "asking", "held", *AT_WORK, "by_hand")
LIVE = ("published", "posted")


@dataclass(frozen=True, slots=True)
class Story:
    """`slot_at`: which slot of the plan it fills, None if a person made it. `live_before`: ids of
    the account's live stories before media_publish. `posting_method`: api | manual."""

    id: int
    account_id: int
    item_id: int
    category_id: int | None
    slot_at: datetime | None
    mode: str  # ask | automatic | manual
    state: str
    run: int
    idle_runs: int
    at_work: bool
    due_at: datetime
    next_at: datetime
    asked_at: datetime | None
    decided_by: int | None
    decided_at: datetime | None
    container_id: str | None
    container_made_at: datetime | None
    containers: int
    publish_requested_at: datetime | None
    publishes: int
    looks: int
    tries: int
    verdict: str | None
    word: str
    detail: str
    media_id: str | None
    permalink: str
    live_before: list[str] | None
    posting_method: str | None
    ended_at: datetime | None
    created_at: datetime
    changed_at: datetime
    # of its account
    user_id: int
    meta_id: int | None
    zone: str
    # of its item
    kind: str  # photo | video
    fitted_key: str | None
    preview_key: str | None
    original_key: str
    name: str
    note: str


_OF_ACCOUNT = ("user_id", "meta_id", "zone")
_OF_ITEM = ("kind", "fitted_key", "preview_key", "original_key", "name", "note")


def _column(name: str) -> sa.ColumnElement[Any]:
    if name in _OF_ACCOUNT:
        return story_accounts.c[name]
    return library_items.c[name] if name in _OF_ITEM else stories.c[name]


_COLUMNS = [_column(field.name).label(field.name) for field in fields(Story)]
_JOINED = stories.join(story_accounts, story_accounts.c.id == stories.c.account_id).join(
    library_items, library_items.c.id == stories.c.item_id
)


# ---------------------------------------------------------------- making and reading


async def make(
    db: AsyncConnection,
    account_id: int,
    item_id: int,
    now: datetime,
    *,
    state: str,
    mode: str,
    due_at: datetime,
    next_at: datetime,
    category_id: int | None = None,
    slot_at: datetime | None = None,
) -> int | None:
    """The new story's id; None if the slot has its story already."""
    row = {
        "account_id": account_id,
        "item_id": item_id,
        "category_id": category_id,
        "slot_at": slot_at,
        "mode": mode,
        "state": state,
        "due_at": due_at,
        "next_at": next_at,
        "created_at": now,
        "changed_at": now,
    }
    made = await db.execute(
        insert_once(db, stories).values(row).on_conflict_do_nothing().returning(stories.c.id)
    )
    return made.scalar()


async def get(db: AsyncConnection, story_id: int) -> Story | None:
    row = (await db.execute(select().where(stories.c.id == story_id))).first()
    return Story(*row) if row else None


async def due(db: AsyncConnection, states: Iterable[str], now: datetime, limit: int) -> list[Story]:
    """In one of the states, of people who stay, and their time has come; the longest waiting
    first."""
    stays = sa.exists().where(
        users.c.id == story_accounts.c.user_id, users.c.delete_after.is_(None)
    )
    query = (
        select()
        .where(stories.c.state.in_(list(states)), stories.c.next_at <= now, stays)
        .order_by(stories.c.next_at, stories.c.id)
        .limit(limit)
    )
    return [Story(*row) for row in await db.execute(query)]


async def resting(db: AsyncConnection, now: datetime, limit: int = 100) -> list[Story]:
    """On their way, with a step to do and no job that does it."""
    query = (
        select()
        .where(stories.c.state.in_(AT_WORK), stories.c.at_work.is_(False), stories.c.next_at <= now)
        .order_by(stories.c.next_at, stories.c.id)
        .limit(limit)
    )
    return [Story(*row) for row in await db.execute(query)]


async def stranded(db: AsyncConnection, before: datetime) -> list[Story]:
    """A job should be at it, and nothing has touched it since then."""
    query = select().where(
        stories.c.state.in_(AT_WORK), stories.c.at_work.is_(True), stories.c.changed_at < before
    )
    return [Story(*row) for row in await db.execute(query)]


async def of_account(
    db: AsyncConnection, account_id: int, states: Iterable[str], limit: int, offset: int = 0
) -> list[Story]:
    """Open ones by their time; ended ones with the last first."""
    ended = set(states).isdisjoint(OPEN)
    order = (
        (stories.c.ended_at.desc(), stories.c.id.desc())
        if ended
        else (stories.c.due_at, stories.c.id)
    )
    query = select().where(_in(account_id, states)).order_by(*order).limit(limit).offset(offset)
    return [Story(*row) for row in await db.execute(query)]


async def count(db: AsyncConnection, account_id: int, states: Iterable[str]) -> int:
    query = sa.select(sa.func.count()).select_from(stories).where(_in(account_id, states))
    return (await db.execute(query)).scalar_one()


def _in(account_id: int, states: Iterable[str]) -> sa.ColumnElement[bool]:
    return (stories.c.account_id == account_id) & stories.c.state.in_(list(states))


async def asked_since(
    db: AsyncConnection, story: Story, since: datetime, *, lock: bool = False
) -> int:
    """For how many other stories of its account media_publish was asked for since then: our own
    bound counts the asking. `lock`: others that count wait for the end of this transaction."""
    if lock:
        account = story_accounts.c.id == story.account_id
        await db.execute(sa.select(story_accounts.c.id).where(account).with_for_update())
    query = (
        sa.select(sa.func.count())
        .select_from(stories)
        .where(
            stories.c.account_id == story.account_id,
            stories.c.id != story.id,
            stories.c.publish_requested_at >= since,
        )
    )
    return (await db.execute(query)).scalar_one()


async def slots_taken(db: AsyncConnection, account_id: int, since: datetime) -> set[datetime]:
    query = sa.select(stories.c.slot_at).where(
        stories.c.account_id == account_id, stories.c.slot_at >= since
    )
    return set((await db.execute(query)).scalars())


async def filled(db: AsyncConnection, account_id: int, limit: int) -> list[int]:
    """Ids of the categories that filled the last slots, those that were skipped too; the last one
    at the end."""
    query = (
        sa.select(stories.c.category_id)
        .where(
            stories.c.account_id == account_id,
            stories.c.slot_at.is_not(None),
            stories.c.category_id.is_not(None),
        )
        .order_by(stories.c.slot_at.desc())
        .limit(limit)
    )
    return list((await db.execute(query)).scalars())[::-1]


# ---------------------------------------------------------------- moving


async def move(
    db: AsyncConnection,
    story_id: int,
    now: datetime,
    *,
    from_states: Iterable[str],
    run: int | None = None,
    new_run: bool = False,
    **to: Any,
) -> bool:
    """False: it is in another state, or of another run, by now. `new_run`: whoever was at it until
    now has lost it."""
    here = stories.c.id == story_id
    return await step(
        db, stories, here, now, run=run, from_states=from_states, new_run=new_run, **to
    )


async def set_asked(db: AsyncConnection, story_id: int, now: datetime) -> None:
    await db.execute(stories.update().where(stories.c.id == story_id).values(asked_at=now))


async def set_end(db: AsyncConnection, story_id: int, now: datetime, method: str) -> None:
    """It is live; `method`: api | manual."""
    await db.execute(
        stories.update()
        .where(stories.c.id == story_id)
        .values(posting_method=method, ended_at=now, changed_at=now)
    )


# ---------------------------------------------------------------- history


@dataclass(frozen=True, slots=True)
class Event:
    """`by`: Telegram's user id, None for Reelay itself."""

    at: datetime
    what: str
    by: int | None
    detail: str


async def note(
    db: AsyncConnection,
    story_id: int,
    what: str,
    now: datetime,
    *,
    by: int | None = None,
    detail: str = "",
) -> None:
    await db.execute(
        story_events.insert().values(story_id=story_id, at=now, what=what, by=by, detail=detail)
    )


async def history(db: AsyncConnection, story_id: int, limit: int = 50) -> list[Event]:
    query = (
        sa.select(story_events.c.at, story_events.c.what, story_events.c.by, story_events.c.detail)
        .where(story_events.c.story_id == story_id)
        .order_by(story_events.c.id)
        .limit(limit)
    )
    return [Event(*row) for row in await db.execute(query)]


async def forget_person(db: AsyncConnection, user_id: int) -> None:
    """In stories of others they are 0 from now on, "somebody"."""
    decided, did = stories.c.decided_by == user_id, story_events.c.by == user_id
    await db.execute(stories.update().where(decided).values(decided_by=0))
    await db.execute(story_events.update().where(did).values(by=0))


# ---------------------------------------------------------------- copies


async def keep_copy(db: AsyncConnection, copy_id: str, story_id: int, now: datetime) -> None:
    row = {"copy_id": copy_id, "story_id": story_id, "made_at": now}
    await db.execute(insert_once(db, story_copies).values(row).on_conflict_do_nothing())


async def forget_copy(db: AsyncConnection, copy_id: str) -> None:
    """It is gone from the provider."""
    await db.execute(story_copies.delete().where(story_copies.c.copy_id == copy_id))


async def spent_copies(db: AsyncConnection, before: datetime, limit: int = 100) -> list[str]:
    """Copies whose story has ended, or is posted by hand, or that were made before then."""
    needed = sa.exists().where(
        stories.c.id == story_copies.c.story_id, stories.c.state.in_(AT_WORK)
    )
    query = (
        sa.select(story_copies.c.copy_id)
        .where(~needed | (story_copies.c.made_at < before))
        .order_by(story_copies.c.made_at)
        .limit(limit)
    )
    return list((await db.execute(query)).scalars())


# ---------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` None: `reason` says why there is none. `hour`: after it went live."""

    hour: int
    metric: str
    value: int | None
    reason: str | None


async def keep_figures(
    db: AsyncConnection, story_id: int, figures: Sequence[Figure], now: datetime
) -> None:
    """Once for each hour and metric; what is there stays."""
    if figures:
        rows = [
            {
                "story_id": story_id,
                "hour": one.hour,
                "metric": one.metric,
                "value": one.value,
                "reason": one.reason,
                "at": now,
            }
            for one in figures
        ]
        await db.execute(insert_once(db, story_metrics).values(rows).on_conflict_do_nothing())


async def figures(db: AsyncConnection, story_id: int) -> list[Figure]:
    query = (
        sa.select(
            story_metrics.c.hour,
            story_metrics.c.metric,
            story_metrics.c.value,
            story_metrics.c.reason,
        )
        .where(story_metrics.c.story_id == story_id)
        .order_by(story_metrics.c.hour, story_metrics.c.metric)
    )
    return [Figure(*row) for row in await db.execute(query)]


def select() -> sa.Select[Any]:
    """Of rows that make a Story; for the query modules beside this one."""
    return sa.select(*_COLUMNS).select_from(_JOINED)
