"""Pictures and films of a feed: what is sent, what can't be, and that no path leads out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import feedparser
import pytest
from aiohttp.test_utils import TestClient

from storage.database import Database
from storage.feeds import Feed
from tests.services.web.conftest import JPEG, MP4, ROOT, Process
from tests.support.feeds import listed
from tests.support.rows import new_media


async def test_media(web: TestClient, post: int) -> None:
    picture = await web.get(f"{ROOT}media/{post}/0.jpg")
    assert (picture.content_type, await picture.read()) == ("image/jpeg", JPEG)
    assert "immutable" in picture.headers["Cache-Control"]
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "Vary" not in picture.headers  # it is never compressed
    same = {"If-None-Match": picture.headers["ETag"]}
    again = await web.get(f"{ROOT}media/{post}/0.jpg", headers=same)
    assert again.status == 304
    for name in ("Cache-Control", "Cross-Origin-Resource-Policy", "Access-Control-Allow-Origin"):
        assert again.headers[name] == picture.headers[name]
    part = await web.get(f"{ROOT}media/{post}/1.mp4", headers={"Range": "bytes=5-9"})
    assert (part.status, part.content_type, await part.read()) == (206, "video/mp4", MP4[5:10])


async def test_the_enclosures_length_is_what_is_sent(web: TestClient, post: int) -> None:
    (entry,) = feedparser.parse(await (await web.get(ROOT + "feed.xml")).read()).entries
    (enclosure,) = entry.enclosures
    path = enclosure.href.removeprefix("https://reelay.example")
    assert int(enclosure.length) == len(await (await web.get(path)).read())


async def test_what_is_no_picture_is_not_shown(
    web: TestClient, database: Database, process: Process, feed: Feed
) -> None:
    evil = replace(new_media("p2", 0, 9), mime="text/html")
    path = process.objects.path(evil.object_key)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<script/>")
    post_id = await listed(database, feed, "p2", files=[evil])
    answer = await web.get(f"{ROOT}media/{post_id}/0.bin")
    assert (answer.status, answer.content_type) == (200, "application/octet-stream")


async def test_a_lost_file_is_404_and_the_feed_goes_on(
    web: TestClient, process: Process, post: int
) -> None:
    process.objects.path("instagram/p1/0.jpg").unlink()
    assert (await web.get(f"{ROOT}media/{post}/0.jpg")).status == 404
    assert (await web.head(f"{ROOT}media/{post}/0.jpg")).status == 404
    assert (await web.get(ROOT + "feed.xml")).status == 200


async def test_a_store_that_does_not_answer(
    web: TestClient, process: Process, post: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_range: object) -> AsyncIterator[bytes]:
        raise OSError("the object store refused")
        yield b""

    monkeypatch.setattr(process.objects, "read", refuse)
    assert (await web.get(f"{ROOT}media/{post}/0.jpg")).status == 503
    assert (await web.get(ROOT + "feed.xml")).status == 200


UP = ("..", "%2e%2e", "%2E.", "..%2f..", "%252e%252e", "..;", ".%00.", "%c0%ae.", "..\\", "....")
TARGETS = ("secret.key", "media-of-another/x.jpg", "media/0.jpg", "%2fetc%2fpasswd")


@pytest.mark.parametrize("target", TARGETS)
async def test_no_path_leads_out(
    web: TestClient, database: Database, process: Process, feed: Feed, post: int, target: str
) -> None:
    """40 forms, sent as they stand; the sibling folder has a file of the very name."""
    root: Path = process.objects.root
    for outside in (root.parent / "secret.key", root.parent / "media-of-another" / "x.jpg"):
        outside.parent.mkdir(exist_ok=True)
        outside.write_bytes(b"outside")
    for up in UP:
        status, body = await raw(web, f"{ROOT}media/{post}/{up}/{target}")
        assert status in (400, 404), up
        assert b"outside" not in body


@pytest.mark.parametrize("name", ["x" * 5_000, "../" * 2_000, "%2e%2e%2f" * 500, "0.jpg/" * 900])
async def test_nor_does_a_long_one(web: TestClient, post: int, name: str) -> None:
    assert (await raw(web, f"{ROOT}media/{post}/{name}"))[0] in (400, 404)


@pytest.mark.parametrize(
    "key",
    [
        "../secret.key",
        "../media-of-another/x.jpg",
        "instagram/../../secret.key",
        "{root}/../secret.key",  # absolute
        "link.jpg",
        "folder/secret.key",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_even_a_row_or_a_link_that_names_it_does_not_lead_out(
    web: TestClient, database: Database, process: Process, feed: Feed, key: str, method: str
) -> None:
    root = process.objects.root
    root.mkdir()
    for outside in (root.parent / "secret.key", root.parent / "media-of-another" / "x.jpg"):
        outside.parent.mkdir(exist_ok=True)
        outside.write_bytes(b"outside")
    (root / "link.jpg").symlink_to(root.parent / "secret.key")
    (root / "folder").symlink_to(root.parent)
    evil = replace(new_media("evil", 0, 7), object_key=key.format(root=root))
    post_id = await listed(database, feed, "evil", files=[evil])
    answer = await web.request(method, f"{ROOT}media/{post_id}/0.jpg")
    assert (answer.status, b"outside" in await answer.read()) == (404, False)


async def raw(http: TestClient, path: str) -> tuple[int, bytes]:
    """A request whose path no client has tidied."""
    stream, writer = await asyncio.open_connection(http.host, http.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(stream.read(), 10)
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ")[1]), answer
