"""Analyses of profiles: their states, and the profile as it was then. Their reels are in
storage.reels, the addresses of their pages in storage.reports.

Called by services.analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.row_cards import RowCards
from storage.steps import step
from storage.tables import (
    analyses,
    audit,
    connections,
    meta_accounts,
    profiles,
    reels,
    unread_reels,
)

APP, META = "app", "meta"
LIVE = ("pending", "processing")  # a workflow must be at it
UNFINISHED = (*LIVE, "waiting", "paused")
STOPPED = ("waiting", "paused")
BEGAN = "began the analysis of"  # in the audit: what was deleted since counts, too
_RESOLVED, _STORED, _READ = 10, 30, 80  # percent
CARDS = RowCards(analyses)


@dataclass(frozen=True, slots=True)
class Analysis:
    """`cursor`: of the next page, None for the first. `username` None: the profile was not read
    yet; with it comes what follows, as it was then. `requests`: those that brought something.

    `error`, `message` and `next_step` say why it waits, is paused or failed.
    """

    id: int
    user_id: int
    asked: str
    profile_id: int | None
    source: str  # app | meta
    connection_id: int | None
    meta_id: int | None
    identity: str
    not_by_meta: str | None  # not_found | refused
    state: str  # pending | processing | waiting | paused | completed | failed | canceled
    run: int
    idle_runs: int
    tries: int
    wait_until: datetime | None
    error: str | None
    message: str
    next_step: str
    wanted: int
    cursor: str | None
    more: bool
    pages: int
    requests: int
    listed: int
    stored: int
    unread: int
    username: str | None
    full_name: str
    biography: str
    followers: int | None
    following: int | None
    media_count: int | None
    is_private: bool
    is_verified: bool
    picture: str
    platform_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    changed_at: datetime

    @property
    def percent(self) -> int:
        """How far it is, by what is stored: the profile is known, read, then page by page. Nobody
        tells how many reels there will be; the number of posts is their upper bound."""
        if self.state == "completed":
            return 100
        if self.username is None:
            return _RESOLVED if self.profile_id is not None else 0
        if not self.more:
            return _READ
        posts = self.wanted if self.media_count is None else min(self.wanted, self.media_count)
        seen = min(self.stored + self.unread if self.source == APP else self.listed, posts)
        return _STORED + (_READ - _STORED) * seen // max(posts, 1)

    @property
    def name(self) -> str:
        """What the person is called, as far as it is known."""
        return self.username or self.asked

    @property
    def renamed(self) -> bool:
        """It was found under another name than the one that was asked for."""
        return self.username is not None and self.username != self.asked

    @property
    def is_cut(self) -> bool:
        """As many reels as were wanted, and there are more."""
        return self.state == "completed" and self.more


_COLUMNS = [
    (profiles if field.name == "platform_id" else analyses).c[field.name]
    for field in fields(Analysis)
]
_JOINED = analyses.outerjoin(profiles, profiles.c.id == analyses.c.profile_id)
_QUERY = sa.select(*_COLUMNS).select_from(_JOINED)


# ---------------------------------------------------------------- profiles


async def keep_profile(
    db: AsyncConnection, platform: str, platform_id: str, username: str, now: datetime
) -> int:
    """The id of whom the platform knows by this number, from now on under this name."""
    seen = {"username": username, "seen_at": now}
    kept = await db.execute(
        insert_once(db, profiles)
        .values({"platform": platform, "platform_id": platform_id, **seen})
        .on_conflict_do_update(index_elements=["platform", "platform_id"], set_=seen)
        .returning(profiles.c.id)
    )
    return int(kept.scalar_one())


async def number_of(db: AsyncConnection, platform: str, username: str) -> str | None:
    """The platform's number of who was called so when they were last looked at."""
    p = profiles.c
    query = (
        sa.select(p.platform_id)
        .where(p.platform == platform, p.username == username)
        .order_by(p.seen_at.desc())
        .limit(1)
    )
    return (await db.execute(query)).scalar()


async def drop_profiles(db: AsyncConnection) -> None:
    """Those of whom no analysis is left."""
    left = sa.exists().where(analyses.c.profile_id == profiles.c.id)
    await db.execute(profiles.delete().where(~left))


# ---------------------------------------------------------------- analyses


async def start(
    db: AsyncConnection,
    user_id: int,
    asked: str,
    now: datetime,
    *,
    wanted: int,
    **way: Any,
) -> tuple[int, int] | None:
    """(id, run) of a new one; None if one of this name is unfinished. `way`: source, identity, and
    whose account it is."""
    row = {
        "user_id": user_id,
        "asked": asked,
        "state": "pending",
        "wanted": wanted,
        "created_at": now,
        "changed_at": now,
        **way,
    }
    made = await db.execute(
        insert_once(db, analyses)
        .values(row)
        .on_conflict_do_nothing()
        .returning(analyses.c.id, analyses.c.run)
    )
    found = made.first()
    return (found.id, found.run) if found else None


async def get(db: AsyncConnection, analysis_id: int) -> Analysis | None:
    found = await _many(db, analyses.c.id == analysis_id)
    return found[0] if found else None


async def latest(db: AsyncConnection, user_id: int, limit: int, offset: int = 0) -> list[Analysis]:
    """Newest first."""
    query = _QUERY.where(analyses.c.user_id == user_id).order_by(analyses.c.id.desc())
    return [Analysis(*row) for row in await db.execute(query.limit(limit).offset(offset))]


async def unfinished(db: AsyncConnection, user_id: int, asked: str) -> int | None:
    a = analyses.c
    query = sa.select(a.id).where(a.user_id == user_id, a.asked == asked, a.state.in_(UNFINISHED))
    return (await db.execute(query)).scalar()


async def unfinished_of(db: AsyncConnection, item: Analysis, profile_id: int) -> int | None:
    """Another one of this profile, which was asked for by another name."""
    a = analyses.c
    query = sa.select(a.id).where(
        a.user_id == item.user_id,
        a.profile_id == profile_id,
        a.state.in_(UNFINISHED),
        a.id != item.id,
    )
    return (await db.execute(query)).scalar()


async def all_unfinished(db: AsyncConnection, user_id: int) -> list[Analysis]:
    a = analyses.c
    return await _many(db, (a.user_id == user_id) & a.state.in_(UNFINISHED))


async def completed(
    db: AsyncConnection, user_id: int, name: str, since: datetime | None = None
) -> Analysis | None:
    """The newest one of who was found by this name, or is called so, if it ended since then."""
    a = analyses.c
    which = (a.user_id == user_id) & (a.state == "completed")
    if since is not None:
        which &= a.ended_at >= since
    query = (
        _QUERY.where(which, (a.username == name) | (a.asked == name))
        .order_by(a.ended_at.desc(), a.id.desc())
        .limit(1)
    )
    row = (await db.execute(query)).first()
    return Analysis(*row) if row else None


async def before(db: AsyncConnection, item: Analysis, limit: int = 1) -> list[Analysis]:
    """The completed ones of the same profile that came before; newest first."""
    a = analyses.c
    if item.profile_id is None:
        return []
    query = (
        _QUERY.where(
            a.user_id == item.user_id,
            a.profile_id == item.profile_id,
            a.state == "completed",
            a.id < item.id,
        )
        .order_by(a.id.desc())
        .limit(limit)
    )
    return [Analysis(*row) for row in await db.execute(query)]


async def begun_since(db: AsyncConnection, user_id: int, since: datetime) -> list[datetime]:
    """When this person began one since then, oldest first; also those that were deleted."""
    a = audit.c
    query = sa.select(a.at).where(a.actor_id == user_id, a.action == BEGAN, a.at > since)
    return list((await db.execute(query.order_by(a.at))).scalars())


async def stranded(db: AsyncConnection, before: datetime) -> list[Analysis]:
    """Those that a workflow must be at and that nothing has touched since `before`."""
    return await _many(db, analyses.c.state.in_(LIVE) & (analyses.c.changed_at < before))


async def ready(
    db: AsyncConnection, now: datetime, sessions: Sequence[str], logins: Sequence[str]
) -> list[Analysis]:
    """Whose wait is over; and those that were paused by an error of their account that is over.
    `sessions`, `logins`: the errors that new cookies, or a new log-in at Meta, are the end of."""
    a = analyses.c
    over = (a.state == "waiting") & (a.wait_until <= now)
    account = sa.exists().where(
        connections.c.id == a.connection_id, connections.c.status == "active"
    )
    login = sa.exists().where(meta_accounts.c.id == a.meta_id, meta_accounts.c.problem.is_(None))
    healed = (a.error.in_(sessions) & account) | (a.error.in_(logins) & login)
    return await _many(db, over | ((a.state == "paused") & healed))


async def expired(db: AsyncConnection, before: datetime) -> list[int]:
    """Ids of those at which nothing has happened since then, and that are not about an account of
    their own person."""
    a = analyses.c
    own = sa.or_(
        *(
            sa.exists().where(
                account.c.user_id == a.user_id, account.c.identity == profiles.c.platform_id
            )
            for account in (connections, meta_accounts)
        )
    )
    query = sa.select(a.id).select_from(_JOINED).where(a.changed_at < before, ~own)
    return list((await db.execute(query.order_by(a.id))).scalars())


async def move(
    db: AsyncConnection,
    analysis_id: int,
    now: datetime,
    *,
    run: int | None = None,
    from_states: Iterable[str],
    new_run: bool = False,
    **to: Any,
) -> bool:
    """A conditional step of the state machine: from these states (and for this run) only."""
    here = analyses.c.id == analysis_id
    return await step(
        db, analyses, here, now, run=run, from_states=from_states, new_run=new_run, **to
    )


async def fence(
    db: AsyncConnection, item: Analysis, now: datetime, *, new_run: bool = False, **to: Any
) -> bool:
    """First statement of every transaction of a job: False if somebody else has taken over."""
    return await move(db, item.id, now, run=item.run, from_states=LIVE, new_run=new_run, **to)


async def turn_page(
    db: AsyncConnection,
    analysis_id: int,
    *,
    listed: int,
    stored: int,
    unread: int,
    cursor: str | None,
    more: bool,
) -> None:
    """What a page has brought; after `fence`."""
    a = analyses.c
    await db.execute(
        analyses.update()
        .where(a.id == analysis_id)
        .values(
            pages=a.pages + 1,
            requests=a.requests + 1,
            listed=a.listed + listed,
            stored=a.stored + stored,
            unread=a.unread + unread,
            cursor=cursor,
            more=more,
            tries=0,
            idle_runs=0,
        )
    )


async def begin_anew(db: AsyncConnection, analysis_id: int) -> None:
    """From the look at the profile: by another way its numbers and cursors are of no use."""
    for table in (reels, unread_reels):
        await db.execute(table.delete().where(table.c.analysis_id == analysis_id))
    nothing: dict[str, Any] = dict.fromkeys(("pages", "listed", "stored", "unread", "tries"), 0)
    nothing |= {"profile_id": None, "username": None, "cursor": None, "more": True}
    which = analyses.c.id == analysis_id
    await db.execute(analyses.update().where(which).values(nothing))


async def delete(db: AsyncConnection, analysis_id: int) -> bool:
    """With its reels, its reports, and the profile if no other is about it."""
    gone = await db.execute(analyses.delete().where(analyses.c.id == analysis_id))
    await drop_profiles(db)
    return bool(gone.rowcount)


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Analysis]:
    rows = await db.execute(_QUERY.where(which).order_by(analyses.c.id))
    return [Analysis(*row) for row in rows]
