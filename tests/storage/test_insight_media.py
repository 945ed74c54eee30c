"""Posts once each, and a figure that no reason replaces."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from storage import insight_media
from storage.database import Database
from storage.insight_media import MediaValue, NewPost, Post
from storage.insights import NotWritten
from storage.tables import insight_accounts, media_values
from storage.tables import insight_media as table
from tests.support.rows import MIA, NOW, person

DAY = NOW.date()
REEL = NewPost("17901", "REELS", "VIDEO", "https://www.instagram.com/reel/A/", "Sea 🌊", NOW)
OLD = NewPost("17902", "FEED", "IMAGE", "", "", NOW - timedelta(days=40))


async def an_account(database: Database, identity: str = "17841") -> int:
    async with database.write() as db:
        row = {"user_id": MIA, "identity": identity, "username": "mia", "created_at": NOW}
        made = await db.execute(
            insight_accounts.insert().values(row).returning(insight_accounts.c.id)
        )
        return int(made.scalar_one())


async def stored(database: Database) -> list[tuple[object, ...]]:
    v = media_values.c
    query = sa.select(v.metric, v.value, v.reason, v.said, v.read_at).order_by(v.day, v.metric)
    async with database.read() as db:
        return [tuple(row) for row in await db.execute(query)]


async def test_each_post_once_with_the_words_told_last(database: Database) -> None:
    await person(database)
    mine, other = await an_account(database), await an_account(database, "17842")
    async with database.write() as db:
        await insight_media.keep(db, mine, [])
        await insight_media.keep(db, mine, [OLD, REEL])
        await insight_media.keep(db, other, [REEL])
        again = NewPost("17901", "REELS", "VIDEO", "", "Sea, corrected", NOW)
        await insight_media.keep(db, mine, [again, OLD])
    async with database.read() as db:
        [post] = await insight_media.posted_since(db, mine, NOW - timedelta(days=30))
        both = await insight_media.posted_since(db, mine, OLD.posted_at)
        told = sa.select(table.c.caption, table.c.permalink).where(table.c.id == post.id)
        assert tuple((await db.execute(told)).one()) == ("Sea, corrected", REEL.permalink)
    assert post == Post(post.id, "17901", "REELS", NOW)
    assert [one.media_id for one in both] == ["17901", "17902"]


async def test_a_figure_is_not_replaced_by_a_reason(database: Database) -> None:
    await person(database)
    account = await an_account(database)
    later = NOW + timedelta(hours=1)
    async with database.write() as db:
        await insight_media.keep(db, account, [REEL])
        [post] = await insight_media.posted_since(db, account, NOW)
        first = [MediaValue("reach", 12.0), MediaValue("views", None, "failed", "An odd answer")]
        await insight_media.write(db, post.id, DAY, first, NOW)
        second = [MediaValue("reach", None, "no_data"), MediaValue("views", 7.5)]
        await insight_media.write(db, post.id, DAY, second, later)
        await insight_media.write(db, post.id, DAY, [], later)
        tomorrow = DAY + timedelta(days=1)
        await insight_media.write(db, post.id, tomorrow, [MediaValue("reach", 13.0)], later)
        held = await insight_media.readings(db, account, DAY, NOW)
    assert await stored(database) == [
        ("reach", 12.0, None, "", NOW),
        ("views", 7.5, None, "", later),
        ("reach", 13.0, None, "", later),
    ]
    assert {(one.metric, one.reason, one.read_at) for one in held} == {
        ("reach", None, NOW),
        ("views", None, later),
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rows_that_the_database_did_not_take_leave_nothing(database: Database) -> None:
    """As somebody's trigger may do it."""
    await person(database)
    account = await an_account(database)
    ignore = "create trigger t before insert on media_values when new.metric = 'views' begin "
    async with database.write() as db:
        await insight_media.keep(db, account, [REEL])
        await db.exec_driver_sql(ignore + "select raise(ignore); end")
        [post] = await insight_media.posted_since(db, account, NOW)
    values = [MediaValue("reach", 1.0), MediaValue("views", 1.0)]
    with pytest.raises(NotWritten):
        async with database.write() as db:
            await insight_media.write(db, post.id, DAY, values, NOW)
    assert await stored(database) == []
