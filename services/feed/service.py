"""What a person does with the polls of their accounts: switches them on and off, does not wait.

Called by bot/feed. How the feeds are is in services.feed.status.
"""

from __future__ import annotations

from datetime import timedelta

from services.accounts.connecting import Connecting
from services.clock import Now
from services.errors import BadInput, NotAllowed
from storage import audit, connections, feeds, polls
from storage.connections import Connection
from storage.database import Database, Transaction
from storage.polls import AT_REST

BETWEEN_TAPS = timedelta(minutes=1)
TITLE_OF_ALL = "All accounts"
TITLE_OF_STORIES = "Stories"


class HomeFeed:
    def __init__(self, database: Database, connecting: Connecting, now: Now) -> None:
        self._database = database
        self._connecting = connecting
        self._now = now

    async def switch_on(self, user_id: int, connection_id: int) -> None:
        """Makes the account's feed and that of all accounts where they are missing, and reads the
        timeline at once. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            account = await self._theirs(db, user_id, connection_id)
            await feeds.ensure(
                db, user_id, identity=None, connection_id=None, title=TITLE_OF_ALL, now=now
            )
            await feeds.ensure(
                db,
                user_id,
                identity=account.identity,
                connection_id=account.id,
                title=f"Home of {account.label}",
                now=now,
            )
            await polls.switch_on(db, account.id, now)
            await audit.note(db, user_id, "switched on the feed of", account.label, now)

    async def switch_off(self, user_id: int, connection_id: int) -> None:
        """What was archived stays, and is served. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            account = await self._theirs(db, user_id, connection_id)
            if await polls.switch_off(db, account.id, now):
                await audit.note(db, user_id, "switched off the feed of", account.label, now)

    async def switch_stories_on(self, user_id: int, connection_id: int) -> None:
        """From the next poll on; the feed of stories is made where it is missing. Errors:
        NotAllowed, BadInput where nothing is read of that account."""
        now = self._now()
        async with self._database.write() as db:
            account = await self._theirs(db, user_id, connection_id)
            poll = await polls.get(db, connection_id)
            if poll is None or poll.state == "off":
                raise BadInput(
                    "That account is not read, and neither are its stories.",
                    "Open /feed and press Read first.",
                )
            await feeds.ensure(
                db,
                user_id,
                lists=feeds.STORIES,
                identity=None,
                connection_id=None,
                title=TITLE_OF_STORIES,
                now=now,
            )
            if await polls.switch_stories(db, connection_id, now):
                await audit.note(db, user_id, "switched on the stories of", account.label, now)

    async def switch_stories_off(self, user_id: int, connection_id: int) -> None:
        """What was archived stays, and is served. Errors: NotAllowed."""
        async with self._database.write() as db:
            account = await self._theirs(db, user_id, connection_id)
            if await polls.switch_stories(db, connection_id, None):
                now = self._now()
                await audit.note(db, user_id, "switched off the stories of", account.label, now)

    async def poll_now(self, user_id: int, connection_id: int) -> bool:
        """At the next tick of the clock, at the account's pace. False: it is at it, it was a moment
        ago, or the feed is off. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            await self._theirs(db, user_id, connection_id)
            poll = await polls.get(db, connection_id)
            if poll is None or (poll.last_good_at and now - poll.last_good_at < BETWEEN_TAPS):
                return False
            return await polls.move(db, connection_id, now, from_states=AT_REST, next_at=now)

    async def confirmed(self, user_id: int, connection_id: int) -> None:
        """The account's owner has answered Instagram's question: go on. Errors: NotAllowed."""
        await self._connecting.acted(user_id, connection_id)
        await self.poll_now(user_id, connection_id)

    async def _theirs(self, db: Transaction, user_id: int, connection_id: int) -> Connection:
        account = await connections.get(db, connection_id)
        if account is None or account.user_id != user_id:
            raise NotAllowed
        return account
