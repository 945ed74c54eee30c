"""The Instagram stand-in as one object: start it, hand out its addresses, watch it, disturb it.

Used by the demo and by tests. All its listeners are on 127.0.0.1 and on free ports.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.bad_days import Orders
from sandbox.instagram import certs
from sandbox.instagram.answers import Refusal, hang_up, page, refuse
from sandbox.instagram.bad_days import BadDays, Fault
from sandbox.instagram.cdn import Cdn
from sandbox.instagram.mobile import HOSTS, MobileApi
from sandbox.instagram.profile import Profiles
from sandbox.instagram.request_log import Request, RequestLog
from sandbox.instagram.tunnel import Tunnel
from sandbox.instagram.web_api import SESSION, WebApi
from sandbox.world import Kind, Post, World
from sandbox.world.profiles import draw_reels
from sandbox.world.world import Session

# Where refused requests are sent; asking for these never ends in a redirect again.
OPEN_PAGES = ("/", "/accounts/login/", "/challenge/", "/auth_platform/")


class Instagram:
    """`async with Instagram(world) as instagram:`, or `start` and `stop`.

    http_url: the CDN. proxy_url: an HTTP proxy for https only. ca_file: what the proxied client
    has to trust. requests: what reached the stand-in. bad_days: what goes wrong at the moment.
    doors: passwords, codes, and what a log-in asks for.
    """

    def __init__(self, world: World, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.world = world
        self.bad_days = BadDays()
        self.requests = RequestLog()
        self._now = now
        self._refusals: Orders[str, Refusal] = Orders(str.startswith)
        self._cdn = Cdn(world, self.bad_days)
        self._mobile = MobileApi(world, self._cdn, self.bad_days, self._refusals, now)
        self.doors = self._mobile.doors

    # ------------------------------------------------------------------ start and stop

    async def start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="instagram-")
        self.ca_file, server_file = certs.make(Path(self._folder.name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_file)
        self._files = _runner(self._files_app())
        self._site = _runner(self._site_app())
        self._app = _runner(self._mobile_app())
        self.http_url = f"http://127.0.0.1:{await _listen(self._files)}"
        self._cdn.origin = self.http_url
        mobile_port = await _listen(self._app, context)
        mobile_ports = dict.fromkeys(HOSTS, mobile_port)
        self._tunnel = Tunnel(await _listen(self._site, context), mobile_ports)
        await self._tunnel.start()
        self.proxy_url = self._tunnel.url

    async def stop(self) -> None:
        await self._tunnel.stop()
        await self._app.cleanup()
        await self._site.cleanup()
        await self._files.cleanup()
        self._folder.cleanup()

    async def __aenter__(self) -> Instagram:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    # ------------------------------------------------------------------ watch and disturb

    def api_requests(self, identity: str | None = None) -> int:
        """Requests that reached Instagram's application, of one username or of everybody."""
        return self.requests.api_requests(identity)

    def reset_log(self) -> None:
        self.requests.reset()

    def refuse_next(self, path: str, refusal: Refusal, *, times: int = 1, skip: int = 0) -> None:
        """Refuse the next `times` requests whose path starts so, after letting `skip` through."""
        self._refusals.add(path, refusal, times=times, skip=skip)

    def break_next(self, url: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        """The same for files; `url` is the beginning of their address on the CDN, or its path."""
        path = url.removeprefix(self.http_url).partition("?")[0]
        self._cdn.orders.add(path, fault, times=times, skip=skip)

    def forget_orders(self) -> None:
        """Drop what refuse_next and break_next ordered and no request has used."""
        self._refusals.clear()
        self._cdn.orders.clear()

    def file_url(self, pk: int, variant: str) -> str:
        """The address of a file; the arguments are those of `World.file`."""
        return self._cdn.file_url(pk, variant)

    def publish_new(self, author: str, kind: Kind | None = None) -> Post:
        """A post that is new this moment, at the top of home feeds. KeyError: no such author."""
        return self._mobile.newsroom.publish(author, kind)

    def publish(self, post: Post) -> Post:
        """The same with a post of one's own, which may hold what nobody would draw."""
        return self._mobile.newsroom.add(post)

    def shown(self, username: str) -> list[Post]:
        """The posts of followed people that this person's home feed has shown so far."""
        return self._mobile.timeline.shown(username)

    def tell_story(self, author: str) -> Post:
        """A story that is new this moment and lives for a day. KeyError: no such author."""
        return self._mobile.stories.tell(author)

    def fill(self, username: str, reels: int) -> list[Post]:
        """So many more reels of this person, older than all that there are. KeyError: nobody."""
        person = self.world.person(username)
        if person is None:
            raise KeyError(username)
        oldest = min((post.taken_at for post in self.reels(username)), default=self._now())
        rng = random.Random(f"{self.world.seed} {username} {oldest}")
        return [self.publish(reel) for reel in draw_reels(rng, person, reels, oldest)]

    def reels(self, username: str) -> list[Post]:
        """The reels that this person's profile shows, newest first."""
        posts = self._mobile.newsroom.posts_by(username)
        return [post for post in posts if post.kind is Kind.REEL]

    def rename(self, username: str, new_name: str) -> None:
        """From now on this person is called so, by the app at least. KeyError: nobody."""
        person = self.world.person(username)
        if person is None:
            raise KeyError(username)
        self._mobile.users.names[person.pk] = new_name

    # ------------------------------------------------------------------ how a request is served

    def _files_app(self) -> web.Application:
        app = web.Application(middlewares=[self._log(self._web_session)])
        app.router.add_get("/v/{folder}/{name:[0-9]+_[a-z]+_n[.][a-z0-9]+}", self._cdn.serve)
        return app

    def _site_app(self) -> web.Application:
        app = web.Application(middlewares=[self._log(self._web_session), self._guard])
        profiles = Profiles(self.world, self._cdn)
        app.router.add_get("/", profiles.home)
        for path in OPEN_PAGES[1:]:
            app.router.add_get(path, _open_page)
        app.router.add_get("/rsrc.php/{tail:.*}", profiles.script)
        app.router.add_routes(WebApi(self.world, self._cdn, self.bad_days).routes())
        app.router.add_routes(profiles.routes())
        return app

    def _mobile_app(self) -> web.Application:
        app = web.Application(middlewares=[self._log(self._mobile.session), self._mobile.guard])
        app.router.add_routes(self._mobile.routes())
        return app

    def _web_session(self, request: web.Request) -> Session | None:
        return self.world.session(request.cookies.get("sessionid", ""))

    def _log(self, session_of: Callable[[web.Request], Session | None]) -> Middleware:
        @web.middleware
        async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
            at, status = self._now(), 0
            if session := session_of(request):
                request[SESSION] = session
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                session = request.get(SESSION)  # a log-in has one only now
                self.requests.add(
                    Request(
                        at=at,
                        host=request.host,
                        method=request.method,
                        path=request.path,
                        query=request.query_string,
                        identity=session.username if session else None,
                        status=status,
                        to_application=request.host.endswith("instagram.com")
                        and not _is_static(request),
                    )
                )

        return log

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_static(request) or request.path in OPEN_PAGES:
            return await handler(request)
        session = request.get(SESSION)
        refusal = self._refusals.take(request.path) or self.bad_days.refusal(session)
        if self.bad_days.is_on("slow"):
            await asyncio.sleep(self.bad_days.slow_seconds)
        if refusal is Refusal.SILENCE:
            await asyncio.Event().wait()
        if refusal is Refusal.CUT:
            return await hang_up(request)
        if refusal or session is None:
            return refuse(refusal or Refusal.LOGIN, request.path)
        return await handler(request)


def _is_static(request: web.Request) -> bool:
    return request.host.endswith("cdninstagram.com")


async def _open_page(request: web.Request) -> web.Response:
    return page("<!DOCTYPE html><html><title>Instagram</title></html>")


def _runner(app: web.Application) -> web.AppRunner:
    """A client that hangs up frees its handler (silent and slow days); stopping does not wait."""
    return web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)


async def _listen(runner: web.AppRunner, context: ssl.SSLContext | None = None) -> int:
    """Serve on a free port of 127.0.0.1 and return it."""
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return int(runner.addresses[0][1])
