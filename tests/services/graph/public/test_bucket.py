"""A presigned address in a bucket of moto's S3: anybody can GET it, and it is deleted again."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.errors import HostingFailed, HostingRefused, StorageFailed
from services.graph.public.bucket import BucketFiles
from storage.objects import RemoteObjects
from tests.support.bucket import KEY_ID, SECRET, bucket, front, moto
from tests.support.clock import StillClock

__all__ = ["bucket", "front", "moto"]

FILM = b"\x00\x00\x00\x18ftypmp42" + b"film" * 10
HOUR = timedelta(hours=1)


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "story.mp4"
    path.write_bytes(FILM)
    return path


def files(place, tmp_path, clock=None):
    store = place.store(tmp_path)
    assert isinstance(store, RemoteObjects)
    return BucketFiles(store, clock or StillClock())


async def test_meta_can_fetch_it_until_it_is_deleted(bucket, tmp_path, film):
    clock = StillClock()
    public = files(bucket, tmp_path, clock)
    put = await public.put(film, "video/mp4")
    assert put.id.startswith("public/")
    assert put.id.endswith(".mp4")
    assert len(put.id) == len("public/.mp4") + 32
    assert put.expires_at == clock() + timedelta(hours=24)
    assert parse_qs(urlsplit(put.url).query)["X-Amz-Expires"] == ["86400"]
    assert put.url.isascii()
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(put.url)
        assert (answer.status_code, answer.content) == (200, FILM)
        assert answer.headers["content-type"] == "video/mp4"
        for _ in range(2):  # deleting twice is harmless
            await public.delete(put.id)
        assert (await http.get(put.url)).status_code == 404
    assert film.read_bytes() == FILM


async def test_a_picture_has_its_own_type(bucket, tmp_path, film):
    public = files(bucket, tmp_path)
    put = await public.put(film, "image/jpeg")
    assert put.id != (await public.put(film, "image/jpeg")).id
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(put.url)).headers["content-type"] == "image/jpeg"


async def test_what_is_old_is_swept_and_nothing_else(bucket, tmp_path, film):
    public = files(bucket, tmp_path)
    await public.put(film, "image/jpeg")
    bucket.put("reelay/instagram/1.jpg", b"media")  # of the library, in the same bucket
    now = datetime.now(UTC)
    assert await public.sweep(now - HOUR) == 0
    assert await public.sweep(now + HOUR) == 1
    assert bucket.listed() == ["reelay/instagram/1.jpg"]


async def test_only_copies_are_deleted(bucket, tmp_path):
    bucket.put("reelay/instagram/1.jpg", b"media")
    with pytest.raises(HostingRefused):
        await files(bucket, tmp_path).delete("instagram/1.jpg")
    assert bucket.listed() == ["reelay/instagram/1.jpg"]


@pytest.mark.parametrize(("status", "told"), [(403, "refuses the keys"), (400, "answered 400")])
async def test_a_bucket_that_refuses(front, tmp_path, film, status, told):
    public = files(front.bucket, tmp_path)
    front.status = status
    for use in (
        public.put(film, "video/mp4"),
        public.delete("public/1.mp4"),
        public.sweep(datetime.now(UTC)),
    ):
        with pytest.raises(HostingFailed, match=told) as caught:
            await use
        for secret in (front.origin, "bucket-", KEY_ID, SECRET):
            assert secret not in str(caught.value)


async def test_a_file_that_is_not_there_is_not_the_buckets_fault(bucket, tmp_path):
    with pytest.raises(StorageFailed):
        await files(bucket, tmp_path).put(tmp_path / "gone.mp4", "video/mp4")


async def test_a_place_without_signatures_is_told(tmp_path, film):
    store = RemoteObjects("memory:///", {}, tmp_path)
    with pytest.raises(HostingFailed, match="can't sign"):
        await BucketFiles(store, StillClock()).put(film, "video/mp4")
