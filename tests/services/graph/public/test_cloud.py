"""Cloudinary through a stand-in for its SDK: what is asked of it, and what its errors become."""

import sys
import threading
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from services.errors import HostingFailed, HostingRefused, StorageFailed
from services.graph.public.cloud import TIMEOUT, Cloud, CloudinaryFiles
from storage.vault import Secret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = {
    "cloud_name": "reelay-cloud",
    "api_key": "123",
    "api_secret": "planted-secret",
    "upload_prefix": "http://127.0.0.1:9",
    "timeout": TIMEOUT,
}


class Sdk:
    """The four calls of cloudinary 1.46 that are used; keeps copies by kind and public id."""

    def __init__(self):
        self.copies = {}
        self.calls = []
        self.error = None
        self.spoil = {}
        self.page = 500

    def upload(self, file, **options):
        return self._upload("upload", file, options)

    def upload_large(self, file, **options):
        return self._upload("upload_large", file, options)

    def _upload(self, call, file, options):
        self._note(call, options)
        with open(file, "rb") as opened:  # noqa: PTH123 - as the SDK does
            size = len(opened.read())
        kind, name = options["resource_type"], options["public_id"]
        self.copies[kind, name] = NOW
        url = f"https://res.cloudinary.com/reelay-cloud/{kind}/upload/v1/{name}"
        return {"public_id": name, "secure_url": url, "bytes": size, **self.spoil}

    def destroy(self, name, **options):
        self._note("destroy", options)
        assert options["invalidate"]  # from the CDN, too
        found = self.copies.pop((options["resource_type"], name), None)
        return {"result": "ok" if found else "not found", **self.spoil}

    def resources(self, **options):
        self._note("resources", options)
        prefix = options["prefix"]
        every = [
            {"public_id": name, "created_at": made.strftime("%Y-%m-%dT%H:%M:%SZ")}
            for (kind, name), made in self.copies.items()
            if kind == options["resource_type"] and name.startswith(prefix)
        ]
        start = int(options.get("next_cursor", 0))
        more = {"next_cursor": str(start + self.page)} if len(every) > start + self.page else {}
        return {"resources": every[start : start + self.page], **more}

    def _note(self, call, options):
        assert threading.current_thread() is not threading.main_thread()
        assert options.items() >= ACCOUNT.items()
        self.calls.append(call)
        if self.error:
            raise self.error


@pytest.fixture
def sdk(monkeypatch):
    sdk = Sdk()
    package, uploader, api = (ModuleType(name) for name in ("cloudinary", "uploader", "api"))
    exceptions = ModuleType("exceptions")
    exceptions.Error = type("Error", (Exception,), {})
    for name in ("AuthorizationRequired", "NotAllowed", "BadRequest", "RateLimited"):
        setattr(exceptions, name, type(name, (exceptions.Error,), {}))
    uploader.upload, uploader.upload_large = sdk.upload, sdk.upload_large
    uploader.destroy, api.resources = sdk.destroy, sdk.resources
    sdk.exceptions = exceptions
    monkeypatch.setitem(sys.modules, "cloudinary", package)
    for name, module in (("uploader", uploader), ("api", api), ("exceptions", exceptions)):
        setattr(package, name, module)
        monkeypatch.setitem(sys.modules, f"cloudinary.{name}", module)
    return sdk


@pytest.fixture
def public():
    secret = Secret("planted-secret")
    return CloudinaryFiles(Cloud("reelay-cloud", "123", secret, "http://127.0.0.1:9"))


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "story.jpg"
    path.write_bytes(b"\xff\xd8\xffpicture")
    return path


@pytest.mark.parametrize(
    ("mime", "kind", "call"),
    [("image/jpeg", "image", "upload"), ("video/mp4", "video", "upload_large")],
)
async def test_a_file_is_put_and_deleted(sdk, public, picture, mime, kind, call):
    put = await public.put(picture, mime)
    assert put.id.startswith(f"{kind}/reelay/")
    assert len(put.id.rpartition("/")[2]) == 32
    assert put.url.startswith("https://")
    assert put.expires_at is None
    for _ in range(2):  # deleting twice is harmless
        await public.delete(put.id)
        assert sdk.copies == {}
    assert sdk.calls == [call, "destroy", "destroy"]


async def test_what_is_old_is_swept_over_several_pages(sdk, public):
    sdk.page = 2
    for number in range(5):
        sdk.copies["image", f"reelay/{number}"] = NOW - timedelta(hours=25)
    sdk.copies["video", "reelay/old"] = NOW - timedelta(hours=25)
    sdk.copies["image", "reelay/young"] = NOW - timedelta(hours=23)
    sdk.copies["image", "holiday"] = NOW - timedelta(days=300)
    assert await public.sweep(NOW - timedelta(hours=24)) == 6
    assert set(sdk.copies) == {("image", "reelay/young"), ("image", "holiday")}


@pytest.mark.parametrize("odd", ["image/holiday", "raw/reelay/1", "reelay/1", ""])
async def test_only_copies_of_ours_are_deleted(sdk, public, odd):
    with pytest.raises(HostingRefused):
        await public.delete(odd)
    assert sdk.calls == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Error", HostingFailed),
        ("RateLimited", HostingFailed),
        ("AuthorizationRequired", HostingRefused),
        ("NotAllowed", HostingRefused),
        ("BadRequest", HostingRefused),
    ],
)
async def test_what_the_sdk_says_is_not_repeated(sdk, public, picture, name, expected):
    sdk.error = getattr(sdk.exceptions, name)("String to sign - 'planted-secret'")
    for use in (
        public.put(picture, "image/jpeg"),
        public.delete("image/reelay/1"),
        public.sweep(NOW),
    ):
        with pytest.raises(HostingFailed) as caught:
            await use
        assert type(caught.value) is expected
        assert "planted" not in str(caught.value) + caught.value.message
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "spoil", [{"bytes": 3}, {"secure_url": None}, {"secure_url": "https://ö/1.jpg"}]
)
async def test_a_copy_that_is_not_the_file_is_refused(sdk, public, picture, spoil):
    sdk.spoil = spoil
    with pytest.raises(HostingFailed):
        await public.put(picture, "image/jpeg")


async def test_a_copy_that_stays_is_told(sdk, public):
    sdk.spoil = {"result": "busy"}
    with pytest.raises(HostingFailed):
        await public.delete("image/reelay/1")


async def test_a_file_that_is_not_there_is_not_cloudinarys_fault(sdk, public, tmp_path):
    with pytest.raises(StorageFailed):
        await public.put(tmp_path / "gone.jpg", "image/jpeg")
