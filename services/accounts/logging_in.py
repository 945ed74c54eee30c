"""Log-ins with a password, typed in the chat or from the settings: what a person does about them.

    queued -> sending -> code     Instagram wants a code, which a person types
      ^          |  `--> held     it wants to be confirmed in the app, or could not be reached
      |          v       |
      `--------- | ------'        a person's tap or code; nothing goes back by itself
                over              in, refused, cancelled, or too late: the password is forgotten

Called by bot/ and the clock. The steps are taken by services.accounts.login_job.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from services.accounts.login_secrets import LoginSecrets, Typed
from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.instagram.mobile_errors import Credentials, read_code, read_username
from services.instagram.pace import Pacer
from services.jobs.engine import Engine, Job
from storage import connections, logins, notices, people
from storage.database import Database, Transaction
from storage.logins import CODE, OVER, QUEUED, RUNNING, WAITING, Login

JOB = "login"
LIFE = timedelta(minutes=15)  # of a password, without a word of its owner
HOUR = timedelta(hours=1)
MOST_TRIES = 5  # passwords that one person may have sent within an hour
KEPT = timedelta(days=30)  # of what came to nothing
LONGEST_PASSWORD = 256


class LoggingIn:
    def __init__(
        self,
        database: Database,
        secrets: LoginSecrets,
        engine: Engine,
        pacer: Pacer,
        now: Now,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._engine = engine
        self._pacer = pacer
        self._now = now

    # ------------------------------------------------------------ what a person does

    async def begin(self, user_id: int, username: str, password: str) -> Login:
        """Errors: BadInput, also where too many were tried within the hour."""
        username = read_username(username)
        if not 1 <= len(password) <= LONGEST_PASSWORD:
            raise BadInput("That is not a password.", "Send the password alone, as one message.")
        now = self._now()
        async with self._database.write() as db:
            login = await logins.make(db, user_id, username, now)
            secret = self._secrets.seal(login.id, Typed(password))
            login = await self._anew(db, login, now, secret=secret, from_settings=False)
        await self._go(login, acted=True)
        return login

    async def give_code(self, user_id: int, login_id: int, text: str) -> None:
        """Errors: BadInput for what is no code, or too late; NotAllowed where none is wanted."""
        code, now = read_code(text), self._now()
        async with self._database.write() as db:
            login = await self._theirs(db, user_id, login_id, [CODE])
            typed = await self._secrets.typed(db, login)
            secret = self._secrets.seal(login.id, Typed(typed.password, code))
            login = await self._queue(db, login, now, secret=secret)
        await self._go(login, acted=True)

    async def again(self, user_id: int, login_id: int) -> None:
        """It was confirmed in the app, or another code is wanted: the password is sent once more.
        Errors: NotAllowed; BadInput where that is too late or too often."""
        now = self._now()
        async with self._database.write() as db:
            login = await self._theirs(db, user_id, login_id, WAITING)
            typed = await self._secrets.typed(db, login)
            secret = self._secrets.seal(login.id, Typed(typed.password))
            login = await self._try(db, login, now, secret=secret)
        await self._go(login, acted=True)

    async def cancel(self, user_id: int, login_id: int) -> Login:
        """Nothing is kept, also of a step that is under way. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            login = await logins.get(db, login_id)
            if login is None or login.user_id != user_id:
                raise NotAllowed
            await logins.finish(db, login, now, from_states=(*RUNNING, *WAITING))
        return login

    async def get(self, user_id: int, login_id: int) -> Login | None:
        async with self._database.read() as db:
            login = await logins.get(db, login_id)
        return login if login and login.user_id == user_id else None

    async def is_connected(self, user_id: int, username: str) -> bool:
        """And works."""
        async with self._database.read() as db:
            known = await connections.find_named(db, user_id, username)
        return known is not None and known.status == "active"

    # ------------------------------------------------------------ the settings

    async def in_settings(self, user_id: int) -> str:
        """The user name in the settings, for the owner only; else ""."""
        known = self._secrets.from_settings
        async with self._database.read() as db:
            owner = await people.owner(db)
        return known.username if known and owner and owner.id == user_id else ""

    async def use_settings(self, *, tapped_by: int | None = None) -> Login | None:
        """Logs the owner in. From the clock once for each setting, and whenever they tap.

        None: nothing to do, or not yet. Errors, for a tap only: NotAllowed, BadInput.
        """
        known = self._secrets.from_settings
        if known is None:
            return None
        try:
            async with self._database.write() as db:
                login = await self._of_settings(db, known, tapped_by, self._now())
        except BadInput:
            if tapped_by is not None:
                raise
            return None  # too many tries within the hour: the clock comes again
        if login:
            await self._go(login, acted=tapped_by is not None)
        return login

    async def _of_settings(
        self, db: Transaction, known: Credentials, tapped_by: int | None, now: datetime
    ) -> Login | None:
        owner = await people.owner(db)
        if tapped_by is not None and (owner is None or owner.id != tapped_by):
            raise NotAllowed
        if owner is None or owner.status != "active":
            return None
        login = await logins.make(db, owner.id, known.username, now)
        mark = self._secrets.mark()
        if tapped_by is None:
            if login.settings_mark == mark or login.state != OVER:
                return None
            if not await logins.move(db, login, now, from_states=[OVER], settings_mark=mark):
                return None  # another process is at it
            account = await connections.find_named(db, owner.id, known.username)
            if account and account.status == "active":
                return None
        secret = self._secrets.seal(login.id, Typed(""))
        return await self._anew(
            db, login, now, secret=secret, from_settings=True, settings_mark=mark
        )

    # ------------------------------------------------------------ the clock

    async def tidy(self) -> None:
        """Forgets passwords whose person has gone, and what came to nothing long ago."""
        now = self._now()
        async with self._database.write() as db:
            for login in await logins.expired(db, now):
                if await logins.finish(db, login, now, from_states=WAITING):
                    await notices.add(
                        db,
                        login.user_id,
                        "login_failed",
                        now,
                        login_id=login.id,
                        username=login.username,
                        message="Nothing came for 15 minutes, so I have forgotten the password.",
                        next_step="Log in again when you have the time.",
                        from_settings=login.from_settings,
                    )
            await logins.prune(db, now - KEPT)

    # ------------------------------------------------------------ rows

    async def _theirs(
        self, db: Transaction, user_id: int, login_id: int, states: Collection[str]
    ) -> Login:
        login = await logins.get(db, login_id)
        if login is None or login.user_id != user_id or login.state not in states:
            raise NotAllowed
        if login.expires_at <= self._now():
            raise BadInput("That log-in is too old by now.", "Open /connect and begin again.")
        return login

    async def _anew(self, db: Transaction, login: Login, now: datetime, **to: object) -> Login:
        """From the beginning, whatever it waited for. Errors: BadInput."""
        if login.state in RUNNING:
            raise BadInput(
                f"A log-in to @{login.username} is under way.", "Wait for its end, or cancel it."
            )
        return await self._try(db, login, now, wrong_codes=0, **to)

    async def _try(self, db: Transaction, login: Login, now: datetime, **to: object) -> Login:
        """The password will be sent. Errors: BadInput if it was sent too often."""
        spent, first = await logins.tries_of(db, login.user_id, now - HOUR)
        if spent >= MOST_TRIES:
            wait = max(1, round((first + HOUR - now).total_seconds() / 60))
            raise BadInput(
                f"That were {spent} log-ins within an hour; more would make Instagram suspicious.",
                f"Log in by hand in the app first, and try again in {wait} minutes.",
            )
        fresh = login.tries_since <= now - HOUR
        tries, since = (
            (1, now) if fresh or not login.tries else (login.tries + 1, login.tries_since)
        )
        return await self._queue(db, login, now, wants=None, tries=tries, tries_since=since, **to)

    async def _queue(self, db: Transaction, login: Login, now: datetime, **to: object) -> Login:
        moved = await logins.move(
            db,
            login,
            now,
            from_states=(*WAITING, OVER),
            state=QUEUED,
            run=login.run + 1,
            idle_runs=0,
            expires_at=now + LIFE,
            **to,
        )
        queued = await logins.get(db, login.id)
        if not moved or queued is None:
            raise NotAllowed
        return queued

    async def _go(self, login: Login, *, acted: bool) -> None:
        """`acted`: a person is there, so a checkpoint that was before is over."""
        async with self._database.read() as db:
            identity = await pace_of(db, login)
        if acted:
            await self._pacer.thaw(identity)
        await self._engine.enqueue(Job(JOB, login.id, login.run, 0, identity))


async def pace_of(db: Transaction, login: Login) -> str:
    """Whose pace it takes: the account's where it is known, else that of its name."""
    return await connections.identity_of(db, login.username) or f"@{login.username}"
