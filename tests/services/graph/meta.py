"""Meta as these tests need it: answers as it is told, and holds every request to the contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

import httpx

from services.graph.account import Account
from services.graph.wire import Flavour, GraphClient
from storage.vault import Secret
from tests.contracts.check_graph import check_request, check_response, endpoints_for
from tests.support.clock import StillClock

USER_ID = "17841405822304914"
CONTAINER = "17889455560051444"
TOKEN, SPARE = "EAABplantedtoken", "EAABplantedspare"
# The calls for which Meta takes secrets nowhere but in the query.
_SECRETS_IN_QUERY = {
    "GET /oauth/access_token#code",
    "GET /oauth/access_token#fb_exchange_token",
    "GET /access_token",
    "GET /refresh_access_token",
    "GET /debug_token",
}


@dataclass(frozen=True)
class Sent:
    endpoints: tuple[str, ...]  # those that the address may mean; one, but for reads of a node
    method: str
    url: str
    params: dict[str, str]
    headers: httpx.Headers
    body: bytes


class Meta:
    """`answers`: dicts (HTTP 200), (status, dict or bytes), (status, dict, headers), or exceptions
    to raise; the last one is given for ever."""

    def __init__(self, *answers: object) -> None:
        self.clock = StillClock()
        self.pauses: list[float] = []
        self.sent: list[Sent] = []
        self.answers = list(answers)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        self.client = GraphClient(self.http, self.clock, sleep=self._sleep)

    def account(self, flavour: Flavour = Flavour.FACEBOOK, *, spare: bool = False) -> Account:
        given = Secret(SPARE) if spare else None
        return Account(self.client, flavour, USER_ID, Secret(TOKEN), given)

    @property
    def endpoints(self) -> list[str]:
        return [sent.endpoints[0] for sent in self.sent]

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        sent = await _read(request)
        self.sent.append(sent)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        parts = answer if isinstance(answer, tuple) else (200, answer)
        status, body, headers = (*parts, {})[:3]
        if isinstance(body, dict):
            good = [name for name in sent.endpoints if not check_response(name, body, status)]
            assert good, f"no answer of Meta's: {body}"
            body = json.dumps(body).encode()
        return httpx.Response(status, content=body, headers=headers)


async def _read(request: httpx.Request) -> Sent:
    body = await request.aread()
    params = dict(parse_qsl(request.url.query.decode(), strict_parsing=bool(request.url.query)))
    if "form" in request.headers.get("content-type", ""):
        params |= dict(parse_qsl(body.decode(), strict_parsing=True))
    found = endpoints_for(request.method, str(request.url))
    wrong = {name: check_request(name, params, request.url.host) for name in found}
    fitting = tuple(name for name in found if not wrong[name])
    assert fitting, f"{request.method} {request.url.path}: {wrong}"
    if not _SECRETS_IN_QUERY & set(fitting):
        assert "planted" not in str(request.url)
        assert "access_token" not in params
    return Sent(fitting, request.method, str(request.url), params, request.headers, body)


def refusal(code: int | None = None, subcode: int | None = None, **more: object) -> dict:
    """Meta's envelope."""
    error = {"message": "said", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    if subcode is not None:
        error["error_subcode"] = subcode
    return {"error": {**error, **more}}
