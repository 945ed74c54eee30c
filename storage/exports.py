"""Exports: everything of a person, a part of their library, or the reels of an analysis.

Called by services.accounts.privacy, services.importing.export and services.analysis.exports. What
an export is of stands in `what`; null means everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import tables
from storage.tables import exports, feed_items, import_items, imports, posts, user_posts, users


@dataclass(frozen=True, slots=True)
class Export:
    id: int
    user_id: int
    state: str  # building | ready | failed | cancelled
    run: int
    idle_runs: int
    object_keys: Sequence[str]
    created_at: datetime
    changed_at: datetime
    what: dict[str, Any] | None


_COLUMNS = [exports.c[field.name] for field in fields(Export)]
_OF_ANALYSIS = exports.c.what["analysis"].as_integer().is_not(None)
_OF_LIBRARY = exports.c.what.is_not(None) & ~_OF_ANALYSIS


async def start(
    db: AsyncConnection, user_id: int, now: datetime, what: dict[str, Any] | None = None
) -> int:
    row: dict[str, Any] = {
        "user_id": user_id,
        "state": "building",
        "object_keys": [],
        "created_at": now,
        "changed_at": now,
    }
    if what is not None:  # a None that is given would be stored as the JSON word null
        row["what"] = what
    return int(
        (await db.execute(exports.insert().values(row).returning(exports.c.id))).scalar_one()
    )


async def get(db: AsyncConnection, export_id: int) -> Export | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(exports.c.id == export_id))).first()
    return Export(*row) if row else None


async def building(
    db: AsyncConnection, *, user_id: int | None = None, of_library: bool = False
) -> list[Export]:
    """Those of everything, or those of a part of the library."""
    kind = _OF_LIBRARY if of_library else exports.c.what.is_(None)
    query = sa.select(*_COLUMNS).where(exports.c.state == "building", kind)
    if user_id is not None:
        query = query.where(exports.c.user_id == user_id)
    return [Export(*row) for row in await db.execute(query)]


async def keys_before(db: AsyncConnection, before: datetime) -> list[tuple[int, Sequence[str]]]:
    """(id, object keys) of the exports that were ready, or given up, before then."""
    query = sa.select(exports.c.id, exports.c.object_keys).where(exports.c.changed_at < before)
    return [(row[0], row[1]) for row in await db.execute(query)]


async def keys_of_user(db: AsyncConnection, user_id: int) -> list[str]:
    query = sa.select(exports.c.object_keys).where(exports.c.user_id == user_id)
    return [key for keys in (await db.execute(query)).scalars() for key in keys]


async def change(
    db: AsyncConnection, export_id: int, now: datetime, *, run: int, **to: Any
) -> bool:
    """From state building and for this run only."""
    moved = await db.execute(
        exports.update()
        .where(exports.c.id == export_id, exports.c.run == run, exports.c.state == "building")
        .values(changed_at=now, **to)
    )
    return bool(moved.rowcount)


async def cancel_of_library(db: AsyncConnection, user_id: int, now: datetime) -> bool:
    """False: none is being built. Its files go with the sweep, or sooner with its job."""
    e = exports.c
    moved = await db.execute(
        exports.update()
        .where(e.user_id == user_id, e.state == "building", _OF_LIBRARY)
        .values(state="cancelled", changed_at=now)
    )
    return bool(moved.rowcount)


async def building_of_analyses(db: AsyncConnection, user_id: int | None = None) -> list[Export]:
    query = sa.select(*_COLUMNS).where(exports.c.state == "building", _OF_ANALYSIS)
    if user_id is not None:
        query = query.where(exports.c.user_id == user_id)
    return [Export(*row) for row in await db.execute(query)]


async def ready_of_analyses(
    db: AsyncConnection, user_id: int, since: datetime, limit: int
) -> list[Export]:
    """Those that were ready since then; newest first."""
    e = exports.c
    query = (
        sa.select(*_COLUMNS)
        .where(e.user_id == user_id, e.state == "ready", e.changed_at > since, _OF_ANALYSIS)
        .order_by(e.id.desc())
        .limit(limit)
    )
    return [Export(*row) for row in await db.execute(query)]


async def cancel_of_analyses(db: AsyncConnection, user_id: int, now: datetime) -> bool:
    """As cancel_of_library."""
    moved = await db.execute(
        exports.update()
        .where(exports.c.user_id == user_id, exports.c.state == "building", _OF_ANALYSIS)
        .values(state="cancelled", changed_at=now)
    )
    return bool(moved.rowcount)


async def next_run(db: AsyncConnection, export_id: int, run: int, now: datetime) -> bool:
    e = exports.c
    moved = await db.execute(
        exports.update()
        .where(e.id == export_id, e.run == run, e.state == "building")
        .values(run=e.run + 1, idle_runs=e.idle_runs + 1, changed_at=now)
    )
    return bool(moved.rowcount)


async def drop(db: AsyncConnection, export_id: int) -> None:
    await db.execute(exports.delete().where(exports.c.id == export_id))


# what an export leaves out: secrets, and what belongs to the machine and not to the person
_LEFT_OUT = {
    "secret",
    "candidate",
    "fingerprint",
    "candidate_fingerprint",
    "phone",
    "settings_mark",
    "raw",
    "token_hash",
    "sealed",
    "spare",
}
_OF_USER = (
    "connections",
    "logins",
    "credit_entries",
    "collections",
    "imports",
    "user_posts",
    "library_views",
    "downloads",
    "notices",
    "feeds",
    "readers",
    "retention",
    "meta_accounts",
    "story_accounts",
    "analyses",
    "reports",
    "insight_accounts",
    "insight_pages",
)
_OF_FEED = ("feed_notices", "webhooks")
_OF_STORY_ACCOUNT = ("categories", "slots", "blackouts", "library_items", "stories")
_OF_STORY = ("story_events", "story_metrics")
_OF_INSIGHTS = ("insight_media", "syncs")


async def rows_of_user(db: AsyncConnection, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every row that is about this person, table by table; no secrets."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in _OF_USER:
        table = tables.metadata.tables[name]
        found[name] = await _rows(db, table, table.c.user_id == user_id)
    theirs = _feeds_of(user_id)
    for name in _OF_FEED:
        table = tables.metadata.tables[name]
        found[name] = await _rows(db, table, table.c.feed_id.in_(theirs))
    places = sa.select(tables.story_accounts.c.id).where(tables.story_accounts.c.user_id == user_id)
    for name in _OF_STORY_ACCOUNT:
        table = tables.metadata.tables[name]
        found[name] = await _rows(db, table, table.c.account_id.in_(places))
    told = sa.select(tables.stories.c.id).where(tables.stories.c.account_id.in_(places))
    for name in _OF_STORY:
        table = tables.metadata.tables[name]
        found[name] = await _rows(db, table, table.c.story_id.in_(told))
    measured = _measured_of(user_id)
    for name in _OF_INSIGHTS:
        table = tables.metadata.tables[name]
        found[name] = await _rows(db, table, table.c.account_id.in_(measured))
    log = sa.select(tables.syncs.c.id).where(tables.syncs.c.account_id.in_(measured))
    results = tables.sync_results
    found["sync_results"] = await _rows(db, results, results.c.sync_id.in_(log))
    found["users"] = await _rows(db, users, users.c.id == user_id)
    mine = sa.select(imports.c.id).where(imports.c.user_id == user_id)
    found["import_items"] = await _rows(db, import_items, import_items.c.import_id.in_(mine))
    kept = sa.select(user_posts.c.post_id).where(user_posts.c.user_id == user_id)
    found["posts"] = await _rows(db, posts, posts.c.id.in_(kept))
    files = tables.media.c.post_id.in_(kept)
    found["media"] = await _rows(db, tables.media, files)
    held = sa.select(tables.media.c.id).where(files)
    found["samples"] = await _rows(db, tables.samples, tables.samples.c.media_id.in_(held))
    found["audit"] = await _rows(db, tables.audit, tables.audit.c.actor_id == user_id)
    return found


async def _rows(
    db: AsyncConnection, table: sa.Table, which: sa.ColumnElement[bool]
) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name not in _LEFT_OUT]
    rows = await db.execute(sa.select(*columns).where(which))
    return [dict(row._mapping) for row in rows]


def _feeds_of(user_id: int) -> sa.Select[tuple[int]]:
    return sa.select(tables.feeds.c.id).where(tables.feeds.c.user_id == user_id)


def _measured_of(user_id: int) -> sa.Select[tuple[int]]:
    a = tables.insight_accounts.c
    return sa.select(a.id).where(a.user_id == user_id)


async def feed_posts(
    db: AsyncConnection, user_id: int, after: tuple[int, int], limit: int
) -> list[dict[str, Any]]:
    """What stands in the person's feeds, by feed and post, from behind `after` (feed id, post id)
    on. An archive is too large to be read at once."""
    i = feed_items.c
    query = (
        sa.select(
            i.feed_id, i.post_id, i.guid, i.state, i.shown_at,
            posts.c.kind, posts.c.author, posts.c.shortcode, posts.c.caption, posts.c.taken_at,
        )
        .join(posts, posts.c.id == i.post_id)
        .where(i.feed_id.in_(_feeds_of(user_id)), sa.tuple_(i.feed_id, i.post_id) > after)
        .order_by(i.feed_id, i.post_id)
        .limit(limit)
    )  # fmt: skip
    return [dict(row._mapping) for row in await db.execute(query)]


async def analysed_reels(
    db: AsyncConnection, user_id: int, after: int, limit: int
) -> list[dict[str, Any]]:
    """The reels of the person's analyses, from behind the id `after` on; without their raw form.
    There may be a hundred thousand."""
    r, a = tables.reels, tables.analyses.c
    columns = [column for column in r.c if column.name not in _LEFT_OUT]
    query = (
        sa.select(*columns)
        .join(tables.analyses, a.id == r.c.analysis_id)
        .where(a.user_id == user_id, r.c.id > after)
        .order_by(r.c.id)
        .limit(limit)
    )
    return [dict(row._mapping) for row in await db.execute(query)]


async def insight_values(
    db: AsyncConnection, user_id: int, after: int, limit: int
) -> list[dict[str, Any]]:
    """The figures of the person's accounts, from behind the id `after` on, each with what it was
    before Meta changed it (`earlier`, oldest first). Ten years are a hundred thousand."""
    v, r = tables.insight_values.c, tables.insight_revisions.c
    query = (
        sa.select(*v)
        .where(v.account_id.in_(_measured_of(user_id)), v.id > after)
        .order_by(v.id)
        .limit(limit)
    )
    found = [dict(row._mapping) | {"earlier": []} for row in await db.execute(query)]
    by_id = {row["id"]: row for row in found}
    changed = [row["id"] for row in found if row["revision"]]
    was = sa.select(r.value_id, r.value, r.read_at).where(r.value_id.in_(changed))
    for value_id, value, read_at in await db.execute(was.order_by(r.value_id, r.revision)):
        by_id[value_id]["earlier"].append({"value": value, "read_at": read_at})
    return found


async def media_values(
    db: AsyncConnection, user_id: int, after: tuple[int, str, date], limit: int
) -> list[dict[str, Any]]:
    """How the posts of the person's accounts stood on each day, from behind `after` (media_row,
    metric, day) on; rows_of_user has the posts."""
    v, m = tables.media_values.c, tables.insight_media.c
    query = (
        sa.select(*v)
        .join(tables.insight_media, m.id == v.media_row)
        .where(
            m.account_id.in_(_measured_of(user_id)),
            sa.tuple_(v.media_row, v.metric, v.day) > after,
        )
        .order_by(v.media_row, v.metric, v.day)
        .limit(limit)
    )
    return [dict(row._mapping) for row in await db.execute(query)]


async def raw_posts(db: AsyncConnection, user_id: int) -> list[tuple[str, dict[str, Any]]]:
    """(shortcode, the post as the platform sent it) of a user's library."""
    query = (
        sa.select(posts.c.shortcode, posts.c.raw)
        .join(user_posts, user_posts.c.post_id == posts.c.id)
        .where(user_posts.c.user_id == user_id)
    )
    return [(row[0], row[1]) for row in await db.execute(query)]
