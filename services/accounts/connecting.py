"""Instagram sessions: sent, proved by one real call, kept sealed, renewed, forgotten, running out.

Called by bot/ (submit, forget), by the job engine (the proof) and by capabilities (use, refused).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from services.clock import Now
from services.errors import (
    Checkpoint,
    InstagramError,
    NotAllowed,
    RateLimited,
    ReelayError,
    SessionRefused,
)
from services.instagram.cookies import InstagramCookies
from services.instagram.gallery_dl import WHOAMI_REQUESTS, GalleryDl
from services.instagram.pace import Pacer
from services.jobs.engine import INSTAGRAM, Engine, Job
from storage import audit, connections, logins, notices
from storage.connections import Connection
from storage.database import Database, Transaction
from storage.vault import CannotOpen, Secret, Vault

WARN_DAYS = (7, 3, 1)
TRIES = 3
MAX_IDLE_RUNS = 3
NO_COOKIES = "You logged in with a password, and imports need the cookies of your browser."
SOLVE = "Open Instagram in your browser or app, confirm, then send your cookies again."


def warning_due(expires_at: datetime, warned_days: int | None, now: datetime) -> int | None:
    """The next of 7, 3, 1 days that has come and was not announced yet; None if none."""
    left = expires_at - now
    if left <= timedelta(0):
        return None
    reached = [days for days in WARN_DAYS if left <= timedelta(days=days)]
    if not reached:
        return None
    nearest = min(reached)
    return nearest if warned_days is None or nearest < warned_days else None


class Connecting:
    """Also the job kind "connect". `forgotten` drops what this process has in memory of an
    identity."""

    name = "connect"
    queue = INSTAGRAM
    priority = 1

    def __init__(
        self,
        database: Database,
        vault: Vault,
        engine: Engine,
        pacer: Pacer,
        gallery: GalleryDl,
        now: Now,
        *,
        forgotten: Callable[[str], None] = lambda identity: None,
    ) -> None:
        self._database = database
        self._vault = vault
        self._engine = engine
        self._pacer = pacer
        self._gallery = gallery
        self._now = now
        self._forgotten = forgotten

    # ------------------------------------------------------------ what a person does

    async def submit(self, user_id: int, cookies: InstagramCookies) -> Connection:
        """Seals the cookies as a candidate and lets a job prove them. An older session of the same
        account stays in use until then.

        A checkpoint is over: who sends cookies has acted, and an account that was never connected
        has nothing else to say so with.
        """
        await self._pacer.thaw(cookies.user_id)
        now = self._now()
        async with self._database.write() as db:
            known = await connections.find(db, user_id, "instagram", cookies.user_id)
            connection = known or await connections.add(
                db, user_id, "instagram", cookies.user_id, now
            )
            run = connection.run + 1
            await connections.change(
                db,
                connection.id,
                now,
                candidate=self._vault.seal(
                    cookies.netscape(), "connections", connection.id, "candidate"
                ),
                candidate_fingerprint=cookies.fingerprint,
                candidate_expires_at=cookies.expires_at,
                run=run,
                idle_runs=0,
            )
        await self._engine.enqueue(self._job(connection.id, run, cookies.user_id))
        return connection

    async def forget(self, user_id: int, connection_id: int) -> Connection:
        """Deletes the session at once; its imports stop at their next step. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            connection = await connections.get(db, connection_id)
            if connection is None or connection.user_id != user_id:
                raise NotAllowed
            await connections.delete(db, connection_id)
            if connection.username:  # a log-in that failed has a copy of its phone
                await logins.forget(db, user_id, connection.username, now)
            await audit.note(db, user_id, "forgot", connection.label, now)
        self._forgotten(connection.identity)
        return connection

    async def of_user(self, user_id: int) -> list[Connection]:
        async with self._database.read() as db:
            return await connections.of_user(db, user_id)

    async def acted(self, user_id: int, connection_id: int) -> None:
        """The account's owner says that the checkpoint is solved: go on."""
        async with self._database.write() as db:
            connection = await connections.get(db, connection_id)
            if connection is None or connection.user_id != user_id:
                raise NotAllowed
            if connection.status == "blocked":
                await connections.change(db, connection_id, self._now(), status="active")
        await self._pacer.thaw(connection.identity)

    # ------------------------------------------------------------ what capabilities do

    async def open(self, connection_id: int, *, app: bool = False) -> tuple[Connection, Secret]:
        """The session for a call, `app`: to the mobile API. Errors: SessionRefused, Checkpoint."""
        async with self._database.read() as db:
            connection = await connections.get(db, connection_id)
            sealed = await connections.sealed(db, connection_id)
        if connection is None or sealed is None or connection.status == "expired":
            raise SessionRefused(subject=connection.label if connection else "")
        if connection.status == "blocked":
            raise Checkpoint(subject=connection.label)
        if connection.app_only and not app:
            raise SessionRefused(NO_COOKIES, subject=connection.label)
        try:
            return connection, self._vault.open(sealed, "connections", connection_id, "cookies")
        except CannotOpen:  # its key is gone: only new cookies help
            raise SessionRefused(subject=connection.label) from None

    async def refused(
        self,
        db: Transaction,
        connection_id: int,
        error: InstagramError,
        now: datetime,
        *,
        app: bool = False,
    ) -> None:
        """A call with this session met a dead login or a checkpoint: nobody uses it until its
        owner acted. Part of the caller's transaction. `app`: it was one to the mobile API."""
        connection = await connections.get(db, connection_id)
        if isinstance(error, SessionRefused) and not app and connection and connection.app_only:
            return  # the app's session is as good as it was
        status = "blocked" if isinstance(error, Checkpoint) else "expired"
        await connections.change(db, connection_id, now, status=status)

    # ------------------------------------------------------------ after a log-in

    async def logged_in(
        self,
        db: Transaction,
        user_id: int,
        username: str,
        cookies: InstagramCookies,
        now: datetime,
    ) -> Connection:
        """The app is in. Its session reads the feed; whether instagram.com takes it for imports,
        a job proves: pass the connection to `prove` once this is committed. Part of the caller's
        transaction. Cookies that work are left alone."""
        known = await connections.find(db, user_id, "instagram", cookies.user_id)
        await audit.note(db, user_id, "logged in", f"@{username}", now)
        if known and known.status == "active" and not known.app_only:
            await connections.change(db, known.id, now, username=username)
            await notices.add(db, user_id, "connected", now, connection_id=known.id)
            return known
        connection = known or await connections.add(db, user_id, "instagram", cookies.user_id, now)
        text = cookies.netscape()
        await connections.change(
            db,
            connection.id,
            now,
            secret=self._vault.seal(text, "connections", connection.id, "cookies"),
            fingerprint=cookies.fingerprint,
            expires_at=cookies.expires_at,
            username=username,
            status="active",
            app_only=True,
            warned_days=None,
            candidate=self._vault.seal(text, "connections", connection.id, "candidate"),
            candidate_fingerprint=cookies.fingerprint,
            candidate_expires_at=cookies.expires_at,
            run=connection.run + 1,
            idle_runs=0,
        )
        changed = await connections.get(db, connection.id)
        assert changed is not None, "it was just changed"
        return changed

    async def prove(self, connection: Connection) -> None:
        """Enqueues the proof of what `logged_in` left, if it left anything to prove."""
        if connection.candidate_fingerprint:
            await self._engine.enqueue(
                self._job(connection.id, connection.run, connection.identity)
            )

    # ------------------------------------------------------------ the proof, as a job

    def _job(self, row: int, run: int, identity: str) -> Job:
        return Job(self.name, row, run, 0, identity)

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            connection = await connections.get(db, job.row)
            sealed = await connections.sealed(db, job.row, "candidate")
        if connection is None or connection.run != job.run or sealed is None:
            return False
        cookies = self._vault.open(sealed, "connections", job.row, "candidate")
        try:
            async with self._pacer.turn(connection.identity, "connect") as turn:
                turn.requests = WHOAMI_REQUESTS
                username = await self._gallery.whoami(connection.identity, cookies.reveal())
        except InstagramError as error:
            if (
                isinstance(error, RateLimited | Checkpoint | SessionRefused)
                or job.part + 1 >= TRIES
            ):
                await self._not_proved(connection, error)
                return False
            return True  # the network or Instagram itself: once more
        await self._proved(connection, cookies, username)
        return False

    async def _proved(self, connection: Connection, cookies: Secret, username: str) -> None:
        now = self._now()
        sealed = self._vault.seal(cookies.reveal(), "connections", connection.id, "cookies")
        async with self._database.write() as db:
            if not await connections.promote(
                db, connection.id, connection.run, sealed, username, now
            ):
                return
            await audit.note(db, connection.user_id, "connected", f"@{username}", now)
            await notices.add(db, connection.user_id, "connected", now, connection_id=connection.id)

    async def _not_proved(self, connection: Connection, error: ReelayError) -> None:
        """Only the candidate goes: what was good before stays, and what was dead stays dead."""
        now = self._now()
        next_step = SOLVE if isinstance(error, Checkpoint) else error.next_step
        async with self._database.write() as db:
            still_mine = await connections.change(
                db,
                connection.id,
                now,
                for_run=connection.run,
                candidate=None,
                candidate_fingerprint=None,
                candidate_expires_at=None,
            )
            if not still_mine:
                return
            if connection.fingerprint is None:
                await connections.delete(db, connection.id)
            await notices.add(
                db,
                connection.user_id,
                "connected_app" if _is_of_log_in(connection) else "connect_failed",
                now,
                connection_id=connection.id,
                message=error.message,
                next_step=next_step,
            )

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            checking = await connections.with_candidate(db)
        return [
            self._job(connection.id, connection.run, connection.identity)
            for connection in checking
            if connection.changed_at < before
        ]

    async def restart(self, job: Job) -> Job | None:
        async with self._database.read() as db:
            connection = await connections.get(db, job.row)
        if connection is None or connection.run != job.run:
            return None
        if connection.idle_runs + 1 >= MAX_IDLE_RUNS:
            await self._not_proved(connection, ReelayError(subject=connection.label))
            return None
        async with self._database.write() as db:
            run = await connections.next_run(db, job.row, job.run, self._now())
        return self._job(job.row, run, job.account) if run else None

    # ------------------------------------------------------------ the clock

    async def warn_expiring(self) -> None:
        """Announces 7, 3 and 1 days before the end of a session, each once."""
        now = self._now()
        async with self._database.write() as db:
            for connection in await connections.with_status(db, "active"):
                if connection.expires_at is None:
                    continue
                days = warning_due(connection.expires_at, connection.warned_days, now)
                if days is None:
                    continue
                await connections.change(db, connection.id, now, warned_days=days)
                await notices.add(
                    db,
                    connection.user_id,
                    "cookies_expiring",
                    now,
                    connection_id=connection.id,
                    days=days,
                )


def _is_of_log_in(connection: Connection) -> bool:
    """Whether what has to prove itself is the app's own session, not cookies that were sent."""
    return connection.app_only and connection.candidate_fingerprint == connection.fingerprint
