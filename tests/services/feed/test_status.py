"""How the feeds are: figures of rows, and what counts as stale."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.errors import NotAllowed
from services.feed.status import FeedStatuses, trouble
from storage import audit, feed_status
from storage.database import Database
from storage.feed_status import Holdings
from storage.feeds import Feed
from tests.support.clock import StillClock
from tests.support.feeds import WELL, film, listed, switched_on
from tests.support.rows import LEO, MIA, NOW, connection, new_media, person

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, None),
        ({"ill": "session_dead"}, "session_dead"),
        ({"ill": "stale", "state": "running"}, "stale"),
        ({"ill": "frozen", "state": "off"}, None),  # about to be forgotten
        # the polls will say so if it lasts: they know how often they are wanted
        ({"state": "waiting", "last_good_at": NOW - 61 * MINUTE}, None),
        ({"state": "due", "last_good_at": NOW - timedelta(days=1)}, None),
        # nobody has come to take it
        ({"next_at": NOW - 60 * MINUTE}, None),
        ({"next_at": NOW - 61 * MINUTE}, "stale"),
        ({"next_at": NOW - 61 * MINUTE, "state": "waiting"}, "stale"),
        # after a downtime, at work
        ({"next_at": NOW - timedelta(days=3), "state": "running"}, None),
        ({"next_at": NOW - timedelta(days=3), "state": "off"}, None),
    ],
)
def test_what_keeps_an_account_from_being_read(
    change: dict[str, object], wrong: str | None
) -> None:
    assert trouble(replace(WELL, **change), NOW) == wrong  # type: ignore[arg-type]


async def test_figures_are_those_of_the_rows(database: Database, feed: Feed) -> None:
    own = await switched_on(database)
    await connection(database, MIA, "2000", secret=b"x", status="expired")  # never switched on
    await connection(database, MIA, "3000")  # never verified: no account yet
    files = [new_media("a", 0, 100), film("a", 1, 300)]
    await listed(database, feed, "a", files=files)
    await listed(database, feed, "b", placeholder=True)
    async with database.write() as db:
        await audit.open_incident(db, "session_dead", f"feed {own.id}", NOW)
        await audit.open_incident(db, "gap", f"feed {own.id}", NOW)
    view = await FeedStatuses(database, StillClock(NOW)).of_user(MIA)
    assert view.holdings == Holdings(posts=2, missing=1, waiting=0, files=2, bytes=400)
    assert [feed.id for feed in view.feeds] == [feed.id, own.id]
    first, second = view.accounts
    assert (first.label, first.state, first.ill, first.ill_since) == (
        "@u1000", "due", "session_dead", NOW,
    )  # fmt: skip
    assert (first.found, first.ads_skipped, first.unparsed, first.gaps) == (3, 2, 1, 1)
    assert (second.label, second.state, second.feed_id) == ("account 2000", "off", None)


async def test_nobody_sees_anothers(database: Database, feed: Feed) -> None:
    await person(database, LEO)
    await switched_on(database)
    statuses = FeedStatuses(database, StillClock(NOW))
    view = await statuses.of_user(LEO)
    assert (view.accounts, view.feeds, view.holdings) == ([], [], None)
    with pytest.raises(NotAllowed):
        await statuses.theirs(LEO, feed.id)
    assert await statuses.theirs(MIA, feed.id) == feed


async def test_an_accounts_feed_has_its_own_account_only(database: Database, feed: Feed) -> None:
    own = await switched_on(database)
    await switched_on(database, identity="2000")
    statuses = FeedStatuses(database, StillClock(NOW))
    assert [a.identity for a in (await statuses.of_feed(own)).accounts] == ["1000"]
    assert [a.identity for a in (await statuses.of_feed(feed)).accounts] == ["1000", "2000"]
    async with database.read() as db:
        assert len(await feed_status.accounts(db)) == 2
