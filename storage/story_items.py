"""The library of stories: each file with what it is used for, and when it may be used again.

Called by services.stories. Table: library_items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.stories import OPEN
from storage.tables import library_items, stories, story_accounts

SHOWN = ("fitting", "ready", "unfit")


@dataclass(frozen=True, slots=True)
class StoryItem:
    """`state`: arriving (its object may not be there yet) | fitting | ready | unfit (`problem` says
    why) | dropped (it was there already) | leaving (removed, its objects are being deleted) | gone.
    `sha256`: of the original, "" while it arrives. `fingerprint`: what it looks like, hex.
    `interactive`: links, tags or stickers are wanted, so a person posts it. `locked`: never again;
    `locked_until`: not before then."""

    id: int
    account_id: int
    category_id: int | None
    state: str
    run: int
    tries: int
    kind: str  # photo | video
    source: str  # chat | compressed (there, a photo that Telegram made smaller) | post | folder
    name: str
    sha256: str
    fingerprint: str | None
    original_key: str
    fitted_key: str | None
    preview_key: str | None
    bytes: int | None
    seconds: float | None
    done: list[str]
    problem: str | None
    note: str
    interactive: bool
    locked_until: datetime | None
    locked: bool
    last_used_at: datetime | None
    uses: int
    added_by: int | None
    added_at: datetime
    removed_at: datetime | None


_COLUMNS = [library_items.c[field.name] for field in fields(StoryItem)]


def made_key(item: StoryItem, run: int, ending: str) -> str:
    """Of the file that this run of fitting made, "jpg" or "mp4". Its name is for people too."""
    return f"stories/{item.account_id}/{item.id}/story-{item.id}-{run}.{ending}"


def preview_key(item: StoryItem, run: int) -> str:
    """Of its before and after."""
    return f"stories/{item.account_id}/{item.id}/preview-{run}.jpg"


def keys_of_run(item: StoryItem, run: int) -> list[str]:
    return [made_key(item, run, "jpg"), made_key(item, run, "mp4"), preview_key(item, run)]


def objects(item: StoryItem) -> list[str]:
    """Every object that the item may have, also those that a killed run has left."""
    made = [key for run in range(1, item.run + 1) for key in keys_of_run(item, run)]
    return [item.original_key, *made]


async def add(db: AsyncConnection, account_id: int, now: datetime, **values: Any) -> int:
    row = {"account_id": account_id, "state": "fitting", "added_at": now, **values}
    made = await db.execute(library_items.insert().values(row).returning(library_items.c.id))
    return int(made.scalar_one())


async def get(db: AsyncConnection, item_id: int) -> StoryItem | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(library_items.c.id == item_id))).first()
    return StoryItem(*row) if row else None


async def of_ids(db: AsyncConnection, item_ids: Iterable[int]) -> list[StoryItem]:
    """Those that are there, oldest first."""
    query = sa.select(*_COLUMNS).where(library_items.c.id.in_(list(item_ids)))
    return [StoryItem(*row) for row in await db.execute(query.order_by(library_items.c.id))]


async def of_account(
    db: AsyncConnection,
    account_id: int,
    limit: int,
    offset: int = 0,
    *,
    category_id: int | None = None,
) -> list[StoryItem]:
    """The newest first; `category_id` None: of all categories."""
    query = (
        sa.select(*_COLUMNS)
        .where(*_here(account_id, category_id))
        .order_by(library_items.c.added_at.desc(), library_items.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def count(db: AsyncConnection, account_id: int, *, category_id: int | None = None) -> int:
    query = (
        sa.select(sa.func.count()).select_from(library_items).where(*_here(account_id, category_id))
    )
    return (await db.execute(query)).scalar_one()


async def candidates(db: AsyncConnection, account_id: int) -> list[StoryItem]:
    """Ready files of some category that no open story uses; locks are the caller's to judge."""
    used = sa.exists().where(stories.c.item_id == library_items.c.id, stories.c.state.in_(OPEN))
    query = (
        sa.select(*_COLUMNS)
        .where(
            *_here(account_id, None),
            library_items.c.state == "ready",
            library_items.c.category_id.is_not(None),
            ~used,
        )
        .order_by(library_items.c.id)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def arriving(db: AsyncConnection, before: datetime, limit: int = 50) -> list[StoryItem]:
    """Files that were on their way then, and those that need not have come."""
    query = (
        sa.select(*_COLUMNS)
        .where(
            library_items.c.state.in_(("arriving", "dropped")), library_items.c.added_at < before
        )
        .order_by(library_items.c.id)
        .limit(limit)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def purgeable(db: AsyncConnection, before: datetime, limit: int = 50) -> list[StoryItem]:
    """Removed before then, with objects that nothing needs any more; also what a sweep that was
    cut short has left."""
    needed = sa.exists().where(stories.c.item_id == library_items.c.id, stories.c.state.in_(OPEN))
    query = (
        sa.select(*_COLUMNS)
        .where(
            library_items.c.removed_at < before,
            (library_items.c.state == "leaving") | (library_items.c.state.in_(SHOWN) & ~needed),
        )
        .order_by(library_items.c.id)
        .limit(limit)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def delete(db: AsyncConnection, item_id: int) -> None:
    """Only of what no story has used."""
    await db.execute(library_items.delete().where(library_items.c.id == item_id))


async def last_account(db: AsyncConnection, user_id: int) -> int | None:
    """To which the person's last file went; the folder's don't count."""
    query = (
        sa.select(library_items.c.account_id)
        .where(library_items.c.added_by == user_id, library_items.c.source != "folder")
        .order_by(library_items.c.id.desc())
        .limit(1)
    )
    return (await db.execute(query)).scalar()


async def of_user(db: AsyncConnection, user_id: int) -> list[StoryItem]:
    """Of all the person's accounts, in every state."""
    query = (
        sa.select(*_COLUMNS)
        .join(story_accounts, story_accounts.c.id == library_items.c.account_id)
        .where(story_accounts.c.user_id == user_id)
        .order_by(library_items.c.id)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def all_keys(db: AsyncConnection) -> list[tuple[str, str | None]]:
    """(object key, its SHA-256 where it is known) of everything that must be in the store."""
    i = library_items.c
    query = (
        sa.select(i.original_key, i.sha256, i.fitted_key, i.preview_key)
        .where(i.state.in_(SHOWN))
        .order_by(i.id)
    )
    keys: list[tuple[str, str | None]] = []
    for original, sha256, *made in await db.execute(query):
        keys += [(original, sha256), *((key, None) for key in made if key)]
    return keys


async def open_story(db: AsyncConnection, item_id: int) -> int | None:
    """The story that is about to use it."""
    query = sa.select(stories.c.id).where(stories.c.item_id == item_id, stories.c.state.in_(OPEN))
    return (await db.execute(query.order_by(stories.c.id).limit(1))).scalar()


async def same_bytes(db: AsyncConnection, account_id: int, sha256: str) -> list[StoryItem]:
    query = (
        sa.select(*_COLUMNS)
        .where(library_items.c.account_id == account_id, library_items.c.sha256 == sha256)
        .order_by(library_items.c.id)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def looks(db: AsyncConnection, account_id: int) -> list[tuple[int, str]]:
    """(id, fingerprint) of all that were ever in the library, removed ones too."""
    query = sa.select(library_items.c.id, library_items.c.fingerprint).where(
        library_items.c.account_id == account_id, library_items.c.fingerprint.is_not(None)
    )
    return [(row.id, row.fingerprint) for row in await db.execute(query)]


async def fitting(db: AsyncConnection, before: datetime, limit: int = 50) -> list[StoryItem]:
    """Files that wait to be fitted."""
    query = (
        sa.select(*_COLUMNS)
        .where(
            library_items.c.state == "fitting",
            library_items.c.added_at < before,
        )
        .order_by(library_items.c.id)
        .limit(limit)
    )
    return [StoryItem(*row) for row in await db.execute(query)]


async def change(
    db: AsyncConnection,
    item_id: int,
    *,
    run: int | None = None,
    from_state: str | None = None,
    state: str | None = None,
    **to: Any,
) -> bool:
    """False: it is of another run or in another state by now, or gone. `state`: the new one."""
    here = [library_items.c.id == item_id]
    if run is not None:
        here.append(library_items.c.run == run)
    if from_state is not None:
        here.append(library_items.c.state == from_state)
    if state is not None:
        to["state"] = state
    changed = await db.execute(
        library_items.update().where(*here).values(to).returning(library_items.c.id)
    )
    return changed.first() is not None


async def next_run(db: AsyncConnection, item_id: int, run: int) -> bool:
    """To be fitted by another job. False: it is no more to be fitted, or of another run."""
    i = library_items.c
    moved = await db.execute(
        library_items.update()
        .where(i.id == item_id, i.run == run, i.state == "fitting")
        .values(run=i.run + 1)
        .returning(i.id)
    )
    return moved.first() is not None


async def used(db: AsyncConnection, item_id: int, now: datetime) -> None:
    """It is live: it rests for as long as its account wants, or was locked for before."""
    item = await get(db, item_id)
    if item is None:
        return
    days = (
        await db.execute(
            sa.select(story_accounts.c.lock_days).where(story_accounts.c.id == item.account_id)
        )
    ).scalar_one()
    rested = now + timedelta(days=days)
    await change(
        db,
        item_id,
        last_used_at=now,
        uses=item.uses + 1,
        locked_until=max(item.locked_until or rested, rested),
    )


async def remove(db: AsyncConnection, item_id: int, now: datetime) -> None:
    await change(db, item_id, removed_at=now)


async def bring_back(db: AsyncConnection, item_id: int) -> None:
    await change(db, item_id, removed_at=None)


def _here(account_id: int, category_id: int | None) -> Sequence[sa.ColumnElement[bool]]:
    here = [
        library_items.c.account_id == account_id,
        library_items.c.removed_at.is_(None),
        library_items.c.state.in_(SHOWN),
    ]
    if category_id is not None:
        here.append(library_items.c.category_id == category_id)
    return here
