"""The files of a post: from the CDN into the object store, and back out where no row names them.

Called by the capabilities that archive posts; which rows name the files, and under which fence, is
theirs to say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.errors import MediaRefused
from services.instagram.cdn import Cdn, Fetched, discard
from services.instagram.posts import ListedPost, MediaSource
from storage import adoptions, archive
from storage.archive import NewMedia, NewPost
from storage.database import Database
from storage.objects import ObjectStore, to_the_end

PLATFORM = "instagram"

Downloaded = tuple[Fetched, MediaSource]
Announce = Callable[[list[str]], Coroutine[Any, Any, None]]
"""Writes the object keys into the books (storage.adoptions), in one transaction."""
Name = Callable[[list[NewMedia]], Coroutine[Any, Any, bool]]
"""Writes the rows that name the files, in one transaction. False: the post has its files already.
Whatever it raises means that nothing was written."""


@dataclass(frozen=True, slots=True)
class PostFiles:
    database: Database
    objects: ObjectStore
    cdn: Cdn

    async def download(self, listed: ListedPost, parts: str) -> list[Downloaded]:
        """All files of the post. `parts`: how the names of their part files begin; what an earlier
        try left under the same names is continued.

        Errors: MediaRefused (no part stays), StorageFailed, OSError.
        """
        begun: list[Path] = []
        files: list[Downloaded] = []
        try:
            for source in listed.media:
                part = await self.objects.part(f"{parts}-{source.position}.part")
                begun.append(part)
                fetched = await self.cdn.fetch_with_tries(source.url, source.kind, part)
                files.append((fetched, source))
        except MediaRefused:
            for part in begun:
                discard(part)
            raise
        return files

    async def keep(
        self,
        listed: ListedPost,
        files: Sequence[Downloaded],
        owner: str,
        announce: Announce,
        name: Name,
    ) -> None:
        """Keys into the books, files into the store, then rows that name them; whatever stops that
        takes it back, and after a kill `sweep` does.

        `owner` is in the keys: nobody else, and no other run, may use the same one, so that an old
        run that wakes up late takes back its own files only. The commit runs to its end even when
        it is cancelled: else it could land after the files that it names were taken back.
        """
        kept = [_kept(listed, owner, fetched, source) for fetched, source in files]
        try:
            await to_the_end(announce([file.object_key for file in kept]))
            for (fetched, _), one in zip(files, kept, strict=True):
                await self.objects.adopt(fetched.path, one.object_key)
            named = await to_the_end(name(kept))
        except BaseException:  # cancelled too, because another post's failure stops this one
            await to_the_end(self._take_back([file.object_key for file in kept]))
            raise
        if not named:  # somebody else brought the same post in this very moment
            await self._take_back([file.object_key for file in kept])

    async def sweep(self) -> None:
        """Removes what killed runs have left in the store and no row names."""
        async with self.database.read() as db:
            left = await adoptions.left(db)
        await self._take_back(left)

    async def _take_back(self, keys: list[str]) -> None:
        """Bytes that nobody's post names must not stay."""
        for key in keys:
            async with self.database.read() as db:
                named = await archive.media_exists(db, key)
            if not named:
                await self.objects.delete(key)
            async with self.database.write() as db:
                await adoptions.end(db, [key])


def new_post(listed: ListedPost) -> NewPost:
    return NewPost(
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


def _kept(listed: ListedPost, owner: str, fetched: Fetched, source: MediaSource) -> NewMedia:
    """The file as it will lie in the store."""
    name = f"{owner}-{source.position}.{fetched.extension}"
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
