"""The object store: keys stay inside, files appear whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.objects import LocalObjects


@pytest.fixture
def store(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "media")


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
    store: LocalObjects, key: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.key").write_text("key")
    for use in (store.size, store.delete):
        with pytest.raises(KeyError):
            await use(key)
    with pytest.raises(KeyError):
        await store.adopt(tmp_path / "secret.key", key)
    assert (tmp_path / "secret.key").read_text() == "key"


async def test_a_link_that_leads_out_is_refused(store: LocalObjects, tmp_path: Path) -> None:
    store.root.mkdir()
    (store.root / "out").symlink_to(tmp_path)
    with pytest.raises(KeyError):
        await store.size("out/secret.key")


@given(st.text(alphabet="a./\\~% \x01é", max_size=12))
def test_whatever_the_key_it_stays_inside(key: str) -> None:
    store = LocalObjects(Path("/tmp/reelay-store/media"))
    try:
        path = store.path(key)
    except KeyError:
        return
    assert store.root in path.parents


async def test_a_part_becomes_an_object_in_one_step(store: LocalObjects) -> None:
    key = "instagram/1/0.mp4"
    for content in (b"first", b"second"):
        part = await store.part("1-2-0.part")
        part.write_bytes(content)
        await store.adopt(part, key)
        assert store.path(key).read_bytes() == content
        assert not part.exists()
    assert await store.size(key) is not None
    assert part.parent.stat().st_dev == store.path(key).stat().st_dev


async def test_adopting_what_is_not_there_leaves_the_object_as_it_was(store: LocalObjects) -> None:
    part = await store.part("1.part")
    part.write_bytes(b"whole")
    await store.adopt(part, "a/1.jpg")
    with pytest.raises(FileNotFoundError):
        await store.adopt(part, "a/1.jpg")
    assert store.path("a/1.jpg").read_bytes() == b"whole"


async def test_deleting_twice_is_harmless(store: LocalObjects) -> None:
    part = await store.part("1.part")
    part.write_bytes(b"x")
    await store.adopt(part, "a/1.jpg")
    await store.delete("a/1.jpg")
    await store.delete("a/1.jpg")
    assert await store.size("a/1.jpg") is None
    assert await store.size("a") is None  # a folder is no object


async def test_parts_are_listed_and_the_disk_has_a_free_share(store: LocalObjects) -> None:
    assert await store.parts("import-") == []
    part = await store.part("import-1.part")
    part.touch()
    assert await store.parts("import-") == [part]
    assert await store.parts("export-") == []
    assert 0 <= await store.free_share() <= 1
