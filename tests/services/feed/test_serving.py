"""A feed's bytes: built once for each revision, the same for the same content, at a fixed cost."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta

import feedparser
import pytest

from services.feed import serving as serving_module
from services.feed.notices import guid_of
from services.feed.pages import Place
from services.feed.serving import PAGE, Document, Serving, Wanted
from services.feed.visits import Access
from storage import feed_notices, feeds, retention
from storage.database import Database
from storage.feeds import Feed, Search
from storage.retention import Going
from tests.support.clock import StillClock
from tests.support.feeds import DAY, a_feed, current, film, incident, listed
from tests.support.queries import counted
from tests.support.rows import NOW, at, new_media

RSS = Wanted("rss")
HERE = Place("https://reelay.example/f/T/", "feed.xml")


@pytest.fixture
def serving(database: Database, clock: StillClock) -> Serving:
    return Serving(database, clock)


async def access_to(database: Database, feed: Feed) -> Access:
    return Access("key", 1, await current(database, feed.id), "UTC")


async def get(
    database: Database, serving: Serving, feed: Feed, wanted: Wanted = RSS, place: Place = HERE
) -> Document:
    found = await serving.document(await access_to(database, feed), wanted, place)
    assert found is not None
    return found


def titles(document: Document) -> list[str]:
    return [item.title for item in feedparser.parse(document.body).entries]


# ---------------------------------------------------------------- built once


async def test_bytes_are_built_once_for_each_revision(
    database: Database, serving: Serving, feed: Feed
) -> None:
    await listed(database, feed, "p1", caption="One")
    first = await get(database, serving, feed)
    access = await access_to(database, feed)
    with counted(database) as statements:
        again = await asyncio.gather(*(serving.document(access, RSS, HERE) for _ in range(9)))
    assert statements == []
    assert all(one is first for one in again)
    await listed(database, feed, "p2", caption="Two", shown_at=at(1))
    second = await get(database, serving, feed)
    assert titles(second) == ["Two", "One"]
    assert second.digest != first.digest
    assert gzip.decompress(second.gzipped or b"") == second.body


async def test_many_at_once_build_it_once(database: Database, serving: Serving, feed: Feed) -> None:
    access = await access_to(database, feed)
    with counted(database) as statements:
        await asyncio.gather(*(serving.document(access, RSS, HERE) for _ in range(9)))
    assert len(statements) == 3, "\n".join(statements)


async def test_nothing_changes_while_nothing_changes(
    database: Database, clock: StillClock, serving: Serving, feed: Feed
) -> None:
    await listed(database, feed, "p1")
    first = await get(database, serving, feed)
    clock.advance(days=40)
    async with database.write() as db:
        await feeds.bump(db, feed.id, clock())  # it lists the same
    later = await get(database, Serving(database, clock), feed)
    assert (later.body, later.digest, later.modified) == (first.body, first.digest, NOW)


async def test_what_is_kept_is_bounded(
    database: Database, serving: Serving, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listed(database, feed, "p1")
    one = await get(database, serving, feed)
    monkeypatch.setattr(serving._kept, "_most", one.weight * 3)
    for limit in range(1, 40):
        await get(database, serving, feed, Wanted("rss", limit=limit))
        assert serving._kept._weight <= one.weight * 3
    assert 1 <= len(serving._kept._documents) <= 3
    assert await get(database, serving, feed) is not one  # it had to go


async def test_an_old_revision_is_not_kept_beside_the_new_one(
    database: Database, serving: Serving, feed: Feed
) -> None:
    for number in range(3):
        await listed(database, feed, f"p{number}")
        made = await get(database, serving, feed)
    assert serving._kept._weight == made.weight


async def test_a_large_archive_costs_the_same_queries(
    database: Database, serving: Serving, feed: Feed
) -> None:
    for number in range(3):
        await listed(database, feed, f"p{number}")
    with counted(database) as few:
        await get(database, serving, feed)
    for number in range(3, 70):
        await listed(database, feed, f"p{number}", shown_at=at(number))
    for wanted, items in ((RSS, 50), (Wanted("atom", limit=60), 60), (Wanted("json"), 50)):
        access = await access_to(database, feed)
        with counted(database) as many:
            made = await serving.document(access, wanted, HERE)
        assert made is not None
        assert len(many) == len(few) - 1 == 3, "\n".join(many)  # `few` has read the feed's row too
        assert made.body.count(b"tag:instagram.com,2010:") == items
    with counted(database) as page:
        await serving.archive(access, Search(words="sun"), 2)
    assert len(page) == 4, "\n".join(page)


# ---------------------------------------------------------------- what it lists


async def test_days_move_at_midnight(
    database: Database, clock: StillClock, serving: Serving, feed: Feed
) -> None:
    await listed(database, feed, "old", caption="Old", taken_at=NOW - 2 * DAY)
    await listed(database, feed, "new", caption="New", taken_at=NOW)
    wanted = Wanted("rss", days=2)
    assert titles(await get(database, serving, feed, wanted)) == ["New", "Old"]
    clock.advance(hours=11)
    assert titles(await get(database, serving, feed, wanted)) == ["New", "Old"]
    clock.advance(hours=1)
    assert titles(await get(database, serving, feed, wanted)) == ["New"]


async def test_one_author(database: Database, serving: Serving, feed: Feed) -> None:
    await listed(database, feed, "a", caption="Leo's", author="leo")
    await listed(database, feed, "b", caption="Mia's", author="mia")
    assert titles(await get(database, serving, feed, Wanted("rss", "leo"))) == ["Leo's"]
    access = await access_to(database, feed)
    assert await serving.document(access, Wanted("rss", "nobody"), HERE) is None
    none_today = await serving.document(access, Wanted("rss", "leo", days=1), HERE)
    assert none_today is not None
    assert titles(none_today) == []


async def test_a_notice_while_it_is_ill_and_a_week_after(
    database: Database, clock: StillClock, serving: Serving, feed: Feed
) -> None:
    await listed(database, feed, "p1", caption="One")
    number = await incident(database)
    async with database.write() as db:
        await feed_notices.open_notice(
            db, feed.id, number, kind="session_dead", guid=guid_of(feed, number), now=at(5)
        )
    ill = feedparser.parse((await get(database, serving, feed)).body).entries
    assert [item.id for item in ill] == [guid_of(feed, number), "tag:instagram.com,2010:p1"]
    assert "log in again" in ill[0].title
    clock.advance(minutes=9)
    async with database.write() as db:
        await feed_notices.close_notices(db, number, clock())
    well = await get(database, serving, feed)
    assert well.modified == clock()
    over = feedparser.parse(well.body).entries
    assert [item.id for item in over] == [item.id for item in ill]
    assert over[0].title.startswith("✅")
    clock.advance(days=9)
    assert titles(await get(database, serving, feed)) == ["One"]


# ---------------------------------------------------------------- the archive


async def test_pages_of_the_archive(database: Database, serving: Serving, feed: Feed) -> None:
    for number in range(PAGE + 2):
        await listed(database, feed, f"p{number}", taken_at=NOW - timedelta(hours=number))
    access = await access_to(database, feed)
    shelves = [await serving.archive(access, Search(), page) for page in (1, 2, 99)]
    assert [(shelf.page, shelf.pages, shelf.total) for shelf in shelves] == [
        (1, 2, PAGE + 2),
        (2, 2, PAGE + 2),
        (2, 2, PAGE + 2),
    ]
    found = [entry.guid for shelf in shelves[:2] for entry in shelf.entries]
    assert found == [f"tag:instagram.com,2010:p{number}" for number in range(PAGE + 2)]
    assert shelves[0].entries[0].media[0].url.startswith("media/")
    empty = await serving.archive(access, Search(words="nothing"), 7)
    assert (empty.page, empty.pages, empty.entries) == (1, 1, [])


async def test_the_archive_tells_only_what_is_ill_now(
    database: Database, serving: Serving, feed: Feed
) -> None:
    for name in ("one", "two"):
        number = await incident(database, subject=name)
        async with database.write() as db:
            await feed_notices.open_notice(
                db, feed.id, number, kind="frozen", guid=name, now=at(-5)
            )
            if name == "one":
                await feed_notices.close_notices(db, number, at(-4))
    shelf = await serving.archive(await access_to(database, feed), Search(), 1)
    assert [notice.guid for notice in shelf.notices] == ["two"]


async def test_a_file_by_its_exact_name_and_of_this_feed(
    database: Database, serving: Serving, feed: Feed
) -> None:
    post_id = await listed(database, feed, "p1", files=[new_media("p1"), film("p1", 1)])
    access = await access_to(database, feed)
    found = [
        (await serving.file(access, post_id, name)) is not None
        for name in ("0.jpg", "1.mp4", "0.mp4", "1.jpg", "2.jpg", "00.jpg", "0.jp")
    ]
    assert found == [True, True, False, False, False, False, False]
    other = await access_to(database, await a_feed(database, identity="1000"))
    assert await serving.file(other, post_id, "0.jpg") is None


def test_every_format_has_its_own_type() -> None:
    assert {form: writer.MIME for form, writer in serving_module.FORMATS.items()} == {
        "rss": "application/rss+xml",
        "atom": "application/atom+xml",
        "json": "application/feed+json",
    }


async def test_the_row_of_a_file_is_read_once_for_each_revision(
    database: Database, serving: Serving, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_module, "FILES", 2)
    posts = [await listed(database, feed, name) for name in ("a", "b", "c")]
    access = await access_to(database, feed)
    with counted(database) as statements:
        first, again = [await serving.file(access, posts[0], "0.jpg") for _ in range(2)]
    assert first is again is not None
    assert len(statements) == 1
    for post_id in posts:
        await serving.file(access, post_id, "0.jpg")
        assert len(serving._files) <= 2
    async with database.write() as db:
        await retention.drop(db, feed.user_id, [Going(posts[0], NOW)])
        await feeds.bump(db, feed.id, NOW)
    assert await serving.file(await access_to(database, feed), posts[0], "0.jpg") is None
