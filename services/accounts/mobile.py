"""The mobile sessions of connected accounts: one phone each, kept sealed, logged in with the
cookies that were sent, or with a password (services.accounts.logging_in).

Called by capabilities that read through the mobile API. Nothing here logs in again by itself: what
Instagram refuses waits for new cookies or a new log-in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.accounts.connecting import Connecting
from services.clock import Now
from services.errors import BadInput, InstagramError, SessionRefused
from services.instagram.cookies import read_cookies
from services.instagram.mobile import Mobile
from services.instagram.mobile_session import MobileSession
from storage import mobile_sessions
from storage.connections import Connection
from storage.database import Database, Transaction
from storage.mobile_sessions import Kept
from storage.vault import CannotOpen, Secret, Vault

T = TypeVar("T")
Question = Callable[[MobileSession], Awaitable[T]]


@dataclass(slots=True)
class _Phone:
    """A session with what the database holds of it: that is what a call begins with."""

    connection: Connection
    session: MobileSession
    kept: Kept


class MobileSessions:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        connecting: Connecting,
        mobile: Mobile,
        now: Now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._connecting = connecting
        self._mobile = mobile
        self._now = now

    async def ask(self, connection_id: int, question: Question[T]) -> T:
        """One call at the pace of the account: `ask(7, lambda session: session.timeline())`.

        The first one, and the first with new cookies, makes one request more. Errors:
        SessionRefused and Checkpoint, to be told to `refused`; what the call raises.
        """
        connection, cookies = await self._connecting.open(connection_id, app=True)
        phone = await self._phone(connection)
        good = (mobile_sessions.PASSWORD, connection.fingerprint)
        if phone.kept.made_from not in good or not phone.session.user_id:
            await self._enter(phone, cookies)
        return await self._keeping(phone, question(phone.session))

    async def refused(
        self, db: Transaction, connection_id: int, error: InstagramError, now: datetime
    ) -> None:
        """A call met a dead session or a checkpoint: nobody uses the account until its owner acted.
        Part of the caller's transaction."""
        await self._connecting.refused(db, connection_id, error, now, app=True)
        if isinstance(error, SessionRefused):
            await mobile_sessions.refuse(db, connection_id, now)

    async def _phone(self, connection: Connection) -> _Phone:
        """The connection's phone. A new one is stored before it is used: a crash makes no other."""
        async with self._database.read() as db:
            kept = await mobile_sessions.get(db, connection.id)
        if kept is not None:
            settings = self._opened(connection, kept)
            session = await self._mobile.session(connection.identity, settings)
            return _Phone(connection, session, kept)
        session = await self._mobile.session(connection.identity)
        kept = Kept(self._sealed(connection, session), None)
        async with self._database.write() as db:
            added = await mobile_sessions.add(db, connection.id, kept.sealed, self._now())
        return _Phone(connection, session, kept) if added else await self._phone(connection)

    async def _enter(self, phone: _Phone, cookies: Secret) -> None:
        """Logs the phone in with the cookies. Errors: SessionRefused where they are of no use."""
        try:
            session_id = read_cookies(cookies.reveal().encode(), self._now()).session_id
            entering = phone.session.use_session_id(session_id)
            await self._keeping(phone, entering, made_from=phone.connection.fingerprint)
        except BadInput:  # their date is over
            raise SessionRefused(subject=phone.connection.label) from None

    async def _keeping(
        self, phone: _Phone, call: Awaitable[T], *, made_from: str | None = None
    ) -> T:
        """Whatever the call comes to, what it made of the phone is stored, unless somebody else
        has logged in meanwhile. `made_from`: what it is logged in with if the call succeeds."""
        try:
            result = await call
        except BaseException:
            await self._keep(phone, phone.kept.made_from)
            raise
        await self._keep(phone, made_from or phone.kept.made_from)
        return result

    async def _keep(self, phone: _Phone, made_from: str | None) -> None:
        connection, before = phone.connection, phone.kept
        if made_from == before.made_from and phone.session.settings == self._opened(
            connection, before
        ):
            return
        after = Kept(self._sealed(connection, phone.session), made_from)
        async with self._database.write() as db:
            if await mobile_sessions.keep(
                db, connection.id, before.sealed, after.sealed, self._now(), made_from=made_from
            ):
                phone.kept = after

    def _opened(self, connection: Connection, kept: Kept) -> str:
        """The settings; "" for a new phone where the key of the old one is gone."""
        try:
            return self._vault.open(kept.sealed, *_place(connection)).reveal()
        except CannotOpen:
            return ""

    def _sealed(self, connection: Connection, session: MobileSession) -> bytes:
        return self._vault.seal(session.settings, *_place(connection))


def _place(connection: Connection) -> tuple[str | int, ...]:
    return "mobile_sessions", connection.id, "settings"
