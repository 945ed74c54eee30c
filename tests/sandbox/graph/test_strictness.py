"""What Meta refuses, the stand-in refuses: requests, tokens, media, each with Meta's numbers."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from sandbox.graph import Call, Meta, documented
from sandbox.graph.refusals import ALL, Refused
from tests.contracts.check_graph import CONTRACT, check_response, classify
from tests.sandbox.graph.conftest import FACEBOOK, INSTAGRAM, Client, FileHost, Publisher, numbers
from tests.sandbox.graph.files import film, jpeg
from tests.support.clock import StillClock

ROWS = [(row["code"], row["subcode"]) for row in CONTRACT["_errors"]]


@pytest.mark.parametrize(("code", "subcode"), [row for row in ROWS if row[0] is not None])
async def test_every_documented_error_can_be_ordered(
    mia: Publisher, code: int, subcode: int | None
) -> None:
    mia.client.meta.trouble_next(Call.PUBLISH, documented(code, subcode))
    container = await mia.container()
    body = await mia.publish(container)  # the client checks its shape
    assert numbers(body) == (code, subcode)
    assert classify(body["error"]) == classify({"code": code, "error_subcode": subcode})
    assert mia.client.meta.published == ()
    assert (code, subcode) in ALL


@pytest.mark.parametrize("subcode", [2207026, *(sub for code, sub in ROWS if code is None)])
async def test_every_error_of_a_status_can_be_ordered(mia: Publisher, subcode: int) -> None:
    mia.client.meta.fail_next(subcode)
    container = await mia.container()
    body = await mia.status(container)
    assert body["status_code"] == "ERROR"
    assert body["status"] == f"Error: Media upload has failed with error code {subcode}"
    assert numbers(await mia.publish(container)) == (9007, 2207027)


@pytest.mark.parametrize(
    ("method", "path", "params", "expected", "words"),
    [
        ("GET", "v25.0/me/nothing", {}, 2500, "Unknown path components"),
        ("GET", "v19.0/me", {}, 2500, "Unknown path components"),
        ("GET", "me", {}, 2500, "Unknown path components"),
        ("PUT", "v25.0/me", {}, 2500, "Unknown path components"),
        ("GET", "v25.0/nobody", {}, 803, "Some of the aliases"),
        ("GET", "v25.0/17841400000000001", {}, 100, "Unsupported get request"),
        ("GET", "v25.0/me", {"colour": "blue"}, 100, "Unexpected parameter"),
        ("GET", "v25.0/me", {"fields": "user_id,colour"}, 100, "nonexisting field (colour)"),
        ("GET", "v25.0/me", {"fields": "user_id,"}, 2500, "Syntax error"),
        ("GET", "v25.0/me", {"limit": "many"}, 100, "unsigned integer"),
        ("POST", "refresh_access_token", {"grant_type": "ig_refresh_token"}, 2500, "Unknown path"),
        ("GET", "refresh_access_token", {}, 100, "grant_type is required"),
    ],
)
async def test_requests(
    mia: Publisher,
    method: str,
    path: str,
    params: dict[str, str],
    expected: int,
    words: str,
) -> None:
    body = await mia.client.call(method, f"{INSTAGRAM}/{path}", mia.token, params)
    assert body["error"]["code"] == expected
    assert words in body["error"]["message"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (100, None)),
        ({"image_url": "URL", "video_url": "URL"}, (100, None)),
        ({"image_url": "URL", "alt_text": "x"}, (100, None)),
        ({"image_url": "URL", "media_type": "STORY"}, (100, None)),
        ({"image_url": "URL", "media_type": "REELS"}, (100, 2207023)),
        ({"image_url": "URL", "user_tags": "[{"}, (100, None)),
        ({"upload_type": "resumable"}, (100, None)),
        ({"image_url": "http://example.org/a.jpg"}, (9004, 2207052)),
        ({"video_url": "http://example.org/a.mp4"}, (9004, 2207052)),
        ({"image_url": "https://example.org/a.jpg"}, (9004, 2207052)),
        ({"image_url": "https://127.0.0.1/ä.jpg"}, (9004, 2207052)),
    ],
)
async def test_new_containers(
    mia: Publisher, params: dict[str, str], expected: tuple[int, int | None]
) -> None:
    sent = {"media_type": "STORIES", **params}
    sent = {name: mia.photo if value == "URL" else value for name, value in sent.items()}
    assert numbers(await mia.client.post(mia.url("/media"), mia.token, **sent)) == expected


@pytest.mark.parametrize(
    ("data", "mime", "expected"),
    [
        (jpeg("PNG"), "image/png", (36001, 2207005)),
        (jpeg("WEBP"), "image/jpeg", (36001, 2207005)),
        (jpeg() + bytes(8 << 20), "image/jpeg", (36000, 2207004)),
        (jpeg()[:400], "image/jpeg", (9004, 2207052)),
        (jpeg(), "application/octet-stream", (9004, 2207052)),
        (b"<html>log in</html>", "text/html", (9004, 2207052)),
    ],
)
async def test_pictures(
    mia: Publisher, host: FileHost, data: bytes, mime: str, expected: tuple[int, int]
) -> None:
    url = host.put("picture", data, mime)
    assert numbers(await mia.create(image_url=url)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(status=404), (9004, 2207052)),
        (web.Response(status=302, headers={"Location": "/photo.jpg"}), (9004, 2207052)),
    ],
)
async def test_addresses(
    mia: Publisher, host: FileHost, answer: web.Response, expected: tuple[int, int]
) -> None:
    host.answers["picture"] = answer
    assert numbers(await mia.create(image_url=f"{host.origin}/picture")) == expected
    assert host.asked == ["picture"]


async def test_a_slow_address(
    mia: Publisher, host: FileHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.graph.media.FETCH_SECONDS", 0.05)
    assert numbers(await mia.create(image_url=f"{host.origin}/never")) == (-2, 2207003)


@pytest.mark.parametrize(
    ("off", "subcode"),
    [
        ({"seconds": 2.5}, 2207026),
        ({"seconds": 61, "rate": 23, "sound": None}, 2207026),
        ({"rate": 10}, 2207026),
        ({"codec": "mpeg4"}, 2207026),
        ({"pixels": "yuv444p"}, 2207026),
        ({"size": (1928, 200)}, 2207026),
        ({"size": (16, 192)}, 2207026),
        ({"sound": "ac3"}, 2207026),
        ({"sample_rate": 96_000}, 2207026),
        ({"movflags": "+negative_cts_offsets"}, 2207026),
        ({"use_editlist": "1"}, 2207026),
    ],
    ids=str,
)
async def test_films(mia: Publisher, host: FileHost, off: dict[str, Any], subcode: int) -> None:
    url = host.put("film.mp4", film(**off), "video/mp4")
    body = await mia.status(await mia.container(video_url=url))
    assert body["status"] == f"Error: Media upload has failed with error code {subcode}"


async def test_a_film_that_is_gone_when_meta_comes(mia: Publisher, host: FileHost) -> None:
    host.answers["film.mp4"] = web.Response(status=404)
    body = await mia.status(await mia.container(video_url=f"{host.origin}/film.mp4"))
    assert body["status"].endswith("2207077")


async def test_who_may_not_publish_stories(client: Client, mia: Publisher) -> None:
    meta = client.meta
    leo = meta.people.account("leo").id
    params = {"media_type": "STORIES", "image_url": mia.photo}
    creator = meta.instagram_token("leo")
    assert numbers(await client.post(f"{INSTAGRAM}/v25.0/{leo}/media", creator, **params)) == (
        10,
        None,
    )
    narrow = meta.instagram_token("mia", scopes=frozenset({"instagram_business_basic"}))
    assert numbers(await client.post(mia.url("/media"), narrow, **params)) == (10, None)
    assert numbers(await client.post(mia.url("/media"), creator, **params)) == (100, 33)
    container = await mia.container()
    url = f"{INSTAGRAM}/v25.0/{leo}/media_publish"
    assert numbers(await client.post(url, creator, creation_id=container)) == (24, 2207006)
    assert numbers(await mia.publish("1")) == (24, 2207008)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda meta: None, 104),
        (lambda meta: "IGAAnonsense", 190),
        (lambda meta: meta.facebook_token("mia"), 190),
        (lambda meta: meta.instagram_token("mia", age=timedelta(days=61)), 190),
    ],
)
async def test_tokens(client: Client, make: object, expected: int) -> None:
    assert callable(make)
    body = await client.get(f"{INSTAGRAM}/v25.0/me", make(client.meta))
    assert body["error"]["code"] == expected


async def test_bodies_may_be_json_but_not_garbage(client: Client, mia: Publisher) -> None:
    address = f"{client.meta.origin}/{mia.url('/media')}"
    headers = {"Authorization": f"Bearer {mia.token}"}
    story = {"media_type": "STORIES", "image_url": mia.photo, "is_ai_generated": False}
    good = await client.http.post(address, json=story, headers=headers)
    assert good.status_code == 200
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        sent = {**headers, "Content-Type": kind}
        bad = await client.http.post(address, content=b"\xff{", headers=sent)
        assert bad.status_code == 400


async def test_containers_of_a_day_are_limited(meta: Meta) -> None:
    account = meta.people.account("mia")
    for _ in range(400):
        meta.containers.make(account, is_film=False)
    with pytest.raises(Refused):
        meta.containers.make(account, is_film=False)
    meta.containers.make(meta.people.account("leo"), is_film=False)


async def test_a_secret_proof_has_to_be_the_tokens(client: Client) -> None:
    meta = client.meta
    token = meta.facebook_token("mia")
    good = hmac.new(meta.app.facebook_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    me = f"{FACEBOOK}/v25.0/me"
    assert "name" in await client.get(me, token, appsecret_proof=good)
    bad = await client.get(me, token, appsecret_proof="0" * 64)
    assert bad["error"]["message"] == "Invalid appsecret_proof provided in the API argument"


async def test_calls_are_counted_told_and_limited(
    client: Client, mia: Publisher, clock: StillClock
) -> None:
    meta = client.meta
    me = f"{INSTAGRAM}/v25.0/me"
    await client.get(me, mia.token)
    assert "X-App-Usage" not in client.headers
    meta.usage.allowance = 2
    await client.get(me, mia.token)
    assert '"call_count": 100' in client.headers["X-App-Usage"]
    assert numbers(await client.get(me, mia.token)) == (80002, None)
    assert '"estimated_time_to_regain_access": 1441' in client.headers["X-Business-Use-Case-Usage"]
    assert meta.requests.count(Call.ME) == 3
    clock.advance(days=1)
    assert "id" in await client.get(me, mia.token)


@pytest.mark.parametrize(("code", "subcode"), ALL)
def test_refusals_have_the_contracts_shape(code: int, subcode: int | None) -> None:
    refusal = documented(code, subcode)
    assert check_response("GET /me", refusal.body(), refusal.status) == []


def test_addresses_name_every_host(meta: Meta) -> None:
    assert meta.addresses[FACEBOOK] == f"{meta.origin}/graph.facebook.com"
    assert len(meta.addresses) == 6
