"""The sync as the engine runs it: a job asks Meta for a portion of what is missing.

    pending -> running -> done
                |  ^
             waiting              goes on by itself: Meta is unwell, or its allowance is used up

What one request has brought is stored with its line of the log in one transaction, and what is due
is derived from what is stored: a crash costs one request, and nothing is written twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from services.accounts.meta import MetaLogins
from services.clock import Now
from services.errors import (
    MetaError,
    MetaRateLimited,
    MetaUnavailable,
    ReelayError,
    StorageFailed,
    TokenRefused,
)
from services.graph.account import Account
from services.insights.days import DAY
from services.insights.portion import Portion, Round, Superseded
from services.insights.service import HISTORY_DAYS, KIND, job_of, zone_of
from services.jobs.engine import DEFAULT, Engine, Job
from storage import insights, notices, syncs
from storage.database import Database, Transaction, Unavailable
from storage.insights import NotWritten
from storage.syncs import LIVE, Sync

log = structlog.get_logger()

MAX_IDLE_RUNS = 3
ROUNDS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))  # waits between them
_LIMITED = tuple(timedelta(hours=hours) for hours in (0.25, 1, 4, 12, 24))  # Meta does not say
ALLOWANCE = timedelta(hours=1)  # until some of it is free again, where Meta does not say
SLOWLY = "Meta's allowance of calls is nearly used up: older days wait for another day."


class NoProgress(ReelayError):
    """Three runs in a row were cut short before they had brought anything."""

    default_message = "The sync was cut short three times without getting any further."
    default_next_step = "What was read is kept; the next daily sync fills what is missing."


class SyncJob:
    """The job kind "sync"."""

    name = KIND
    queue = DEFAULT
    priority = 9  # nobody waits for it as for a story or a log-in

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
        self._history = timedelta(days=history_days)

    # ------------------------------------------------------------ what the engine calls

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            sync = await syncs.get(db, job.row)
        if sync is None or sync.run != job.run or sync.state not in LIVE:
            return False
        try:
            return await self._turn(sync)
        except Superseded:
            pass
        except MetaRateLimited as error:
            await self._limited(sync, error)
        except (Unavailable, OSError, NotWritten) as error:
            log.exception("storage failed", error=str(error))
            await self._pause(sync, StorageFailed(next_step="I try again by myself."))
        return False

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await syncs.stranded(db, before)
        return [job_of(row.id, row.account_id, row.run) for row in rows]

    async def restart(self, job: Job) -> Job | None:
        """Three runs that brought nothing, and it is over."""
        now = self._now()
        async with self._database.write() as db:
            sync = await syncs.get(db, job.row)
            if sync is None or sync.run != job.run:
                return None
            if sync.idle_runs + 1 >= MAX_IDLE_RUNS:
                await self._end(db, sync, "failed", now, NoProgress())
                return None
            moved = await syncs.move(
                db,
                sync.id,
                now,
                run=sync.run,
                from_states=LIVE,
                new_run=True,
                idle_runs=sync.idle_runs + 1,
            )
        return job_of(sync.id, sync.account_id, sync.run + 1) if moved else None

    async def wake(self) -> list[Job]:
        """From the clock: those whose wait is over go on, also with what Meta was unwell for."""
        now = self._now()
        async with self._database.read() as db:
            ready = await syncs.ready(db, now)
        jobs = []
        for sync in ready:
            async with self._database.write() as db:
                if await syncs.move(
                    db,
                    sync.id,
                    now,
                    run=sync.run,
                    from_states=["waiting"],
                    new_run=True,
                    state="running",
                    wait_until=None,
                    idle_runs=0,
                    **_texts(None),
                ):
                    await syncs.forgive(db, sync.id, MetaUnavailable.__name__)
                    jobs.append(job_of(sync.id, sync.account_id, sync.run + 1))
        return jobs

    # ------------------------------------------------------------ one portion

    async def _turn(self, sync: Sync) -> bool:
        """Whether there is more to ask for. Errors: as Portion has them, but for TokenRefused."""
        async with self._database.read() as db:
            account = await insights.get(db, sync.account_id)
            zone = await zone_of(db, account) if account else None
        if account is None or zone is None:  # its person has just deleted it
            return False
        meta: Account | None = None
        try:
            meta = await self._logins.open(account.meta_id)
            first_day = sync.day - self._history + DAY
            portion = Portion(self._database, self._now, sync, account, zone, meta, first_day)
            return await self._run(sync, portion)
        except TokenRefused as error:
            if account.meta_id is not None:
                await self._logins.refused(account.meta_id, error, meta.token if meta else None)
            await self._refused(sync, error)
            return False

    async def _run(self, sync: Sync, portion: Portion) -> bool:
        result = await portion.read()
        match result:
            case Round.MORE:
                return True
            case Round.HELD_BACK:
                await self._hold_back(sync, portion)
            case Round.UNWELL:
                await self._next_round(sync, portion)
            case Round.SLOW | Round.OVER:
                async with self._database.write() as db:
                    await self._end(
                        db,
                        sync,
                        "done",
                        self._now(),
                        message=SLOWLY if result is Round.SLOW else "",
                    )
        return False

    # ------------------------------------------------------------ how it waits and ends

    async def _next_round(self, sync: Sync, portion: Portion) -> None:
        """After some minutes; after the last one, what is due has failed and the sync is over."""
        assert portion.unwell is not None
        if await self._tries(sync) < len(ROUNDS):
            await self._pause(sync, portion.unwell)
            return
        await portion.give_up(portion.unwell)
        async with self._database.write() as db:
            await self._end(db, sync, "done", self._now())

    async def _hold_back(self, sync: Sync, portion: Portion) -> None:
        regain = portion.usage.regain if portion.usage else None
        now = self._now()
        await self._wait(sync, MetaRateLimited(), now, now + (regain or ALLOWANCE))

    async def _limited(self, sync: Sync, error: MetaRateLimited) -> None:
        now, tries = self._now(), await self._tries(sync)
        await self._wait(sync, error, now, limited_until(error, tries, now), tries=tries + 1)

    async def _pause(self, sync: Sync, error: ReelayError) -> None:
        now, tries = self._now(), await self._tries(sync)
        if tries < len(ROUNDS):
            await self._wait(sync, error, now, now + ROUNDS[tries], tries=tries + 1)
            return
        async with self._database.write() as db:
            await self._end(db, sync, "failed", now, error)

    async def _tries(self, sync: Sync) -> int:
        """As they are now: an answer has set them back."""
        async with self._database.read() as db:
            current = await syncs.get(db, sync.id)
        return current.tries if current else 0

    async def _wait(
        self, sync: Sync, error: ReelayError, now: datetime, until: datetime, **to: Any
    ) -> None:
        log.info("sync waits", sync=sync.id, error=type(error).__name__, until=until.isoformat())
        async with self._database.write() as db:
            await syncs.fence(
                db, sync, now, state="waiting", wait_until=until, **_texts(error), **to
            )

    async def _refused(self, sync: Sync, error: TokenRefused) -> None:
        """The daily sync begins again as soon as the log-in works."""
        async with self._database.write() as db:
            if await self._end(db, sync, "failed", self._now(), error):
                await insights.change(db, sync.account_id, synced_day=None)

    async def _end(
        self,
        db: Transaction,
        sync: Sync,
        state: str,
        now: datetime,
        error: MetaError | ReelayError | None = None,
        *,
        message: str = "",
    ) -> bool:
        """For good. Who asked for it is told if it failed, or took longer than a look at it."""
        texts = _texts(error) if error else {**_texts(None), "message": message}
        ended = await syncs.fence(
            db, sync, now, state=state, wait_until=None, ended_at=now, **texts
        )
        if ended and sync.asked_by is not None and (state == "failed" or sync.run > 1):
            once = f"sync:{sync.id}:r{sync.run}:ended"
            await notices.add(db, sync.asked_by, "sync_ended", now, once=once, sync_id=sync.id)
        return ended


def limited_until(error: MetaRateLimited, tries: int, now: datetime) -> datetime:
    """When Meta is asked again; a day later at most. `tries`: in vain, in a row before."""
    until = error.until or now + _LIMITED[min(tries, len(_LIMITED) - 1)]
    return min(until, now + _LIMITED[-1])


def _texts(error: ReelayError | None) -> dict[str, Any]:
    if error is None:
        return {"error": None, "message": "", "next_step": ""}
    return {
        "error": type(error).__name__,
        "message": error.message,
        "next_step": error.next_step,
    }
