"""Stories that Instagram named: what became of them, and the feed that lists them."""

from __future__ import annotations

import sqlalchemy as sa

from storage import feeds, followed_stories, polls, readers, retention
from storage.database import Database
from storage.followed_stories import Tally
from storage.retention import Policy
from storage.tables import feed_items
from tests.support.feeds import a_feed, listed, reader, switched_on
from tests.support.rows import MIA, NOW, at, person

DAY = 24 * 60


def _is(number: str) -> sa.ColumnElement[bool]:
    return feed_items.c.guid.endswith(f":{number}")


async def test_each_is_settled_once_its_files_are(database: Database) -> None:
    await person(database)
    feed = await a_feed(database, lists=feeds.STORIES)
    await listed(database, feed, "41", kind="story")
    await listed(database, feed, "42", kind="story", placeholder=True)
    async with database.write() as db:
        await db.execute(feed_items.update().values(state="pending").where(_is("42")))
        for number in ("41", "43"):
            await followed_stories.put(db, feed.id, number, "gone", NOW)
        for number in ("41", "42"):
            await followed_stories.put(db, feed.id, number, "kept", NOW, expires_at=at(60))
        await followed_stories.put(db, feed.id, "41", "gone", NOW)  # it stays kept
        await followed_stories.put(db, feed.id, "44", "unreadable", NOW)
    ids = ["41", "42", "43", "44", "45"]
    async with database.read() as db:
        assert await followed_stories.settled(db, feed.id, "instagram", ids) == {"41", "43", "44"}
        assert await followed_stories.settled(db, feed.id + 1, "instagram", ids) == set()
        assert await followed_stories.tally(db, feed.id, NOW) == Tally(2, 1, 1)
        assert await followed_stories.tally(db, feed.id, at(60)) == Tally(0, 1, 1)


async def test_their_feed_stands_beside_that_of_all_accounts(database: Database) -> None:
    await person(database, role="owner")
    stories = await a_feed(database, lists=feeds.STORIES, title="Stories")
    everything = await a_feed(database)
    own = await switched_on(database)
    assert await a_feed(database, lists=feeds.STORIES, title="again") == stories
    async with database.read() as db:
        assert await feeds.of_user(db, MIA) == [everything, own, stories]
        assert await feeds.of_the_owner(db) == (everything, "UTC")
        (poll,) = await polls.of_user(db, MIA)
    assert (poll.all_feed_id, poll.stories_feed_id) == (everything.id, stories.id)
    made = await reader(database, stories)
    async with database.read() as db:
        assert [one.id for one in await readers.of_user(db, MIA)] == [made.id]


async def test_they_rest_only_while_they_are_on_and_the_run_lasts(database: Database) -> None:
    await person(database)
    await a_feed(database)
    await switched_on(database)
    async with database.write() as db:
        (poll,) = await polls.of_user(db, MIA)
        number = poll.connection_id
        assert not await polls.switch_stories(db, number, None)
        assert await polls.switch_stories(db, number, NOW)
        assert not await polls.switch_stories(db, number, at(1))
        assert not await polls.rest_stories(db, poll, at(5))  # it does not run
        await polls.move(db, number, NOW, from_states=["due"], state="running")
        assert await polls.rest_stories(db, poll, at(5), "RateLimited")
        rests = await polls.get(db, number)
        assert rests
        assert (rests.stories_at, rests.stories_error) == (at(5), "RateLimited")
        assert await polls.switch_stories(db, number, None)
        assert not await polls.rest_stories(db, poll, at(9))
        off = await polls.get(db, number)
        assert off
        assert (off.stories_at, off.stories_error) == (None, None)


async def test_what_may_still_be_on_instagram_does_not_go(database: Database) -> None:
    """It would be found again, and archived again, until its day is over."""
    await person(database)
    feed = await a_feed(database, lists=feeds.STORIES)
    for number in range(3):
        await listed(database, feed, f"4{number}", kind="story", shown_at=at(number))
    policy = Policy(bytes=100)
    for now, going in ((at(DAY), 0), (at(DAY + 1), 1), (at(DAY + 5), 2)):
        async with database.read() as db:
            gone = await retention.going(db, MIA, policy, listed=1, now=now, limit=9)
        assert len(gone) == going
