"""Fixtures: a bucket of moto's S3 server, and a front that spoils what comes back from it.

A module that uses them imports `moto` and `bucket` (and `front`).
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from aiohttp import ClientSession, web
from moto.server import ThreadedMotoServer

from storage.objects import ObjectStore, open_store

KEY_ID, SECRET = "AKIAPLANTEDKEYID0000", "planted-secret-access-key"


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Its origin. Started once; tests use buckets of their own."""
    with RunningMoto() as origin:
        yield origin


class RunningMoto:
    """The server on a free port, for the time of a block."""

    def __enter__(self) -> str:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def __exit__(self, *_error: object) -> None:
        self._server.stop()


@dataclass(frozen=True, slots=True)
class Bucket:
    """`origin`: the server's own address, or that of what stands in front of it."""

    origin: str
    name: str

    @property
    def address(self) -> str:
        return f"s3://{self.name}/reelay"

    @property
    def options(self) -> str:
        return json.dumps(
            {
                "endpoint": self.origin,
                "region": "us-east-1",
                "access_key_id": KEY_ID,
                "secret_access_key": SECRET,
            }
        )

    def store(self, data: Path) -> ObjectStore:
        return open_store(self.address, self.options, data)

    def listed(self) -> list[str]:
        """The keys in it, as the server sees it."""
        listed = self._ask("GET", "?list-type=2").text
        return [one.partition("</Key>")[0] for one in listed.split("<Key>")[1:]]

    def content(self, key: str) -> bytes:
        return self._ask("GET", f"/{key}").content

    def put(self, key: str, content: bytes) -> None:
        self._ask("PUT", f"/{key}", content)

    def make(self) -> None:
        self._ask("PUT")

    def _ask(self, method: str, rest: str = "", content: bytes = b"") -> httpx.Response:
        url = f"{self.origin}/{self.name}{rest}"
        signed = {"Authorization": "any: moto does not look at it"}
        with httpx.Client(trust_env=False, headers=signed) as http:
            return http.request(method, url, content=content).raise_for_status()


def make_bucket(origin: str) -> Bucket:
    made = Bucket(origin, f"bucket-{secrets.token_hex(6)}")
    made.make()
    return made


@pytest.fixture
def bucket(moto: str) -> Bucket:
    return make_bucket(moto)


@dataclass(slots=True)
class Front:
    """Passes requests on to a bucket's server. `bad_reads`: how many of the next answers to GET
    have a wrong byte; `status`: answers everything with it."""

    behind: Bucket
    origin: str = ""
    bad_reads: int = 0
    status: int | None = None
    requests: list[str] = field(default_factory=list)  # their methods

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.origin, self.behind.name)

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request.method)
        if self.status:
            return web.Response(status=self.status, text=f"<Error>{request.url}</Error>")
        body = await request.read()
        kept = {name: value for name, value in request.headers.items() if name != "Host"}
        url = f"{self.behind.origin}{request.path_qs}"
        async with (
            ClientSession() as http,
            http.request(request.method, url, data=body, headers=kept) as answer,
        ):
            content = await answer.read()
            headers = {
                name: answer.headers[name]
                for name in ("ETag", "Last-Modified", "Content-Range", "Content-Length")
                if name in answer.headers
            }
        if request.method == "GET" and self.bad_reads:
            self.bad_reads -= 1
            content = bytes([content[0] ^ 1]) + content[1:]
        return web.Response(status=answer.status, body=content, headers=headers)


@pytest.fixture
async def front(bucket: Bucket) -> AsyncIterator[Front]:
    made = Front(bucket)
    application = web.Application(client_max_size=1 << 24)
    application.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()
