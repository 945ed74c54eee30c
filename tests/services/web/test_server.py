"""Who may see /metrics, and what /telegram takes."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from services.web.downloads import Downloads
from services.web.health import Health
from services.web.server import MAX_BODY, SECRET_HEADER, SideServer
from storage.database import Database
from tests.services.web.conftest import MakeClient, Process

TOKEN, SECRET = "operator-token", "webhook-secret"


class TestMetrics:
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),  # this machine
            ({"X-Forwarded-For": "203.0.113.9"}, 404),  # somebody behind the proxy
            ({"Forwarded": "for=203.0.113.9"}, 404),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": f"Bearer {TOKEN}"}, 200),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer wrong"}, 404),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer ünïcode"}, 404),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer "}, 404),
        ],
    )
    async def test_with_a_token(
        self, client: MakeClient, headers: dict[str, str], status: int
    ) -> None:
        web = await client(operator_token=TOKEN)
        assert (await web.get("/metrics", headers=headers)).status == status

    @pytest.mark.parametrize(
        ("headers", "status"),
        [({}, 200), ({"X-Forwarded-For": "1.2.3.4", "Authorization": "Bearer "}, 404)],
    )
    async def test_without_a_token(
        self, client: MakeClient, headers: dict[str, str], status: int
    ) -> None:
        web = await client()
        assert (await web.get("/metrics", headers=headers)).status == status

    @pytest.mark.parametrize(
        ("remote", "allowed"),
        [
            ("127.0.0.1", True),
            ("::1", True),
            ("192.168.1.9", False),
            ("2001:db8::1", False),
            ("", False),
        ],
    )
    def test_by_address(self, remote: str, allowed: bool) -> None:
        class Transport:
            def get_extra_info(self, name: str, default: object = None) -> object:
                return (remote, 1) if name == "peername" and remote else default

        server = SideServer(None, None, None)  # type: ignore[arg-type]
        request = make_mocked_request("GET", "/metrics", transport=Transport())
        assert server._is_operator(request) is allowed


class TestWebhook:
    @pytest.fixture
    def taken(self) -> list[dict[str, Any]]:
        return []

    @pytest.fixture
    async def web(self, client: MakeClient, taken: list[dict[str, Any]]) -> Any:
        async def receive(update: dict[str, Any]) -> None:
            taken.append(update)

        return await client(webhook=(SECRET, receive))

    async def test_an_update_with_the_secret_is_taken(
        self, web: Any, taken: list[dict[str, Any]]
    ) -> None:
        answer = await web.post("/telegram", json={"update_id": 1}, headers={SECRET_HEADER: SECRET})
        assert (answer.status, taken) == (200, [{"update_id": 1}])

    @pytest.mark.parametrize(
        "headers",
        [{}, {SECRET_HEADER: ""}, {SECRET_HEADER: SECRET + "x"}, {SECRET_HEADER: "ünïcode"}],
    )
    async def test_without_the_secret_it_is_refused(
        self, web: Any, taken: list[dict[str, Any]], headers: dict[str, str]
    ) -> None:
        answer = await web.post("/telegram", json={"update_id": 1}, headers=headers)
        assert (answer.status, taken) == (403, [])

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"{", 400),
            (b"\xff\xfe", 400),
            (b"[1]", 200),  # no update: nothing to do, and nothing to send again
            (b"null", 200),
            (b" " * (MAX_BODY + 1), 413),
        ],
    )
    async def test_bad_bodies_are_not_taken(
        self, web: Any, taken: list[dict[str, Any]], body: bytes, status: int
    ) -> None:
        answer = await web.post("/telegram", data=body, headers={SECRET_HEADER: SECRET})
        assert (answer.status, taken) == (status, [])

    async def test_there_is_none_when_the_bot_polls(self, client: MakeClient) -> None:
        answer = await (await client()).post("/telegram", json={})
        assert answer.status == 404


async def test_it_listens_where_it_is_told(
    health: Health, database: Database, process: Process
) -> None:
    server = SideServer(database, health, Downloads(database, process.objects, process.now))
    await server.stop()  # before its start: nothing to do
    port = await server.start("127.0.0.1", 0)
    assert port > 0
    await server.stop()
