"""The Meta stand-in as one object: start it, hand out its addresses, watch it, disturb it.

Used by the demo and by tests. One listener on 127.0.0.1 serves all of Meta's hosts, each below a
path of its name: https://graph.facebook.com/v25.0/me is <origin>/graph.facebook.com/v25.0/me.
"""

from __future__ import annotations

import asyncio
import collections
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType

import aiohttp
from aiohttp import web

from sandbox.bad_days import Orders
from sandbox.graph import fields, rules
from sandbox.graph.api import Api
from sandbox.graph.asking import Asking, check_proof, read_params, read_token
from sandbox.graph.bad_days import (
    BEFORE,
    BUSY_PERCENT,
    REGAIN_MINUTES,
    BadDays,
    Fault,
    Trouble,
)
from sandbox.graph.containers import Containers, SecondPublish, Story
from sandbox.graph.discovery import Discovery
from sandbox.graph.figures_of_days import Truth
from sandbox.graph.live import LivePage
from sandbox.graph.log_in import LogIn, refused_at
from sandbox.graph.own_posts import OwnPosts
from sandbox.graph.people import APP, App, People
from sandbox.graph.refusals import (
    Json,
    LogInRefused,
    Refusal,
    Refused,
    documented,
    unknown_path,
)
from sandbox.graph.request_log import Request, RequestLog
from sandbox.graph.rules import HOSTS, INSTAGRAM, RULES, Call
from sandbox.graph.tokens import FACEBOOK_SCOPES, INSTAGRAM_SCOPES, Kind, Token, Tokens
from sandbox.graph.uploads import UploadRefused
from sandbox.graph.usage import Usage
from sandbox.world import World

Handler = Callable[[Asking], Awaitable[Json]]
PROCESSING = (timedelta(seconds=1), timedelta(seconds=4))
OOPS = "<!DOCTYPE html><html><title>Error</title><p>Sorry, something went wrong.</p></html>"
ASKED = web.RequestKey("asked", Asking)
ERROR = web.RequestKey("error", tuple)


class Meta:
    """`async with Meta(world) as meta:`, or `start` and `stop`.

    origin: where it listens. addresses: Meta's hosts to what replaces "https://<host>". requests:
    what reached it. bad_days: what goes wrong at the moment. usage: the allowance of calls. truth:
    the figures of its accounts, day by day. own_posts: what they have posted.
    `processing`: how long a picture and a film are IN_PROGRESS on the clock `now`.
    """

    def __init__(
        self,
        world: World,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        processing: tuple[timedelta, timedelta] = PROCESSING,
        app: App = APP,
    ) -> None:
        self.origin = ""
        self.app = app
        self.people = People()
        self.requests = RequestLog()
        self.usage = Usage(now)
        self.truth = Truth()
        self.own_posts = OwnPosts(self.people, now)
        self._tokens = Tokens(now)
        self.bad_days = BadDays(self._tokens)
        self.containers = Containers(now, processing)
        self._now = now
        self._orders: Orders[Call | None, Trouble] = Orders(lambda call, of: of in (None, call))
        self._discovery = Discovery(world, self.people)
        self._api = Api(
            self.people,
            self._tokens,
            self.containers,
            self.bad_days,
            self._discovery,
            self.truth,
            self.own_posts,
            now,
        )
        self._log_in = LogIn(app, self.people, self._tokens, now)
        self._live = LivePage(self.people, self.containers, now)
        self._handlers = self._all_handlers()

    # ------------------------------------------------------------------ start and stop

    async def start(self) -> None:
        application = web.Application(middlewares=[self._log])
        application.router.add_routes(self._live.routes())
        application.router.add_route("*", "/{host}{path:/.*}", self._serve)
        # A client that hangs up frees its handler (silent and slow days); stopping does not wait.
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._http = aiohttp.ClientSession()
        self._api.origin, self._api.http = self.origin, self._http
        self._discovery.origin = self.origin

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self.containers.close()
        await self._http.close()

    async def __aenter__(self) -> Meta:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def addresses(self) -> Mapping[str, str]:
        """Each of Meta's hosts by name, with what stands for "https://" and the name here."""
        return {host: f"{self.origin}/{host}" for host in HOSTS}

    @property
    def live_url(self) -> str:
        return f"{self.origin}/live"

    # ------------------------------------------------------------------ tokens without a dialog

    def instagram_token(
        self,
        username: str,
        *,
        scopes: frozenset[str] = INSTAGRAM_SCOPES,
        is_long: bool = True,
        age: timedelta = timedelta(0),
    ) -> str:
        """As the App Dashboard's "Generate token" gives one: of Instagram Login, issued `age` ago.

        Errors: KeyError for who has no professional account.
        """
        account = self.people.account(username)
        token = self._tokens.issue(Kind.INSTAGRAM, account.id, scopes, is_long=is_long, age=age)
        return token.text

    def facebook_token(
        self,
        username: str,
        *,
        scopes: frozenset[str] = FACEBOOK_SCOPES,
        is_long: bool = False,
        age: timedelta = timedelta(0),
    ) -> str:
        """As the Graph API Explorer gives one: a user's, of Facebook Login."""
        person = self.people.facebooker(username)
        return self._tokens.issue(Kind.USER, person.id, scopes, is_long=is_long, age=age).text

    def page_token(self, username: str) -> str:
        """Of the Page that is linked to this account, without an end."""
        user = self._tokens.issue(
            Kind.USER, self.people.facebooker(username).id, FACEBOOK_SCOPES, is_long=True
        )
        linked = [page for page in self.people.facebooker(username).pages if page.account]
        return self._tokens.of_page(linked[0].id, user).text

    def revoke(self, username: str, subcode: int = 460) -> None:
        """All this person's tokens end with 190 and this subcode; later ones are good."""
        users = {self.people.facebooker(username).id}
        users |= {a.id for a in self.people.accounts.values() if a.username == username}
        self._tokens.revoke(subcode, frozenset(users))

    # ------------------------------------------------------------------ watch and disturb

    @property
    def published(self) -> tuple[Story, ...]:
        """All that ever went live, oldest first, also what has gone since."""
        return tuple(self.containers.published)

    def published_twice(self) -> list[str]:
        """sha256 of the files that one account published more than once."""
        counts = collections.Counter(
            (story.account.id, story.media.sha256) for story in self.published
        )
        return [sha256 for (_, sha256), times in counts.items() if times > 1]

    def publish_calls(self, container: str) -> int:
        """How often media_publish named it, whatever the answer was. KeyError: none such."""
        found = self.containers.find(container)
        if found is None:
            raise KeyError(container)
        return found.publish_calls

    def live(self, username: str) -> list[Story]:
        """What this account's followers see now, newest first."""
        return self.containers.live(self.people.account(username))

    def trouble_next(
        self, call: Call | None, what: Trouble, *, times: int = 1, skip: int = 0
    ) -> None:
        """The next `times` requests of this kind (of any: None), after letting `skip` through."""
        self._orders.add(call, what, times=times, skip=skip)

    def fail_next(self, *subcodes: int) -> None:
        """The next containers end with ERROR and these subcodes, one each."""
        self.containers.failures.extend(subcodes)

    def second_publish(self, answer: SecondPublish) -> None:
        """What publishing a published container answers from now on."""
        self.containers.second_publish = answer

    def forget_orders(self) -> None:
        """Drop what was ordered and no request has used."""
        self._orders.clear()
        self.containers.failures.clear()

    # ------------------------------------------------------------------ how a request is served

    def _all_handlers(self) -> dict[Call, Handler]:
        return {
            Call.CREATE: self._api.create,
            Call.NODE: self._api.node,
            Call.ACCOUNT: self._api.node,
            Call.CONTAINER: self._api.node,
            Call.MEDIA: self._api.node,
            Call.PUBLISH: self._api.publish,
            Call.LIMIT: self._api.limit,
            Call.STORIES: self._api.stories,
            Call.MEDIA_LIST: self._api.media_list,
            Call.MEDIA_INSIGHTS: self._api.insights,
            Call.ACCOUNT_INSIGHTS: self._api.account_insights,
            Call.DELETE: self._api.delete,
            Call.UPLOAD: self._api.upload,
            Call.ME: self._api.me,
            Call.PAGES: self._api.pages,
            Call.INSPECT: self._log_in.inspect,
            Call.FACEBOOK_TOKEN: self._log_in.facebook_token,
            Call.INSTAGRAM_CODE: self._log_in.instagram_code,
            Call.INSTAGRAM_EXCHANGE: self._log_in.instagram_exchange,
            Call.INSTAGRAM_REFRESH: self._log_in.instagram_refresh,
        }

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        host = request.match_info["host"]
        try:
            return await self._answer(request, host)
        except Refused as problem:
            request[ERROR] = (problem.refusal.code, problem.refusal.subcode)
            return self._json(request, refused_at(host, problem), problem.refusal.status)
        except LogInRefused as problem:
            request[ERROR] = (problem.status, None)
            return self._json(request, problem.body(), problem.status)
        except UploadRefused as problem:
            return self._json(request, problem.body(), 400)

    async def _answer(self, request: web.Request, host: str) -> web.StreamResponse:
        asking = await self._read(request, host)
        if asking.call in (Call.FACEBOOK_DIALOG, Call.INSTAGRAM_DIALOG):
            return await self._log_in.dialog(asking)
        fetches = asking.call is Call.CREATE and "upload_type" not in asking.params
        trouble = self._orders.take(asking.call)
        trouble = trouble or self.bad_days.trouble(asking.call, fetches=fetches)
        if self.bad_days.is_on("meta-slow"):
            await asyncio.sleep(self.bad_days.slow_seconds)
        if isinstance(trouble, Refusal):
            raise Refused(trouble)
        if trouble in BEFORE:
            return await self._refuse_to_answer(request, trouble)
        body = await self._handlers[asking.call](asking)
        if trouble is not None:
            return await self._spoil(request, trouble, body)
        return self._json(request, body, 200)

    async def _read(self, request: web.Request, host: str) -> Asking:
        """The request with its call, its token and its checked parameters. Errors: Refused."""
        if host not in HOSTS:
            raise unknown_path(request.path)
        found = rules.find(request.method, host, request.match_info["path"])
        is_upload = found.call is Call.UPLOAD
        is_dialog = found.call in (Call.FACEBOOK_DIALOG, Call.INSTAGRAM_DIALOG)
        raw_body = is_upload or is_dialog
        params = dict(request.query) if raw_body else await read_params(request)
        text = read_token(request, params, "OAuth" if is_upload else "Bearer")
        call = self._api.kind_of(found)
        asking = Asking(request, call, host, found.id, params, text)
        request[ASKED] = asking
        checked = call if call in RULES else found.call
        rule = RULES[checked]
        if rule.token:
            token = self._tokens.checked(text, instagram=host == INSTAGRAM)
            self._count(token)
            _check_scopes(token, rule, host)
            check_proof(self.app, host, params.get("appsecret_proof"), token.text)
        else:
            token = None
        rules.check(checked, host, params)
        asked = fields.parse(params["fields"]) if params.get("fields") else None
        asking = replace(asking, token=token, fields=asked)
        request[ASKED] = asking
        return asking

    def _count(self, token: Token) -> None:
        self.usage.add(token.user)
        if self.usage.is_spent(token.user):
            raise Refused(documented(80002))

    async def _refuse_to_answer(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        if trouble is Fault.HANGS:
            await asyncio.Event().wait()
        if trouble is Fault.DROPPED:
            return _hang_up(request)
        return web.Response(status=503, text=OOPS, content_type="text/html")

    async def _spoil(
        self, request: web.Request, trouble: Trouble, body: Json
    ) -> web.StreamResponse:
        """What took effect is told in a way that nobody understands, or not at all."""
        if trouble is Fault.LOST:
            return _hang_up(request)
        if trouble is Fault.ERROR_AFTER:
            raise Refused(documented(2))
        if trouble is Fault.GATEWAY_AFTER:
            return web.Response(status=502, text=OOPS, content_type="text/html")
        return web.Response(text=json.dumps(body)[:-3], content_type="application/json")

    def _json(self, request: web.Request, body: Json, status: int) -> web.Response:
        headers: dict[str, str] = {}
        asking = request.get(ASKED)
        token = asking and asking.token_text and self._tokens.find(asking.token_text)
        if token and self.bad_days.is_on("meta-rate-limit"):
            headers = self.usage.headers(token.user, percent=100, minutes=REGAIN_MINUTES)
        elif token and self.bad_days.is_on("meta-busy"):
            headers = self.usage.headers(token.user, percent=BUSY_PERCENT)
        elif token:
            headers = self.usage.headers(token.user)
        return web.json_response(body, status=status, headers=headers)

    @web.middleware
    async def _log(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.match_info.get("host") is None:  # the page of what is live is not Meta's
            return await handler(request)
        at, status, body = self._now(), 0, ""
        try:
            response = await handler(request)
            if request.transport and not request.transport.is_closing():
                status = response.status
                if isinstance(response, web.Response):
                    body = response.text or ""
            return response
        finally:
            asking = request.get(ASKED)
            token = asking and asking.token_text and self._tokens.find(asking.token_text)
            self.requests.add(
                Request(
                    at=at,
                    call=asking.call if asking else None,
                    host=request.match_info["host"],
                    method=request.method,
                    path=request.match_info["path"],
                    query=request.query_string,
                    params=asking.params if asking else dict(request.query),
                    headers=dict(request.headers),
                    account=self._api.owner(token) if token else None,
                    status=status,
                    error=request.get(ERROR),
                    body=body,
                )
            )


def _check_scopes(token: Token, rule: rules.Rule, host: str) -> None:
    if not rule.scopes.get(host, frozenset()) <= token.scopes:
        raise Refused(documented(10))


def _hang_up(request: web.Request) -> web.Response:
    """Closes the connection as if the network had failed; the answer below reaches nobody."""
    if request.transport:
        request.transport.abort()
    return web.Response()
