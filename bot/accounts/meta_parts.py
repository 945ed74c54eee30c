"""The parts of log-ins at Meta, built and joined. Called by bot/app.py; stories and insights take
the log-ins from here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from datetime import timedelta

import httpx
import structlog

from bot.accounts.meta import MetaScreen
from bot.ground import Ground
from bot.settings import Role, Settings
from services.accounts.meta import MetaLogins
from services.clock import Now
from services.errors import ReelayError, Remedy
from services.graph.access import Access, App
from services.graph.wire import Addresses, Flavour, GraphClient
from services.jobs.clock import Clock
from services.web.meta import MetaCallback
from storage.vault import Secret

log = structlog.get_logger()

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class MetaParts:
    """`address`: of the side server, to which Meta's page comes back. `connected`: told of who has
    just connected an account."""

    def __init__(
        self, ground: Ground, address: str, connected: Callable[[int], Awaitable[object]]
    ) -> None:
        settings = ground.settings
        client = graph_client(settings, ground.http, ground.now)
        self.logins = MetaLogins(
            ground.database,
            ground.vault,
            client,
            Access(client, apps(settings), ground.now),
            ground.now,
            base=address,
        )
        self._people = ground.people
        self._connected = connected
        token = settings.meta_access_token.get_secret_value()
        self._given = Secret(token) if token else None
        self.screen = MetaScreen(self.logins, connected)
        self.callback = MetaCallback(ground.database, self.logins, connected, ground.now)

    @property
    def screens(self) -> tuple[MetaScreen]:
        return (self.screen,)

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "clock" in roles:
            clock.every(HOUR, "renew log-ins", self.logins.renew_due)
            if self._given is not None:
                clock.every(MINUTE, "log-in from the environment", self._connect_given)

    async def _connect_given(self) -> None:
        """Once in a process, as soon as the bot has an owner. A token that is refused is named in
        the log: the chat has /connect."""
        owner = next((one for one in await self._people.everyone() if one.role == "owner"), None)
        if owner is None or self._given is None:
            return
        given, self._given = self._given, None
        if any(account.problem is None for account in await self.logins.of_user(owner.id)):
            return  # connected, perhaps with a newer token: that one stays
        try:
            await self.logins.paste(owner.id, given.reveal())
        except ReelayError as error:
            if error.remedy in (Remedy.RETRY, Remedy.WAIT_UNTIL):
                self._given = given
            log.error("META_ACCESS_TOKEN was not taken", why=error.message)
            return
        await self._connected(owner.id)


def graph_client(settings: Settings, http: httpx.AsyncClient, now: Now) -> GraphClient:
    app = apps(settings).get(Flavour.FACEBOOK)
    return GraphClient(
        http,
        now,
        addresses=addresses(settings.meta_origin),
        version=settings.meta_api_version,
        facebook_secret=app.secret if app else None,
    )


def addresses(origin: str) -> Addresses:
    """Meta's own, or those of a stand-in, which has each host below a path of its name."""
    if not origin:
        return Addresses()
    at = origin.rstrip("/")
    return Addresses(
        facebook=f"{at}/graph.facebook.com",
        instagram=f"{at}/graph.instagram.com",
        instagram_login=f"{at}/api.instagram.com",
        uploads=f"{at}/rupload.facebook.com",
        facebook_dialog=f"{at}/www.facebook.com",
        instagram_dialog=f"{at}/www.instagram.com",
    )


def apps(settings: Settings) -> dict[Flavour, App]:
    """Those that the operator has given, each with its id and its secret."""
    given = {
        Flavour.FACEBOOK: (settings.meta_app_id, settings.meta_app_secret),
        Flavour.INSTAGRAM: (settings.instagram_app_id, settings.instagram_app_secret),
    }
    return {
        flavour: App(app_id, Secret(secret.get_secret_value()))
        for flavour, (app_id, secret) in given.items()
        if app_id and secret.get_secret_value()
    }
