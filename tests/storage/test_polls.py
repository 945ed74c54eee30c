"""Polls: who is due, what a run may change, what is counted once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import connections, feeds, people, polls
from storage.database import Database
from storage.polls import Poll, Unread, Waiting
from storage.tables import feed_items, unread_items
from tests.support.feeds import a_feed, listed
from tests.support.rows import MIA, NOW, at, connection, person


@pytest.fixture
async def poll(database: Database) -> Poll:
    """Mia's, switched on at NOW."""
    await person(database, MIA)
    account = await connection(database, MIA, status="active")
    await a_feed(database, MIA)
    async with database.write() as db:
        await feeds.ensure(
            db, MIA, identity="1000", connection_id=account.id, title="Home", now=NOW
        )
        await polls.switch_on(db, account.id, NOW)
        made = await polls.get(db, account.id)
    assert made
    return made


async def ready(database: Database, minutes: float = 0) -> list[int]:
    async with database.read() as db:
        return [one.connection_id for one in await polls.ready(db, at(minutes))]


async def test_a_poll_knows_both_feeds(database: Database, poll: Poll) -> None:
    async with database.read() as db:
        everything, own = await feeds.of_user(db, MIA)
        assert await polls.of_user(db, MIA) == [poll]
        assert await polls.switched_on(db) == {own.id}
    assert (poll.all_feed_id, poll.feed_id) == (everything.id, own.id)
    assert (poll.identity, poll.state, poll.next_at) == ("1000", "due", NOW)


@pytest.mark.parametrize(
    ("state", "status", "is_ready"),
    [
        ("due", "active", True),
        ("due", "expired", True),  # it finds that out, and says so
        ("waiting", "active", True),
        ("ill", "active", True),
        ("ill", "expired", False),
        ("running", "active", False),
        ("off", "active", False),
    ],
)
async def test_who_is_ready(
    database: Database, poll: Poll, state: str, status: str, is_ready: bool
) -> None:
    async with database.write() as db:
        await polls.move(
            db, poll.connection_id, NOW, from_states=["due"], state=state, next_at=at(10)
        )
        await connections.change(db, poll.connection_id, NOW, status=status)
    assert await ready(database, 9) == []
    assert await ready(database, 10) == [poll.connection_id] * is_ready
    async with database.write() as db:
        await people.change(db, MIA, status="blocked")
    assert await ready(database, 10) == []


async def test_a_run_ends_when_another_begins(database: Database, poll: Poll) -> None:
    async with database.write() as db:
        number = poll.connection_id
        assert not await polls.fence(db, poll, NOW)  # it does not run
        assert await polls.move(db, number, NOW, from_states=["due"], new_run=True, state="running")
        running = await polls.get(db, number)
        assert running
        assert running.run == poll.run + 1
        assert await polls.fence(db, running, at(1), found=1)
        assert not await polls.fence(db, poll, at(1))
        assert [one.run for one in await polls.stranded(db, at(2))] == [running.run]
        assert await polls.stranded(db, at(1)) == []
        assert await polls.switch_off(db, number, at(3))
        assert not await polls.fence(db, running, at(3))
        await polls.switch_on(db, number, at(4))
        await polls.switch_on(db, number, at(5))
        again = await polls.get(db, number)
    assert again
    assert (again.state, again.run, again.next_at) == ("due", running.run + 1, at(4))


async def test_a_connection_with_an_old_number_has_new_runs(database: Database, poll: Poll) -> None:
    """SQLite gives the number of a deleted row again; a finished job of that name would swallow
    the new one."""
    async with database.write() as db:
        await connections.delete(db, poll.connection_id)
        assert await polls.get(db, poll.connection_id) is None
    account = await connection(database, MIA, now=at(1))
    async with database.write() as db:
        await feeds.ensure(
            db, MIA, identity="1000", connection_id=account.id, title="Home", now=at(1)
        )
        await polls.switch_on(db, account.id, at(5))
        again = await polls.get(db, account.id)
    assert again
    assert again.run > poll.run
    assert again.feed_id == poll.feed_id


async def test_what_can_not_be_read_is_kept_once(database: Database, poll: Poll) -> None:
    named, nameless = Unread("41", "no date", {"pk": 41}), Unread("", "no number", {"a": "\x00"})
    async with database.write() as db:
        number = poll.connection_id
        assert await polls.keep_unread(db, number, [named, nameless], NOW) == 2
        again = [Unread("41", "no date", {"pk": 41, "url": "other"}), nameless]
        assert await polls.keep_unread(db, number, again, NOW) == 0
        many = [Unread(str(n), "no date", {}) for n in range(100, 300)]
        assert await polls.keep_unread(db, number, many, NOW) == 200
        kept = (await db.execute(sa.select(unread_items.c.key))).scalars()
    assert set(kept) == {one.platform_id for one in many}  # the newest


async def test_what_the_feeds_wait_for(database: Database, poll: Poll) -> None:
    async with database.write() as db:
        own = await feeds.get(db, poll.feed_id)
        everything = await feeds.get(db, poll.all_feed_id)
    assert own
    assert everything
    shown = await listed(database, own, "shown", taken_at=at(-5))
    given_up = await listed(database, own, "given-up", placeholder=True, taken_at=at(-9))
    pending = [
        await listed(database, own, name, files=files, taken_at=at(minutes))
        for name, files, minutes in (("bare", [], -1), ("has-files", None, -2))
    ]
    async with database.write() as db:
        for post_id in pending:
            await db.execute(
                feed_items.update()
                .where(feed_items.c.post_id == post_id)
                .values(state="pending", shown_at=None)
            )
        for post_id in (shown, given_up):
            await feeds.sight(db, everything.id, post_id, f"guid {post_id}")
        assert await polls.waiting(db, own.id, 9) == [
            Waiting(pending[1], "has-files", "pending", True),
            Waiting(pending[0], "bare", "pending", False),
            Waiting(given_up, "given-up", "placeholder", False),
        ]
        for listed_again, worth in ((set(), []), ({"given-up"}, [given_up])):
            found = await polls.waiting(db, own.id, 9, listed=listed_again)
            assert [one.post_id for one in found] == [*reversed(pending), *worth]
        assert await polls.feeds_without(db, shown) == [everything.id]
        assert await polls.feeds_without(db, given_up) == sorted([own.id, everything.id])
        assert await polls.newest_post(db, own.id) == at(-5)
        assert await polls.newest_post(db, everything.id) is None
        names = ["shown", "bare", "elsewhere"]
        assert await polls.known(db, own.id, "instagram", names) == {"shown", "bare"}
