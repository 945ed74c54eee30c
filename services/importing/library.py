"""What a person can do with their library: look, filter, listen, convert, take out, link.

Called by bot/importing/library.py and bot/notices.py (links), and by the clock.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from services.accounts.downloads import link_to
from services.clock import Now
from services.errors import NotAllowed, ReelayError, Remedy, StorageFailed
from services.importing.harmony import neighbours, tempo_distance
from services.media.runner import MediaFailed, MediaRunner
from storage import downloads, importing, library, samples
from storage.database import Database
from storage.importing import Collection
from storage.library import Filters, LibraryPost
from storage.objects import ObjectStore
from storage.samples import Sample

PAGE = 6
UNDO = timedelta(minutes=10)
LINK_LIFE = timedelta(hours=24)
SIMILAR = 12
SIMILAR_TEMPO = 0.06  # a share: what a pitch fader reaches


class FileMissing(ReelayError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "The file of this post is missing from the store."
    default_next_step = (
        "Delete the post here and import it again; whoever runs this bot can look into the store."
    )


class SoundFailed(ReelayError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "The sound of this film could not be converted."
    default_next_step = "The film itself is fine: press Video to get it."


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of the library. `total`: of all pages; `collection`: its title, if one is chosen."""

    posts: list[LibraryPost]
    samples: dict[int, list[Sample]]
    filters: Filters
    page: int
    total: int
    collection: str = ""

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to, most frequent first."""

    authors: list[tuple[str, int]]
    tags: list[tuple[str, int]]
    collections: list[Collection]


class Library:
    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        runner: MediaRunner,
        now: Now,
        *,
        public_url: str,
    ) -> None:
        self._database = database
        self._objects = objects
        self._runner = runner
        self._now = now
        self._public_url = public_url

    # ------------------------------------------------------------ look

    async def shelf(
        self, user_id: int, *, filters: Filters | None = None, page: int | None = None
    ) -> Shelf:
        """The page that the person looks at; new filters begin at the first page. Kept."""
        async with self._database.read() as db:
            before = await library.view(db, user_id)
            kept, at = before if filters is None else (filters, 0)
            total = await library.count(db, user_id, kept)
            at = max(0, min(at if page is None else page, -(-total // PAGE) - 1))
            posts = await library.page(db, user_id, kept, PAGE, at * PAGE)
            found = await samples.of_posts(db, [post.id for post in posts])
            title = None
            if kept.collection_id:
                title = await library.collection_title(db, user_id, kept.collection_id)
        if (kept, at) != before:
            async with self._database.write() as db:
                await library.keep_view(db, user_id, kept, at)
        return Shelf(posts, found, kept, at, total, title or "")

    async def filters(self, user_id: int) -> Filters:
        async with self._database.read() as db:
            return (await library.view(db, user_id))[0]

    async def choices(self, user_id: int, limit: int = 8) -> Choices:
        async with self._database.read() as db:
            return Choices(
                await library.authors(db, user_id, limit),
                await library.tags(db, user_id, limit),
                await importing.collections_of(db, user_id, limit, parts=False),
            )

    async def post(self, user_id: int, post_id: int) -> tuple[LibraryPost, list[Sample]]:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            post = await library.get(db, user_id, post_id)
            if post is None:
                raise NotAllowed("That post is not in your library any more.", "Open /library.")
            return post, (await samples.of_posts(db, [post_id])).get(post_id, [])

    async def similar(self, user_id: int, post_id: int) -> Shelf | None:
        """The nearest in tempo among those whose key goes with this one's; None without any."""
        _, files = await self.post(user_id, post_id)
        film = next((file for file in files if file.bpm or file.key), None)
        chosen: list[int] = []
        if film:
            async with self._database.read() as db:
                known = await library.tempos_and_keys(db, user_id)
            chosen = rank_similar(film.bpm, film.key, [one for one in known if one[0] != post_id])
        if not chosen:
            return None
        return await self.shelf(user_id, filters=Filters(posts=tuple(chosen[:SIMILAR])))

    # ------------------------------------------------------------ files

    @asynccontextmanager
    async def files(self, keys: list[str]) -> AsyncIterator[list[Path]]:
        """Stored objects as files, in order, for as long as the block lasts.

        Errors: FileMissing, StorageFailed.
        """
        async with AsyncExitStack() as stack:
            try:
                paths = [await stack.enter_async_context(self._objects.local(key)) for key in keys]
            except FileNotFoundError as error:
                raise FileMissing(subject=str(error)) from error
            except OSError as error:
                raise StorageFailed(
                    "Reelay's file store does not answer.", "Try again in a minute."
                ) from error
            yield paths

    @asynccontextmanager
    async def converted(self, sample: Sample, kind: str) -> AsyncIterator[Path]:
        """The sound of a film as "wav" or "mp3". Errors: SoundFailed, and those of `files`."""
        incoming = await self._objects.folder()  # what a kill leaves there is swept
        with tempfile.TemporaryDirectory(dir=incoming, prefix="sound-") as folder:
            target = Path(folder) / f"sound.{kind}"
            async with self.files([sample.object_key]) as (source,):
                arguments = {"source": str(source), "target": str(target), "kind": kind}
                try:
                    await self._runner.run("convert", arguments)
                except MediaFailed as error:
                    raise SoundFailed(subject=sample.object_key) from error
            yield target

    async def link(self, user_id: int, key: str, name: str) -> str | None:
        """An address at the side server that serves this object for a day; None: it has none."""
        return await link_to(
            self._database,
            user_id,
            key,
            name,
            base=self._public_url,
            expires_at=self._now() + LINK_LIFE,
        )

    # ------------------------------------------------------------ take out

    async def remove(self, user_id: int, post_id: int) -> bool:
        """Out of the library; its bytes stay until the time to undo is over. False: not there."""
        async with self._database.write() as db:
            return await library.remove(db, user_id, post_id, self._now())

    async def put_back(self, user_id: int, post_id: int) -> bool:
        """False: the time to undo is over."""
        async with self._database.write() as db:
            return await library.put_back(db, user_id, post_id, self._now() - UNDO)

    async def sweep(self) -> int:
        """From the clock: ends removals that nobody undid (returns how many) and old links."""
        now = self._now()
        async with self._database.write() as db:
            removed = await library.forget_removed(db, now - UNDO)
            await downloads.prune(db, now)
        return removed


def rank_similar(
    bpm: float | None, key: str | None, others: list[tuple[int, float | None, str | None]]
) -> list[int]:
    """Post ids, best first: keys that go together, tempos within reach (half and double too).

    `others`: (post id, BPM, key). What both have is compared, and both have something; who can be
    compared in tempo and key comes before who can't.
    """
    ranked: list[tuple[int, bool, float, int]] = []
    friends = neighbours(key) if key else ()
    for post_id, its_bpm, its_key in others:
        in_tempo, in_key = bool(bpm and its_bpm), bool(key and its_key)
        distance = tempo_distance(its_bpm, bpm) if bpm and its_bpm else 0.0
        if distance > SIMILAR_TEMPO or (in_key and its_key not in friends):
            continue
        if in_tempo or in_key:
            ranked.append((-in_tempo - in_key, in_key and its_key != key, distance, post_id))
    return list(dict.fromkeys(post_id for *_, post_id in sorted(ranked)))


def without(filters: Filters, name: str) -> Filters:
    """The same filters with one of them off."""
    return replace(filters, **{name: getattr(Filters(), name)})
