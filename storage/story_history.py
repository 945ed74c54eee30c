"""What became of stories: counted, and as lines of a table. Called by services.stories.views, and
by services.web for the metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import stories as stories_of
from storage.stories import Story
from storage.tables import categories, library_items, stories, story_events

MOST = 100_000  # lines of a table


@dataclass(frozen=True, slots=True)
class Tally:
    """`by_hand`: posted by people. `fell_back`: of those, how many were meant for the API.
    `failed`: what `failed` lists. `troubles`: met on the way, those that passed too."""

    by_api: int
    by_hand: int
    fell_back: int
    skipped: int
    failed: int
    troubles: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Of everybody's stories. `states`: {state: how many}; `failed`, `troubles`: as in Tally."""

    states: dict[str, int]
    failed: int
    troubles: int


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    due_at: datetime
    ended_at: datetime | None
    state: str
    posting_method: str | None
    decided_by: int | None
    category: str | None
    name: str
    permalink: str
    fell_back: bool
    detail: str


def _fell_back() -> sa.ColumnElement[bool]:
    """The API tried, and a person had to."""
    tried = sa.exists().where(
        story_events.c.story_id == stories.c.id, story_events.c.what == "trouble"
    )
    return (stories.c.posting_method == "manual") & (stories.c.mode != "manual") & tried


def _failed() -> sa.ColumnElement[bool]:
    """An error, which `detail` tells, kept it from the API, and nobody has posted it."""
    return stories.c.state.in_(("by_hand", "skipped")) & (stories.c.detail != "")


async def failed(db: AsyncConnection, account_id: int, limit: int, offset: int = 0) -> list[Story]:
    """The newest first."""
    query = (
        stories_of.select()
        .where(stories.c.account_id == account_id, _failed())
        .order_by(stories.c.changed_at.desc(), stories.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Story(*row) for row in await db.execute(query)]


async def count_failed(db: AsyncConnection, account_id: int) -> int:
    return await _number(db, (stories.c.account_id == account_id) & _failed())


async def _number(db: AsyncConnection, which: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(stories).where(which)
    return (await db.execute(query)).scalar_one()


async def tally(db: AsyncConnection, account_id: int, since: datetime) -> Tally:
    """Of stories that ended since then, and of those that failed."""
    mine = stories.c.account_id == account_id
    here = mine & (stories.c.ended_at >= since)
    troubles = (
        sa.select(sa.func.count())
        .select_from(story_events.join(stories, stories.c.id == story_events.c.story_id))
        .where(
            stories.c.account_id == account_id,
            story_events.c.at >= since,
            story_events.c.what == "trouble",
        )
    )
    return Tally(
        by_api=await _number(db, here & (stories.c.posting_method == "api")),
        by_hand=await _number(db, here & (stories.c.posting_method == "manual")),
        fell_back=await _number(db, here & _fell_back()),
        skipped=await _number(db, here & (stories.c.state == "skipped")),
        failed=await _number(db, mine & (stories.c.changed_at >= since) & _failed()),
        troubles=(await db.execute(troubles)).scalar_one(),
    )


async def totals(db: AsyncConnection) -> Totals:
    by_state = sa.select(stories.c.state, sa.func.count()).group_by(stories.c.state)
    troubles = (
        sa.select(sa.func.count()).select_from(story_events).where(story_events.c.what == "trouble")
    )
    return Totals(
        states={state: count for state, count in await db.execute(by_state)},
        failed=await _number(db, _failed()),
        troubles=(await db.execute(troubles)).scalar_one(),
    )


async def rows(db: AsyncConnection, account_id: int) -> list[Row]:
    """The newest last."""
    query = (
        sa.select(
            stories.c.id,
            stories.c.due_at,
            stories.c.ended_at,
            stories.c.state,
            stories.c.posting_method,
            stories.c.decided_by,
            categories.c.name,
            library_items.c.name,
            stories.c.permalink,
            sa.func.coalesce(_fell_back(), sa.false()),
            stories.c.detail,
        )
        .select_from(
            stories.join(library_items, library_items.c.id == stories.c.item_id).outerjoin(
                categories, categories.c.id == stories.c.category_id
            )
        )
        .where(stories.c.account_id == account_id)
        .order_by(stories.c.id)
        .limit(MOST)
    )
    return [Row(*row) for row in await db.execute(query)]
