"""The outbox of webhooks: what is owed once, what is due, in which order."""

from __future__ import annotations

from storage import feed_status, webhooks
from storage.database import Database
from tests.support.feeds import a_feed, listed
from tests.support.rows import MIA, NOW, at, person


async def test_a_listed_post_is_owed_once_and_comes_in_order(database: Database) -> None:
    await person(database, MIA)
    feed = await a_feed(database)
    async with database.write() as db:
        hook = await webhooks.put(db, feed.id, form="json", host="hooks.example", now=NOW)
    posts = [await listed(database, feed, name) for name in ("a", "b", "c")]
    async with database.write() as db:
        await webhooks.owe(db, feed.id, posts[0], at(1))
        unsent = await webhooks.unsent(db, hook, NOW, 9)
        assert [one.post_id for one in unsent] == posts
        assert await webhooks.due(db, NOW, 9) == [hook]
        await webhooks.later(db, unsent[0].id, at(5))
        assert await webhooks.due(db, at(1), 9) == []  # the later ones wait for the first
        assert await webhooks.unsent(db, hook, at(1), 9) == []
        assert await webhooks.due(db, at(5), 9) == [hook]
        await webhooks.delivered(db, unsent[0].id, at(5))
        await webhooks.give_up(db, unsent[1].id, "http_404")
        assert await webhooks.waiting(db, hook) == 1
        counts = await feed_status.counts(db)
        assert counts.deliveries == {"delivered": 1, "given_up": 1, "waiting": 1}
        assert [one.id for one in await webhooks.of_user(db, MIA)] == [hook]
        assert await webhooks.owner(db, hook) == MIA
        again = await webhooks.put(db, feed.id, form="slack", host="hooks.slack.com", now=at(9))
        assert await webhooks.waiting(db, again) == 0


async def test_what_was_owed_long_ago_is_forgotten(database: Database) -> None:
    await person(database, MIA)
    feed = await a_feed(database)
    async with database.write() as db:
        hook = await webhooks.put(db, feed.id, form="json", host="hooks.example", now=NOW)
    for name, minute in (("sent", 0), ("given up", 1), ("waits", 2), ("recent", 9)):
        await listed(database, feed, name, shown_at=at(minute))
    async with database.write() as db:
        sent, given_up, _, recent = await webhooks.unsent(db, hook, at(9), 9)
        for one in (sent, recent):
            await webhooks.delivered(db, one.id, at(9))
        await webhooks.give_up(db, given_up.id, "http_404")
        assert await webhooks.prune(db, at(9)) == 3
        counts = await feed_status.counts(db)
        assert counts.deliveries == {"delivered": 1}
        assert await webhooks.prune(db, at(9)) == 0
