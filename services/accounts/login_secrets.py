"""What a log-in keeps sealed while it lasts: the password, a code that was typed, and the phone.

Used by services.accounts.logging_in and login_job, which call the same things by the same names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from services.errors import BadInput
from services.instagram.mobile_errors import Credentials
from storage import connections, logins, mobile_sessions
from storage.database import Transaction
from storage.logins import Login
from storage.vault import CannotOpen, Vault


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed; `password` is "" where that of the settings is used."""

    password: str = field(repr=False)
    code: str = field(default="", repr=False)


class LoginSecrets:
    """`from_settings`: the owner's credentials, if the settings hold any."""

    def __init__(self, vault: Vault, from_settings: Credentials | None) -> None:
        self._vault = vault
        self.from_settings = from_settings

    def mark(self) -> str:
        """Tells one setting from another, and nothing of what is in them."""
        known = self.from_settings
        content = json.dumps([known.username, known.password, known.totp_secret] if known else [])
        return self._vault.derive(f"log-in of the settings {content}")

    def seal(self, login_id: int, typed: Typed) -> bytes:
        content = json.dumps([typed.password, typed.code])
        return self._vault.seal(content, "logins", login_id, "secret")

    async def typed(self, db: Transaction, login: Login) -> Typed:
        """Errors: BadInput if it is gone."""
        sealed = (await logins.sealed(db, login.id)).secret
        try:
            if sealed is not None:
                opened = self._vault.open(sealed, "logins", login.id, "secret")
                return Typed(*json.loads(opened.reveal()))
        except CannotOpen:  # its key is gone
            pass
        raise _gone()

    def credentials(self, login: Login, typed: Typed) -> Credentials:
        """Errors: BadInput if the settings have changed meanwhile."""
        if not login.from_settings:
            return Credentials(login.username, typed.password)
        if self.from_settings is None or login.settings_mark != self.mark():
            raise _gone()
        return self.from_settings

    def seal_phone(self, login: Login, settings: str) -> bytes:
        return self._vault.seal(settings, "logins", login.id, "phone")

    async def phone(self, db: Transaction, login: Login) -> str:
        """The phone to log in with: that of the try before, or of the account; "" for a new one."""
        sealed = (await logins.sealed(db, login.id)).phone
        known = await connections.find_named(db, login.user_id, login.username)
        try:
            if sealed is not None:
                return self._vault.open(sealed, "logins", login.id, "phone").reveal()
            if known and (kept := await mobile_sessions.get(db, known.id)):
                return self._vault.open(kept.sealed, *_place(known.id)).reveal()
        except CannotOpen:
            pass
        return ""

    def seal_session(self, connection_id: int, settings: str) -> bytes:
        """The same phone, as services.accounts.mobile reads it once the account is connected."""
        return self._vault.seal(settings, *_place(connection_id))


def _place(connection_id: int) -> tuple[str | int, ...]:
    return "mobile_sessions", connection_id, "settings"


def _gone() -> BadInput:
    return BadInput("I have no password for this log-in any more.", "Log in again.")
