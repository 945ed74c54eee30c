"""The two ways to a profile: Meta's business discovery, and the app's own API.

Meta first, where an account is connected by Facebook Login: it is the official way, costs the
person's Instagram session nothing, and Meta tells only of professional accounts. Called by the
service (which ways there are) and by the job (what they say). Both end in the same shapes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.accounts.meta import MetaLogins
from services.accounts.mobile import MobileSessions
from services.errors import (
    InstagramError,
    NotAllowed,
    PermissionMissing,
    ProfileMissing,
    SessionRefused,
    TokenRefused,
)
from services.graph import discovery
from services.graph.access import INSIGHT_SCOPES
from services.graph.account import Account
from services.graph.discovery import DiscoveredMedia, DiscoveredProfile
from services.graph.wire import Flavour
from services.instagram import mobile_profiles
from services.instagram.mobile_timeline import Unparsed
from services.instagram.posts import clean_text, hashtags, number_of
from services.instagram.profiles import Profile, Reel, ReelPage, mentions
from storage import connections, meta_accounts
from storage.analysis import APP, META, Analysis
from storage.connections import Connection
from storage.database import Database, Transaction
from storage.meta_accounts import MetaAccount

PLATFORMS = {APP: "instagram", META: "meta"}  # whose numbers of people they are


@dataclass(frozen=True, slots=True)
class Way:
    """How, and as whom. `identity`: whose turn in the queue it takes. `account`: "@mia"."""

    source: str  # app | meta
    identity: str
    account: str
    connection_id: int | None = None
    meta_id: int | None = None

    def columns(self) -> dict[str, Any]:
        """Of the analysis."""
        return {
            "source": self.source,
            "identity": self.identity,
            "connection_id": self.connection_id,
            "meta_id": self.meta_id,
        }


class Source(Protocol):
    """`page_size`: posts on one page, at most."""

    page_size: int

    async def profile(self, name: str) -> Profile:
        """Errors: ProfileMissing, ProfileGated, MetaNotFound; those of the way."""

    async def renamed(self, platform_id: str) -> Profile:
        """Who had this number before, under whatever name. Errors: as `profile`."""

    async def page(self, item: Analysis, platform_id: str) -> ReelPage:
        """The page at the analysis's cursor. Errors: as `profile`, ProfilePrivate."""


class Sources:
    def __init__(
        self, database: Database, sessions: MobileSessions, logins: MetaLogins | None
    ) -> None:
        """`logins` None: this process has no way to Meta."""
        self._database = database
        self._sessions = sessions
        self._logins = logins

    async def ways(self, user_id: int) -> list[Way]:
        """Those that work now, the best first; [] if there are none. Errors: SessionRefused where
        there would be one if its person logged in again."""
        async with self._database.read() as db:
            logins = await meta_accounts.of_user(db, user_id) if self._logins else []
            sessions = await connections.of_user(db, user_id)
        found = [_by_meta(one) for one in logins if _is_usable(one)]
        found += [_by_app(one) for one in sessions if one.status == "active"]
        if not found and sessions:
            raise SessionRefused(
                f"Instagram refuses the session of {sessions[0].label}, and I have no other one.",
                "Open /connect and log in to it again, then send /analyze again.",
            )
        if not found:
            raise NotAllowed(
                "I can look at profiles only as somebody, and no account is connected.",
                "Connect one with /connect, then send /analyze again.",
            )
        return found

    def open(self, item: Analysis) -> Source:
        """The way of this analysis. Errors: SessionRefused, TokenRefused where the account was
        disconnected."""
        if item.source == META:
            if item.meta_id is None or self._logins is None:
                raise TokenRefused("The account that looked at this profile is not connected.")
            return _ByMeta(self._logins, item.meta_id)
        if item.connection_id is None:
            raise SessionRefused("The account that looked at this profile is not connected.")
        return _ByApp(self._sessions, item.connection_id)

    async def refused(
        self, db: Transaction, item: Analysis, error: InstagramError, now: datetime
    ) -> None:
        """A call met a dead session or a checkpoint; part of the caller's transaction. A log-in at
        Meta is told of by the call itself."""
        if item.connection_id is not None:
            await self._sessions.refused(db, item.connection_id, error, now)


def _is_usable(account: MetaAccount) -> bool:
    """By Facebook Login, alive, and with the permissions as far as Meta has told them."""
    wanted = set(INSIGHT_SCOPES[Flavour.FACEBOOK])
    may = not account.scopes or wanted <= set(account.scopes)
    return account.flavour == Flavour.FACEBOOK and account.problem is None and may


def _by_meta(account: MetaAccount) -> Way:
    return Way(META, account.identity, f"@{account.username}", meta_id=account.id)


def _by_app(connection: Connection) -> Way:
    return Way(APP, connection.identity, connection.label, connection_id=connection.id)


# ---------------------------------------------------------------- as the app


class _ByApp:
    page_size = mobile_profiles.PAGE_SIZE

    def __init__(self, sessions: MobileSessions, connection_id: int) -> None:
        self._sessions = sessions
        self._connection_id = connection_id

    async def profile(self, name: str) -> Profile:
        return await self._sessions.ask(self._connection_id, lambda one: one.profile(name))

    async def renamed(self, platform_id: str) -> Profile:
        return await self._sessions.ask(
            self._connection_id, lambda one: one.profile_by_id(platform_id)
        )

    async def page(self, item: Analysis, platform_id: str) -> ReelPage:
        return await self._sessions.ask(
            self._connection_id, lambda one: one.reels(platform_id, item.cursor)
        )


# ---------------------------------------------------------------- by Meta


class _ByMeta:
    page_size = discovery.PAGE_SIZE

    def __init__(self, logins: MetaLogins, meta_id: int) -> None:
        self._logins = logins
        self._meta_id = meta_id

    async def profile(self, name: str) -> Profile:
        async with self._account() as account:
            return _profile(await discovery.discover(account, name))

    async def renamed(self, platform_id: str) -> Profile:
        """Meta finds people by name only."""
        raise ProfileMissing(subject=platform_id)

    async def page(self, item: Analysis, platform_id: str) -> ReelPage:
        async with self._account() as account:
            found = await discovery.discover_media(account, item.name, item.cursor)
        if found.user_id != platform_id:
            raise ProfileMissing(
                "That name is somebody else's by now: the person has taken another one.",
                "Send /analyze with the new name. What was read is kept.",
            )
        reels = [_reel(one) for one in found.media if one.product == discovery.REELS]
        odd = tuple(Unparsed(one.id, one.what, one.raw) for one in found.odd)
        return ReelPage(tuple(reels), odd, len(found.media) + len(odd), found.after)

    @asynccontextmanager
    async def _account(self) -> AsyncIterator[Account]:
        """For one call; a dead log-in is said to its person, once."""
        account: Account | None = None
        try:
            account = await self._logins.open(self._meta_id)
            yield account
        except (TokenRefused, PermissionMissing) as error:
            await self._logins.refused(self._meta_id, error, account.token if account else None)
            raise


def _profile(found: DiscoveredProfile) -> Profile:
    """Meta tells of public profiles only, and not whether they are verified."""
    return Profile(
        platform_id=found.id,
        username=found.username,
        full_name=clean_text(found.name),
        biography=clean_text(found.biography),
        followers=found.followers,
        following=found.follows,
        media_count=found.media_count,
        is_private=False,
        is_verified=False,
        picture=found.picture,
        raw=found.raw,
    )


def _reel(found: DiscoveredMedia) -> Reel:
    """With the number that the app knows it by, so that both ways' snapshots can be compared."""
    caption = clean_text(found.caption)
    return Reel(
        platform_id=str(number_of(found.shortcode)),
        shortcode=found.shortcode,
        thumbnail=found.thumbnail,
        caption=caption,
        likes=found.likes,
        comments=found.comments,
        views=found.views,
        plays=None,
        taken_at=found.posted_at,
        seconds=None,
        hashtags=tuple(hashtags(caption)),
        mentions=mentions(caption),
        audio=None,
        raw=found.raw,
    )
