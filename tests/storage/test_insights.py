"""An account's own figures: none lost, none twice, none overwritten by "no data"."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import insights, meta_accounts
from storage.database import Database
from storage.insights import Held, InsightAccount, NewFigure, NewGap, NotWritten, Written
from storage.tables import insight_revisions, insight_values
from tests.support.rows import LEO, MIA, NOW, at, person

DAY = date(2026, 11, 18)
END = datetime(2026, 11, 19, tzinfo=UTC)
EIGHT = END + timedelta(hours=8)  # where a series has its midnight


@pytest.fixture
async def account(database: Database) -> InsightAccount:
    await person(database)
    return await connected(database)


async def connected(
    database: Database, user_id: int = MIA, identity: str = "77", name: str = "mia"
) -> InsightAccount:
    async with database.write() as db:
        login = await meta_accounts.keep(
            db,
            user_id,
            identity,
            NOW,
            username=name,
            flavour="instagram",
            account_type="",
            scopes=[],
            issued_at=NOW,
            unlimited=False,
            problem=None,
        )
        return await insights.keep(db, user_id, login, NOW)


async def write(
    database: Database,
    account: InsightAccount,
    *told: NewFigure | NewGap,
    minutes: float = 0,
    metric: str = "reach",
    **how: Any,
) -> Written:
    figures = [one for one in told if isinstance(one, NewFigure)]
    gaps = [one for one in told if isinstance(one, NewGap)]
    async with database.write() as db:
        return await insights.write(
            db, account.id, metric, "day", figures, gaps, at(minutes), **how
        )


def figure(value: float, breakdown: str = "", end: datetime = EIGHT, day: date = DAY) -> NewFigure:
    return NewFigure(end, breakdown, day, value)


def gap(reason: str = "no_data", breakdown: str = "", day: date = DAY) -> NewGap:
    return NewGap(END + (day - DAY), breakdown, day, reason, "Meta's words")


async def rows(database: Database) -> list[tuple[Any, ...]]:
    """(breakdown, value, reason, revision, minutes after NOW)"""
    v = insight_values.c
    query = sa.select(v.breakdown, v.value, v.reason, v.revision, v.read_at).order_by(
        v.day, v.breakdown, v.id
    )
    async with database.read() as db:
        return [
            (*row[:4], int((row[4] - NOW).total_seconds() // 60)) for row in await db.execute(query)
        ]


# ------------------------------------------------------------------ writing


async def test_a_figure_is_new_the_same_or_changed(
    database: Database, account: InsightAccount
) -> None:
    assert await write(database, account, figure(5), figure(2, "a=b")) == Written(new=2)
    assert await write(database, account, figure(5), minutes=1) == Written()
    assert await write(database, account, figure(7), minutes=2) == Written(revised=1)
    assert await write(database, account, figure(9), minutes=3) == Written(revised=1)
    assert await rows(database) == [("", 9, None, 2, 3), ("a=b", 2, None, 0, 0)]
    r = insight_revisions.c
    async with database.read() as db:
        before = await db.execute(sa.select(r.revision, r.value, r.read_at).order_by(r.revision))
        assert [tuple(row) for row in before] == [(0, 5, at(1)), (1, 7, at(2))]


async def test_no_data_never_takes_the_place_of_a_number(
    database: Database, account: InsightAccount
) -> None:
    await write(database, account, figure(5))
    assert await write(database, account, gap(), minutes=1) == Written()
    assert await rows(database) == [("", 5, None, 0, 1)]  # and it is known that it was asked for


async def test_a_refusal_is_no_reading_of_a_number(
    database: Database, account: InsightAccount
) -> None:
    await write(database, account, figure(5))
    assert await write(database, account, gap("failed"), minutes=1, answered=False) == Written()
    assert await rows(database) == [("", 5, None, 0, 0)]


@pytest.mark.parametrize("end", [EIGHT, END])
async def test_a_number_takes_the_place_of_a_reason(
    database: Database, account: InsightAccount, end: datetime
) -> None:
    assert await write(database, account, gap("not_yet")) == Written()
    assert await write(database, account, gap("failed"), minutes=1) == Written()
    assert await rows(database) == [("", None, "failed", 0, 1)]
    assert await write(database, account, figure(0, end=end), minutes=2) == Written(new=1)
    assert await rows(database) == [("", 0, None, 0, 2)]


async def test_breakdowns_that_are_asked_for_apart_have_reasons_of_their_own(
    database: Database, account: InsightAccount
) -> None:
    await write(database, account, gap("too_few", "age"), gap("too_few", "gender"))
    await write(database, account, figure(3, "age=18-24"), minutes=1)
    await write(database, account, gap("failed", "age"), gap("failed", "gender"), minutes=2)
    assert await rows(database) == [
        ("age=18-24", 3, None, 0, 2),
        ("gender", None, "failed", 0, 2),
    ]
    async with database.read() as db:
        held = await insights.held(db, account.id, DAY, ["age", "gender"])
        known = {one.dimension: one.reason for one in held}
        assert known == {"age": None, "gender": "failed"}


async def test_the_latest_reading_of_a_snapshot_stands(
    database: Database, account: InsightAccount
) -> None:
    await write(database, account, figure(10), revises=False)
    assert await write(database, account, figure(11), minutes=1, revises=False) == Written()
    assert await rows(database) == [("", 11, None, 0, 1)]
    async with database.read() as db:
        assert await insights.newest(db, account.id, "reach", "day") == 11
        assert (await db.execute(sa.select(insight_revisions))).first() is None


async def test_what_is_held_is_told_by_days(database: Database, account: InsightAccount) -> None:
    other = DAY - timedelta(1)
    await write(database, account, figure(5), figure(2, "a=b"), gap(day=other))
    async with database.read() as db:
        held = sorted(await insights.held(db, account.id, other), key=lambda one: one.day)
        assert held == [
            Held("reach", "day", "", other, END - timedelta(1), "no_data", NOW),
            Held("reach", "day", "", DAY, EIGHT, None, NOW),
        ]
        assert len(await insights.held(db, account.id, DAY)) == 1


async def test_rows_that_are_not_there_are_an_error(
    database: Database, account: InsightAccount
) -> None:
    async with database.write() as db:
        for statement in _swallows(is_sqlite=database.is_sqlite):
            await db.execute(sa.text(statement))
    with pytest.raises(NotWritten):
        await write(database, account, figure(5), gap(day=DAY - timedelta(1)))
    async with database.write() as db:
        on = "" if database.is_sqlite else " on insight_values"
        await db.execute(sa.text(f"drop trigger swallows{on}"))
    assert await rows(database) == []


def _swallows(*, is_sqlite: bool) -> list[str]:
    """A database that says yes and writes nothing."""
    if is_sqlite:
        return [
            "create trigger swallows before insert on insight_values "
            "begin select raise(ignore); end"
        ]
    return [
        "create or replace function swallowed() returns trigger as 'begin return null; end' "
        "language plpgsql",
        "create trigger swallows before insert on insight_values "
        "for each row execute function swallowed()",
    ]


async def test_two_writers_at_once_leave_one_row(
    database: Database, account: InsightAccount
) -> None:
    told: list[NewFigure | NewGap] = [figure(5), figure(2, "a=b"), gap(day=DAY - timedelta(1))]
    written = await asyncio.gather(
        *(write(database, account, *told, minutes=minutes) for minutes in (0, 1))
    )
    assert sorted(one.new for one in written) == [0, 2]
    assert len(await rows(database)) == 3


# ------------------------------------------------------------------ accounts


async def test_who_connects_again_has_the_history_again(database: Database) -> None:
    await person(database)
    first = await connected(database)
    await write(database, first, figure(5))
    async with database.write() as db:
        await meta_accounts.delete(db, first.meta_id or 0)
    async with database.read() as db:
        [left] = await insights.of_user(db, MIA)
        assert (left.id, left.meta_id) == (first.id, None)
        assert await insights.working(db) == []
    again = await connected(database, name="mia.anew")
    assert (again.id, again.username) == (first.id, "mia.anew")
    async with database.read() as db:
        assert [(one.id, zone) for one, zone in await insights.working(db)] == [(first.id, "UTC")]
        assert await insights.unkept(db) == []
    async with database.write() as db:
        await meta_accounts.change(db, again.meta_id or 0, problem="Refused.")
    async with database.read() as db:
        assert await insights.working(db) == []
    await insights_deleted(database, again.id)
    assert await rows(database) == []


async def insights_deleted(database: Database, account_id: int) -> None:
    async with database.write() as db:
        await insights.delete(db, account_id)


async def test_log_ins_that_nobody_keeps_figures_of_are_found(database: Database) -> None:
    for user_id in (MIA, LEO):
        await person(database, user_id)
    mine = await connected(database)
    theirs = await connected(database, LEO, "78", "leo")
    for account_id in (mine.id, theirs.id):
        await insights_deleted(database, account_id)
    async with database.read() as db:
        assert await insights.unkept(db) == [mine.meta_id, theirs.meta_id]
        assert await insights.unkept(db, [LEO]) == [theirs.meta_id]
