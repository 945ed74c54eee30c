"""instagrapi on our leash: nothing leaves but to the mobile API, within its time, and once."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from instagrapi import exceptions
from requests import ConnectionError as NoConnection  # noqa: TID251  what the adapter meets
from requests import PreparedRequest, Response  # noqa: TID251

from services.errors import Checkpoint
from services.instagram.mobile_client import (
    Redirected,
    _Adapter,
    device_of,
    make_client,
    take_settings,
)
from services.instagram.mobile_verdict import judge
from services.instagram.mobile_wire import Stopped, Wire


def client(settings: dict[str, Any] | None = None, **options: Any) -> Any:
    ways = {"proxy": None, "ca_file": None, "transport": "requests", **options}
    return make_client(settings or {}, Wire(30), **ways)


def test_settings_keep_the_phone_and_nothing_of_the_way() -> None:
    first = client(proxy="http://user:secret@127.0.0.1:9")
    settings = take_settings(first)
    assert take_settings(client(settings)) == settings
    assert "secret" not in str(settings)
    assert not {"tls_verify", "request_timeout", "session_retry_total"} & settings.keys()
    assert take_settings(client())["uuids"] != settings["uuids"]
    known = {**settings, "authorization_data": {"sessionid": "s"}, "cookies": {"sessionid": "s"}}
    assert "s" not in str(device_of(known).get("cookies", ""))
    assert device_of(known) == device_of(settings)


def test_stored_ways_do_not_override_todays() -> None:
    settings = {**take_settings(client()), "tls_verify": False, "request_timeout": 60}
    today = client(settings, ca_file="/etc/ca.pem")
    assert (today.private.verify, today.request_timeout) == ("/etc/ca.pem", 0)


def test_the_public_pages_and_other_hosts_are_out_of_reach() -> None:
    leashed = client()
    for session in (leashed.private, leashed.public):
        for url in ("https://www.instagram.com/", "https://i.instagram.com.evil/", "http://a/"):
            with pytest.raises(NoConnection):
                session.get(url)
    assert leashed.private.trust_env is leashed.public.trust_env is False


def test_nobody_is_asked_and_nothing_loops() -> None:
    leashed = client()
    leashed.last_json = {}
    with pytest.raises(exceptions.ChallengeRequired):
        leashed.challenge_code_or_raised("EMAIL")
    leashed.last_json = {"challenge_context": "{}"}
    with pytest.raises(exceptions.ChallengeRequired):
        leashed._challenge_resolve_change_password()
    assert leashed.with_challenge_flow is False


def test_a_client_that_would_sleep_and_try_again_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def send(*_: Any, **__: Any) -> None:
        sent.append(1)
        raise exceptions.ClientRequestTimeout("408")

    monkeypatch.setattr("instagrapi.Client._send_private_request", send)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"slept for {seconds} s"))
    with pytest.raises(exceptions.ClientConnectionError):
        client().private_request("feed/timeline/")
    assert len(sent) == 1


def test_an_odd_item_does_not_lose_its_page_inside_instagrapi() -> None:
    leashed = client()
    page = {"feed_items": [{"media_or_ad": {"pk": 1, "user": "nobody"}}]}
    leashed.private_request = lambda *_, **__: page
    assert leashed.get_timeline_feed() == page


class Elsewhere:
    """A transport whose answer leads to another page of the mobile API."""

    def send(self, request: PreparedRequest, **_: Any) -> Response:
        response = Response()
        response.status_code = 302
        response.headers["location"] = "https://i.instagram.com/challenge/"
        response.raw = SimpleNamespace(read1=lambda *_, **__: b"")
        return response


def test_nobody_goes_where_a_redirect_leads() -> None:
    wire = Wire(30)
    wire.begin(30)
    with pytest.raises(Redirected):
        _Adapter(Elsewhere(), wire).send(PreparedRequest())
    assert wire.answer is not None
    assert type(judge(wire.answer)) is Checkpoint


class Drops:
    """A transport whose answer arrives in drops and has no end."""

    def send(self, request: PreparedRequest, **_: Any) -> Response:
        response = Response()
        response.status_code = 200
        response.raw = SimpleNamespace(read1=lambda *_, **__: b"x")
        return response


def test_an_answer_in_drops_ends_with_the_calls_time() -> None:
    wire = Wire(30)
    wire.begin(0.02)
    with pytest.raises(Stopped):
        _Adapter(Drops(), wire).send(PreparedRequest())
    assert (wire.requests, wire.answer) == (1, None)


def test_a_stopped_call_sends_nothing() -> None:
    wire = Wire(30)
    wire.begin(30)
    wire.stopped = True
    with pytest.raises(Stopped):
        _Adapter(Drops(), wire).send(PreparedRequest())
    assert wire.requests == 0


def test_who_only_knows_the_adapter_does_not_load_instagrapi() -> None:
    program = "import sys, services.instagram.mobile; sys.exit('instagrapi' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
