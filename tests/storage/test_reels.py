"""The reels of an analysis: once each, in order, in chunks; and the fence around them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import analysis, reels
from storage.database import Database
from storage.reels import UnreadReel
from storage.tables import reels as table
from tests.support.analyses import HUGE, analysed, new
from tests.support.rows import MIA, NOW, connection, person


async def test_each_reel_once_and_no_more_than_wanted(database: Database) -> None:
    await person(database)
    item = await analysed(database, [])
    async with database.write() as db:
        assert await reels.add(db, item.id, [new(1), new(2), new(1)], 9) == (2, 0)
        assert await reels.add(db, item.id, [new(2), new(3), new(4), new(5)], 2) == (2, 1)
        assert await reels.add(db, item.id, [new(5)], 0) == (0, 1)
        assert await reels.add(db, item.id, [], 5) == (0, 0)
        odd = [UnreadReel("8", "no date", {}), UnreadReel("?1-0", "no number", {})]
        assert await reels.add_unread(db, item.id, odd) == 2
        assert await reels.add_unread(db, item.id, odd[:1]) == 0
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as db:
            await db.execute(table.insert(), [reels._row(new(1), item.id)])


async def test_chunks_are_all_of_it_newest_first(database: Database) -> None:
    await person(database)
    item, other = await analysed(database, []), await analysed(database, [], asked="other")
    async with database.write() as db:
        await reels.add(db, item.id, [new(number) for number in range(7)], 9)
        await reels.add(db, other.id, [new(99)], 9)
    found, after = [], None
    async with database.read() as db:
        while rows := await reels.chunk(db, item.id, after, 3):
            found += rows
            after = (rows[-1].taken_at, rows[-1].id)
        [one] = await reels.chunk(db, other.id, None, 3)
        raw = await db.scalar(sa.select(table.c.raw).where(table.c.analysis_id == other.id))
    assert [row.platform_id for row in found] == ["1", "0", "3", "2", "5", "4", "6"]
    assert raw == {"pk": 99, "odd": "\ud83d"}
    assert (one.likes, one.plays, one.hashtags) == (None, HUGE, ["a", "ä"])
    assert one.taken_at == NOW - timedelta(hours=49)


async def test_the_number_of_a_deleted_analysis_is_never_given_again(database: Database) -> None:
    """Old buttons and a job that is still at it would mean another profile."""
    await person(database)
    item = await analysed(database, [])
    async with database.write() as db:
        assert await analysis.delete(db, item.id)
    assert (await analysed(database, [], asked="other")).id > item.id


async def test_what_is_typical_without_reading_all(database: Database) -> None:
    await person(database)
    item, other = await analysed(database, []), await analysed(database, [], asked="other")
    plays = [HUGE, 4, None, 9, HUGE + 1]
    some = [new(n, plays=one, views=7 if n else None) for n, one in enumerate(plays)]
    async with database.write() as db:
        await reels.add(db, item.id, some, 9)
        assert await reels.told(db, item.id) == reels.Told(reels=5, plays=4, views=4)
        assert await reels.median(db, item.id, "plays") == (9 + HUGE) / 2
        assert await reels.median(db, item.id, "views") == 7
        await reels.add(db, item.id, [new(9, plays=10)], 9)
        assert await reels.median(db, item.id, "plays") == 10
        assert await reels.told(db, other.id) == reels.Told(0, 0, 0)
        assert await reels.median(db, other.id, "plays") is None


async def test_one_unfinished_analysis_of_a_name(database: Database) -> None:
    await person(database)
    item = await analysed(database, [])
    async with database.write() as db:
        again = await analysis.start(db, MIA, "rosa", NOW, wanted=1, source="app", identity="1000")
        assert again is None
        assert await analysis.unfinished(db, MIA, "rosa") == item.id
        assert await analysis.fence(db, item, NOW, state="completed", ended_at=NOW)
        assert not await analysis.fence(db, item, NOW)
    assert (await analysed(database, [])).id != item.id


async def test_a_profile_is_its_number_whatever_its_name(database: Database) -> None:
    async with database.write() as db:
        first = await analysis.keep_profile(db, "instagram", "30", "old", NOW)
        later = NOW + timedelta(days=1)
        assert await analysis.keep_profile(db, "instagram", "30", "new", later) == first
        assert await analysis.keep_profile(db, "meta", "30", "new", NOW) != first
        assert await analysis.number_of(db, "instagram", "old") is None
        assert await analysis.number_of(db, "instagram", "new") == "30"
        await analysis.drop_profiles(db)
        assert await analysis.number_of(db, "instagram", "new") is None


async def test_the_message_that_shows_it(database: Database) -> None:
    await person(database)
    item = await analysed(database, [])
    async with database.write() as db:
        await analysis.CARDS.keep(
            db, item.id, chat_id=5, message_id=6, seen_change=item.changed_at, not_before=NOW
        )
        assert await analysis.CARDS.due(db, NOW) == []
        await analysis.move(db, item.id, NOW + timedelta(seconds=1), from_states=["pending"])
        [card] = await analysis.CARDS.due(db, NOW)
        assert (card.row_id, card.chat_id, card.message_id) == (item.id, 5, 6)
        assert await analysis.CARDS.due(db, NOW - timedelta(seconds=1)) == []
        await analysis.CARDS.drop(db, item.id)
        assert await analysis.CARDS.of(db, item.id) is None


async def test_what_is_old_and_about_somebody_else(database: Database) -> None:
    await person(database)
    await connection(database, identity="30", status="active")
    for name, number, age in (("me", "30", 9), ("old", "31", 9), ("new", "32", 1), ("none", "", 9)):
        at = NOW - timedelta(days=age)
        state = "completed" if number else "paused"
        await analysed(database, [], asked=name, platform_id=number, state=state, at=at)
    async with database.read() as db:
        old = await analysis.expired(db, NOW - timedelta(days=5))
        names = [item.asked for one in old if (item := await analysis.get(db, one))]
    assert names == ["old", "none"]


async def test_who_goes_on_by_itself(database: Database) -> None:
    await person(database)
    account = await connection(database, status="active")
    dead = await connection(database, identity="2000", status="expired")
    rows: list[tuple[str, dict[str, Any]]] = [
        ("over", {"state": "waiting", "wait_until": NOW}),
        ("not yet", {"state": "waiting", "wait_until": NOW + timedelta(seconds=1)}),
        ("healed", {"state": "paused", "error": "Refused", "connection_id": account.id}),
        ("dead", {"state": "paused", "error": "Refused", "connection_id": dead.id}),
        ("gone", {"state": "paused", "error": "Refused"}),
        ("full disk", {"state": "paused", "error": "Disk", "connection_id": account.id}),
    ]
    for name, columns in rows:
        await analysed(database, [], asked=name, **columns)
    async with database.read() as db:
        ready = await analysis.ready(db, NOW, ["Refused"], ["Revoked"])
    assert [item.asked for item in ready] == ["over", "healed"]
