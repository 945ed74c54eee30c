"""The types of the schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from storage import people
from storage.database import Database
from storage.tables import Moment
from tests.support.rows import MIA, person

DIALECTS = [sqlite.dialect(), postgresql.dialect()]


@given(st.datetimes(timezones=st.timezones()))
def test_any_aware_time_comes_back_as_the_same_moment_in_utc(moment: datetime) -> None:
    for dialect in DIALECTS:
        kind = Moment()
        try:
            stored = kind.process_bind_param(moment, dialect)
        except OverflowError:  # a zone's first or last hours of the calendar
            continue
        back = kind.process_result_value(stored, dialect)
        assert back is not None
        assert back == moment.astimezone(UTC)
        assert back.tzinfo is UTC


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_nothing_stays_nothing(dialect: sa.Dialect) -> None:
    assert Moment().process_bind_param(None, dialect) is None
    assert Moment().process_result_value(None, dialect) is None


async def test_a_time_of_another_zone_is_stored_to_the_microsecond(database: Database) -> None:
    moment = datetime(2026, 3, 29, 1, 59, 59, 999_999, timezone(timedelta(hours=5, minutes=45)))
    await person(database)
    async with database.write() as db:
        await people.change(db, MIA, delete_after=moment)
    async with database.read() as db:
        user = await people.get(db, MIA)
    assert user is not None
    assert user.delete_after == moment
    assert user.delete_after.tzinfo is UTC


async def test_a_naive_time_is_refused(database: Database) -> None:
    await person(database)
    with pytest.raises(sa.exc.StatementError, match="naive"):
        async with database.write() as db:
            await people.change(db, MIA, delete_after=datetime(2026, 1, 1))  # noqa: DTZ001
