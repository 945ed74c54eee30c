"""What a person and the clock do with the figures of an account: keep them, sync them, look at the
log, forget them.

Called by bot/insights, services.web and the clock. Every step is one conditional transaction, so a
double tap or a double tick does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.accounts.meta import MetaLogins
from services.clock import Now
from services.errors import BadInput, NotAllowed, PermissionMissing, TokenRefused
from services.insights.days import last_day
from services.insights.metrics import METRICS
from services.jobs.engine import Engine, Job
from storage import audit, insights, meta_accounts, people, syncs
from storage.database import Database, Transaction
from storage.insights import InsightAccount
from storage.syncs import UNFINISHED, Sync, SyncResult

KIND = "sync"
HISTORY_DAYS = 365
KEEP_LOG = timedelta(days=90)
_PLACES = {metric.key: place for place, metric in enumerate(METRICS)}


@dataclass(frozen=True, slots=True)
class SyncView:
    """`results`: in the order in which the metrics are asked for."""

    sync: Sync
    account: InsightAccount
    results: list[SyncResult]


class AlreadySyncing(BadInput):
    """`sync_id`: the one that is unfinished."""

    def __init__(self, sync_id: int) -> None:
        super().__init__("The figures of that account are being read already.", "Here it is.")
        self.sync_id = sync_id


class Insights:
    """`history_days`: how far back the figures are fetched."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        logins: MetaLogins,
        now: Now,
        *,
        history_days: int = HISTORY_DAYS,
    ) -> None:
        self._database = database
        self._engine = engine
        self._logins = logins
        self._now = now
        self.history_days = history_days

    # ------------------------------------------------------------ accounts

    async def accounts(self, user_id: int) -> list[InsightAccount]:
        """The person's own and the team's, oldest first; also those that are not connected any
        more and have a history."""
        async with self._database.read() as db:
            team = await people.team_of(db, user_id)
            unkept = await insights.unkept(db, team)
            if not unkept:
                return await insights.of_users(db, team)
        await self._keep(unkept)
        async with self._database.read() as db:
            return await insights.of_users(db, team)

    async def one(self, user_id: int, account_id: int = 0) -> InsightAccount:
        """0: the first that is connected, or else the first. Errors: NotAllowed."""
        accounts = await self.accounts(user_id)
        if not accounts:
            raise NotAllowed(
                "No professional Instagram account is connected at Meta.",
                "Connect one with /connect: its figures are then read every day.",
            )
        if not account_id:
            return next((one for one in accounts if one.meta_id is not None), accounts[0])
        found = next((one for one in accounts if one.id == account_id), None)
        if found is None:
            raise NotAllowed("That account is gone.", "Open /insights for those that are there.")
        return found

    async def log_in_changed(self, user_id: int) -> None:
        """What a log-in without the permission could not read is not left for another day."""
        own = [one for one in await self.accounts(user_id) if one.user_id == user_id]
        for account in own:
            async with self._database.write() as db:
                last = await syncs.latest(db, account.id, 1)
                told = await syncs.results(db, [one.id for one in last])
                errors = {one.error for results in told.values() for one in results}
                if PermissionMissing.__name__ in errors:
                    await insights.change(db, account.id, synced_day=None)

    async def set_digest(self, user_id: int, account_id: int, on: bool) -> None:
        """It goes to whose account it is. Errors: NotAllowed."""
        account = await self.one(user_id, account_id or -1)
        if account.user_id != user_id:
            raise NotAllowed("The digest goes to who connected the account.", "Ask them.")
        async with self._database.write() as db:
            await insights.change(db, account_id, digest=on)

    async def forget(self, user_id: int, account_id: int) -> InsightAccount:
        """Deletes all that was ever read of it, at once. Its own person only, and not while it is
        connected: the next daily sync would fetch it all again. Errors: NotAllowed, BadInput."""
        account = await self.one(user_id, account_id or -1)
        if account.user_id != user_id:
            raise NotAllowed("Only who connected the account can delete its figures.")
        if account.meta_id is not None:
            raise BadInput(
                f"@{account.username} is still connected at Meta, so its figures would come back.",
                "Forget its log-in first, then delete the figures.",
            )
        async with self._database.write() as db:
            await insights.delete(db, account_id)
            await audit.note(
                db, user_id, "deleted the figures of", f"@{account.username}", self._now()
            )
        return account

    async def _keep(self, meta_ids: list[int]) -> None:
        now = self._now()
        async with self._database.write() as db:
            for login in (await meta_accounts.of_ids(db, meta_ids)).values():
                await insights.keep(db, login.user_id, login, now)

    # ------------------------------------------------------------ syncs

    async def begin(self, user_id: int, account_id: int) -> int:
        """Returns the sync's id. Errors: NotAllowed, AlreadySyncing, TokenRefused."""
        account = await self.one(user_id, account_id)
        async with self._database.read() as db:
            login = await meta_accounts.get(db, account.meta_id or 0)
            zone = await zone_of(db, account)
        if login is None:
            raise TokenRefused(
                f"@{account.username} is not connected to Meta any more.",
                "Connect it again with /connect: the days that are missing are filled then.",
            )
        if login.problem is not None:
            raise TokenRefused(login.problem)
        now = self._now()
        async with self._database.write() as db:
            made = await syncs.start(db, account.id, last_day(now, zone), user_id, now)
            if made is None:
                running = await syncs.live(db, account.id)
                raise AlreadySyncing(running.id if running else 0)
        await self._engine.enqueue(job_of(made[0], account.id, made[1]))
        return made[0]

    async def cancel(self, user_id: int, sync_id: int) -> bool:
        """What was read is kept. False: it has ended. Errors: NotAllowed."""
        await self.view(user_id, sync_id)
        now = self._now()
        async with self._database.write() as db:
            return await syncs.move(
                db,
                sync_id,
                now,
                from_states=UNFINISHED,
                state="canceled",
                wait_until=None,
                ended_at=now,
            )

    async def view(self, user_id: int, sync_id: int) -> SyncView:
        """Errors: NotAllowed."""
        async with self._database.read() as db:
            sync = await syncs.get(db, sync_id)
        if sync is None:
            raise NotAllowed("That sync is gone.", "Open /insights for the latest.")
        account = await self.one(user_id, sync.account_id)
        return (await self._views(account, [sync]))[0]

    async def log(
        self, user_id: int, account_id: int, limit: int = 8, offset: int = 0
    ) -> list[SyncView]:
        """Newest first; of the last 90 days. Errors: NotAllowed."""
        account = await self.one(user_id, account_id)
        async with self._database.read() as db:
            found = await syncs.latest(db, account.id, limit, offset)
        return await self._views(account, found)

    async def _views(self, account: InsightAccount, found: list[Sync]) -> list[SyncView]:
        async with self._database.read() as db:
            results = await syncs.results(db, [one.id for one in found])
        return [
            SyncView(one, account, sorted(results[one.id], key=lambda result: _place(result)))
            for one in found
        ]

    # ------------------------------------------------------------ the clock

    async def due(self) -> list[Job]:
        """Begins the daily sync of every account whose day is over and whose log-in works, also
        of those that were connected a moment ago; returns their jobs."""
        async with self._database.read() as db:
            unkept = await insights.unkept(db)
        if unkept:
            await self._keep(unkept)
        now = self._now()
        async with self._database.read() as db:
            working = await insights.working(db)
        begun = []
        for account, zone in working:
            day = last_day(now, ZoneInfo(zone))
            if account.synced_day is None or account.synced_day < day:
                begun.append(await self._begin_daily(account.id, day, now))
        return [job for job in begun if job is not None]

    async def _begin_daily(self, account_id: int, day: date, now: datetime) -> Job | None:
        async with self._database.write() as db:
            account = await insights.get(db, account_id)
            if account is None or (account.synced_day is not None and account.synced_day >= day):
                return None  # another clock was faster
            made = await syncs.start(db, account_id, day, None, now)
            if made is None:  # a person was, or the one before is not at its end
                return None
            await insights.change(db, account_id, synced_day=day)
        return job_of(made[0], account_id, made[1])

    async def sweep(self) -> int:
        """Deletes old logs; returns how many."""
        async with self._database.write() as db:
            return await syncs.prune(db, self._now() - KEEP_LOG)


def job_of(sync_id: int, account_id: int, run: int) -> Job:
    return Job(KIND, sync_id, run, 0, str(account_id))


async def zone_of(db: Transaction, account: InsightAccount) -> ZoneInfo:
    """Of its person."""
    person = await people.get(db, account.user_id)
    return ZoneInfo(person.zone if person else "UTC")


def _place(result: SyncResult) -> int:
    return _PLACES.get(result.metric, len(_PLACES))
