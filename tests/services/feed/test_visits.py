"""Who may read, how often, and what is noted of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.feed.visits import Access, Allowance, Visits
from services.tokens import token_hash
from storage import notices, readers
from storage.database import Database, Unavailable
from storage.feeds import Feed
from storage.readers import Reader
from tests.support.clock import StillClock
from tests.support.feeds import TOKEN, listed, reader
from tests.support.queries import counted
from tests.support.rows import MIA

ALLOWANCE = Allowance(burst=3, every=timedelta(seconds=10))


@pytest.fixture
def visits(database: Database, clock: StillClock) -> Visits:
    return Visits(database, ALLOWANCE)


@pytest.fixture
async def phone(database: Database, feed: Feed) -> Reader:
    return await reader(database, feed)


async def enter(visits: Visits, clock: StillClock, token: str = TOKEN) -> Access:
    access = await visits.enter(token, clock())
    assert access is not None
    return access


async def figures(database: Database) -> tuple[int, int, object]:
    async with database.read() as db:
        (one,) = await readers.of_user(db, MIA)
    return one.fetches, one.not_modified, one.last_fetch_at


# ---------------------------------------------------------------- who


async def test_who_asks_again_costs_no_query_for_a_second(
    database: Database, clock: StillClock, visits: Visits, feed: Feed, phone: Reader
) -> None:
    with counted(database) as statements:
        for _ in range(5):
            access = await enter(visits, clock)
    assert len(statements) == 1
    assert (access.reader_id, access.feed) == (phone.id, feed)
    await listed(database, feed, "p1")
    assert (await enter(visits, clock)).feed.revision == feed.revision
    clock.advance(seconds=1)
    assert (await enter(visits, clock)).feed.revision == feed.revision + 1


async def test_a_revoked_token_opens_nothing_a_second_later(
    database: Database, clock: StillClock, visits: Visits, phone: Reader
) -> None:
    await enter(visits, clock)
    async with database.write() as db:
        await readers.revoke(db, MIA, phone.id, clock())
    clock.advance(seconds=1)
    assert await visits.enter(TOKEN, clock()) is None


async def test_a_wrong_token_is_asked_about_each_time(
    database: Database, clock: StillClock, visits: Visits, phone: Reader
) -> None:
    for wrong in ("B" * 22, "", token_hash(TOKEN)):
        assert await visits.enter(wrong, clock()) is None
    assert await visits.enter(TOKEN, clock()) is not None


async def test_the_public_feed_is_the_owners(
    clock: StillClock, visits: Visits, feed: Feed, phone: Reader, database: Database
) -> None:
    access = await visits.enter(None, clock())
    assert access is not None
    assert (access.reader_id, access.feed) == (None, feed)
    for _ in range(9):
        assert visits.wait(access, clock()) == 0
    visits.note(access, clock(), not_modified=True)
    await visits.flush()
    assert await figures(database) == (0, 0, None)


# ---------------------------------------------------------------- how often


async def test_a_burst_then_one_every_so_often(
    clock: StillClock, visits: Visits, phone: Reader
) -> None:
    access = await enter(visits, clock)
    assert [visits.wait(access, clock()) for _ in range(5)] == [0, 0, 0, 10, 10]
    clock.advance(seconds=9)
    assert visits.wait(access, clock()) == 1
    clock.advance(seconds=1)
    assert [visits.wait(access, clock()) for _ in range(2)] == [0, 10]
    clock.advance(hours=1)  # the burst is there again, and no more than that
    assert [visits.wait(access, clock()) for _ in range(4)] == [0, 0, 0, 10]


async def test_one_reader_does_not_wait_for_another(
    database: Database, clock: StillClock, visits: Visits, feed: Feed, phone: Reader
) -> None:
    await reader(database, feed, name="Feedly", token="B" * 22)
    while not visits.wait(await enter(visits, clock), clock()):
        pass
    assert visits.wait(await enter(visits, clock, "B" * 22), clock()) == 0


async def test_its_person_is_told_once(
    database: Database, clock: StillClock, visits: Visits, phone: Reader
) -> None:
    access = await enter(visits, clock)
    for each in (visits, visits, Visits(database)):  # after a restart too
        await each.enter(TOKEN, clock())
        await each.warn(access, clock())
    async with database.read() as db:
        (told,) = await notices.due(db, clock())
    assert (told.user_id, told.kind) == (MIA, "reader_too_often")
    assert told.data == {"reader_id": phone.id, "name": "Phone"}


# ---------------------------------------------------------------- what is noted


async def test_fetches_are_noted_in_one_statement(
    database: Database, clock: StillClock, visits: Visits, phone: Reader
) -> None:
    access = await enter(visits, clock)
    with counted(database) as statements:
        for unchanged in (False, True, True):
            clock.advance(seconds=1)
            visits.note(access, clock(), not_modified=unchanged)
        assert statements == []
        await visits.flush()
        await visits.flush()  # nothing is left
    assert len(statements) == 1
    assert await figures(database) == (3, 2, clock())


async def test_what_could_not_be_noted_is_noted_later(
    database: Database,
    clock: StillClock,
    visits: Visits,
    phone: Reader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    access = await enter(visits, clock)
    visits.note(access, clock(), not_modified=True)
    with monkeypatch.context() as patched:

        def away() -> None:
            raise Unavailable("locked")

        patched.setattr(database, "write", away)
        with pytest.raises(Unavailable):
            await visits.flush()
    visits.note(access, clock(), not_modified=False)
    await visits.flush()
    assert (await figures(database))[:2] == (2, 1)
