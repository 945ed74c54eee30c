"""Cloudinary's own Python SDK, unmodified, against the stand-in; and what that refuses."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import cloudinary
import cloudinary.api
import cloudinary.uploader
import httpx
import pytest

from sandbox.cloudinary import Cloudinary
from sandbox.cloudinary.server import API_KEY, API_SECRET, CLOUD
from sandbox.cloudinary.signature import is_good, string_to_sign
from tests.sandbox.graph.files import film, jpeg
from tests.support.clock import StillClock


class Sdk:
    """The SDK's calls in a thread, each with its own settings: nothing is configured globally."""

    def __init__(self, server: Cloudinary) -> None:
        self._settings = {
            "cloud_name": CLOUD,
            "api_key": API_KEY,
            "api_secret": API_SECRET,
            "upload_prefix": server.origin,
            "timeout": 10,
        }

    async def upload(self, data: bytes, **options: Any) -> dict[str, Any]:
        return await self._call(cloudinary.uploader.upload, io.BytesIO(data), **options)

    async def destroy(self, public_id: str, **options: Any) -> str:
        answer = await self._call(cloudinary.uploader.destroy, public_id, **options)
        return str(answer["result"])

    async def list(self, **options: Any) -> dict[str, Any]:
        return await self._call(cloudinary.api.resources, type="upload", **options)

    async def upload_large(self, data: bytes, **options: Any) -> dict[str, Any]:
        file = io.BytesIO(data)
        file.name = "film.mp4"
        return await self._call(cloudinary.uploader.upload_large, file, **options)

    async def _call(self, function: Any, *args: Any, **options: Any) -> dict[str, Any]:
        answer = await asyncio.to_thread(function, *args, **{**self._settings, **options})
        return dict(answer)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def server(clock: StillClock) -> AsyncIterator[Cloudinary]:
    async with Cloudinary(now=clock, wall=clock) as running:
        yield running


@pytest.fixture
def sdk(server: Cloudinary) -> Sdk:
    return Sdk(server)


async def _get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=10) as http:
        return await http.get(url)


async def test_a_file_comes_is_delivered_and_goes(server: Cloudinary, sdk: Sdk) -> None:
    done = await sdk.upload(
        jpeg(),
        filename="a.jpg",
        public_id="a=1",
        folder="stories",
        overwrite=True,
        invalidate=True,
        tags=["x", "y"],
        context={"k": "v&1|2"},
    )
    assert (done["public_id"], done["format"]) == ("stories/a=1", "jpg")
    assert (done["bytes"], done["tags"]) == (len(jpeg()), ["x", "y"])
    signed = {"public_id": done["public_id"], "version": done["version"]}
    sign = cloudinary.utils.api_sign_request
    assert done["signature"] == sign(signed, API_SECRET, signature_version=1)
    got = await _get(done["secure_url"])
    assert (got.content, got.headers["Content-Type"]) == (jpeg(), "image/jpeg")
    assert await sdk.destroy("stories/a=1", resource_type="video") == "not found"
    assert await sdk.destroy("stories/a=1", invalidate=True) == "ok"
    assert (await _get(done["secure_url"])).status_code == 404
    assert (server.assets, server.uploads, server.removals) == ((), 1, 1)


async def test_films_also_in_pieces(server: Cloudinary, sdk: Sdk) -> None:
    half = len(film()) // 2 + 1
    done = await sdk.upload_large(
        film(), resource_type="video", public_id="f", chunk_size=half, filename="f.mp4"
    )
    got = await _get(done["secure_url"])
    assert (got.content, got.headers["Content-Type"]) == (film(), "video/mp4")


async def test_lists_go_by_prefix_and_page(server: Cloudinary, sdk: Sdk) -> None:
    for name in ("stories/1", "stories/2", "stories/3", "other"):
        await sdk.upload(jpeg(), public_id=name, filename="a.jpg")
    first = await sdk.list(prefix="stories/", max_results=2)
    assert [row["public_id"] for row in first["resources"]] == ["stories/3", "stories/2"]
    rest = await sdk.list(prefix="stories/", max_results=2, next_cursor=first["next_cursor"])
    assert [row["public_id"] for row in rest["resources"]] == ["stories/1"]
    assert "next_cursor" not in rest
    assert rest["resources"][0]["created_at"].endswith("Z")
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired):
        await sdk.list(api_secret="wrong")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"api_secret": "wrong"}, "AuthorizationRequired", "Invalid Signature"),
        ({"api_key": "1"}, "AuthorizationRequired", "Unknown API key"),
        ({"cloud_name": "else"}, "AuthorizationRequired", "cloud_name mismatch"),
        ({"resource_type": "video"}, "BadRequest", "Invalid video file"),
        ({"eager": [{"width": 9}]}, "BadRequest", "transforms nothing"),
        ({"public_id": "a?b"}, "BadRequest", "is invalid"),
    ],
)
async def test_refusals(
    server: Cloudinary, sdk: Sdk, options: dict[str, Any], error: str, words: str
) -> None:
    with pytest.raises(getattr(cloudinary.exceptions, error), match=words):
        await sdk.upload(jpeg(), filename="a.jpg", **options)
    assert server.assets == ()


async def test_a_picture_that_is_too_large(server: Cloudinary, sdk: Sdk) -> None:
    with pytest.raises(cloudinary.exceptions.BadRequest, match="Maximum is 10485760"):
        await sdk.upload(jpeg() + bytes(10 << 20), filename="a.jpg")


async def test_a_signature_is_good_for_an_hour(
    server: Cloudinary, sdk: Sdk, clock: StillClock
) -> None:
    clock.advance(minutes=61)
    with pytest.raises(cloudinary.exceptions.BadRequest, match="Stale request"):
        await sdk.upload(jpeg(), filename="a.jpg")


async def test_down(server: Cloudinary, sdk: Sdk) -> None:
    done = await sdk.upload(jpeg(), public_id="a", filename="a.jpg")
    server.switch("cloudinary-down", True)
    assert [day.name for day in server.all() if day.on] == ["cloudinary-down"]
    with pytest.raises(cloudinary.exceptions.Error):
        await sdk.upload(jpeg(), filename="b.jpg")
    with pytest.raises(cloudinary.exceptions.Error):
        await sdk.destroy("a")
    assert (await _get(done["secure_url"])).status_code == 503
    server.switch("cloudinary-down", False)
    assert await sdk.destroy("a") == "ok"
    with pytest.raises(KeyError):
        server.switch("no such day", True)


def test_the_official_example_of_a_signature() -> None:
    pairs = [
        ("timestamp", "1315060510"),
        ("public_id", "sample_image"),
        ("eager", "w_400,h_300,c_pad|w_260,h_200,c_crop"),
        ("file", "not signed"),
    ]
    assert is_good(pairs, "bfd09f95f331f558cbd1320e67aa8d488770583e", "abcd")
    assert not is_good(pairs, "bfd09f95f331f558cbd1320e67aa8d488770583e", "abce")
    assert string_to_sign(pairs) == (
        "eager=w_400,h_300,c_pad|w_260,h_200,c_crop&public_id=sample_image&timestamp=1315060510"
    )
