"""Bytes and stored objects over HTTP: status, headers, and that nothing is cut silently."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp import ClientPayloadError, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from services.web.answers import Version, send_bytes, send_object
from services.web.conditional import etag_of
from storage.objects import CHUNK, LocalObjects
from tests.support.rows import NOW

BODY = bytes(range(256)) * 10
VERSION = Version(etag_of(BODY), NOW)
LARGE = b"0123456789abcdef" * (2 * CHUNK // 16) + b"end"
LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[TestClient]:
    objects = LocalObjects(tmp_path / "media")
    objects.root.mkdir()
    (objects.root / "film.mp4").write_bytes(LARGE)

    async def small(request: web.Request) -> web.Response:
        packed = gzip.compress(BODY, mtime=0)
        return send_bytes(request, VERSION, BODY, packed, (("Content-Type", "text/x"),), LATER)

    async def file(request: web.Request) -> web.StreamResponse:
        size = len(LARGE) + int(request.query.get("more", 0))
        key = request.query.get("key", "film.mp4")
        version = Version('"film"', None)
        try:
            return await send_object(
                request, objects, key, size, version, (("Content-Type", "video/mp4"),)
            )
        except FileNotFoundError:
            raise web.HTTPNotFound from None

    application = web.Application()
    application.router.add_get("/small", small)
    application.router.add_get("/file", file)
    client = TestClient(TestServer(application), auto_decompress=False)
    await client.start_server()
    yield client
    await client.close()


PLAIN = {"Accept-Encoding": "identity"}
ETAG = VERSION.etag
SIZE = len(BODY)
DATE, EARLIER = "Fri, 20 Nov 2026 12:00:00 GMT", "Fri, 20 Nov 2026 11:59:59 GMT"


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        (PLAIN, 200, None),
        (PLAIN | {"Range": "bytes=10-19"}, 206, (10, 20)),
        (PLAIN | {"Range": "bytes=10-"}, 206, (10, SIZE)),
        (PLAIN | {"Range": "bytes=-10"}, 206, (SIZE - 10, SIZE)),
        (PLAIN | {"Range": "bytes=0-1,4-5"}, 200, None),
        ({"Accept-Encoding": "gzip", "Range": "bytes=10-19"}, 206, (10, 20)),  # of the plain bytes
        (PLAIN | {"Range": "bytes=9999-"}, 416, None),
        (PLAIN | {"Range": "bytes=0-1", "If-Range": ETAG}, 206, (0, 2)),
        (PLAIN | {"Range": "bytes=0-1", "If-Range": f"W/{ETAG}"}, 200, None),
        (PLAIN | {"Range": "bytes=0-1", "If-Range": '"old"'}, 200, None),
        (PLAIN | {"Range": "bytes=9999-", "If-Range": '"old"'}, 200, None),
        (PLAIN | {"Range": "bytes=0-1", "If-Range": DATE}, 206, (0, 2)),
        (PLAIN | {"Range": "bytes=0-1", "If-Range": EARLIER}, 200, None),
        (PLAIN | {"If-None-Match": ETAG}, 304, None),
        (PLAIN | {"If-None-Match": f'"old", W/{ETAG}'}, 304, None),
        (PLAIN | {"If-None-Match": "*"}, 304, None),
        (PLAIN | {"If-None-Match": ETAG, "Range": "bytes=0-1"}, 304, None),
        (PLAIN | {"If-None-Match": ETAG, "Range": "bytes=9999-"}, 304, None),
        (PLAIN | {"If-None-Match": ETAG, "If-Modified-Since": EARLIER}, 304, None),
        (PLAIN | {"If-Modified-Since": DATE}, 304, None),
        (PLAIN | {"If-Modified-Since": EARLIER}, 200, None),
        (PLAIN | {"If-None-Match": '"old"', "If-Modified-Since": DATE}, 200, None),
        (PLAIN | {"If-None-Match": '"old"', "Range": "bytes=0-1"}, 206, (0, 2)),
        (PLAIN | {"If-Match": ETAG, "If-None-Match": ETAG}, 304, None),
        (PLAIN | {"If-Match": '"old"', "If-None-Match": ETAG}, 412, None),  # comes first
        (PLAIN | {"If-Match": '"old"', "Range": "bytes=0-1"}, 412, None),
        (PLAIN | {"If-Unmodified-Since": EARLIER}, 412, None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_bytes(
    http: TestClient,
    headers: dict[str, str],
    status: int,
    part: tuple[int, int] | None,
    method: str,
) -> None:
    if method == "HEAD" and status in (206, 416):
        status, part = 200, None  # a range is of a GET alone
        headers = headers | PLAIN
    answer = await http.request(method, "/small", headers=headers)
    body = await answer.read()
    assert answer.status == status
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Last-Modified"] == DATE
    assert answer.headers["Vary"] == "Accept-Encoding"
    start, stop = part or (0, SIZE)
    if status in (200, 206):
        assert answer.headers["Content-Length"] == str(stop - start)
        assert answer.headers["Content-Type"] == "text/x"
        assert body == (BODY[start:stop] if method == "GET" else b"")
    ranges = {206: f"bytes {start}-{stop - 1}/{SIZE}", 416: f"bytes */{SIZE}"}
    assert answer.headers.get("Content-Range") == ranges.get(status)
    if status == 304:
        assert body == b""


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip;q=0.001, identity;q=0", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", None),
        ("identity;q=0", None),
        ("br", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_compressed_if_that_is_welcome(
    http: TestClient, accepted: str, coding: str | None, method: str
) -> None:
    answer = await http.request(method, "/small", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == coding
    assert answer.headers["Vary"] == "Accept-Encoding"
    length = len(gzip.compress(BODY, mtime=0)) if coding else SIZE
    assert answer.headers["Content-Length"] == str(length)
    assert len(await answer.read()) == (length if method == "GET" else 0)


@pytest.mark.parametrize("sent", [ETAG, ETAG[:-1] + '-gzip"', "W/" + ETAG[:-1] + '-gzip"'])
async def test_compressed_and_plain_count_as_one(http: TestClient, sent: str) -> None:
    whole = await http.get("/small", headers={"Accept-Encoding": "gzip"})
    assert whole.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(await whole.read()) == BODY
    assert whole.headers["ETag"] == ETAG[:-1] + '-gzip"'  # other bytes, another strong tag
    same = await http.get("/small", headers={"Accept-Encoding": "gzip", "If-None-Match": sent})
    assert (same.status, await same.read()) == (304, b"")
    assert "Content-Encoding" not in same.headers
    assert "Content-Type" not in same.headers


@pytest.mark.parametrize(
    ("asked", "status", "given"),
    [
        (None, 200, LARGE),
        ("bytes=0-", 206, LARGE),
        (f"bytes={CHUNK - 2}-{CHUNK + 1}", 206, LARGE[CHUNK - 2 : CHUNK + 2]),
        ("bytes=-3", 206, b"end"),
        (f"bytes={len(LARGE)}-", 416, None),
    ],
)
async def test_an_object(
    http: TestClient, asked: str | None, status: int, given: bytes | None
) -> None:
    answer = await http.get("/file", headers={"Range": asked} if asked else {})
    body = await answer.read()
    assert answer.status == status
    assert given is None or (body == given and answer.headers["Content-Length"] == str(len(given)))
    assert answer.headers["Accept-Ranges"] == "bytes"


async def test_the_head_of_an_object(http: TestClient) -> None:
    answer = await http.head("/file")
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(LARGE)))
    assert await answer.read() == b""
    part = await http.head("/file", headers={"Range": "bytes=0-1"})
    assert (part.status, part.headers["Content-Length"]) == (200, str(len(LARGE)))
    same = await http.head("/file", headers={"If-None-Match": '"film"'})
    assert same.status == 304


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"film"', 206), ('W/"film"', 200), ('"old"', 200), (DATE, 200)],  # it has no date
)
async def test_a_part_of_an_object_that_is_still_the_same(
    http: TestClient, condition: str, status: int
) -> None:
    headers = {"Range": "bytes=-3", "If-Range": condition}
    answer = await http.get("/file", headers=headers)
    assert answer.status == status
    assert (await answer.read())[-3:] == b"end"
    refused = await http.get("/file", headers={"Range": "bytes=-3", "If-Match": '"old"'})
    assert refused.status == 412


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_object_that_is_gone(http: TestClient, method: str) -> None:
    assert (await http.request(method, "/file?key=gone.mp4")).status == 404


@pytest.mark.parametrize("gone", [True, False])
async def test_a_client_that_hangs_up_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    objects = LocalObjects(tmp_path)
    (tmp_path / "film.mp4").write_bytes(BODY)

    async def refuse(_response: web.StreamResponse, _request: web.Request) -> None:
        raise ConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(web.StreamResponse, "prepare", refuse)
    request = make_mocked_request("GET", "/", transport=Mock(is_closing=lambda: gone))
    sending = send_object(request, objects, "film.mp4", len(BODY), Version('"x"', None), ())
    with nullcontext() if gone else pytest.raises(ConnectionResetError):
        await sending


async def test_an_object_that_is_too_short_is_an_error_for_the_client(http: TestClient) -> None:
    answer = await http.get("/file?more=5")
    with pytest.raises(ClientPayloadError):
        await answer.read()
