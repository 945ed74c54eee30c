"""Accounts whose own figures are kept, and how the figures are written: none lost, none twice.

Called by services.insights (the service and the sync). How they are read: storage.insight_reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.meta_accounts import MetaAccount
from storage.tables import (
    insight_accounts,
    insight_revisions,
    insight_values,
    meta_accounts,
    syncs,
    users,
)


@dataclass(frozen=True, slots=True)
class InsightAccount:
    """`identity`: Instagram's user id. `meta_id`: the log-in at Meta, None while there is none.
    `synced_day`: of the last daily sync that was begun. `digested_week`: a Monday."""

    id: int
    user_id: int
    identity: str
    username: str
    meta_id: int | None
    synced_day: date | None
    digest: bool
    digested_week: date | None
    created_at: datetime


_ACCOUNT = [insight_accounts.c[field.name] for field in fields(InsightAccount)]


# ---------------------------------------------------------------- accounts


async def get(db: AsyncConnection, account_id: int) -> InsightAccount | None:
    found = await _many(db, insight_accounts.c.id == account_id)
    return found[0] if found else None


async def of_user(db: AsyncConnection, user_id: int) -> list[InsightAccount]:
    return await of_users(db, [user_id])


async def of_users(db: AsyncConnection, user_ids: Iterable[int]) -> list[InsightAccount]:
    """Oldest first."""
    return await _many(db, insight_accounts.c.user_id.in_(list(user_ids)))


async def unkept(db: AsyncConnection, user_ids: Iterable[int] | None = None) -> list[int]:
    """Ids of log-ins at Meta that no account here is joined to, or under an older name; of these
    people, or of everybody."""
    a, m = insight_accounts.c, meta_accounts.c
    joined = sa.exists().where(a.meta_id == m.id, a.username == m.username)
    query = sa.select(m.id).where(~joined).order_by(m.id)
    if user_ids is not None:
        query = query.where(m.user_id.in_(list(user_ids)))
    return list((await db.execute(query)).scalars())


async def keep(
    db: AsyncConnection, user_id: int, meta: MetaAccount, now: datetime
) -> InsightAccount:
    """The person's account of this identity, joined to this log-in; what was read before it was
    disconnected is its history again."""
    joined = {"meta_id": meta.id, "username": meta.username}
    row = {"user_id": user_id, "identity": meta.identity, "created_at": now, **joined}
    kept = await db.execute(
        insert_once(db, insight_accounts)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id", "identity"], set_=joined)
        .returning(*_ACCOUNT)
    )
    return InsightAccount(*kept.one())


async def working(db: AsyncConnection) -> list[tuple[InsightAccount, str]]:
    """Those whose log-in works, each with its person's zone (IANA)."""
    a, m = insight_accounts.c, meta_accounts.c
    query = (
        sa.select(*_ACCOUNT, users.c.zone)
        .join(meta_accounts, m.id == a.meta_id)
        .join(users, users.c.id == a.user_id)
        .where(m.problem.is_(None), users.c.status == "active")
        .order_by(a.id)
    )
    return [(InsightAccount(*row[:-1]), row[-1]) for row in await db.execute(query)]


async def change(db: AsyncConnection, account_id: int, **to: Any) -> None:
    which = insight_accounts.c.id == account_id
    await db.execute(insight_accounts.update().where(which).values(to))


async def delete(db: AsyncConnection, account_id: int) -> None:
    """With all that was ever read. Syncs first: a job, too, locks its sync before the account."""
    await db.execute(syncs.delete().where(syncs.c.account_id == account_id))
    await db.execute(insight_accounts.delete().where(insight_accounts.c.id == account_id))


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[InsightAccount]:
    query = sa.select(*_ACCOUNT).where(which).order_by(insight_accounts.c.id)
    return [InsightAccount(*row) for row in await db.execute(query)]


# ---------------------------------------------------------------- what is there


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of one day of a metric. `dimension`: of the audience's metrics, else "".
    `reason` None: there is a number, of the time that ended at `end_time`. `read_at`: when it was
    last asked for."""

    metric: str
    period: str
    dimension: str
    day: date
    end_time: datetime
    reason: str | None
    read_at: datetime


async def held(
    db: AsyncConnection, account_id: int, since: date, dimensions: Sequence[str] = ()
) -> list[Held]:
    """From that day on. `dimensions`: breakdowns that are asked for apart from one another."""
    v = insight_values.c
    dimension = (
        sa.case(
            *((_is_of(dimension), sa.literal(dimension)) for dimension in dimensions),
            else_=sa.literal(""),
        )
        if dimensions
        else sa.literal("")
    )
    query = (
        sa.select(
            v.metric,
            v.period,
            dimension.label("dimension"),
            v.day,
            sa.func.max(v.end_time, type_=v.end_time.type),
            sa.case((sa.func.count(v.value) > 0, sa.null()), else_=sa.func.max(v.reason)),
            sa.func.max(v.read_at, type_=v.read_at.type),
        )
        .where(v.account_id == account_id, v.day >= since)
        .group_by(v.metric, v.period, sa.text("dimension"), v.day)
    )
    return [Held(*row) for row in await db.execute(query)]


async def newest(db: AsyncConnection, account_id: int, metric: str, period: str) -> float | None:
    """The last number of it."""
    v = insight_values.c
    query = (
        sa.select(v.value)
        .where(
            v.account_id == account_id,
            v.metric == metric,
            v.period == period,
            v.breakdown == "",
            v.value.is_not(None),
        )
        .order_by(v.day.desc())
        .limit(1)
    )
    return (await db.execute(query)).scalar()


def _is_of(dimension: str) -> sa.ColumnElement[bool]:
    v = insight_values.c
    return (v.breakdown == dimension) | v.breakdown.startswith(f"{dimension}=", autoescape=True)


# ---------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class NewFigure:
    """`breakdown`: "" for the whole."""

    end_time: datetime
    breakdown: str
    day: date
    value: float


@dataclass(frozen=True, slots=True)
class NewGap:
    """A day without a figure. `breakdown`: "", or the audience's dimension. `said`: foreign."""

    end_time: datetime
    breakdown: str
    day: date
    reason: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """Figures that are new, and those that Meta has changed."""

    new: int = 0
    revised: int = 0


class NotWritten(Exception):
    """The database holds other rows than were meant; nothing of it may be committed."""


async def write(
    db: AsyncConnection,
    account_id: int,
    metric: str,
    period: str,
    figures: Sequence[NewFigure],
    gaps: Sequence[NewGap],
    read_at: datetime,
    *,
    revises: bool = True,
    answered: bool = True,
) -> Written:
    """What one answer told of one metric. A number that is there stays where Meta now tells none;
    a reason goes where it tells a number. `revises` False: the latest reading is what counts.
    `answered` False: it was a refusal, so the numbers that are there were not read again.

    Errors: NotWritten.
    """
    await db.execute(  # one writer for an account, where the database would let in two
        sa.select(insight_accounts.c.id)
        .where(insight_accounts.c.id == account_id)
        .with_for_update()
    )
    own = {"account_id": account_id, "metric": metric, "period": period}
    meant = {(one.end_time, one.breakdown): one for one in figures}
    days = {one.day for one in figures} | {one.day for one in gaps}
    ends = {one.end_time for one in figures} | {one.end_time for one in gaps}
    rows = await _rows(db, own, days, ends)
    written = await _write_figures(db, own, meant, rows, read_at, revises=revises)
    await _drop_reasons(db, rows, meant)
    left = await _write_gaps(db, own, gaps, rows, read_at, answered=answered)
    await _verify(db, own, meant, left, read_at)
    return written


_ROW = [
    insight_values.c[name]
    for name in ("id", "end_time", "breakdown", "day", "value", "reason", "revision", "read_at")
]
_Key = tuple[datetime, str]  # end_time, breakdown
_Rows = dict[_Key, sa.Row[Any]]


async def _rows(
    db: AsyncConnection, own: dict[str, Any], days: Iterable[date], ends: Iterable[datetime]
) -> _Rows:
    v = insight_values.c
    query = sa.select(*_ROW).where(
        *(v[name] == value for name, value in own.items()),
        v.day.in_(list(days)) | v.end_time.in_(list(ends)),
    )
    return {(row.end_time, row.breakdown): row for row in await db.execute(query)}


async def _write_figures(
    db: AsyncConnection,
    own: dict[str, Any],
    meant: dict[_Key, NewFigure],
    rows: _Rows,
    read_at: datetime,
    *,
    revises: bool,
) -> Written:
    known = [(rows[key], one) for key, one in meant.items() if key in rows]
    changed = [(row, one) for row, one in known if row.value not in (None, one.value)]
    same = [row.id for row, one in known if (row.value, row.day) == (one.value, one.day)]
    if revises and changed:
        before = [
            {
                "value_id": row.id,
                "revision": row.revision,
                "value": row.value,
                "read_at": row.read_at,
            }
            for row, _ in changed
        ]
        await db.execute(insight_revisions.insert(), before)
    await _touch(db, same, read_at)
    for row, one in known:
        if row.id in same:
            continue
        to = {"day": one.day, "value": one.value, "reason": None, "said": "", "read_at": read_at}
        if revises and row.value not in (None, one.value):
            to["revision"] = row.revision + 1
        await db.execute(insight_values.update().where(insight_values.c.id == row.id).values(to))
    new = [one for key, one in meant.items() if key not in rows]
    if new:
        values = [{**own, **asdict(one), "read_at": read_at} for one in new]
        await db.execute(insight_values.insert(), values)
    return Written(
        new=len(new) + sum(row.value is None for row, _ in known),
        revised=len(changed) if revises else 0,
    )


async def _write_gaps(
    db: AsyncConnection,
    own: dict[str, Any],
    gaps: Sequence[NewGap],
    rows: _Rows,
    read_at: datetime,
    *,
    answered: bool,
) -> list[NewGap]:
    """Those that are written: of days without a number. None twice."""
    left: list[NewGap] = []
    told: list[int] = []
    for gap in gaps:
        numbers = [
            row.id
            for row in rows.values()
            if row.value is not None and row.day == gap.day and _is_about(gap, row.breakdown)
        ]
        told += numbers
        if not numbers:
            left.append(gap)
    if answered:
        await _touch(db, told, read_at)
    if left:
        values = [{**own, **asdict(gap), "read_at": read_at} for gap in left]
        adding = insert_once(db, insight_values).values(values)
        new = {name: adding.excluded[name] for name in ("day", "reason", "said", "read_at")}
        await db.execute(
            adding.on_conflict_do_update(index_elements=[*own, "end_time", "breakdown"], set_=new)
        )
    return left


async def _drop_reasons(db: AsyncConnection, rows: _Rows, meant: dict[_Key, NewFigure]) -> None:
    """Of days that have a number now."""
    known = {(one.day, _dimension(one.breakdown)) for one in meant.values()}
    days = {day for day, _ in known}
    gone = [
        row.id
        for key, row in rows.items()
        if row.reason is not None
        and key not in meant
        and (row.day in days if not row.breakdown else (row.day, row.breakdown) in known)
    ]
    if gone:
        await db.execute(insight_values.delete().where(insight_values.c.id.in_(gone)))


async def _touch(db: AsyncConnection, ids: Sequence[int], read_at: datetime) -> None:
    if ids:
        which = insight_values.c.id.in_(ids)
        await db.execute(insight_values.update().where(which).values(read_at=read_at))


async def _verify(
    db: AsyncConnection,
    own: dict[str, Any],
    meant: dict[_Key, NewFigure],
    gaps: Sequence[NewGap],
    read_at: datetime,
) -> None:
    wanted: dict[_Key, tuple[date, float | None, str | None]]
    wanted = {key: (one.day, one.value, None) for key, one in meant.items()}
    wanted |= {(one.end_time, one.breakdown): (one.day, None, one.reason) for one in gaps}
    days = {day for day, _, _ in wanted.values()}
    there = {
        key: (row.day, row.value, row.reason)
        for key, row in (await _rows(db, own, days, [])).items()
        if row.read_at == read_at
    }
    missing = [key for key, told in wanted.items() if there.get(key) != told]
    if missing:
        raise NotWritten(f"{len(missing)} of {len(wanted)} rows of {own['metric']}")


def _dimension(breakdown: str) -> str:
    return breakdown.partition("=")[0]


def _is_about(gap: NewGap, breakdown: str) -> bool:
    return not gap.breakdown or gap.breakdown == _dimension(breakdown)
