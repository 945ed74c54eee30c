"""Everything that handles files, with MEDIA_STORE in a bucket (moto's S3, over HTTP)."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.world import World
from storage.samples import Sample
from tests.support.bucket import Bucket, bucket, moto
from tests.support.harness import Harness

__all__ = ["bucket", "moto"]


async def analysed(harness: Harness, user_id: int) -> Sample:
    """The one film of the person's library, once its analysis has ended."""
    async with asyncio.timeout(60):
        while True:
            shelf = await harness.app.importing.library.shelf(user_id)
            (file,) = [file for files in shelf.samples.values() for file in files]
            if file.state != "pending":
                return file
            await asyncio.sleep(0.05)


@pytest.mark.analysis
async def test_from_the_link_to_the_deletion(
    tmp_path: Path, templates: Path, world: World, bucket: Bucket
) -> None:
    """A reel is imported, analysed, shown, played, downloaded, exported and deleted."""
    data = tmp_path / "data"
    async with Harness(
        data,
        world,
        templates=templates,
        MEDIA_STORE=bucket.address,
        MEDIA_STORE_OPTIONS=bucket.options,
        PUBLIC_URL="https://reelay.example",
    ) as harness:
        mia = await harness.connected()
        posts = world.collection("mia", "beats").posts
        mia.say(next(post.url for post in posts if "/reel/" in post.url))
        await mia.sees("✅ Done")
        film = await analysed(harness, mia.user_id)
        assert (film.state, film.failure) == ("ready", None)
        made = {film.object_key, film.audio_key, film.waveform_key}
        assert set(bucket.listed()) == {f"reelay/{key}" for key in made}
        content = bucket.content(f"reelay/{film.object_key}")

        mia.say("/library")
        await mia.tap("1")
        await mia.sees("🥁")
        await mia.tap("Play")
        await mia.until(lambda: any("audio" in one for one in mia.messages()) or None, "the sound")

        link = await harness.app.importing.library.link(mia.user_id, film.object_key, "film.mp4")
        assert link is not None
        async with httpx.AsyncClient(trust_env=False) as http:
            here = f"http://127.0.0.1:{harness.app.web_port}{urlsplit(link).path}"
            answer = await http.get(here, headers={"Range": "bytes=10-"})
        assert (answer.status_code, answer.content) == (206, content[10:])

        mia.say("/privacy")
        await mia.tap("Export everything")
        await mia.sees("Here is everything I have of you")
        packed = zipfile.ZipFile(io.BytesIO(await mia.receives(".zip")))
        (name,) = [name for name in packed.namelist() if name.startswith("media/")]
        assert packed.read(name) == content

        await harness.app.privacy.ask_deletion(mia.user_id)
        harness.clock.advance(hours=24)
        await harness.tick("deletions")
        assert bucket.listed() == []
    kept = [path for folder in ("media", "incoming") for path in (data / folder).rglob("*.*")]
    assert kept == []  # nothing of it has stayed on this machine
