"""The real SDK against the sandbox's Cloudinary, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.cloudinary.server import API_KEY, API_SECRET, CLOUD, Cloudinary
from services.errors import HostingFailed, HostingRefused
from services.graph.public.cloud import Cloud, CloudinaryFiles
from services.graph.public.look import look
from storage.vault import Secret
from tests.sandbox.graph.files import film, jpeg


async def test_copies_are_made_found_deleted_and_swept(tmp_path: Path) -> None:
    picture, video = tmp_path / "1.jpg", tmp_path / "1.mp4"
    picture.write_bytes(jpeg())
    video.write_bytes(film())
    async with Cloudinary() as there, httpx.AsyncClient(trust_env=False) as http:
        public = CloudinaryFiles(Cloud(CLOUD, API_KEY, Secret(API_SECRET), there.origin))
        one = await public.put(picture, "image/jpeg")
        other = await public.put(video, "video/mp4")
        await look(http, one.url, "image/jpeg", len(jpeg()))
        await look(http, other.url, "video/mp4", len(film()))
        await public.delete(one.id)
        await public.delete(one.id)
        assert len(there.assets) == 1
        now = datetime.now(UTC)
        assert await public.sweep(now - timedelta(hours=24)) == 0
        assert await public.sweep(now + timedelta(hours=1)) == 1
        assert not there.assets


async def test_a_wrong_secret_and_a_cloud_that_is_down(tmp_path: Path) -> None:
    picture = tmp_path / "1.jpg"
    picture.write_bytes(jpeg())
    async with Cloudinary() as there:
        public = CloudinaryFiles(Cloud(CLOUD, API_KEY, Secret("wrong"), there.origin))
        with pytest.raises(HostingRefused):
            await public.put(picture, "image/jpeg")
        there.switch("cloudinary-down", True)
        with pytest.raises(HostingFailed) as caught:
            await public.put(picture, "image/jpeg")
        assert type(caught.value) is HostingFailed
