"""The object store: keys stay inside, files appear whole; the same in a folder and in a bucket.

The bucket is moto's S3, over HTTP. Google's and Azure's addresses are only opened here.
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.objects import (
    CHUNK,
    TRIES,
    BadAddress,
    LocalObjects,
    ObjectStore,
    digest,
    open_store,
)
from tests.support.bucket import KEY_ID, SECRET, Bucket, Front, bucket, front, moto

__all__ = ["bucket", "front", "moto"]


@pytest.fixture
def local(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "media")


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalObjects(tmp_path / "media")
    in_s3: Bucket = request.getfixturevalue("bucket")
    return in_s3.store(tmp_path)


async def put(store: ObjectStore, key: str, content: bytes) -> None:
    part = await store.part("1.part")
    part.write_bytes(content)
    await store.adopt(part, key)


async def read(store: ObjectStore, key: str, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in store.read(key, start, end)])


@pytest.mark.parametrize(
    "key",
    [
        "../secret.key",
        "instagram/../../secret.key",
        "/etc/passwd",
        "../media-of-another/x.jpg",  # a sibling whose name begins alike
        "",
        ".",
        "a/..",
    ],
)
async def test_a_key_that_leads_out_is_refused(
    store: ObjectStore, key: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.key").write_text("key")
    for use in (store.size, store.delete):
        with pytest.raises(KeyError):
            await use(key)
    with pytest.raises(KeyError):
        await store.adopt(tmp_path / "secret.key", key)
    with pytest.raises(KeyError):
        await read(store, key, 0, 1)
    assert (tmp_path / "secret.key").read_text() == "key"


async def test_a_link_that_leads_out_is_refused(local: LocalObjects, tmp_path: Path) -> None:
    local.root.mkdir()
    (local.root / "out").symlink_to(tmp_path)
    with pytest.raises(KeyError):
        await local.size("out/secret.key")


@given(st.text(alphabet="a./\\~% \x01é", max_size=12))
def test_whatever_the_key_it_stays_inside(key: str) -> None:
    store = LocalObjects(Path("/tmp/reelay-store/media"))
    try:
        path = store.path(key)
    except KeyError:
        return
    assert store.root in path.parents


async def test_a_part_becomes_an_object_in_one_step(store: ObjectStore) -> None:
    key = "instagram/1/0.mp4"
    for content in (b"first", b"second one"):
        part = await store.part("1-2-0.part")
        part.write_bytes(content)
        await store.adopt(part, key)
        assert await store.size(key) == len(content)
        assert await read(store, key, 0, len(content)) == content
        assert await digest(store, key) == sha256(content).hexdigest()
        assert not part.exists()


async def test_in_a_folder_a_part_is_on_the_disk_of_the_objects(local: LocalObjects) -> None:
    await put(local, "a/1.jpg", b"x")
    assert local.incoming.stat().st_dev == local.path("a/1.jpg").stat().st_dev


async def test_adopting_what_is_not_there_leaves_the_object_as_it_was(store: ObjectStore) -> None:
    await put(store, "a/1.jpg", b"whole")
    with pytest.raises(FileNotFoundError):
        await store.adopt(await store.part("1.part"), "a/1.jpg")
    assert await read(store, "a/1.jpg", 0, 5) == b"whole"


async def test_ranges_across_pieces(store: ObjectStore) -> None:
    content = os.urandom(2 * CHUNK + 7)
    await put(store, "a/1.mp4", content)
    for start, end in [
        (0, len(content)),
        (CHUNK - 1, CHUNK + 1),
        (2 * CHUNK, len(content)),
        (5, 5),
    ]:
        assert await read(store, "a/1.mp4", start, end) == content[start:end]
    pieces = [len(piece) async for piece in store.read("a/1.mp4", 0, len(content))]
    assert max(pieces) <= CHUNK


async def test_a_file_of_many_pieces_arrives_whole(store: ObjectStore) -> None:
    """Larger than what a bucket takes in one request."""
    content = os.urandom(6 * CHUNK)
    await put(store, "a/1.mp4", content)
    assert await digest(store, "a/1.mp4") == sha256(content).hexdigest()


async def test_an_object_as_a_file(store: ObjectStore) -> None:
    await put(store, "a/1.mp4", b"film")
    async with store.local("a/1.mp4") as path:
        assert path.read_bytes() == b"film"
        assert path.suffix == ".mp4"
    assert await store.parts("local-") == []  # no copy stays behind
    assert await store.size("a/1.mp4") == 4


async def test_what_is_not_there(store: ObjectStore) -> None:
    assert await store.size("a/1.jpg") is None
    with pytest.raises(FileNotFoundError):
        await read(store, "a/1.jpg", 0, 1)
    with pytest.raises(FileNotFoundError):
        await digest(store, "a/1.jpg")
    with pytest.raises(FileNotFoundError):
        async with store.local("a/1.jpg"):
            pass


async def test_deleting_twice_is_harmless(store: ObjectStore) -> None:
    await put(store, "a/1.jpg", b"x")
    await store.delete("a/1.jpg")
    await store.delete("a/1.jpg")
    assert await store.size("a/1.jpg") is None
    assert await store.size("a") is None  # a folder is no object


async def test_parts_that_nobody_touches_are_swept(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(hours=24)
    for name, hours in (("local-1.mp4", 25), ("local-2.mp4", 23), ("sound-1", 25), ("sound-2", 23)):
        path = await store.part(name)
        if name.startswith("sound"):
            path.mkdir()
            (path / "sound.wav").touch()
        else:
            path.touch()
        moment = datetime.now(UTC).timestamp() - hours * 3600
        os.utime(path, (moment, moment))
    await store.sweep(before)
    assert {path.name for path in await store.parts("")} == {"local-2.mp4", "sound-2"}


async def test_parts_are_listed_and_the_disk_has_a_free_share(store: ObjectStore) -> None:
    assert await store.parts("import-") == []
    part = await store.part("import-1.part")
    part.touch()
    assert await store.parts("import-") == [part]
    assert await store.parts("export-") == []
    assert 0 <= await store.free_share() <= 1


# ---------------------------------------------------------------- a bucket with bad days


async def test_objects_lie_below_the_prefix(bucket: Bucket, tmp_path: Path) -> None:
    await put(bucket.store(tmp_path), "instagram/1/0.mp4", b"film")
    assert bucket.listed() == ["reelay/instagram/1/0.mp4"]


@pytest.mark.parametrize("bad", [1, TRIES - 1])
async def test_wrong_bytes_are_put_again(front: Front, tmp_path: Path, bad: int) -> None:
    front.bad_reads = bad
    await put(front.bucket.store(tmp_path), "a/1.jpg", b"film")
    assert front.requests.count("PUT") == bad + 1
    assert front.behind.content("reelay/a/1.jpg") == b"film"


async def test_after_three_times_it_is_an_error_and_nothing_stays(
    front: Front, tmp_path: Path
) -> None:
    store = front.bucket.store(tmp_path)
    front.bad_reads = TRIES
    with pytest.raises(OSError, match=r"gave a/1\.jpg back with other bytes"):
        await put(store, "a/1.jpg", b"film")
    assert front.requests.count("PUT") == TRIES
    assert front.behind.listed() == []
    assert (await store.part("1.part")).read_bytes() == b"film"  # can be tried again


@pytest.mark.parametrize(
    ("status", "told", "tries"),
    [(503, "answered 503", TRIES), (403, "refuses the keys", 1), (400, "answered 400", 1)],
)
async def test_a_refusal_is_told_in_plain_words(
    front: Front, tmp_path: Path, status: int, told: str, tries: int
) -> None:
    store = front.bucket.store(tmp_path)
    front.status = status
    await told_plainly(store, told, front.origin)
    front.requests.clear()
    with pytest.raises(OSError, match=told):
        await store.size("a/1.jpg")
    assert front.requests == ["HEAD"] * tries


async def test_nobody_answers(bucket: Bucket, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
    await told_plainly(Bucket(origin, bucket.name).store(tmp_path), "can't be reached", origin)


async def test_there_is_no_such_bucket(bucket: Bucket, tmp_path: Path) -> None:
    store = Bucket(bucket.origin, "nobodys-bucket").store(tmp_path)
    with pytest.raises(OSError, match="knows no such bucket"):
        await put(store, "a/1.jpg", b"film")


async def told_plainly(store: ObjectStore, told: str, origin: str) -> None:
    """Every use fails as OSError with these words, without address, bucket or keys."""
    part = await store.part("1.part")
    part.write_bytes(b"film")
    for use in (
        store.adopt(part, "a/1.jpg"),
        store.size("a/1.jpg"),
        store.delete("a/1.jpg"),
        read(store, "a/1.jpg", 0, 4),
    ):
        with pytest.raises(OSError, match=told) as caught:
            await use
        for secret in (origin, origin.partition("//")[2], "bucket-", KEY_ID, SECRET):
            assert secret not in str(caught.value)
        assert caught.value.__suppress_context__  # a traceback shows no more than that
    assert part.read_bytes() == b"film"


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("s3://bucket", ""),
        ("s3://bucket/prefix", '{"region": "eu-central-1"}'),
        ("az://container/prefix", '{"account_name": "reelay", "account_key": "Zm9v"}'),
        ("gs://bucket/prefix", ""),
    ],
)
def test_addresses_of_buckets_open(address: str, options: str, tmp_path: Path) -> None:
    store = open_store(address, options, tmp_path)
    assert store.incoming == tmp_path / "incoming"


def test_addresses_of_folders_open(tmp_path: Path) -> None:
    for address, root in [("local", tmp_path / "media"), (f"local:{tmp_path}/x", tmp_path / "x")]:
        store = open_store(address, "", tmp_path)
        assert isinstance(store, LocalObjects)
        assert store.root == root


@pytest.mark.parametrize(
    ("address", "options", "told"),
    [
        ("nonsense", "", "nonsense: "),
        ("ftp://host/folder", "", "ftp: "),
        ("s3://bucket", f'{{"secret_access_key": "{SECRET}"', "the options are not JSON"),
        ("s3://bucket", f'["{SECRET}"]', "the options are not a JSON object"),
        ("s3://bucket", f'{{"secret": "{SECRET}"}}', "s3: .*'secret' is not valid"),
        ("gs://bucket", f'{{"service_account_key": "{SECRET}"}}', "gs: "),
    ],
)
def test_a_wrong_address_is_told_in_one_line_without_secrets(
    address: str, options: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(BadAddress, match=told) as caught:
        open_store(address, options, tmp_path)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
