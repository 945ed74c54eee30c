"""One post: its files from the CDN into the archive, or the reason why not. Called by the job.

Each way out is one transaction that begins with the fence of the import's run, settles the item and
moves the money, so the same post is never charged, saved or refunded twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from services.clock import Now
from services.errors import MediaRefused, PostGone
from services.instagram.cdn import Cdn, Fetched, discard
from services.instagram.posts import Item as RawItem
from services.instagram.posts import (
    ListedPost,
    MediaSource,
    UnreadablePost,
    hashtags,
    read_post,
)
from storage import adoptions, archive, credits, import_items, importing, samples
from storage.archive import NewMedia, NewPost
from storage.database import Database
from storage.import_items import Item
from storage.importing import Import
from storage.objects import ObjectStore, to_the_end

PLATFORM = "instagram"
_PARTS = "import-"  # part files: import, item, position

Downloaded = tuple[Fetched, MediaSource]

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

    async def _download(self, item: Import, post: Item, listed: ListedPost) -> list[Downloaded]:
        parts: list[Path] = []
        files: list[Downloaded] = []
        try:
            for source in listed.media:
                part = await self.objects.part(_part_name(item, post, source))
                parts.append(part)
                fetched = await self.cdn.fetch_with_tries(source.url, source.kind, part)
                files.append((fetched, source))
        except MediaRefused:
            for part in parts:
                discard(part)
            raise
        return files

    async def _archive(
        self, item: Import, post: Item, listed: ListedPost, files: list[Downloaded]
    ) -> str:
        """Keys into the books, files into the store, then rows that name them; whatever stops that
        takes it back, and after a kill `sweep` does.

        The commit runs to its end even when it is cancelled: else it could land after the files
        that it names were taken back.
        """
        new = NewPost(
            platform=PLATFORM,
            platform_id=listed.platform_id,
            shortcode=listed.shortcode,
            kind=listed.kind,
            author_id=listed.author_id,
            author=listed.author,
            caption=listed.caption,
            taken_at=listed.taken_at,
            raw=listed.raw,
        )
        kept = [_kept(item, post, listed, fetched, source) for fetched, source in files]
        try:
            await to_the_end(self._announce(item, kept))
            for (fetched, _), one in zip(files, kept, strict=True):
                await self.objects.adopt(fetched.path, one.object_key)
            raced = await to_the_end(self._name(item, post, new, kept))
        except BaseException:  # cancelled too, because another post's failure stops this one
            await to_the_end(self._take_back([file.object_key for file in kept]))
            raise
        if raced:  # somebody else brought the same post in this very moment
            await self._take_back([file.object_key for file in kept])
        return "saved"

    async def _announce(self, item: Import, kept: list[NewMedia]) -> None:
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, self.now()):
                raise Superseded
            await adoptions.begin(db, item.id, item.run, [file.object_key for file in kept])

    async def _name(self, item: Import, post: Item, new: NewPost, kept: list[NewMedia]) -> bool:
        """The rows that name the files. True: another import has brought the post meanwhile."""
        now = self.now()
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, now, idle_runs=0):
                raise Superseded
            raced = await archive.find(db, new.platform, new.platform_id) is not None
            post_id = await archive.save(db, new, kept, now)
            await samples.plan(db, post_id, hashtags(new.caption), now)
            await import_items.settle(db, post.id, "saved", now, post_id=post_id)
            await archive.give(db, item.user_id, post_id, now)
            if not raced:
                await adoptions.end(db, [file.object_key for file in kept])
        return raced

    async def _save(self, item: Import, post: Item, post_id: int) -> str:
        now = self.now()
        async with self.database.write() as db:
            if not await importing.fence(db, item.id, item.run, now, idle_runs=0):
                raise Superseded
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
        async with self.database.read() as db:
            left = await adoptions.left(db)
        await self._take_back(left)
        parts = await self.objects.parts(_PARTS)
        if not parts:
            return
        async with self.database.read() as db:
            unfinished = await importing.in_states(db, *importing.UNFINISHED)
        keep = {str(item.id) for item in unfinished}
        for part in parts:
            if part.name.removeprefix(_PARTS).partition("-")[0] not in keep:
                part.unlink(missing_ok=True)

    async def _take_back(self, keys: list[str]) -> None:
        """The post was not saved after all: bytes that nobody's post names must not stay."""
        for key in keys:
            async with self.database.read() as db:
                named = await archive.media_exists(db, key)
            if not named:
                await self.objects.delete(key)
            async with self.database.write() as db:
                await adoptions.end(db, [key])


def _part_name(item: Import, post: Item, source: MediaSource) -> str:
    return f"{_PARTS}{item.id}-{post.id}-{source.position}.part"


def _kept(
    item: Import, post: Item, listed: ListedPost, fetched: Fetched, source: MediaSource
) -> NewMedia:
    """The file as it will lie in the store, under a key that no other import or run writes to: an
    old run that wakes up late takes back its own files only."""
    name = f"{post.id}-{item.run}-{source.position}.{fetched.extension}"
    return NewMedia(
        position=source.position,
        kind=source.kind,
        mime=fetched.mime,
        bytes=fetched.bytes,
        sha256=fetched.sha256,
        object_key=f"{PLATFORM}/{listed.platform_id}/{name}",
        width=source.width or None,
        height=source.height or None,
    )
