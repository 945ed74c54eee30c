"""What is read of the account's own figures: the newest of each, and nobody else's."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage import insight_digests, insight_reads
from storage.database import Database
from storage.tables import (
    insight_accounts,
    insight_media,
    insight_revisions,
    insight_values,
    library_items,
    media_values,
    stories,
    story_accounts,
    story_metrics,
    syncs,
)
from tests.support.queries import counted
from tests.support.rows import LEO, MIA, NOW, at, person

DAY = date(2026, 11, 19)


async def put(database: Database, table: sa.Table, **row: Any) -> int:
    async with database.write() as db:
        first = next(iter(table.primary_key.columns))
        return int((await db.execute(table.insert().values(row).returning(first))).scalar_one())


async def account(database: Database, user_id: int = MIA, **columns: Any) -> int:
    await person(database, user_id)
    row = {"user_id": user_id, "identity": "77", "username": "mia", "created_at": NOW}
    return await put(database, insight_accounts, **(row | columns))


async def value(database: Database, account_id: int, told: float | None, **columns: Any) -> int:
    row = {
        "account_id": account_id,
        "metric": "reach",
        "period": "day",
        "end_time": NOW,
        "breakdown": "",
        "day": DAY,
        "value": told,
        "reason": None if told is not None else "no_data",
        "read_at": NOW,
    }
    return await put(database, insight_values, **(row | columns))


async def test_values_are_of_these_metrics_days_and_this_account(database: Database) -> None:
    mine, other = await account(database), await account(database, LEO)
    await value(database, mine, 1)
    await value(database, mine, 2, period="week")
    await value(database, mine, None, metric="views", day=DAY - timedelta(1))
    await value(database, mine, 4, day=DAY - timedelta(2), end_time=at(1))
    await value(database, mine, 5, metric="likes")
    await value(database, other, 6)
    asked = [("reach", "day"), ("views", "day")]
    with counted(database) as statements:
        async with database.read() as db:
            found = await insight_reads.values(db, mine, asked, DAY - timedelta(1), DAY)
            assert await insight_reads.values(db, mine, [], DAY, DAY) == []
    assert len(statements) == 2
    assert [(one.metric, one.value, one.reason) for one in found] == [
        ("views", None, "no_data"),
        ("reach", 1, None),
    ]
    assert found[1].read_at == NOW


async def test_a_post_with_the_newest_number_of_each_metric(database: Database) -> None:
    mine = await account(database)
    for n in range(3):
        post = await put(
            database, insight_media, account_id=mine, media_id=str(n), product="REELS",
            media_type="VIDEO", permalink="", caption="", posted_at=at(n),
        )  # fmt: skip
        if n:
            continue
        for metric, days_ago, told in (
            ("reach", 2, 5), ("reach", 1, 9), ("reach", 0, None), ("views", 2, 7),
        ):  # fmt: skip
            await put(
                database, media_values, media_row=post, metric=metric, value=told, read_at=NOW,
                day=DAY - timedelta(days_ago), reason=None if told is not None else "failed",
            )  # fmt: skip
    with counted(database) as statements:
        async with database.read() as db:
            found = await insight_reads.posts(db, mine, NOW, at(2), 10, ("reach", "views"))
    assert len(statements) == 2
    assert [(one.media_id, one.told) for one in found] == [
        ("1", {}),
        ("0", {"reach": 9.0, "views": 7.0}),
    ]


async def a_story(database: Database, home: int, published_at: datetime, **columns: Any) -> int:
    item = await put(
        database, library_items, account_id=home, state="ready", kind="photo", source="chat",
        name="dawn.jpg", sha256="", original_key="", added_at=NOW,
    )  # fmt: skip
    row = {
        "account_id": home, "item_id": item, "mode": "automatic", "state": "published",
        "due_at": NOW, "next_at": NOW, "created_at": NOW, "changed_at": NOW,
        "media_id": str(item), "publish_requested_at": published_at,
    }  # fmt: skip
    return await put(database, stories, **(row | columns))


async def test_stories_of_the_same_account_with_their_newest_numbers(database: Database) -> None:
    for user_id in (MIA, LEO):
        await person(database, user_id)
    home, other, strange = [
        await put(
            database, story_accounts, user_id=user_id, identity=identity, name="m", zone="UTC",
            created_at=NOW,
        )
        for user_id, identity in ((MIA, "77"), (MIA, "78"), (LEO, "77"))
    ]  # fmt: skip
    live = await a_story(database, home, NOW)
    await a_story(database, home, at(60))
    await a_story(database, home, NOW, state="posted")  # by hand: Meta tells nothing of it
    await a_story(database, other, NOW)
    await a_story(database, strange, NOW)
    for hour, metric, told in (
        (1, "reach", 5),
        (6, "reach", 9),
        (23, "reach", None),
        (1, "views", 7),
    ):
        await put(
            database, story_metrics, story_id=live, hour=hour, metric=metric, value=told,
            reason=None if told is not None else "gone", at=NOW,
        )  # fmt: skip
    async with database.read() as db:
        found = await insight_reads.live_stories(db, MIA, "77", NOW, at(60), 10, ("reach",))
    assert [(one.id, one.name, one.told) for one in found] == [(live, "dawn.jpg", {"reach": 9.0})]


async def test_an_audience_is_the_newest_reading_of_each_dimension(database: Database) -> None:
    mine = await account(database)
    of = {"metric": "follower_demographics", "period": "lifetime"}
    week_ago = NOW - timedelta(7)
    await value(database, mine, 3, **of, breakdown="age=18-24")
    await value(database, mine, 9, **of, breakdown="age=18-24", end_time=week_ago)
    await value(database, mine, 8, **of, breakdown="city=A", end_time=week_ago)
    await value(database, mine, None, **of, breakdown="city")
    await value(database, mine, None, **of, breakdown="gender", end_time=week_ago)
    async with database.read() as db:
        found = await insight_reads.audience(
            db, mine, "follower_demographics", "lifetime", ("age", "gender", "city")
        )
    assert [(one.breakdown, one.value) for one in found] == [
        ("age=18-24", 3), ("city", None), ("city=A", 8), ("gender", None),
    ]  # fmt: skip


async def test_everything_comes_in_pieces_with_what_it_was_before(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(insight_reads, "CHUNK", 2)
    mine = await account(database)
    for n in range(5):
        await value(
            database, mine, n, day=DAY - timedelta(n), end_time=at(n), revision=2 * (n == 3)
        )
    async with database.read() as db:
        [revised] = (
            await db.execute(sa.select(insight_values.c.id).where(insight_values.c.revision > 0))
        ).scalars()
    for revision in (0, 1):
        await put(
            database, insight_revisions, value_id=revised, revision=revision,
            value=100 + revision, read_at=NOW,
        )  # fmt: skip
    async with database.read() as db:
        assert await insight_reads.count(db, mine) == 5
        pieces = [some async for some in insight_reads.chunks(db, mine, 4)]
    assert [len(some) for some in pieces] == [2, 2]
    lines = [one for some in pieces for one in some]
    assert [one.value for one, _ in lines] == [0, 1, 2, 3]  # the newest day first
    assert [[was.value for was in before] for _, before in lines] == [[], [], [], [100, 101]]


async def test_a_week_is_told_once_and_only_to_who_wants_it(database: Database) -> None:
    week = date(2026, 11, 9)
    mine = await account(database, digest=True)
    silent = await account(database, LEO)
    await put(
        database, syncs, account_id=mine, day=DAY, state="waiting", created_at=NOW, changed_at=NOW
    )
    async with database.write() as db:
        [one] = await insight_digests.wanted(db)
        assert (one.account.id, one.zone, one.at_work) == (mine, "UTC", True)
        assert await insight_digests.tell(db, mine, week)
        assert not await insight_digests.tell(db, mine, week)
        assert not await insight_digests.tell(db, mine, week - timedelta(7))
        assert await insight_digests.tell(db, mine, week + timedelta(7))
        assert not await insight_digests.tell(db, silent, week)
