"""Files on their way into the library of stories: from the chat, from posts, from the folder.

Called by bot/stories, by services.stories.folder and by the clock. A file's row is there, with the
key of its object, before the object is: whatever a killed process leaves is found by its row.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath

from services.clock import Now
from services.errors import NotAllowed, StorageFailed
from services.jobs.engine import Engine
from services.stories.accounts import theirs
from services.stories.fit import fit_job
from services.stories.library import NOTE, UNDO
from storage import library, notices, samples, story_accounts, story_items
from storage.database import Database, Transaction
from storage.objects import ObjectStore, digest, file_digest, to_the_end
from storage.samples import Sample
from storage.story_items import StoryItem

ARRIVES_WITHIN = timedelta(minutes=15)  # a file; after that its process is gone
OF_A_POST = 10  # files
_ENDINGS = {"photo": ".jpg", "video": ".mp4"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file on its way: its row, and the key under which it will be stored."""

    item_id: int
    key: str


@dataclass(frozen=True, slots=True)
class Added:
    """`known`: the library had the very same file already, and `item` is that one."""

    item: StoryItem
    known: bool


class Arrivals:
    def __init__(self, database: Database, objects: ObjectStore, engine: Engine, now: Now) -> None:
        self._database = database
        self._objects = objects
        self._engine = engine
        self._now = now

    async def begin(
        self,
        user_id: int,
        account_id: int,
        *,
        name: str,
        kind: str,
        source: str,
        category_id: int | None = None,
        note: str = "",
    ) -> Arrival:
        """`kind`: photo | video, as its sender calls it. `source`: as StoryItem has it.

        Errors: NotAllowed.
        """
        async with self._database.write() as db:
            account = await theirs(db, user_id, account_id)
            item_id = await story_items.add(
                db,
                account.id,
                self._now(),
                state="arriving",
                kind=kind,
                source=source,
                name=name[:200],
                sha256="",
                original_key="",
                category_id=category_id,
                note=note[:NOTE],
                added_by=user_id,
            )
            key = _key(account.id, item_id, name, kind)
            await story_items.change(db, item_id, original_key=key)
        return Arrival(item_id, key)

    async def part(self, arrival: Arrival) -> Path:
        """Where the file may be written before it is `arrive`d."""
        return await self._objects.part(f"story-{arrival.item_id}.part")

    async def arrive(self, arrival: Arrival, part: Path) -> Added:
        """The whole file lies at `part`, which is gone afterwards. Errors: StorageFailed,
        NotAllowed if nobody waits for it any more."""
        try:
            hashed = await asyncio.to_thread(file_digest, part)
            await self._objects.adopt(part, arrival.key)
        except OSError as error:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            await self.give_up(arrival)
            raise StorageFailed(
                "The file could not be stored.", "Free disk space, then send it again."
            ) from error
        return await to_the_end(self._arrived(arrival, hashed))

    async def _arrived(self, arrival: Arrival, hashed: str) -> Added:
        """The object is there. The sweep may have come first, which is no harm."""
        async with self._database.write() as db:
            item = await story_items.get(db, arrival.item_id)
            waits = item is not None and item.state == "arriving"
            known = await _known(db, item.account_id, hashed) if item and waits else None
            if item and waits:
                state = "dropped" if known else "fitting"
                named = "" if known else hashed  # a dropped one is nobody's twin
                await story_items.change(db, item.id, state=state, sha256=named)
            if known and known.removed_at is not None:
                await story_items.bring_back(db, known.id)
            shown = await story_items.get(db, known.id if known else arrival.item_id)
        if item is None:
            await self._objects.delete(arrival.key)  # no row names it any more
        if item is None or shown is None or shown.state not in story_items.SHOWN:
            raise NotAllowed("The file came too late.", "Send it again.")
        if known:
            await self._forget(item)
        elif waits:
            await self._engine.enqueue(fit_job(shown))
        return Added(shown, known is not None)

    async def give_up(self, arrival: Arrival) -> None:
        """It will not come."""
        async with self._database.write() as db:
            await story_items.change(db, arrival.item_id, from_state="arriving", state="dropped")
            item = await story_items.get(db, arrival.item_id)
        if item is not None and item.state == "dropped":
            await self._forget(item)

    async def _forget(self, item: StoryItem) -> None:
        await self._objects.delete(item.original_key)
        async with self._database.write() as db:
            await story_items.delete(db, item.id)

    async def add_post(self, user_id: int, account_id: int, post_id: int) -> list[Added]:
        """The files of an imported post, each a story of its own. Errors: NotAllowed,
        StorageFailed."""
        async with self._database.read() as db:
            post = await library.get(db, user_id, post_id)
            files = (await samples.of_posts(db, [post_id])).get(post_id, [])
        if post is None or not files:
            raise NotAllowed("That post is not in your library any more.", "Open /library.")
        name = f"{post.author} {post.shortcode}"
        return [
            await self._add_file(user_id, account_id, f"{name} {file.position}", file)
            for file in files[:OF_A_POST]
        ]

    async def _add_file(self, user_id: int, account_id: int, name: str, file: Sample) -> Added:
        """A copy: the post may be deleted one day."""
        ending = PurePosixPath(file.object_key).suffix
        kind = "photo" if file.kind == "image" else "video"
        arrival = await self.begin(
            user_id, account_id, name=f"{name}{ending}", kind=kind, source="post"
        )
        part = await self.part(arrival)
        try:
            async with self._objects.local(file.object_key) as path:
                await asyncio.to_thread(shutil.copyfile, path, part)
        except OSError as error:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            await self.give_up(arrival)
            raise StorageFailed("The post's file could not be read.", "Try again.") from error
        return await self.arrive(arrival, part)

    # ------------------------------------------------------------ the clock

    async def sweep(self) -> None:
        """From the clock: what killed processes have left, and what was removed for good."""
        now = self._now()
        async with self._database.read() as db:
            left = await story_items.arriving(db, now - ARRIVES_WITHIN)
            removed = await story_items.purgeable(db, now - UNDO)
        for item in left:
            await self._settle(item)
        for item in removed:
            await self._purge(item)

    async def _purge(self, item: StoryItem) -> None:
        """Its row stays: stories name it. Until its objects are gone it is come back to."""
        async with self._database.write() as db:
            current = await story_items.get(db, item.id)
            if current is None or current.removed_at is None:  # it was just put back
                return
            await story_items.change(db, item.id, state="leaving")
        for key in story_items.objects(current):
            await self._objects.delete(key)
        async with self._database.write() as db:
            await story_items.change(db, item.id, state="gone", fitted_key=None, preview_key=None)

    async def _settle(self, item: StoryItem) -> None:
        """Its process was killed while the file was on its way."""
        if item.state == "dropped":
            await self._forget(item)
        elif await self._objects.size(item.original_key) is not None:
            hashed = await digest(self._objects, item.original_key)
            await self._arrived(Arrival(item.id, item.original_key), hashed)
        else:
            async with self._database.write() as db:
                account = await story_accounts.get(db, item.account_id)
                await story_items.delete(db, item.id)
                # a folder's is still there, a post's too
                if account and item.source in ("chat", "compressed"):
                    await notices.add(
                        db,
                        item.added_by or account.user_id,
                        "story_lost",
                        self._now(),
                        once=f"story-lost-{item.id}",
                        name=item.name,
                    )


async def _known(db: Transaction, account_id: int, hashed: str) -> StoryItem | None:
    """The file that has these bytes already; none where its own are deleted."""
    same = await story_items.same_bytes(db, account_id, hashed)
    return next((one for one in same if one.state in story_items.SHOWN), None)


def _key(account_id: int, item_id: int, name: str, kind: str) -> str:
    """Of the original. Its ending is for people who get it as a file: only letters and digits."""
    ending = PurePosixPath(name).suffix.lower()
    plain = ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 6
    return f"stories/{account_id}/{item_id}/original{ending if plain else _ENDINGS[kind]}"
