"""A running stand-in on a clock that the test moves, a client that holds it to the contract, and
a host with files for it to fetch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from sandbox.graph import Meta
from sandbox.world import World
from tests.contracts.check_graph import check_request, check_response, endpoints_for
from tests.sandbox.graph.files import jpeg
from tests.support.clock import StillClock

FACEBOOK, INSTAGRAM = "graph.facebook.com", "graph.instagram.com"
LIMIT = 10  # seconds; a call takes some milliseconds


class Client:
    """Every call that succeeds has to fit the contract, and so has every answer."""

    def __init__(self, meta: Meta, http: httpx.AsyncClient) -> None:
        self.meta = meta
        self.http = http
        self.headers = httpx.Headers()  # of the newest answer

    async def get(self, url: str, token: str | None = None, **params: str) -> dict[str, Any]:
        return await self.call("GET", url, token, params)

    async def post(self, url: str, token: str | None = None, **params: str) -> dict[str, Any]:
        return await self.call("POST", url, token, params)

    async def call(
        self, method: str, url: str, token: str | None, params: dict[str, str]
    ) -> dict[str, Any]:
        """`url`: host and path, as graph.facebook.com/v25.0/me. The answer, of any status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self.meta.origin}/{url}"
        form, query = (params, None) if method == "POST" else (None, params)
        response = await self.http.request(
            method, address, headers=headers, data=form, params=query
        )
        self.headers = response.headers
        body: dict[str, Any] = response.json()
        names = endpoints_for(method, f"https://{url}")
        if names:
            problems = [check_response(name, body, response.status_code) for name in names]
            assert [] in problems, (body, problems)
        if response.is_success:
            host = url.partition("/")[0]
            assert [] in [check_request(name, _over_https(params), host) for name in names]
        return body


def _over_https(params: dict[str, str]) -> dict[str, str]:
    """The contract wants https of media; on loopback the stand-in takes http."""
    return {name: value.replace("http://127.", "https://127.") for name, value in params.items()}


class FileHost:
    """Files at <origin>/<name>. `answers` replace some: a status, or a redirection's target."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.answers: dict[str, web.Response] = {}
        self.asked: list[str] = []
        self.origin = ""

    def put(self, name: str, data: bytes, mime: str) -> str:
        self.files[name] = (data, mime)
        return f"{self.origin}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        if name == "never":
            await asyncio.Event().wait()
        if name in self.answers:
            return self.answers[name]
        data, mime = self.files[name]
        return web.Response(body=data, content_type=mime)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def meta(world: World, clock: StillClock) -> AsyncIterator[Meta]:
    async with Meta(world, now=clock) as running:
        yield running


@pytest.fixture
async def client(meta: Meta) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=LIMIT) as http:
        yield Client(meta, http)


@pytest.fixture
async def host() -> AsyncIterator[FileHost]:
    made = FileHost()
    app = web.Application()
    app.router.add_get("/{name}", made.serve)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


class Publisher:
    """One business account with its token, and a photo for it to publish."""

    def __init__(self, client: Client, host: FileHost, clock: StillClock) -> None:
        self.client = client
        self.clock = clock
        self.account = client.meta.people.account("mia").id
        self.token = client.meta.instagram_token("mia")
        self.photo = host.put("photo.jpg", jpeg(), "image/jpeg")

    def url(self, path: str = "") -> str:
        return f"{INSTAGRAM}/v25.0/{self.account}{path}"

    async def create(self, **params: str) -> dict[str, Any]:
        source = params or {"image_url": self.photo}
        return await self.client.post(
            self.url("/media"), self.token, media_type="STORIES", **source
        )

    async def container(self, **params: str) -> str:
        """One that is ready."""
        container: str = (await self.create(**params))["id"]
        self.clock.advance(seconds=10)
        return container

    async def status(self, container: str) -> dict[str, Any]:
        url = f"{INSTAGRAM}/v25.0/{container}"
        return await self.client.get(url, self.token, fields="status_code,status")

    async def publish(self, container: str) -> dict[str, Any]:
        return await self.client.post(self.url("/media_publish"), self.token, creation_id=container)


@pytest.fixture
def mia(client: Client, host: FileHost, clock: StillClock) -> Publisher:
    return Publisher(client, host, clock)


def numbers(body: dict[str, Any]) -> tuple[int, int | None]:
    """(code, subcode) of a refusal."""
    return body["error"]["code"], body["error"].get("error_subcode")
