"""Which posts a policy lets go, on both databases."""

from __future__ import annotations

from datetime import timedelta

from storage import feeds, retention
from storage.database import Database
from storage.retention import Excess, Policy
from tests.support.feeds import DAY, a_feed, listed
from tests.support.rows import MIA, NOW, new_media, person


async def test_the_oldest_go_first_and_the_listed_never(database: Database) -> None:
    await person(database, MIA)
    feed = await a_feed(database)
    for number in range(4):
        files = [new_media(f"p{number}", 0, 100)]
        await listed(database, feed, f"p{number}", files=files, shown_at=NOW - number * DAY)
    await listed(database, feed, "bare", placeholder=True, shown_at=NOW - 9 * DAY)
    policy = Policy(days=1)
    now = NOW + timedelta(minutes=1)
    async with database.write() as db:
        await retention.put(db, MIA, Policy(bytes=1), NOW)
        await retention.put(db, MIA, policy, NOW)
        assert await retention.everybody(db) == [(MIA, policy)]
        assert await retention.excess(db, MIA, policy, listed=1, now=now) == Excess(4, 300)
        by_size = Policy(bytes=250)
        assert await retention.excess(db, MIA, by_size, listed=1, now=now) == Excess(3, 200)
        first = await retention.going(db, MIA, policy, listed=1, now=now, limit=3)
        assert [one.at for one in first] == [NOW - days * DAY for days in (9, 3, 2)]
        await feeds.show(db, feed.id, first[0].post_id, NOW)  # its files come: listed anew
        assert await retention.drop(db, MIA, first) == [feed.id]
        assert await feeds.listed(db, feed.id, first[0].post_id)
        assert await feeds.listed(db, feed.id, first[1].post_id) is None
        assert await retention.excess(db, MIA, policy, listed=0, now=now) == Excess(1, 100)
        assert await retention.going(db, MIA, policy, listed=3, now=now, limit=3) == []
