"""What may go, what never goes, and that only what was chosen goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.feed import retention as room
from services.feed.retention import Retention
from storage import feeds, retention
from storage.database import Database
from storage.feeds import Feed, Search
from storage.retention import Excess, Policy
from tests.support.clock import StillClock
from tests.support.feeds import a_feed, current, listed
from tests.support.rows import LEO, MIA, NOW, new_media, person

DAY = timedelta(days=1)


@pytest.fixture
def keeper(database: Database, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> Retention:
    """Of feeds whose documents list two posts at most; one post in a transaction."""
    monkeypatch.setattr(room, "MAX_LIMIT", 2)
    monkeypatch.setattr(room, "BATCH", 1)
    return Retention(database, clock)


async def aged(database: Database, feed: Feed, count: int = 5, size: int = 100) -> None:
    """p0 is listed now, p1 a day ago, and so on."""
    for number in reversed(range(count)):
        name = f"p{number}"
        await listed(
            database, feed, name, files=[new_media(name, 0, size)], shown_at=NOW - number * DAY
        )


async def names(database: Database, feed: Feed) -> list[str]:
    async with database.read() as db:
        found = await feeds.search(db, feed.id, Search(), limit=100, offset=0)
    return sorted(item.guid.rpartition(":")[2] for item in found)


async def test_everything_is_kept_unless_somebody_chose(
    database: Database, feed: Feed, keeper: Retention
) -> None:
    await aged(database, feed)
    assert await keeper.of_user(MIA) is None
    assert await keeper.sweep() == 0
    assert await names(database, feed) == ["p0", "p1", "p2", "p3", "p4"]


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (Policy(days=3), ["p0", "p1", "p2", "p3"]),  # three days to the second is not over
        (Policy(days=1), ["p0", "p1"]),
        (Policy(bytes=300), ["p0", "p1", "p2"]),
        (Policy(bytes=299), ["p0", "p1"]),
        (Policy(bytes=1), ["p0", "p1"]),  # what the documents list never goes
    ],
)
async def test_by_age_or_by_size(
    database: Database, feed: Feed, keeper: Retention, policy: Policy, left: list[str]
) -> None:
    await aged(database, feed)
    before = await current(database, feed.id)
    going = await keeper.what_goes(MIA, policy)
    assert going.going == Excess(5 - len(left), (5 - len(left)) * 100)
    await keeper.choose(MIA, policy)
    assert await keeper.sweep() == 5 - len(left)
    assert await names(database, feed) == left
    assert (await current(database, feed.id)).revision > before.revision
    assert await keeper.sweep() == 0


async def test_a_post_goes_from_all_feeds_of_its_person_and_from_nobody_elses(
    database: Database, feed: Feed, keeper: Retention, clock: StillClock
) -> None:
    await person(database, LEO)
    own, leos = await a_feed(database, identity="1000"), await a_feed(database, LEO)
    await aged(database, feed)
    await aged(database, own, count=3)  # of the same posts: p2 is old in both, p3 is in one only
    await aged(database, leos)
    await keeper.choose(MIA, Policy(days=1))
    assert await keeper.sweep() == 3
    assert await names(database, feed) == await names(database, own) == ["p0", "p1"]
    assert len(await names(database, leos)) == 5


async def test_what_is_listed_in_one_feed_stays_in_the_other(
    database: Database, feed: Feed, keeper: Retention
) -> None:
    """A quiet account's feed lists old posts, which are far down in the feed of all."""
    quiet = await a_feed(database, identity="1000")
    await aged(database, feed)
    for number in (3, 4):
        await listed(database, quiet, f"p{number}", shown_at=NOW - number * DAY)
    await keeper.choose(MIA, Policy(days=1))
    await keeper.sweep()
    assert await names(database, feed) == ["p0", "p1", "p3", "p4"]
    assert await names(database, quiet) == ["p3", "p4"]


async def test_a_choice_can_be_taken_back(
    database: Database, feed: Feed, keeper: Retention
) -> None:
    await aged(database, feed)
    await keeper.choose(MIA, Policy(days=1))
    await keeper.choose(MIA, Policy(bytes=10**9))
    async with database.read() as db:
        assert await retention.get(db, MIA) == Policy(bytes=10**9)
    await keeper.choose(MIA, None)
    assert await keeper.sweep() == 0
    assert len(await names(database, feed)) == 5
