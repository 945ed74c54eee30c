"""Feeds list each post once, in an order that passes nothing over, with a revision that tells."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import archive, connections, feed_notices, feeds
from storage.database import Database
from storage.feeds import CAPTION_LIMIT, Feed, Search
from storage.tables import feed_items
from tests.support.feeds import DAY, a_feed, current, film, incident, listed
from tests.support.rows import LEO, MIA, NOW, at, connection, new_media, new_post, person


@pytest.fixture
async def feed(database: Database) -> Feed:
    await person(database, MIA, role="owner")
    return await a_feed(database)


async def names(database: Database, feed_id: int, limit: int = 50) -> list[str]:
    async with database.read() as db:
        return [item.shortcode for item in await feeds.newest(db, feed_id, limit=limit)]


# ---------------------------------------------------------------- feeds


async def test_an_account_keeps_its_feed_when_it_goes_and_comes_back(database: Database) -> None:
    await person(database, MIA)
    account = await connection(database, MIA)
    made = []
    for connection_id in (account.id, None, account.id):
        async with database.write() as db:
            made.append(
                await feeds.ensure(
                    db, MIA, identity="1000", connection_id=connection_id, title="mia", now=NOW
                )
            )
    assert [one.id for one in made] == [made[0].id] * 3
    assert [one.connection_id for one in made] == [account.id, None, account.id]
    async with database.write() as db:
        await connections.delete(db, account.id)
    assert (await current(database, made[0].id)).connection_id is None


async def test_a_person_has_one_feed_of_all_and_one_of_each(database: Database) -> None:
    await person(database, MIA, role="owner")
    await person(database, LEO)
    for identity in ("1000", None, "2000", None, "1000"):
        await a_feed(database, MIA, identity=identity)
    await a_feed(database, LEO)
    async with database.read() as db:
        mine = await feeds.of_user(db, MIA)
        shown = await feeds.of_the_owner(db)
    assert [one.identity for one in mine] == [None, "1000", "2000"]
    assert shown == (mine[0], "UTC")


async def test_without_an_owner_there_is_nothing_public(database: Database) -> None:
    await person(database, LEO)
    await a_feed(database, LEO)
    async with database.read() as db:
        assert await feeds.of_the_owner(db) is None


# ---------------------------------------------------------------- what is listed


async def test_a_post_is_sighted_once_and_keeps_its_first_guid(
    database: Database, feed: Feed
) -> None:
    post_id = await listed(database, feed, "p1")
    async with database.write() as db:
        assert not await feeds.sight(db, feed.id, post_id, "another")
        assert not await feeds.show(db, feed.id, post_id, at(5))
    async with database.read() as db:
        (item,) = await feeds.newest(db, feed.id, limit=9)
    assert (item.guid, item.shown_at, item.state) == ("tag:instagram.com,2010:p1", NOW, "shown")


async def test_a_post_waits_unlisted_until_its_media_are_there(
    database: Database, feed: Feed
) -> None:
    async with database.write() as db:
        post_id = await archive.save(db, new_post("p1"), [], NOW)
        assert await feeds.sight(db, feed.id, post_id, "g")
        assert [await feeds.tried(db, feed.id, post_id) for _ in range(2)] == [1, 2]
    async with database.read() as db:
        assert await feeds.count(db, feed.id, Search()) == 0
    assert await names(database, feed.id) == []
    assert (await current(database, feed.id)).revision == feed.revision  # nothing to see changed


async def test_a_placeholder_that_gets_its_media_is_listed_anew(
    database: Database, feed: Feed
) -> None:
    first = await listed(database, feed, "p1", placeholder=True)
    await listed(database, feed, "p2", shown_at=at(1))
    before = await current(database, feed.id)
    async with database.write() as db:
        assert not await feeds.show(db, feed.id, first, at(2), placeholder=True)
        assert await feeds.show(db, feed.id, first, at(3))
    after = await current(database, feed.id)
    assert (after.revision, after.changed_at) == (before.revision + 1, at(3))
    assert await names(database, feed.id) == ["code-p1", "code-p2"]


async def test_newest_is_by_when_it_was_listed_so_that_late_ones_are_not_passed_over(
    database: Database, feed: Feed
) -> None:
    await listed(database, feed, "new", taken_at=NOW - DAY, shown_at=at(1))
    await listed(database, feed, "late", taken_at=NOW - 9 * DAY, shown_at=at(2))
    assert await names(database, feed.id, limit=1) == ["code-late"]
    async with database.read() as db:
        recent = await feeds.newest(db, feed.id, limit=9, since=NOW - 2 * DAY)
        searched = await feeds.search(db, feed.id, Search(), limit=9, offset=0)
    assert [item.shortcode for item in recent] == ["code-new"]
    assert [item.shortcode for item in searched] == ["code-new", "code-late"]


async def test_an_authors_posts_whatever_the_case(database: Database, feed: Feed) -> None:
    await listed(database, feed, "a", author="Leo.B", taken_at=NOW - DAY)
    await listed(database, feed, "b", author="Leo.B", taken_at=NOW - 2 * DAY)
    await listed(database, feed, "c", author="leo")
    async with database.read() as db:
        found = await feeds.of_author(db, feed.id, "LEO.b", limit=9)
        recent = await feeds.of_author(db, feed.id, "leo.b", limit=9, since=NOW - DAY)
    assert [item.shortcode for item in found] == ["code-a", "code-b"]
    assert [item.shortcode for item in recent] == ["code-a"]
    assert found[0].author == "Leo.B"


SEARCHES = [
    (Search(), ["c", "b", "a"]),
    (Search(words="SUNSET"), ["a"]),
    (Search(words="100%"), ["b"]),
    (Search(words="0_0"), []),  # no wildcard
    (Search(words="leo"), ["b"]),  # the author's name
    (Search(author="Mia"), ["c", "a"]),
    (Search(author="mia", words="sunset"), ["a"]),
    (Search(since=NOW - 2 * DAY), ["c", "b"]),
    (Search(until=NOW - 2 * DAY), ["a"]),
    (Search(since=NOW - 3 * DAY, until=NOW - DAY), ["b", "a"]),
]


async def test_the_archive_is_searched(database: Database, feed: Feed) -> None:
    for name, author, caption, days in (
        ("a", "mia", "A sunset", 3),
        ("b", "leo", "100% sure", 2),
        ("c", "mia", "Noon", 1),
    ):
        await listed(
            database, feed, name, author=author, caption=caption, taken_at=NOW - days * DAY
        )
    async with database.read() as db:
        for search, found in SEARCHES:
            items = await feeds.search(db, feed.id, search, limit=9, offset=0)
            assert [item.shortcode.removeprefix("code-") for item in items] == found, search
            assert await feeds.count(db, feed.id, search) == len(found), search
            rest = await feeds.search(db, feed.id, search, limit=1, offset=1)
            assert [item.shortcode.removeprefix("code-") for item in rest] == found[1:2], search


async def test_a_huge_caption_is_read_in_part(database: Database, feed: Feed) -> None:
    await listed(database, feed, "p1", caption="é" * 10_000_000)
    async with database.read() as db:
        (item,) = await feeds.newest(db, feed.id, limit=9)
    assert item.caption == "é" * CAPTION_LIMIT


async def test_files_come_in_order_and_only_to_feeds_that_list_the_post(
    database: Database, feed: Feed
) -> None:
    other = await a_feed(database, identity="1000")
    post_id = await listed(database, feed, "p1", files=[film("p1", 1), new_media("p1", 0)])
    async with database.read() as db:
        files = (await feeds.files_of(db, [post_id, 999]))[post_id]
        found = await feeds.stored_file(db, feed.id, post_id, 1)
        missing = [
            await feeds.stored_file(db, *where)
            for where in ((other.id, post_id, 1), (feed.id, post_id, 2), (feed.id, 999, 0))
        ]
    assert [(file.position, file.mime) for file in files] == [(0, "image/jpeg"), (1, "video/mp4")]
    assert found is not None
    assert (found.object_key, found.bytes) == ("instagram/p1/1.mp4", 300)
    assert missing == [None, None, None]


async def test_a_page_is_a_walk_along_an_index(database: Database, feed: Feed) -> None:
    """Also in a large archive: no sort, no scan of the posts."""
    if not database.is_sqlite:
        pytest.skip("PostgreSQL plans by what is in the table")
    i = feed_items.c
    here = (i.feed_id == feed.id) & i.shown_at.is_not(None)
    async with database.read() as db:
        for which, order, index in (
            (here, i.shown_at, "ix_feed_items_shown"),
            (here, i.taken_at, "ix_feed_items_taken"),
            (here & (i.author == "mia"), i.taken_at, "ix_feed_items_author"),
        ):
            query = sa.select(i.post_id).where(which).order_by(order.desc(), i.post_id.desc())
            text = str(query.limit(50).compile(db.engine, compile_kwargs={"literal_binds": True}))
            plan = [row[-1] for row in await db.exec_driver_sql(f"explain query plan {text}")]
            assert len(plan) == 1, plan
            assert index in plan[0]


# ---------------------------------------------------------------- notices


async def test_an_incident_has_one_notice_in_each_feed_until_it_is_over(
    database: Database, feed: Feed
) -> None:
    other = await a_feed(database, identity="1000")
    one = await incident(database)
    opened = []
    for feed_id, minute in ((feed.id, 1), (other.id, 1), (feed.id, 2)):
        async with database.write() as db:
            opened.append(
                await feed_notices.open_notice(
                    db, feed_id, one, kind="session_dead", guid=f"g{feed_id}", now=at(minute)
                )
            )
    assert opened == [True, True, False]
    assert (await current(database, feed.id)).revision == feed.revision + 1
    async with database.write() as db:
        assert await feed_notices.close_notices(db, one, at(9)) == 2
        assert await feed_notices.close_notices(db, one, at(10)) == 0
    assert (await current(database, feed.id)).changed_at == at(9)
    async with database.read() as db:
        (told,) = await feed_notices.notices_of(db, feed.id, closed_after=at(8))
        assert (told.guid, told.opened_at, told.closed_at) == (f"g{feed.id}", at(1), at(9))
        assert await feed_notices.notices_of(db, feed.id, closed_after=at(9)) == []
