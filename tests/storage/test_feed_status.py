"""How the feeds are, on both databases."""

from __future__ import annotations

from storage import audit, feed_status
from storage.database import Database
from storage.feed_status import Holdings
from tests.support.feeds import a_feed, listed, switched_on
from tests.support.rows import LEO, MIA, NOW, at, person


async def test_accounts_with_what_is_wrong(database: Database) -> None:
    for user_id in (MIA, LEO):
        await person(database, user_id)
    own, leos = await switched_on(database), await switched_on(database, LEO, "2000")
    async with database.write() as db:
        await audit.open_incident(db, "frozen", f"feed {leos.id}", NOW)
        await audit.close_incident(db, "frozen", f"feed {leos.id}", at(1))
        await audit.open_incident(db, "stale", f"feed {own.id}", at(2))
        await audit.open_incident(db, "loop", "notices", NOW)
        ill = [(one.user_id, one.ill, one.ill_since) for one in await feed_status.accounts(db)]
        assert ill == [(MIA, "stale", at(2)), (LEO, None, None)]
        assert [one.user_id for one in await feed_status.accounts(db, feed_id=leos.id)] == [LEO]


async def test_what_a_feed_holds(database: Database) -> None:
    await person(database, MIA)
    feed = await a_feed(database)
    async with database.read() as db:
        assert await feed_status.holdings(db, feed.id) == Holdings(0, 0, 0, 0, 0)
    await listed(database, feed, "a")
    await listed(database, feed, "b", placeholder=True)
    async with database.read() as db:
        assert await feed_status.holdings(db, feed.id) == Holdings(2, 1, 0, 1, 100)
