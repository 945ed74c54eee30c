"""Stories of followed accounts, for whoever wants them: asked for after the timeline, by its poll.

Called by services.feed.polling. They live for a day, are archived like posts and listed in a feed
of their own. What goes wrong here is no trouble of the timeline's.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from services.accounts.mobile import MobileSessions
from services.clock import Now
from services.errors import InstagramError, NotFound, RateLimited, Unavailable, UpstreamChanged
from services.feed.fetching import FeedFiles, Superseded
from services.feed.pages import guid_of
from services.instagram.files import PLATFORM, new_post
from services.instagram.mobile_stories import StoryPage, StoryTray, TrayReel
from services.instagram.mobile_timeline import Unparsed
from services.instagram.pace import CALM
from storage import archive, feeds, followed_stories, polls
from storage.database import Database, Transaction
from storage.polls import Poll, Unread

log = structlog.get_logger()

MOST_ACCOUNTS = 6  # asked for in one poll; the others come in the next
REST = timedelta(hours=1)
LONG_REST = CALM + timedelta(hours=1)
"""After a refusal. The pace has forgotten it by then, so that stories never add to a freeze of the
timeline; and a story lives longer than that."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def whose_turn(tray: StoryTray, known: Set[str], me: str) -> list[TrayReel]:
    """Pure. Who has stories that are not `known`; of those, who told the latest one longest ago,
    for it vanishes first. Where Instagram does not number them, whoever asks has to look."""
    waiting = [
        reel
        for reel in tray.reels
        if reel.user_id != me
        and not reel.muted
        and not (reel.story_ids and known >= set(reel.story_ids))
    ]
    waiting.sort(key=lambda reel: (not reel.story_ids, reel.latest_at or _LONG_AGO))
    return waiting[:MOST_ACCOUNTS]


def rest_after(error: InstagramError, now: datetime) -> datetime:
    """Pure. When stories are asked for again."""
    if isinstance(error, Unavailable | UpstreamChanged | NotFound):
        return now + REST
    until = error.until if isinstance(error, RateLimited) else None
    return max(now + LONG_REST, until or now)


@dataclass(frozen=True, slots=True)
class StoryReader:
    """`interval`: between two looks at the stories, at least."""

    database: Database
    sessions: MobileSessions
    files: FeedFiles
    now: Now
    interval: timedelta

    async def read(self, poll: Poll) -> InstagramError | None:
        """Returns what Instagram refused; everything that it gave before that is kept.

        Errors: Superseded, StorageFailed, OSError, storage's Unavailable.
        """
        feed_id, now = poll.stories_feed_id, self.now()
        if feed_id is None or poll.stories_at is None or poll.stories_at > now:
            return None
        async with self.database.write() as db:
            # before the first request: a run that is cut short does not ask again at once
            if not await polls.rest_stories(db, poll, now + self.interval):
                return None
        listed: set[str] = set()
        trouble = await self._ask(poll, feed_id, listed)
        if trouble is not None:
            name, now = type(trouble).__name__, self.now()
            log.info("stories rest", connection=poll.connection_id, error=name)
            async with self.database.write() as db:
                await polls.rest_stories(db, poll, rest_after(trouble, now), name)
        await self.files.fetch(poll, (feed_id,), listed)
        return trouble

    async def _ask(self, poll: Poll, feed_id: int, listed: set[str]) -> InstagramError | None:
        """The tray, then one account after the other; adds what was listed. An account whose
        answer nobody can read does not keep the others waiting."""
        trouble: InstagramError | None = None
        try:
            tray = await self.sessions.ask(poll.connection_id, lambda one: one.story_tray())
            for reel in await self._turn(poll, feed_id, tray):
                try:
                    page = await self._page(poll, reel)
                except UpstreamChanged as odd:
                    trouble = odd
                    continue
                await self._store(poll, feed_id, reel, page)
                listed |= {story.post.platform_id for story in page.stories}
        except InstagramError as error:
            trouble = error
        return trouble

    async def _turn(self, poll: Poll, feed_id: int, tray: StoryTray) -> list[TrayReel]:
        ids = [number for reel in tray.reels for number in reel.story_ids]
        async with self.database.write() as db:
            if not await polls.fence(db, poll, self.now()):
                raise Superseded
            await self._count_unread(db, poll, tray.unparsed)
            known = await followed_stories.settled(db, feed_id, PLATFORM, ids)
        return whose_turn(tray, known, poll.identity)

    async def _page(self, poll: Poll, reel: TrayReel) -> StoryPage:
        """Empty for an account that is private or gone by now."""
        try:
            return await self.sessions.ask(
                poll.connection_id, lambda session: session.stories(reel.user_id)
            )
        except NotFound:
            return StoryPage((), ())

    async def _store(self, poll: Poll, feed_id: int, reel: TrayReel, page: StoryPage) -> None:
        """What became of each of an account's stories, in one transaction."""
        now = self.now()
        async with self.database.write() as db:
            if not await polls.fence(db, poll, now):
                raise Superseded
            # in the order of their numbers, as the polls of other accounts do it
            for story in sorted(page.stories, key=lambda one: int(one.post.platform_id)):
                number = story.post.platform_id
                post = replace(new_post(story.post), kind="story")
                post_id = await archive.save(db, post, [], now)
                await feeds.sight(db, feed_id, post_id, guid_of(PLATFORM, number))
                await followed_stories.put(
                    db, feed_id, number, "kept", now, expires_at=story.expires_at
                )
            odd = {one.platform_id for one in page.unparsed if one.platform_id}
            kept = {story.post.platform_id for story in page.stories}
            for number in sorted(odd):
                await followed_stories.put(db, feed_id, number, "unreadable", now)
            for number in sorted({*reel.story_ids} - kept - odd):
                await followed_stories.put(db, feed_id, number, "gone", now)
            await self._count_unread(db, poll, page.unparsed)

    async def _count_unread(self, db: Transaction, poll: Poll, items: Sequence[Unparsed]) -> None:
        if items:
            unread = [Unread(odd.platform_id, odd.what, odd.raw) for odd in items]
            new = await polls.keep_unread(db, poll.connection_id, unread, self.now())
            await polls.count(db, poll.connection_id, unparsed=new)
