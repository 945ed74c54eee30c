"""One step of a log-in with a password, as a job: sends it once, and stores what it came to.

A step that was cut short is never repeated: nobody knows whether the password was sent, and each
refused one makes an account more suspect. Called by the engine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from services.accounts.connecting import Connecting
from services.accounts.logging_in import JOB, LIFE, pace_of
from services.accounts.login_secrets import LoginSecrets, Typed
from services.clock import Now
from services.errors import (
    BadCookies,
    Checkpoint,
    InstagramError,
    ReelayError,
    Unavailable,
    UpstreamChanged,
)
from services.instagram.cookies import read_cookies
from services.instagram.mobile import Mobile
from services.instagram.mobile_errors import CodeWanted, Credentials, LoginRefused
from services.instagram.mobile_session import MobileSession
from services.instagram.pace import Pacer
from services.jobs.engine import INSTAGRAM, Job
from storage import logins, mobile_sessions, notices
from storage.database import Database, Transaction
from storage.logins import CODE, HELD, QUEUED, RUNNING, SENDING, Login

log = structlog.get_logger()

MOST_WRONG_CODES = 5
MAX_IDLE_RUNS = 3


class Interrupted(ReelayError):
    default_message = "I was stopped in the middle of the log-in."
    default_next_step = "I don't repeat it by myself: log in again."


class LoginJob:
    """The job kind "login"; its row is the log-in."""

    name = JOB
    queue = INSTAGRAM
    priority = 1

    def __init__(
        self,
        database: Database,
        secrets: LoginSecrets,
        connecting: Connecting,
        pacer: Pacer,
        mobile: Mobile,
        now: Now,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._connecting = connecting
        self._pacer = pacer
        self._mobile = mobile
        self._now = now

    # ------------------------------------------------------------ what the engine calls

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            login = await logins.get(db, job.row)
        if login is None or login.run != job.run or login.state not in RUNNING:
            return False
        if login.state == SENDING:  # whoever began it is gone
            await self._end(login, Interrupted())
            return False
        try:
            await self._step(login, job.account)
        except ReelayError as error:  # refused, or the settings hold no authenticator's secret
            await self._end(login, error)
        return False

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await logins.stranded(db, before)
            return [
                Job(self.name, login.id, login.run, 0, await pace_of(db, login)) for login in rows
            ]

    async def restart(self, job: Job) -> Job | None:
        """What was not sent yet begins anew; what may have been sent is over."""
        async with self._database.read() as db:
            login = await logins.get(db, job.row)
        if login is None or login.run != job.run:
            return None
        if login.state == SENDING or login.idle_runs + 1 >= MAX_IDLE_RUNS:
            await self._end(login, Interrupted())
            return None
        run, now = login.run + 1, self._now()
        async with self._database.write() as db:
            moved = await logins.move(
                db, login, now, from_states=[QUEUED], run=run, idle_runs=login.idle_runs + 1
            )
        return Job(self.name, job.row, run, 0, job.account) if moved else None

    # ------------------------------------------------------------ the step

    async def _step(self, login: Login, identity: str) -> None:
        async with self._database.read() as db:
            typed = await self._secrets.typed(db, login)
            phone = await self._secrets.phone(db, login)
        credentials = self._secrets.credentials(login, typed)
        session = await self._mobile.session(identity, phone)
        try:
            if await self._begin(login, session):
                await self._send(login, session, typed, credentials)
        finally:  # the row holds all of it that lasts
            self._mobile.forget(identity)

    async def _send(
        self, login: Login, session: MobileSession, typed: Typed, credentials: Credentials
    ) -> None:
        by_code = bool(typed.code and session.code_wanted)
        try:
            if by_code:
                await session.enter_code(typed.code, credentials)
            else:
                await session.login(credentials)
        except CodeWanted as wanted:
            await self._wait_for_code(login, session, typed, wanted)
        except Unavailable as error:
            await self._hold(login, session, typed, error, "code" if by_code else "network")
        except Checkpoint as error:
            await self._hold(login, session, typed, error, "app")
        except InstagramError as error:
            await self._end(login, error, session)
        else:
            await self._in(login, session)

    async def _in(self, login: Login, session: MobileSession) -> None:
        now = self._now()
        try:
            cookies = read_cookies(session.cookie_line.encode(), now)
        except BadCookies:  # in, but with a session in a shape that nobody knows
            raise UpstreamChanged(subject=login.username) from None
        async with self._database.write() as db:
            if not await logins.finish(db, login, now, from_states=[SENDING], phone=None):
                return  # cancelled meanwhile: nothing of it is kept
            connection = await self._connecting.logged_in(
                db, login.user_id, login.username, cookies, now
            )
            settings = self._secrets.seal_session(connection.id, session.settings)
            await mobile_sessions.put(db, connection.id, settings, now)
        if session.identity != connection.identity:
            await self._pacer.follow(session.identity, connection.identity)
        await self._connecting.prove(connection)

    async def _wait_for_code(
        self, login: Login, session: MobileSession, typed: Typed, wanted: CodeWanted
    ) -> None:
        wrong = login.wrong_codes + wanted.again
        if wrong >= MOST_WRONG_CODES:
            await self._end(login, _too_many(wrong), session)
            return
        await self._wait(
            login, session, typed, wanted, "login_code", state=CODE, wants=wanted.kind,
            wrong_codes=wrong,
        )  # fmt: skip

    async def _hold(
        self, login: Login, session: MobileSession, typed: Typed, error: InstagramError, why: str
    ) -> None:
        """`why`: app, network, or code: then the code is asked for once more."""
        state = CODE if why == "code" else HELD
        await self._wait(login, session, typed, error, "login_held", why=why, state=state)

    async def _wait(
        self,
        login: Login,
        session: MobileSession,
        typed: Typed,
        error: InstagramError,
        notice: str,
        why: str = "",
        **to: Any,
    ) -> None:
        """For a person, who is told why. The password stays, for LIFE; the code does not."""
        now = self._now()
        secret = self._secrets.seal(login.id, Typed(typed.password))
        phone = self._secrets.seal_phone(login, session.settings)
        async with self._database.write() as db:
            if await logins.move(
                db,
                login,
                now,
                from_states=[SENDING],
                secret=secret,
                phone=phone,
                expires_at=now + LIFE,
                **to,
            ):
                await self._say(db, login, notice, error, why=why, wants=to.get("wants"))

    async def _end(
        self, login: Login, error: ReelayError, session: MobileSession | None = None
    ) -> None:
        """Refused or cut short: said once, and not tried again. The phone stays what it is."""
        log.info("log-in ends", login=login.id, error=type(error).__name__)
        kept = {"phone": self._secrets.seal_phone(login, session.settings)} if session else {}
        async with self._database.write() as db:
            if await logins.finish(db, login, self._now(), from_states=RUNNING, **kept):
                await self._say(db, login, "login_failed", error)

    async def _begin(self, login: Login, session: MobileSession) -> bool:
        """Before anything is sent. The phone is stored first: a crash makes no other."""
        now, phone = self._now(), self._secrets.seal_phone(login, session.settings)
        async with self._database.write() as db:
            return await logins.move(
                db, login, now, from_states=[QUEUED], state=SENDING, phone=phone
            )

    async def _say(
        self, db: Transaction, login: Login, kind: str, error: ReelayError, **data: Any
    ) -> None:
        await notices.add(
            db,
            login.user_id,
            kind,
            self._now(),
            login_id=login.id,
            username=login.username,
            message=error.message,
            next_step=error.next_step,
            from_settings=login.from_settings,
            **data,
        )


def _too_many(wrong: int) -> LoginRefused:
    error = LoginRefused()
    error.message = f"That were {wrong} wrong codes."
    error.next_step = "I stop here. Log in again when you have the right one."
    return error
