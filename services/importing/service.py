"""What a person can do with imports. Called by bot/importing/.

Every step is one conditional transaction, so a double tap or a tap on an old card does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.importing.decisions import BATCH, Reason
from services.importing.ending import release
from services.instagram.links import Link, LinkKind
from services.jobs.engine import Engine, Job
from storage import audit, connections, credits, import_items, importing, people
from storage.database import Database
from storage.import_items import Outcome, Tally
from storage.importing import Collection, Import
from storage.people import User

KIND = "import"
PLATFORM = "instagram"
STUCK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class View:
    """All that a card shows of one import."""

    item: Import
    tally: Tally
    balance: int
    charged: int
    refunded: int
    account: str  # "@mia"
    failures: dict[str, int]  # {error word: how many}


class AlreadyRunning(BadInput):
    """`import_id`: the one that is unfinished."""

    def __init__(self, import_id: int) -> None:
        super().__init__(
            "That collection is being imported already.", "Here is the import that is running."
        )
        self.import_id = import_id


class Importing:
    def __init__(self, database: Database, engine: Engine, now: Now, *, post_limit: int) -> None:
        self._database = database
        self._engine = engine
        self._now = now
        self._post_limit = post_limit

    # ------------------------------------------------------------ begin

    async def begin(self, user_id: int, connection_id: int, link: Link) -> int:
        """Starts the preview; nothing is charged. Errors: NotAllowed, AlreadyRunning."""
        now = self._now()
        async with self._database.write() as db:
            connection = await connections.get(db, connection_id)
            if connection is None or connection.user_id != user_id:
                raise NotAllowed
            key = link.key
            if link.kind is LinkKind.SAVED:  # each account has its own
                key = f"saved:{connection.identity}"
            collection_id = await importing.keep_collection(
                db,
                user_id,
                platform=PLATFORM,
                key=key,
                title=link.title,
                url=link.url,
                now=now,
                connection_id=connection_id,
            )
            running = await importing.unfinished(db, collection_id)
            if running:
                raise AlreadyRunning(running)
            import_id = await importing.start(
                db,
                user_id=user_id,
                connection_id=connection_id,
                collection_id=collection_id,
                identity=connection.identity,
                post_limit=self._post_limit,
                now=now,
            )
            if import_id is None:  # another process was faster
                raise AlreadyRunning(await importing.unfinished(db, collection_id) or 0)
        await self._engine.enqueue(Job(KIND, import_id, 1, 0, connection.identity))
        return import_id

    async def choose(self, user_id: int, import_id: int, amount: str) -> bool:
        """The tap on the preview, "all" or "newest". False: it was answered before."""
        limit = self._post_limit if amount == "all" else min(BATCH, self._post_limit)
        return await self._go(
            user_id, import_id, ["offered"], post_limit=limit, started_at=self._now()
        )

    async def look_again(self, user_id: int, import_id: int) -> bool:
        """A fresh preview, after the filters have changed what it would show. False: nothing has
        changed, or it was answered meanwhile."""
        item = await self._mine(user_id, import_id)
        if item.pages:
            return False
        return await self._go(user_id, import_id, ["offered"], to_state="previewing")

    # ------------------------------------------------------------ stop and go

    async def pause(self, user_id: int, import_id: int) -> bool:
        item = await self._mine(user_id, import_id)
        now = self._now()
        async with self._database.write() as db:
            moved = await importing.move(
                db,
                import_id,
                now,
                from_states=["running", "waiting"],
                state="paused",
                reason=Reason.USER,
                wait_until=None,
            )
            if moved:
                await release(db, item.id, now)
        return moved

    async def resume(self, user_id: int, import_id: int) -> bool:
        return await self._go(user_id, import_id, ["paused", "waiting"])

    async def cancel(self, user_id: int, import_id: int) -> bool:
        """Keeps what is saved and gives back the rest, in one transaction."""
        await self._mine(user_id, import_id)
        now = self._now()
        async with self._database.write() as db:
            moved = await importing.move(
                db,
                import_id,
                now,
                from_states=importing.UNFINISHED,
                state="cancelled",
                reason=None,
                ended_at=now,
                wait_until=None,
            )
            if moved:
                await release(db, import_id, now)
                await import_items.drop_pending(db, import_id, now)
        return moved

    async def cancel_all(self, user_id: int) -> None:
        async with self._database.read() as db:
            items = await importing.in_states(db, *importing.UNFINISHED, user_id=user_id)
        for item in items:
            await self.cancel(user_id, item.id)

    async def retry_failed(self, user_id: int, import_id: int) -> int:
        """Opens the failed posts of an ended import again. Returns how many there were.

        Those that came by another way meanwhile stay as they are: nothing is paid for twice.
        Errors: AlreadyRunning if a newer import of the same collection is unfinished.
        """
        item = await self._mine(user_id, import_id)
        now = self._now()
        async with self._database.write() as db:
            running = await importing.unfinished(db, item.collection_id)
            if running:
                raise AlreadyRunning(running)
            if item.state not in importing.ENDED:
                return 0
            count = await import_items.reopen_failed(db, import_id)
            if count:
                await importing.move(
                    db,
                    import_id,
                    now,
                    from_states=importing.ENDED,
                    new_run=True,
                    state="running",
                    reason=None,
                    detail="",
                    wait_until=None,
                    ended_at=None,
                    more=False,
                    idle_runs=0,
                )
        if count:
            await self._enqueue(import_id)
        return count

    async def _go(
        self,
        user_id: int,
        import_id: int,
        from_states: list[str],
        *,
        to_state: str = "running",
        **to: Any,
    ) -> bool:
        await self._mine(user_id, import_id)
        async with self._database.write() as db:
            moved = await importing.move(
                db,
                import_id,
                self._now(),
                from_states=from_states,
                new_run=True,
                state=to_state,
                reason=None,
                detail="",
                wait_until=None,
                tries=0,
                idle_runs=0,
                **to,
            )
        if moved:
            await self._enqueue(import_id)
        return moved

    async def _enqueue(self, import_id: int) -> None:
        async with self._database.read() as db:
            item = await importing.get(db, import_id)
        if item and item.state in importing.LIVE:
            await self._engine.enqueue(Job(KIND, item.id, item.run, 0, item.identity))

    # ------------------------------------------------------------ for the owners

    async def stuck(self, by: User, limit: int = 8) -> list[View]:
        """Imports that have not moved for a while and that no person was asked about."""
        _leads(by)
        before = self._now() - STUCK
        async with self._database.read() as db:
            items = await importing.in_states(db, "previewing", "running", "waiting", "paused")
        quiet = [
            item.id
            for item in items
            if item.changed_at < before
            and (item.state != "paused" or item.reason in (Reason.UPSTREAM, Reason.STORAGE))
            and (item.wait_until is None or item.wait_until < before)
        ]
        return await self._views(quiet[:limit])

    async def unstick(self, by: User, import_id: int) -> bool:
        """Starts anybody's stuck import again."""
        _leads(by)
        owner = await self._owner(import_id)
        await self._note(by, "retried", import_id)
        return await self._go(owner, import_id, ["running", "waiting", "paused"])

    async def give_back(self, by: User, import_id: int) -> bool:
        """Ends anybody's stuck import; what is not saved is refunded."""
        _leads(by)
        owner = await self._owner(import_id)
        await self._note(by, "stopped and refunded", import_id)
        return await self.cancel(owner, import_id)

    async def _owner(self, import_id: int) -> int:
        async with self._database.read() as db:
            item = await importing.get(db, import_id)
        if item is None:
            raise NotAllowed
        return item.user_id

    async def _note(self, by: User, action: str, import_id: int) -> None:
        async with self._database.write() as db:
            await audit.note(db, by.id, action, f"import {import_id}", self._now())

    # ------------------------------------------------------------ look

    async def _mine(self, user_id: int, import_id: int) -> Import:
        async with self._database.read() as db:
            item = await importing.get(db, import_id)
        if item is None or item.user_id != user_id:
            raise NotAllowed
        return item

    async def view(self, user_id: int, import_id: int) -> View:
        """Errors: NotAllowed."""
        await self._mine(user_id, import_id)
        (view,) = await self._views([import_id])
        return view

    async def latest(self, user_id: int, limit: int = 8) -> list[View]:
        async with self._database.read() as db:
            items = await importing.latest(db, user_id, limit)
        return await self._views([item.id for item in items])

    async def _views(self, import_ids: list[int]) -> list[View]:
        """Six queries, however many imports."""
        async with self._database.read() as db:
            items = await importing.of_ids(db, import_ids)
            tallies = await import_items.tallies(db, import_ids)
            failures = await import_items.reasons(db, import_ids)
            totals = await credits.totals(db, import_ids)
            balances = await people.balances(db, {item.user_id for item in items})
            accounts = await connections.of_ids(
                db, {item.connection_id for item in items if item.connection_id}
            )
        views = []
        for item in items:
            account = accounts.get(item.connection_id or 0)
            charged, refunded = totals[item.id]
            views.append(
                View(
                    item=item,
                    tally=tallies.get(item.id, Tally()),
                    balance=balances.get(item.user_id, 0),
                    charged=charged,
                    refunded=refunded,
                    account=account.label if account else "a forgotten account",
                    failures=failures.get(item.id, {}),
                )
            )
        return views

    async def collections(self, user_id: int, limit: int = 6) -> list[Collection]:
        """Those imported before, last first."""
        async with self._database.read() as db:
            return await importing.collections_of(db, user_id, limit)

    async def failures(self, user_id: int, import_id: int, limit: int) -> list[Outcome]:
        """Those that are gone or failed, in the order of the list."""
        await self._mine(user_id, import_id)
        async with self._database.read() as db:
            return await import_items.outcomes(db, import_id, "gone", "failed", limit=limit)

    async def report(self, user_id: int, import_id: int) -> list[Outcome]:
        """Every listed post and what became of it."""
        await self._mine(user_id, import_id)
        async with self._database.read() as db:
            return await import_items.outcomes(db, import_id)


def _leads(user: User) -> None:
    if not user.leads:
        raise NotAllowed
