"""How the feeds are, for people and for machines: read by bot/feed and by services/web.

What counts as stale is a pure function; the rest is one snapshot of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.clock import Now
from services.errors import NotAllowed
from services.feed.illness import SILENT
from storage import feed_status, feeds, followed_stories, readers, webhooks
from storage.database import Database, Transaction
from storage.feed_status import Account, Holdings
from storage.feeds import Feed
from storage.followed_stories import Tally
from storage.polls import AT_REST
from storage.readers import Reader
from storage.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """One feed. `accounts`: those that fill it. `stories`: what became of those that it lists, None
    where it lists posts."""

    feed: Feed
    accounts: list[Account]
    holdings: Holdings
    stories: Tally | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything of one person. `feeds`: that of all accounts first, none before an account was
    switched on. `holdings`: of that first one."""

    accounts: list[Account]
    feeds: list[Feed]
    holdings: Holdings | None
    readers: list[Reader]
    webhooks: list[Webhook]


@dataclass(frozen=True, slots=True)
class Stories:
    """Of one person. `status`: of their feed of stories, None before it was first switched on."""

    accounts: list[Account]
    status: FeedStatus | None


def trouble(account: Account, now: datetime) -> str | None:
    """What keeps the account from being read, a key of services.feed.notices.TEXTS.

    The polls say it themselves, by an incident. They can't where nobody wakes them any more: one
    whose time came an hour ago is stale too, and its person does not know it yet.
    """
    if not account.on or account.ill:
        return account.ill if account.on else None
    if account.state not in AT_REST or account.next_at is None:
        return None
    return "stale" if now - account.next_at > SILENT else None


class FeedStatuses:
    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now

    async def of_user(self, user_id: int) -> Overview:
        async with self._database.read() as db:
            theirs = await feeds.of_user(db, user_id)
            return Overview(
                await feed_status.accounts(db, user_id=user_id),
                theirs,
                await feed_status.holdings(db, theirs[0].id) if theirs else None,
                await readers.of_user(db, user_id),
                await webhooks.of_user(db, user_id),
            )

    async def theirs(self, user_id: int, feed_id: int) -> Feed:
        """The person's own feed of this number. Errors: NotAllowed."""
        async with self._database.read() as db:
            feed = await feeds.get(db, feed_id)
        if feed is None or feed.user_id != user_id:
            raise NotAllowed("That feed is not yours.", "Open /feed.")
        return feed

    async def of_feed(self, feed: Feed) -> FeedStatus:
        """Errors: Unavailable."""
        async with self._database.read() as db:
            return await _status(db, feed, self._now())

    async def of_stories(self, user_id: int) -> Stories:
        async with self._database.read() as db:
            accounts = await feed_status.accounts(db, user_id=user_id)
            theirs = await feeds.of_user(db, user_id)
            feed = next((one for one in theirs if one.lists == feeds.STORIES), None)
            return Stories(accounts, await _status(db, feed, self._now()) if feed else None)

    async def of_all(self) -> list[FeedStatus]:
        """Of everybody. Errors: Unavailable."""
        async with self._database.read() as db:
            now = self._now()
            return [await _status(db, feed, now) for feed in await feeds.everybodys(db)]


async def _status(db: Transaction, feed: Feed, now: datetime) -> FeedStatus:
    if feed.identity is None:
        accounts = await feed_status.accounts(db, user_id=feed.user_id)
    else:
        accounts = await feed_status.accounts(db, feed_id=feed.id)
    stories = None
    if feed.lists == feeds.STORIES:
        stories = await followed_stories.tally(db, feed.id, now)
    return FeedStatus(feed, accounts, await feed_status.holdings(db, feed.id), stories)
