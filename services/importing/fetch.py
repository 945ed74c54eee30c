"""One post: its files from the CDN into the archive, or the reason why not. Called by the job.

Each way out is one transaction that begins with the fence of the import's run, settles the item and
moves the money, so the same post is never charged, saved or refunded twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from services.clock import Now
from services.errors import MediaRefused, PostGone
from services.instagram.cdn import Cdn
from services.instagram.files import PLATFORM, Downloaded, PostFiles, new_post
from services.instagram.posts import Item as RawItem
from services.instagram.posts import ListedPost, UnreadablePost, hashtags, read_post
from storage import adoptions, archive, credits, import_items, importing, samples
from storage.archive import NewMedia
from storage.database import Database
from storage.import_items import Item
from storage.importing import Import
from storage.objects import ObjectStore

_PARTS = "import-"  # part files: import, item, position

Relist = Callable[[str], Awaitable[RawItem]]
"""Reads one post anew, by shortcode, at the pace of its identity. Errors: InstagramError."""


class Superseded(Exception):
    """A newer run, a pause or a cancel owns the import now."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    database: Database
    objects: ObjectStore
    cdn: Cdn
    now: Now

    async def settle(self, item: Import, post: Item, relist: Relist) -> str:
        """Brings one paid post to its end; returns the item's new state.

        Errors: Superseded; what `relist` raises except PostGone; OSError of the object store.
        """
        async with self.database.read() as db:
            archived = await archive.find(db, PLATFORM, post.platform_id)
        if archived is not None:  # somebody brought it before: no byte is fetched twice
            return await self._save(item, post, archived)
        try:
            listed, files = await self._files(item, post, relist)
        except UnreadablePost:
            return await self._lose(item, post, "failed", "unreadable")
        except PostGone:
            return await self._lose(item, post, "gone", "gone")
        except MediaRefused as refused:
            return await self._lose(item, post, "failed", refused.reason)
        return await self._archive(item, post, listed, files)

    async def _files(
        self, item: Import, post: Item, relist: Relist
    ) -> tuple[ListedPost, list[Downloaded]]:
        """With the addresses of the listing, and once more with fresh ones if those don't work."""
        listed = read_post(post.raw)
        try:
            return listed, await self._download(item, post, listed)
        except MediaRefused:
            raw = await relist(post.shortcode)
        async with self.database.write() as db:
            await import_items.refresh(db, post.id, raw)
        listed = read_post(raw)
        return listed, await self._download(item, post, listed)

    @property
    def _post_files(self) -> PostFiles:
        return PostFiles(self.database, self.objects, self.cdn)

    async def _download(self, item: Import, post: Item, listed: ListedPost) -> list[Downloaded]:
        return await self._post_files.download(listed, f"{_PARTS}{item.id}-{post.id}")

    async def _archive(
        self, item: Import, post: Item, listed: ListedPost, files: list[Downloaded]
    ) -> str:
        announce = partial(self._announce, item)
        name = partial(self._name, item, post, listed)
        owner = f"{post.id}-{item.run}"
        await self._post_files.keep(listed, files, owner, announce, name)
        return "saved"

    async def _announce(self, item: Import, keys: list[str]) -> None:
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, self.now()):
                raise Superseded
            await adoptions.begin(db, "import", item.id, item.run, keys)

    async def _name(
        self, item: Import, post: Item, listed: ListedPost, kept: list[NewMedia]
    ) -> bool:
        """The rows that name the files. False: somebody else has brought the post meanwhile."""
        now = self.now()
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, now, idle_runs=0):
                raise Superseded
            raced = await archive.find(db, PLATFORM, listed.platform_id) is not None
            post_id = await archive.save(db, new_post(listed), kept, now)
            await samples.plan(db, post_id, hashtags(listed.caption), now)
            await import_items.settle(db, post.id, "saved", now, post_id=post_id)
            await archive.give(db, item.user_id, post_id, now)
            if not raced:
                await adoptions.end(db, [file.object_key for file in kept])
        return not raced

    async def _save(self, item: Import, post: Item, post_id: int) -> str:
        now = self.now()
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, now, idle_runs=0):
                raise Superseded
            # the feed, which may have brought it, has no use for samples
            await samples.plan(db, post_id, hashtags(await archive.caption(db, post_id)), now)
            await import_items.settle(db, post.id, "saved", now, post_id=post_id)
            await archive.give(db, item.user_id, post_id, now)
        return "saved"

    async def _lose(self, item: Import, post: Item, state: str, error: str) -> str:
        """Marks and refunds in one transaction."""
        now = self.now()
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, now, idle_runs=0):
                raise Superseded
            if await import_items.settle(db, post.id, state, now, error=error):
                await credits.refund(db, item.id, [post.id], now)
        return state

    async def sweep(self) -> None:
        """Removes what imports that are over, or killed runs, have left: objects that no post
        names, and part files. An import that may go on keeps its part files."""
        await self._post_files.sweep()
        parts = await self.objects.parts(_PARTS)
        if not parts:
            return
        async with self.database.read() as db:
            unfinished = await importing.in_states(db, *importing.UNFINISHED)
        keep = {str(item.id) for item in unfinished}
        for part in parts:
            if part.name.removeprefix(_PARTS).partition("-")[0] not in keep:
                part.unlink(missing_ok=True)
