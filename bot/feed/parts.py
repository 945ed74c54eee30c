"""The feed's parts, built and joined. Called by bot/app.py."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta

from bot.feed.screen import FeedScreen
from bot.ground import Ground
from bot.settings import Role
from services.feed.fetching import FeedFiles
from services.feed.polling import PollJob
from services.feed.readers import Readers
from services.feed.retention import Retention
from services.feed.service import HomeFeed
from services.feed.serving import Serving
from services.feed.status import FeedStatuses
from services.feed.visits import Visits
from services.jobs.clock import Clock
from services.web.feeds import FeedRoutes
from services.web.outgoing import Outgoing
from services.web.webhooks import Webhooks

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class FeedParts:
    def __init__(self, ground: Ground, address: str) -> None:
        """`address`: of the side server, for the links of new readers."""
        self._ground = ground
        settings, database, now = ground.settings, ground.database, ground.now
        self.home = HomeFeed(database, ground.connecting, now)
        self.poll_job = PollJob(
            database,
            ground.sessions,
            FeedFiles(database, ground.objects, ground.files, now),
            now,
            interval=settings.feed_poll_minutes * MINUTE,
        )
        self.readers = Readers(database, now, base=address)
        self.visits = Visits(database)
        self.statuses = FeedStatuses(database, now)
        self.retention = Retention(database, now)
        self.webhooks = Webhooks(
            database, ground.vault, Outgoing(private=settings.webhook_private), now
        )
        self.routes = FeedRoutes(
            Serving(database, now),
            self.visits,
            ground.objects,
            now,
            statuses=self.statuses,
            public_url=settings.public_url,
            public=settings.feed_public,
        )

    @property
    def kinds(self) -> tuple[PollJob]:
        return (self.poll_job,)

    @property
    def screens(self) -> tuple[FeedScreen]:
        return (
            FeedScreen(
                self.statuses,
                self.home,
                self.readers,
                self.webhooks,
                self.retention,
                public=bool(self._ground.settings.public_url),
            ),
        )

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "web" in roles:
            clock.every(10 * SECOND, "readers", self.visits.flush)
        if "clock" in roles:
            clock.every(5 * SECOND, "wake polls", self._wake)
            clock.every(MINUTE, "watch polls", self.poll_job.watch)
            clock.every(10 * SECOND, "webhooks", self.webhooks.deliver)
            clock.every(HOUR, "retention", self._let_go)

    async def _wake(self) -> None:
        for job in await self.poll_job.wake():
            await self._ground.engine.enqueue(job)

    async def _let_go(self) -> None:
        await self.webhooks.forget()
        if await self.retention.sweep():
            await self._ground.privacy.delete_orphans()
