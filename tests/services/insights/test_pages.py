"""The addresses of an account's page: whose they are, and when they end."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from services.errors import NotAllowed
from services.insights.pages import LIFE, Pages
from storage import insights, people
from storage.database import Database
from storage.tables import insight_pages
from tests.services.insights import kept
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, ZOE, person


@pytest.fixture
def pages(database: Database, clock: StillClock) -> Pages:
    return Pages(database, clock, base="http://here/")


async def stored(database: Database) -> list[str]:
    async with database.read() as db:
        return list((await db.execute(sa.select(insight_pages.c.token_hash))).scalars())


async def test_it_ends_or_is_taken_back(
    pages: Pages, database: Database, clock: StillClock
) -> None:
    mine = await kept.account(database)
    first, second = [await pages.make(MIA, mine) for _ in range(2)]
    start, _, token = first.url.rpartition("/")
    assert (start, len(token)) == ("http://here/insights", 22)
    assert token not in str(await stored(database)), "only its hash is kept"
    assert await pages.open(token) == first.page
    assert (first.page.user_id, first.page.account_id) == (MIA, mine)
    assert await pages.open("A" * 22) is None
    assert await pages.working(MIA, mine) == [first.page, second.page]
    assert await pages.revoke(MIA, mine) == 2
    assert await pages.revoke(MIA, mine) == 0
    assert await pages.open(token) is None
    assert await pages.working(MIA, mine) == []
    third = (await pages.make(MIA, mine)).url.rpartition("/")[2]
    clock.advance(seconds=LIFE.total_seconds() - 1)
    assert await pages.open(third) is not None
    assert await pages.sweep() == 0
    clock.advance(seconds=1)
    assert await pages.open(third) is None
    assert await pages.sweep() == 3
    assert await stored(database) == []


async def test_it_is_for_the_account_s_person_and_the_team(
    pages: Pages, database: Database
) -> None:
    mine = await kept.account(database)
    await person(database, LEO, role="admin")
    await person(database, ZOE)
    async with database.write() as db:
        await people.change(db, MIA, role="owner")
    made = await pages.make(LEO, mine)
    assert await pages.working(MIA, mine) == [made.page]
    for touch in (pages.make, pages.revoke, pages.working):
        with pytest.raises(NotAllowed):
            await touch(ZOE, mine)
        with pytest.raises(NotAllowed):
            await touch(MIA, mine + 1)
    assert await pages.revoke(MIA, mine) == 1


async def test_it_goes_with_the_account_and_rests_while_its_person_is_blocked(
    pages: Pages, database: Database
) -> None:
    mine = await kept.account(database)
    token = (await pages.make(MIA, mine)).url.rpartition("/")[2]
    for status, is_open in (("blocked", False), ("active", True)):
        async with database.write() as db:
            await people.change(db, MIA, status=status)
        assert (await pages.open(token) is not None) is is_open
    async with database.write() as db:
        await insights.delete(db, mine)
    assert await stored(database) == []
