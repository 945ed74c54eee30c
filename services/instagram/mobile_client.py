"""instagrapi's client, tamed: our time limits, one count of requests, no second tries, no prompts.

Made by mobile_session.py in the account's own thread, where it also stays: it is synchronous, not
safe to share, and costs 0.4 s and 50 MB to import. What it does by itself was read in version
3.2.2.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import instagrapi
import requests  # noqa: TID251  instagrapi speaks through it; nothing of ours does
from instagrapi import config, exceptions
from requests.adapters import BaseAdapter  # noqa: TID251

from services.instagram.mobile_verdict import Answer
from services.instagram.mobile_wire import Transport, Wire

_HOSTS = ("https://i.instagram.com/", "https://b.i.instagram.com/")
_MAX_ANSWER = 32 << 20
_DEVICE = (  # who the phone is; kept for ever
    "uuids",
    "mid",
    "device_settings",
    "user_agent",
    "country",
    "country_code",
    "locale",
    "timezone_offset",
    "timezone_name",
    "push_disabled",
    "usdid",
)
_SESSION = ("authorization_data", "cookies", "last_login", "ig_u_rur", "ig_www_claim")
STORY_PARAMS = {"supported_capabilities_new": json.dumps(config.SUPPORTED_CAPABILITIES)}
_SILENT = logging.getLogger("reelay.instagrapi")  # it would log answers, tokens and codes
_SILENT.disabled = True


class Redirected(requests.RequestException):
    """The mobile API never redirects, unless to a page for a person. We don't go there."""


class _Adapter(BaseAdapter):
    """In front of instagrapi's own transport, which waits for ever by default."""

    def __init__(self, inner: BaseAdapter, wire: Wire) -> None:
        super().__init__()
        self._inner = inner
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        options |= {"timeout": self._wire.time_left(), "stream": True}
        self._wire.requests += 1
        self._wire.answer = None
        response = self._inner.send(request, **options)
        body = self._read(response)
        response._content, response._content_consumed = body, True
        response.encoding = "utf-8"  # else it is guessed, which takes seconds for a long answer
        self._wire.answer = Answer(
            response.status_code,
            urlsplit(request.url or "").path,
            response.headers.get("location", "") if response.is_redirect else "",
            body.decode("utf-8", "replace"),
        )
        if response.is_redirect:
            raise Redirected(response=response)
        return response

    def _read(self, response: requests.Response) -> bytes:
        """The body, within the call's time: a time limit of the transport is one between bytes."""
        body = bytearray()
        while chunk := response.raw.read1(1 << 16, decode_content=True):
            body += chunk
            self._wire.time_left()
            if len(body) > _MAX_ANSWER:
                raise requests.ConnectionError("an answer without end")
        return bytes(body)

    def close(self) -> None:
        self._inner.close()


class _Nowhere(BaseAdapter):
    """instagrapi falls back to public web pages in places; that would be an unpaced request."""

    def send(self, *_: Any, **__: Any) -> NoReturn:
        raise requests.ConnectionError("only the mobile API is spoken here")

    def close(self) -> None:
        pass


class Client(instagrapi.Client):  # type: ignore[misc]
    """Without what instagrapi does of its own accord: sleeping, trying again, asking a terminal."""

    private_request_logger = public_request_logger = _SILENT

    def _send_private_request(self, *args: Any, **options: Any) -> Any:
        try:
            return super()._send_private_request(*args, **options)
        except (exceptions.ClientRequestTimeout, exceptions.ClientIncompleteReadError):
            # private_request() would sleep for 60 or 2 seconds and send it again
            raise exceptions.ClientConnectionError("no whole answer") from None

    def _try_caa_login(self, *_: Any, **__: Any) -> bool:
        """It would send a refused password a second time."""
        return False

    def login_flow(self) -> bool:
        """It would ask for the feed and the stories at once; if that failed, the new session
        would be lost. The first poll asks for them, at its pace."""
        return True

    def _remember_timeline_seen_posts(self, response: Any) -> None:
        """Its caller knows what was seen; here one odd item would lose the page."""


def make_client(
    settings: dict[str, Any],
    wire: Wire,
    *,
    proxy: str | None,
    ca_file: Path | None,
    transport: Transport,
) -> Client:
    """`settings` are those of take_settings(), {} for a new phone. Sends nothing."""
    client = Client(
        settings={key: settings[key] for key in (*_DEVICE, *_SESSION) if key in settings},
        proxy=proxy,
        logger=_SILENT,
        tls_verify=str(ca_file) if ca_file else True,
        private_transport=transport,
        with_challenge_flow=False,
        request_timeout=0,  # a pause before each request, in spite of its name
        public_request_retries_count=0,
        session_retry_total=0,
        session_retry_statuses=[],
    )
    client.challenge_code_handler = lambda *_: ""  # the one answer that ends it at once
    client.change_password_handler = _refuse_to_change
    client.small_delay = client.very_small_delay = lambda: None
    for session in (client.private, client.public):
        session.trust_env = False  # the environment would override our CA and our proxy
        inner = session.get_adapter(_HOSTS[0])
        for host in _HOSTS:
            session.mount(host, _Adapter(inner, wire))
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Nowhere())
    return client


def _refuse_to_change(*_: Any) -> NoReturn:
    raise exceptions.ChallengeRequired("a new password is for the account's owner to choose")


def take_settings(client: Client) -> dict[str, Any]:
    """The phone and its session as JSON values, a secret as a whole."""
    settings = client.get_settings()
    plain = {key: settings[key] for key in (*_DEVICE, *_SESSION) if key in settings}
    content: dict[str, Any] = json.loads(json.dumps(plain))
    return content


def device_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The phone without its session: what a new log-in begins with."""
    return {key: settings[key] for key in _DEVICE if key in settings}


def session_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The session without its phone."""
    return {key: settings[key] for key in _SESSION if key in settings}


def close_client(client: Client) -> None:
    client.private.close()
    client.public.close()
