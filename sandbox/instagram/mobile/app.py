"""The mobile API as one application: who is let in, what is refused, and where each call goes.

`server` starts it behind the tunnel, on the same world, CDN, bad days and request log as the web.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.bad_days import Orders
from sandbox.instagram.answers import LOGIN_REQUIRED, Refusal, hang_up, json_answer, refuse
from sandbox.instagram.bad_days import BadDays
from sandbox.instagram.cdn import Cdn
from sandbox.instagram.mobile.challenge import Challenges
from sandbox.instagram.mobile.doors import Doors
from sandbox.instagram.mobile.login import Login
from sandbox.instagram.mobile.stories import Stories
from sandbox.instagram.mobile.timeline import Newsroom, Timeline
from sandbox.instagram.mobile.users import Users
from sandbox.instagram.web_api import SESSION
from sandbox.world import World
from sandbox.world.world import Session

HOSTS = ("i.instagram.com", "b.i.instagram.com")
APP_ID = "567067343352427"  # of the Android app; every request names it
BEARER = "Bearer IGT:2:"
OPEN = (  # asked for before anybody is logged in
    "/graphql_www",
    "/api/v1/qe/sync/",
    "/api/v1/launcher/sync/",
    "/api/v1/attestation/",
    "/api/v1/bloks/",
    "/api/v1/accounts/login/",
    "/api/v1/accounts/two_factor_login/",
    "/api/v1/challenge/",
)
# How the app is told what the web tells by a redirect.
MOBILE_FORM = {
    Refusal.LOGIN: Refusal.LOGIN_REQUIRED,
    Refusal.CHALLENGE: Refusal.CHALLENGE_REQUIRED,
}


class MobileApi:
    """doors: who may log in, and how. newsroom and stories: what is new. timeline: what was
    shown of it. users: profiles, and what they are called by now."""

    def __init__(
        self,
        world: World,
        cdn: Cdn,
        bad_days: BadDays,
        refusals: Orders[str, Refusal],
        now: Callable[[], datetime],
    ) -> None:
        self.doors = Doors(world, bad_days, now)
        self.newsroom = Newsroom(world, now)
        self.stories = Stories(world, cdn, now)
        self._world = world
        self._bad_days = bad_days
        self._refusals = refusals
        self.timeline = Timeline(world, cdn, bad_days, self.newsroom)
        self.users = Users(world, cdn, bad_days, self.newsroom)
        self._rooms = (
            self.timeline,
            self.users,
            self.stories,
            Login(self.doors),
            Challenges(self.doors),
        )

    def routes(self) -> list[web.RouteDef]:
        return [route for room in self._rooms for route in room.routes()]

    def session(self, request: web.Request) -> Session | None:
        """Of the bearer token, or of the cookie that the app sends as well."""
        session_id = request.cookies.get("sessionid", "")
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith(BEARER):
            try:
                content = json.loads(base64.b64decode(authorization.removeprefix(BEARER)))
                session_id = str(content.get("sessionid", ""))
            except (ValueError, AttributeError):
                return None
        return self._world.session(session_id)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        session = request.get(SESSION)
        refusal = self._refusals.take(request.path) or self._bad_day(session)
        if self._bad_days.is_on("slow"):
            await asyncio.sleep(self._bad_days.slow_seconds)
        if refusal is Refusal.SILENCE:
            await asyncio.Event().wait()
        if refusal is Refusal.CUT:
            return await hang_up(request)
        if refusal:
            return refuse(refusal, request.path)
        is_open = request.path.startswith(OPEN)
        if not is_open and not _is_the_app(request):
            return json_answer({"message": "useragent mismatch", "status": "fail"}, 400)
        if not is_open and session is None:
            return json_answer(LOGIN_REQUIRED, 403)
        return await handler(request)

    def _bad_day(self, session: Session | None) -> Refusal | None:
        refusal = self._bad_days.refusal(session) or self._bad_days.dead_session(session)
        return MOBILE_FORM.get(refusal, refusal) if refusal else None


def _is_the_app(request: web.Request) -> bool:
    agent = request.headers.get("User-Agent", "")
    return (
        agent.startswith("Instagram ")
        and "Android" in agent
        and request.headers.get("X-IG-App-ID") == APP_ID
    )
