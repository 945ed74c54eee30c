"""Files of the posts that a feed has seen, and the moment at which it lists them.

Called by the poll. A post is listed when its files are there, or without them after three polls in
which they could not be had; should they come later, it is listed anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial

from services.clock import Now
from services.errors import MediaRefused
from services.instagram.files import PLATFORM, PostFiles, new_post
from services.instagram.posts import ListedPost, UnreadablePost, read_post
from storage import adoptions, archive, feeds, polls
from storage.archive import NewMedia
from storage.database import Database
from storage.objects import ObjectStore
from storage.polls import Poll, Waiting

AT_ONCE = 4
MOST = 400  # posts of one poll; what is beyond waits for the next
TRIES = 3
_PARTS = "feed-"  # part files: connection, post, position


class Superseded(Exception):
    """A newer run, or a person, owns the poll now."""


@dataclass(frozen=True, slots=True)
class FeedFiles:
    database: Database
    objects: ObjectStore
    files: PostFiles
    now: Now

    async def fetch(self, poll: Poll, feed_ids: Sequence[int], listed: Set[str]) -> None:
        """Four posts at a time. `feed_ids`: the feeds that list them alike, the poll's own first.
        `listed`: the platform ids that Instagram has just listed again, with fresh addresses; a
        post that was given up is tried again only then.

        Errors: Superseded, StorageFailed, OSError; the first one stops the others.
        """
        async with self.database.read() as db:
            turn = iter(await polls.waiting(db, feed_ids[0], MOST, listed=listed))

        async def worker() -> None:
            for one in turn:
                await self._settle(poll, feed_ids, one)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(worker())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        await self._sweep(poll)

    async def _settle(self, poll: Poll, feed_ids: Sequence[int], one: Waiting) -> None:
        if one.has_files:  # an import or another account's poll has brought them
            await self._list(poll, one)
            return
        try:
            async with self.database.read() as db:
                post = read_post(await archive.raw(db, one.post_id))
            files = await self.files.download(post, f"{_parts(poll)}{one.platform_id}")
        except (MediaRefused, UnreadablePost):
            await self._failed(poll, feed_ids, one)
            return
        announce = partial(self._announce, poll)
        name = partial(self._name, poll, one, post)
        await self.files.keep(post, files, f"f{poll.connection_id}-{poll.run}", announce, name)

    async def _announce(self, poll: Poll, keys: list[str]) -> None:
        async with self.database.write() as db:
            if not await polls.fence(db, poll, self.now()):
                raise Superseded
            await adoptions.begin(db, "poll", poll.connection_id, poll.run, keys)

    async def _name(self, poll: Poll, one: Waiting, post: ListedPost, kept: list[NewMedia]) -> bool:
        """Files and feeds in one transaction: none lists what is not there."""
        now = self.now()
        async with self.database.write() as db:
            if not await polls.fence(db, poll, now, idle_runs=0):
                raise Superseded
            raced = await archive.find(db, PLATFORM, one.platform_id) is not None
            await archive.save(db, new_post(post), kept, now)
            for feed_id in await polls.feeds_without(db, one.post_id):
                await feeds.show(db, feed_id, one.post_id, now)
            if not raced:
                await adoptions.end(db, [file.object_key for file in kept])
        return not raced

    async def _list(self, poll: Poll, one: Waiting) -> None:
        now = self.now()
        async with self.database.write() as db:
            if not await polls.fence(db, poll, now, idle_runs=0):
                raise Superseded
            for feed_id in await polls.feeds_without(db, one.post_id):
                await feeds.show(db, feed_id, one.post_id, now)

    async def _failed(self, poll: Poll, feed_ids: Sequence[int], one: Waiting) -> None:
        now = self.now()
        async with self.database.write() as db:
            if not await polls.fence(db, poll, now, idle_runs=0):
                raise Superseded
            if await feeds.tried(db, feed_ids[0], one.post_id) < TRIES:
                return
            for feed_id in sorted(feed_ids):
                await feeds.show(db, feed_id, one.post_id, now, placeholder=True)

    async def _sweep(self, poll: Poll) -> None:
        """What killed polls have left in the store; part files of posts that don't wait any more,
        and of accounts that are gone."""
        await self.files.sweep()
        parts = await self.objects.parts(_PARTS)
        if not parts:
            return
        filled = [feed_id for feed_id in (poll.feed_id, poll.stories_feed_id) if feed_id]
        async with self.database.read() as db:
            waiting = {
                one.platform_id
                for feed_id in filled
                for one in await polls.waiting(db, feed_id, MOST)
            }
            others = {str(one) for one in await polls.connection_ids(db) - {poll.connection_id}}
        for part in parts:
            account, post = part.name.removeprefix(_PARTS).split("-")[:2]
            if account not in others and post not in waiting:
                part.unlink(missing_ok=True)


def _parts(poll: Poll) -> str:
    return f"{_PARTS}{poll.connection_id}-"
