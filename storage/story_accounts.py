"""Where stories go to, and the week's plan: categories, slots, days without stories.

Called by services.stories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import blackouts, categories, slots, story_accounts, users


@dataclass(frozen=True, slots=True)
class StoryAccount:
    """`meta_id`: the log-in at Meta, None while there is none. `zone`: IANA.
    `lock_days`: how long a used file rests; `ask_minutes`: how long before its time it is asked."""

    id: int
    user_id: int
    meta_id: int | None
    identity: str | None
    name: str
    zone: str
    by_api: bool
    lock_days: int
    ask_minutes: int
    warned_runway: date | None


@dataclass(frozen=True, slots=True)
class Category:
    """`share`: of the slots, relative to the other categories. `mode`: ask | automatic | manual."""

    id: int
    account_id: int
    name: str
    share: int
    mode: str


@dataclass(frozen=True, slots=True)
class Slot:
    """`weekday`: 0 is Monday; `minute` of the day, on the account's clock."""

    id: int
    weekday: int
    minute: int


@dataclass(frozen=True, slots=True)
class Blackout:
    """No stories from `first` to `last`, both included."""

    id: int
    first: date
    last: date


_ACCOUNT = [story_accounts.c[field.name] for field in fields(StoryAccount)]
_CATEGORY = [categories.c[field.name] for field in fields(Category)]
_SLOT = [slots.c[field.name] for field in fields(Slot)]
_BLACKOUT = [blackouts.c[field.name] for field in fields(Blackout)]


# ---------------------------------------------------------------- accounts


async def add(
    db: AsyncConnection,
    user_id: int,
    name: str,
    zone: str,
    now: datetime,
    *,
    meta_id: int | None = None,
    identity: str | None = None,
) -> int:
    row = {
        "user_id": user_id,
        "name": name,
        "zone": zone,
        "meta_id": meta_id,
        "identity": identity,
        "created_at": now,
    }
    made = await db.execute(story_accounts.insert().values(row).returning(story_accounts.c.id))
    return int(made.scalar_one())


async def lock(db: AsyncConnection, account_id: int) -> None:
    """Others that lock it wait for the end of this transaction; on SQLite all that write do."""
    account = story_accounts.c.id == account_id
    await db.execute(sa.select(story_accounts.c.id).where(account).with_for_update())


async def get(db: AsyncConnection, account_id: int) -> StoryAccount | None:
    query = sa.select(*_ACCOUNT).where(story_accounts.c.id == account_id)
    row = (await db.execute(query)).first()
    return StoryAccount(*row) if row else None


async def of_user(db: AsyncConnection, user_id: int) -> list[StoryAccount]:
    query = (
        sa.select(*_ACCOUNT)
        .where(story_accounts.c.user_id == user_id)
        .order_by(story_accounts.c.id)
    )
    return [StoryAccount(*row) for row in await db.execute(query)]


async def everyones(db: AsyncConnection) -> list[StoryAccount]:
    """Of all people who stay."""
    stays = sa.exists().where(
        users.c.id == story_accounts.c.user_id, users.c.delete_after.is_(None)
    )
    query = sa.select(*_ACCOUNT).where(stays).order_by(story_accounts.c.id)
    return [StoryAccount(*row) for row in await db.execute(query)]


async def change(db: AsyncConnection, account_id: int, **to: Any) -> None:
    await db.execute(story_accounts.update().where(story_accounts.c.id == account_id).values(to))


# ---------------------------------------------------------------- categories


async def add_category(
    db: AsyncConnection, account_id: int, name: str, share: int = 1, mode: str = "ask"
) -> int:
    """Errors: IntegrityError if there is one of this name."""
    row = {"account_id": account_id, "name": name, "share": share, "mode": mode}
    made = await db.execute(categories.insert().values(row).returning(categories.c.id))
    return int(made.scalar_one())


async def categories_of(db: AsyncConnection, account_id: int) -> list[Category]:
    query = (
        sa.select(*_CATEGORY).where(categories.c.account_id == account_id).order_by(categories.c.id)
    )
    return [Category(*row) for row in await db.execute(query)]


async def get_category(db: AsyncConnection, category_id: int) -> Category | None:
    row = (await db.execute(sa.select(*_CATEGORY).where(categories.c.id == category_id))).first()
    return Category(*row) if row else None


async def change_category(db: AsyncConnection, category_id: int, **to: Any) -> None:
    await db.execute(categories.update().where(categories.c.id == category_id).values(to))


async def delete_category(db: AsyncConnection, category_id: int) -> None:
    """Its files stay in the library, without one."""
    await db.execute(categories.delete().where(categories.c.id == category_id))


# ---------------------------------------------------------------- slots and blackouts


async def slots_of(db: AsyncConnection, account_id: int) -> list[Slot]:
    query = (
        sa.select(*_SLOT)
        .where(slots.c.account_id == account_id)
        .order_by(slots.c.weekday, slots.c.minute)
    )
    return [Slot(*row) for row in await db.execute(query)]


async def set_slots(db: AsyncConnection, account_id: int, times: Sequence[tuple[int, int]]) -> None:
    """`times`: (weekday, minute), instead of those that were there."""
    await db.execute(slots.delete().where(slots.c.account_id == account_id))
    rows = [
        {"account_id": account_id, "weekday": weekday, "minute": minute}
        for weekday, minute in sorted(set(times))
    ]
    if rows:
        await db.execute(slots.insert().values(rows))


async def blackouts_of(db: AsyncConnection, account_id: int, since: date) -> list[Blackout]:
    """Those that are not over by then."""
    query = (
        sa.select(*_BLACKOUT)
        .where(blackouts.c.account_id == account_id, blackouts.c.last >= since)
        .order_by(blackouts.c.first, blackouts.c.id)
    )
    return [Blackout(*row) for row in await db.execute(query)]


async def add_blackout(db: AsyncConnection, account_id: int, first: date, last: date) -> None:
    await db.execute(blackouts.insert().values(account_id=account_id, first=first, last=last))


async def delete_blackout(db: AsyncConnection, account_id: int, blackout_id: int) -> None:
    await db.execute(
        blackouts.delete().where(
            blackouts.c.account_id == account_id, blackouts.c.id == blackout_id
        )
    )
