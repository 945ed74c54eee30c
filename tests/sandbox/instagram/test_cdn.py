"""The CDN: lengths, ranges, ETags, signed addresses, and each way in which a file can be broken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sandbox.instagram import Fault, Instagram
from sandbox.world import Kind, Post, Trouble, World
from sandbox.world.world import File
from tests.sandbox.instagram.conftest import GalleryDl


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
        yield session


@pytest.fixture
def reel(world: World) -> Post:
    return world.collection("mia", "beats").posts[0]


def with_trouble(world: World, trouble: Trouble) -> Post:
    return next(post for post in world.posts.values() if post.trouble is trouble)


async def read_into(got: bytearray, response: aiohttp.ClientResponse) -> None:
    async for chunk in response.content.iter_any():
        got += chunk


async def test_a_film_whole(
    instagram: Instagram, client: aiohttp.ClientSession, reel: Post
) -> None:
    expected = instagram.world.file(reel.pk, "film")
    assert expected is not None
    async with client.get(instagram.file_url(reel.pk, "film")) as response:
        assert response.status == 200
        assert response.content_type == "video/mp4"
        assert response.headers["Accept-Ranges"] == "bytes"
        assert int(response.headers["Content-Length"]) == len(expected.data)
        assert await response.read() == expected.data
    async with client.head(instagram.file_url(reel.pk, "film")) as response:
        assert int(response.headers["Content-Length"]) == len(expected.data)
    assert instagram.api_requests() == 0
    assert len(instagram.requests) == 2


async def test_resuming_a_download(
    instagram: Instagram, client: aiohttp.ClientSession, reel: Post
) -> None:
    url = instagram.file_url(reel.pk, "full")
    async with client.get(url) as response:
        whole, etag = await response.read(), response.headers["ETag"]
    size = len(whole)
    async with client.get(url, headers={"Range": "bytes=100-", "If-Range": etag}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes 100-{size - 1}/{size}"
        assert await response.read() == whole[100:]
    async with client.get(url, headers={"Range": "bytes=10-19"}) as response:
        assert await response.read() == whole[10:20]
    async with client.get(url, headers={"Range": "bytes=100-", "If-Range": '"old"'}) as response:
        assert response.status == 200
        assert await response.read() == whole
    async with client.get(url, headers={"Range": f"bytes={size}-"}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == f"bytes */{size}"


async def test_addresses_are_signed(
    instagram: Instagram, client: aiohttp.ClientSession, reel: Post
) -> None:
    url = instagram.file_url(reel.pk, "full")
    async with client.get(url.partition("?")[0]) as response:
        assert (response.status, await response.text()) == (403, "Bad URL hash")
    async with client.get(url.replace("_full_", "_small_")) as response:
        assert response.status == 403
    async with client.get(instagram.file_url(1234, "full")) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (Trouble.GONE_404, 404),
        (Trouble.GONE_400, 404),
        (Trouble.FILES_404, 404),
        (Trouble.FILES_403, 403),
        (Trouble.FILES_500, 500),
    ],
)
async def test_files_that_are_refused_for_ever(
    instagram: Instagram, client: aiohttp.ClientSession, trouble: Trouble, status: int
) -> None:
    post = with_trouble(instagram.world, trouble)
    for _ in range(2):
        async with client.get(instagram.file_url(post.pieces[0].pk, "full")) as response:
            assert response.status == status


async def test_a_short_file_never_gets_whole_however_often_one_resumes(
    instagram: Instagram, client: aiohttp.ClientSession
) -> None:
    piece = with_trouble(instagram.world, Trouble.FILES_SHORT).pieces[0]
    expected = instagram.world.file(piece.pk, "full")
    assert expected is not None
    got = bytearray()
    for _ in range(3):
        headers = {"Range": f"bytes={len(got)}-"} if got else {}
        async with client.get(instagram.file_url(piece.pk, "full"), headers=headers) as response:
            assert int(response.headers["Content-Length"]) == len(expected.data) - len(got)
            with pytest.raises(aiohttp.ClientPayloadError):
                await read_into(got, response)
    assert got == expected.data[: len(expected.data) // 2]


async def test_a_file_of_a_wrong_type(instagram: Instagram, client: aiohttp.ClientSession) -> None:
    piece = with_trouble(instagram.world, Trouble.FILES_WRONG).pieces[0]
    async with client.get(instagram.file_url(piece.pk, "full")) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")
        assert (await response.read()).startswith(b"<!DOCTYPE html>")


async def test_ordered_faults(
    instagram: Instagram, client: aiohttp.ClientSession, reel: Post
) -> None:
    url = instagram.file_url(reel.pk, "full")
    instagram.break_next(url, Fault.FORBIDDEN, skip=1, times=2)
    statuses = []
    for _ in range(4):
        async with client.get(url) as response:
            statuses.append(response.status)
    assert statuses == [200, 403, 403, 200]

    instagram.bad_days.slow_seconds = 0.2
    instagram.break_next(instagram.http_url, Fault.SLOW)
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with client.get(url) as response:
        assert len(await response.read()) == int(response.headers["Content-Length"])
    assert loop.time() - start >= 0.2


async def test_broken_media_hits_one_file_of_five_in_every_way(instagram: Instagram) -> None:
    days, posts = instagram.bad_days, instagram.world.collection("mia", "studio").posts
    names = [f"{piece.pk}_full_n.jpg" for post in posts for piece in post.pieces]
    assert not any(days.fault(name, None) for name in names)
    days.switch("broken-media", True)
    first = [days.fault(name, None) for name in names]
    assert set(first) == {None, *Fault}
    assert 0.15 < sum(fault is not None for fault in first) / len(first) < 0.25
    mended = {a for a, b in zip(first, (days.fault(n, None) for n in names), strict=True) if a != b}
    assert mended == {Fault.SERVER_ERROR, Fault.SHORT}


async def test_files_are_made_off_the_loop(
    instagram: Instagram,
    client: aiohttp.ClientSession,
    reel: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Making this file ends only when the loop has run something else meanwhile."""
    released = threading.Event()

    def make(pk: int, variant: str) -> File:
        assert released.wait(10)
        return File(b"made", "image/jpeg", None)

    monkeypatch.setattr(instagram.world, "file", make)
    request = asyncio.create_task(client.get(instagram.file_url(reel.pk, "full")))
    asyncio.get_running_loop().call_later(0.05, released.set)
    async with await request as response:
        assert await response.read() == b"made"


async def test_gallery_dl_downloads_films_and_pictures(
    instagram: Instagram, gallery_dl: GalleryDl, tmp_path: Path
) -> None:
    posts = instagram.world.collection("mia", "studio").posts
    mixed = next(
        post
        for post in posts
        if post.kind is Kind.CAROUSEL
        and not post.trouble
        and {piece.is_film for piece in post.pieces} == {True, False}
    )
    folder = tmp_path / "got"
    run = await gallery_dl(mixed.url, "-o", "download=true", "-D", str(folder))
    assert run.exit_code == 0, run.log
    got = {path.name: path.read_bytes() for path in folder.iterdir()}
    for piece in mixed.pieces:
        variant, extension = ("film", "mp4") if piece.is_film else ("full", "jpg")
        expected = instagram.world.file(piece.pk, variant)
        assert expected is not None
        assert got.pop(f"{mixed.pk}_{piece.pk}.{extension}") == expected.data
    assert not got


async def test_gallery_dl_tells_of_a_missing_file(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    post = with_trouble(instagram.world, Trouble.FILES_404)
    run = await gallery_dl(post.url, "-o", "download=true")
    assert run.exit_code == 4
    assert "'404 Not Found' for " in run.log
    assert run.errors[0].startswith("Failed to download ")
