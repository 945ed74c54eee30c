"""Who may use the bot and as what: the claim, invitations, roles, preferences, grants.

Called by bot/. Nobody is let in unless the owner's claim code or an invitation says so.
"""

from __future__ import annotations

import hmac
import zoneinfo
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.tokens import new_token, token_hash
from storage import audit, credits, notices, people
from storage.database import Database, Transaction
from storage.people import Role, User
from storage.vault import Vault

INVITATION_LIFE = timedelta(hours=24)
LARGEST_GRANT = 100_000
# kinds of notices that may arrive silently
MUTABLE = ("import_done", "analyses", "insights", "stories", "expiry", "alerts")


@dataclass(frozen=True, slots=True)
class Visitor:
    """What Telegram says of whoever writes."""

    id: int
    name: str
    username: str | None
    locale: str


class People:
    def __init__(self, database: Database, vault: Vault, now: Now, *, start_credits: int) -> None:
        self._database = database
        self._vault = vault
        self._now = now
        self._start_credits = start_credits

    # ------------------------------------------------------------ coming in

    @property
    def claim_code(self) -> str:
        """Who sends it first becomes the owner. Derived from the key, so it is stored nowhere."""
        return self._vault.derive("claim")

    async def unclaimed(self) -> bool:
        async with self._database.read() as db:
            return not await people.has_owner(db)

    async def find(self, user_id: int) -> User | None:
        """The person, if they are let in."""
        async with self._database.read() as db:
            user = await people.get(db, user_id)
        return user if user and user.status == "active" else None

    async def enter(self, visitor: Visitor, code: str) -> Literal["owner", "invited"] | None:
        """A stranger's /start with a payload. None: the code opens nothing."""
        now = self._now()
        async with self._database.write() as db:
            if await people.get(db, visitor.id):
                return None  # known, perhaps blocked: a new code does not change that
            if hmac.compare_digest(code.encode(), self.claim_code.encode()):
                if not await self._admit(db, visitor, "owner", now):
                    return None  # there is an owner already
                await audit.note(db, visitor.id, "claimed", "the bot", now)
                return "owner"
            # the user row must exist to use the invitation; all of it is undone if it is void
            await self._admit(db, visitor, "member", now)
            invitation = await people.use_invitation(db, token_hash(code), visitor.id, now)
            if invitation is None:
                await people.change(db, visitor.id, delete_after=now)
                await people.delete(db, visitor.id, now)
                return None
            await people.change(db, visitor.id, role=invitation.role)
            await audit.note(db, visitor.id, "joined", f"invited by {invitation.created_by}", now)
            await notices.add(db, invitation.created_by, "joined", now, name=visitor.name)
            return "invited"

    async def _admit(self, db: Transaction, visitor: Visitor, role: Role, now: datetime) -> bool:
        """False if somebody else took the place (there is one owner), or they are in already."""
        added = await people.add(
            db,
            visitor.id,
            name=visitor.name,
            username=visitor.username,
            locale=visitor.locale,
            role=role,
            now=now,
        )
        if added and self._start_credits:
            await credits.grant(db, visitor.id, self._start_credits, "Welcome", now)
        return added

    async def reachable(self, user_id: int, yes: bool) -> None:
        """The person blocked or unblocked the bot: their notices wait meanwhile."""
        async with self._database.write() as db:
            await people.change(db, user_id, reachable=yes)
            if yes:
                await notices.back(db, user_id, self._now())

    # ------------------------------------------------------------ preferences

    async def set_zone(self, user_id: int, zone: str) -> str:
        """`zone`: an IANA name in any case, such as Europe/Berlin. Errors: BadInput."""
        wanted = zone.strip().replace(" ", "_").casefold()
        names = {name.casefold(): name for name in zoneinfo.available_timezones()}
        if wanted not in names:
            raise BadInput(
                "I don't know that time zone.",
                "Send a name such as Europe/Berlin or America/New_York.",
            )
        async with self._database.write() as db:
            await people.change(db, user_id, zone=names[wanted])
        return names[wanted]

    async def set_quiet_hours(self, user_id: int, hours: tuple[int, int] | None) -> None:
        """From and until, hours 0-23 of the person's day; None switches them off."""
        start, end = hours or (None, None)
        if hours and not (0 <= hours[0] <= 23 and 0 <= hours[1] <= 23 and start != end):
            raise BadInput("Those are not two hours of a day.", "Choose one of the buttons.")
        async with self._database.write() as db:
            await people.change(db, user_id, quiet_from=start, quiet_until=end)

    async def set_dark_charts(self, user_id: int, dark: bool) -> None:
        async with self._database.write() as db:
            await people.change(db, user_id, dark_charts=dark)

    async def toggle_muted(self, user: User, kind: str) -> None:
        if kind not in MUTABLE:
            raise NotAllowed
        muted = set(user.muted) ^ {kind}
        async with self._database.write() as db:
            await people.change(db, user.id, muted=sorted(muted))

    # ------------------------------------------------------------ the team

    async def everyone(self) -> list[User]:
        async with self._database.read() as db:
            return await people.everyone(db)

    async def invite(self, by: User, role: Role = "member") -> tuple[str, datetime]:
        """(code, end of its life): for one person, within a day. Errors: NotAllowed."""
        if not by.leads or (role != "member" and by.role != "owner") or role == "owner":
            raise NotAllowed
        code, now = new_token(), self._now()
        expires_at = now + INVITATION_LIFE
        async with self._database.write() as db:
            await people.invite(
                db,
                token_hash=token_hash(code),
                role=role,
                created_by=by.id,
                now=now,
                expires_at=expires_at,
            )
            await audit.note(db, by.id, "invited", role, now)
        return code, expires_at

    async def grant(self, by: User, user_id: int, amount: int) -> User:
        """Errors: NotAllowed, BadInput."""
        if not by.leads:
            raise NotAllowed
        if not 1 <= amount <= LARGEST_GRANT:
            raise BadInput(
                f"Credits are granted 1 to {LARGEST_GRANT:,} at a time.", "Choose another number."
            )
        now = self._now()
        async with self._database.write() as db:
            if not await people.get(db, user_id):
                raise NotAllowed
            await credits.grant(db, user_id, amount, f"Granted by {by.name}", now)
            await audit.note(db, by.id, "granted", f"{amount} credits to {user_id}", now)
            if user_id != by.id:
                await notices.add(db, user_id, "granted", now, amount=amount)
            user = await people.get(db, user_id)
            assert user is not None
            return user

    async def set_status(
        self, by: User, user_id: int, status: Literal["active", "blocked"]
    ) -> None:
        """Errors: NotAllowed (the owner can't be blocked, and nobody blocks themselves)."""
        now = self._now()
        async with self._database.write() as db:
            user = await people.get(db, user_id)
            if not by.leads or user is None or user.role == "owner" or user.id == by.id:
                raise NotAllowed
            if user.role == "admin" and by.role != "owner":
                raise NotAllowed
            await people.change(db, user_id, status=status)
            await audit.note(
                db, by.id, "blocked" if status == "blocked" else "let in", str(user_id), now
            )
