"""To an address that a person typed, and to nothing inside our own network."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.instagram import certs
from services.errors import BadInput
from services.web.outgoing import Answer, NotSent, Outgoing, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # the metadata of clouds
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        # an IPv4 address inside
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "address",
    [
        "", "hello", "ftp://hooks.example/x", "http://hooks.example/x", "https://", "https:///x",
        "https://user:pass@hooks.example/", "javascript:alert(1)", "https://hooks.example:99999/",
        "https://hooks.example/" + "x" * 2000, "//hooks.example/x", "https://[::1", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadInput):
        Outgoing().read(address)


class Received:
    """A service that takes webhooks: what came, and what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def service() -> AsyncIterator[tuple[Received, TestServer]]:
    received = Received()
    application = web.Application()
    application.router.add_post("/{any:.*}", received.take)
    server = TestServer(application)
    await server.start_server()
    yield received, server
    await server.close()


def to(*addresses: str) -> Callable[..., object]:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


async def test_the_connection_goes_to_the_address_that_was_checked(
    service: tuple[Received, TestServer],
) -> None:
    """The name exists nowhere: it is only said, not looked up again."""
    received, server = service
    outgoing = Outgoing(private=True, resolve=to("127.0.0.1"))  # type: ignore[arg-type]
    url = outgoing.read(f"http://hooks.invalid:{server.port}/a/b?c=d")
    answer = await outgoing.post(url, b"{}", {"Content-Type": "application/json"})
    assert answer == Answer(204, None)
    ((path, headers, body),) = received.requests
    assert (path, body) == ("/a/b", b"{}")
    assert headers["Host"] == f"hooks.invalid:{server.port}"
    assert "Cookie" not in headers


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["169.254.169.254"]]
)
async def test_a_name_that_leads_inside_is_refused(
    service: tuple[Received, TestServer], addresses: list[str]
) -> None:
    received, server = service
    outgoing = Outgoing(resolve=to(*addresses))  # type: ignore[arg-type]
    url = outgoing.read(f"https://hooks.example:{server.port}/x")
    with pytest.raises(BadInput, match="private network"):
        await outgoing.check(url)
    with pytest.raises(NotSent) as refused:
        await outgoing.post(url, b"{}", {})
    assert (refused.value.reason, refused.value.final) == ("private", True)
    assert received.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]"])
async def test_numbers_that_mean_this_machine_are_refused(host: str) -> None:
    """By the system's own resolver, which knows more forms of an address than anybody lists."""
    outgoing = Outgoing()
    with pytest.raises((BadInput, NotSent)) as refused:
        await outgoing.check(outgoing.read(f"https://{host}/x"))
    assert "private" in str(refused.value)


async def test_a_redirect_is_not_followed(service: tuple[Received, TestServer]) -> None:
    received, server = service
    received.status, received.headers = 307, {"Location": f"http://127.0.0.1:{server.port}/2"}
    outgoing = Outgoing(private=True)
    answer = await outgoing.post(httpx.URL(f"http://127.0.0.1:{server.port}/1"), b"{}", {})
    assert answer.status == 307
    assert len(received.requests) == 1


async def test_tls_is_checked_against_the_name(tmp_path: Path) -> None:
    ca_file, leaf_file = certs.make(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(leaf_file)
    received = Received()
    application = web.Application()
    application.router.add_post("/", received.take)
    server = TestServer(application, scheme="https")
    await server.start_server(ssl=serving)
    trusting = ssl.create_default_context(cafile=str(ca_file))
    outgoing = Outgoing(private=True, resolve=to("127.0.0.1"), tls=trusting)  # type: ignore[arg-type]
    good = httpx.URL(f"https://hooks.instagram.com:{server.port}/")
    assert (await outgoing.post(good, b"{}", {})).status == 204
    with pytest.raises(NotSent, match="tls"):
        await outgoing.post(httpx.URL(f"https://hooks.example:{server.port}/"), b"{}", {})
    assert len(received.requests) == 1
    await server.close()


async def test_what_does_not_answer_is_given_up_in_time() -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async def unknown(_host: str, _port: int) -> list[str]:
        raise OSError

    url = httpx.URL("https://hooks.example/")
    for resolve, reason in ((never, "timeout"), (unknown, "network"), (to(), "network")):
        with pytest.raises(NotSent, match=reason):
            await Outgoing(resolve=resolve, seconds=0.05).post(url, b"{}", {})  # type: ignore[arg-type]
