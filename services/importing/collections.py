"""Collections that keep themselves fresh, leave posts out, and are shown as one.

Called by bot/importing/collections.py and, for refreshes that are due, by the clock. Every step is
one conditional transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.importing import filters as sieve
from services.importing.filters import ImportFilters
from services.importing.refresh import DAYS, first_refresh, next_refresh
from services.importing.service import KIND, AlreadyRunning
from services.jobs.engine import Engine, Job
from storage import collections, connections, import_items, importing, library
from storage.collections import Due
from storage.connections import Connection
from storage.database import Database, Transaction
from storage.importing import Collection, Import
from storage.library import Filters
from storage.people import User

LISTED = 30


@dataclass(frozen=True, slots=True)
class CollectionView:
    """All that the card of one collection shows.

    `posts`: in the library, with those of its parts. `looked_at`: when an import of it was last
    done. `unfinished`: the import that is under way or asked about. `failed`: (import, number of
    posts) that can be tried again.
    """

    collection: Collection
    posts: int
    looked_at: datetime | None
    account: Connection | None
    unfinished: Import | None
    failed: tuple[int, int] | None
    head: Collection | None
    parts: list[Collection]

    @property
    def filters(self) -> ImportFilters:
        return sieve.from_json(self.collection.filters)


class Collections:
    def __init__(self, database: Database, engine: Engine, now: Now, *, post_limit: int) -> None:
        self._database = database
        self._engine = engine
        self._now = now
        self._post_limit = post_limit

    # ------------------------------------------------------------ look

    async def all(self, user_id: int) -> list[Collection]:
        """Last imported first."""
        async with self._database.read() as db:
            return await importing.collections_of(db, user_id, LISTED)

    async def view(self, user_id: int, collection_id: int) -> CollectionView:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            one = await _mine(db, user_id, collection_id)
            looked = await collections.looked(db, one.id)
            unfinished = await importing.unfinished(db, one.id)
            return CollectionView(
                collection=one,
                posts=await library.count(db, user_id, Filters(collection_id=one.id)),
                looked_at=looked.ended_at if looked else None,
                account=await _account(db, user_id, one),
                unfinished=await importing.get(db, unfinished) if unfinished else None,
                failed=await import_items.retryable(db, one.id),
                head=await collections.get(db, user_id, one.merged_into or 0),
                parts=await collections.parts(db, one.id),
            )

    # ------------------------------------------------------------ refresh

    async def refresh(self, user: User, collection_id: int, every: str) -> bool:
        """Switches to "daily", "weekly" or "never". False: it was so before.

        Errors: NotAllowed; BadInput while there is nothing to go on from.
        """
        now = self._now()
        async with self._database.write() as db:
            one = await _mine(db, user.id, collection_id)
            if every not in (*DAYS, "never"):
                raise NotAllowed
            if one.refresh == every:
                return False
            to: dict[str, Any] = {"refresh": every, "refresh_at": None}
            if every != "never":
                account = await _refreshable(db, user.id, one)
                to["connection_id"] = account.id
                to["refresh_at"] = first_refresh(every, now, user.zone)
            await collections.change(db, one.id, **to)
        return True

    async def refresh_now(self, user_id: int, collection_id: int) -> int:
        """Brings what is new, at once. Returns the import.

        Errors: NotAllowed; BadInput; AlreadyRunning.
        """
        async with self._database.write() as db:
            one = await _mine(db, user_id, collection_id)
            account = await _refreshable(db, user_id, one)
            job = await self._start(db, user_id, one.id, account.id, account.identity)
            if job is None:
                raise AlreadyRunning(await importing.unfinished(db, one.id) or 0)
        await self._engine.enqueue(job)
        return job.row

    async def start_due(self) -> None:
        """From the clock: each refresh whose time has come, once, however late it is.

        An import of the collection that is unfinished counts for it. One whose account is refused
        waits until that works again.
        """
        async with self._database.read() as db:
            due = await collections.due(db, self._now())
        for one in due:
            job = await self._take(one)
            if job:  # if we die before this, reconcile finds the import
                await self._engine.enqueue(job)

    async def _take(self, one: Due) -> Job | None:
        next_at = next_refresh(one.refresh, one.refresh_at, self._now(), one.zone)
        async with self._database.write() as db:
            if not await collections.take(db, one, next_at):
                return None
            return await self._start(db, one.user_id, one.id, one.connection_id, one.identity)

    async def _start(
        self, db: Transaction, user_id: int, collection_id: int, connection_id: int, identity: str
    ) -> Job | None:
        import_id = await importing.start(
            db,
            user_id=user_id,
            connection_id=connection_id,
            collection_id=collection_id,
            identity=identity,
            post_limit=self._post_limit,
            now=self._now(),
            by_clock=True,
        )
        return Job(KIND, import_id, 1, 0, identity) if import_id else None

    # ------------------------------------------------------------ filters

    async def set_filters(self, user_id: int, collection_id: int, **to: Any) -> None:
        """Sets fields of ImportFilters. A preview that is not answered forgets what it has listed:
        it would show, and charge, what is left out now. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            one = await _mine(db, user_id, collection_id)
            before = sieve.from_json(one.filters)
            after = replace(before, **to)
            if after == before:
                return
            await collections.change(db, one.id, filters=sieve.to_json(after))
            import_id = await importing.unfinished(db, one.id)
            unpaid = ["previewing", "offered"]
            if import_id and await importing.move(
                db, import_id, now, from_states=unpaid, cursor=None, more=True, pages=0
            ):
                await import_items.forget(db, import_id)

    # ------------------------------------------------------------ shown as one

    async def others(self, user_id: int, collection_id: int) -> list[Collection]:
        """What can be shown as part of this one. Errors: NotAllowed."""
        async with self._database.read() as db:
            one = await _mine(db, user_id, collection_id)
            known = await importing.collections_of(db, user_id, LISTED)
        taken = {one.id} | {other.merged_into for other in known}
        return [other for other in known if other.id not in taken and other.merged_into is None]

    async def merge(self, user_id: int, head: int, part: int) -> bool:
        """Shows `part` as part of `head`. False: one of them is merged already."""
        async with self._database.write() as db:
            await _mine(db, user_id, head)
            await _mine(db, user_id, part)
            return head != part and await collections.merge(db, user_id, head, part)

    async def unmerge(self, user_id: int, part: int) -> bool:
        """Each shows its own posts again. False: it was so before."""
        async with self._database.write() as db:
            await _mine(db, user_id, part)
            return await collections.unmerge(db, user_id, part)


async def _mine(db: Transaction, user_id: int, collection_id: int) -> Collection:
    one = await collections.get(db, user_id, collection_id)
    if one is None:
        raise NotAllowed
    return one


async def _account(db: Transaction, user_id: int, one: Collection) -> Connection | None:
    """Its account; after that was forgotten, a new session of the same one."""
    if one.connection_id:
        return await connections.get(db, one.connection_id)
    looked = await collections.looked(db, one.id)
    return await connections.find(db, user_id, "instagram", looked.identity) if looked else None


async def _refreshable(db: Transaction, user_id: int, one: Collection) -> Connection:
    """The account to refresh with. Errors: BadInput."""
    if await collections.looked(db, one.id) is None:
        raise BadInput(
            "It has not been imported yet, so I can't tell what is new in it.",
            "Import it once; from then on it can refresh itself.",
        )
    account = await _account(db, user_id, one)
    if account is None or account.fingerprint is None:
        raise BadInput(
            "The account that this collection is saved in is not connected.",
            "Connect it again with /connect, then try once more.",
        )
    return account
