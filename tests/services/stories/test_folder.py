"""The watched folder: files are taken once they are whole, and lost never."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.stories import folder
from services.stories.folder import AGAIN, AT_ONCE
from storage import story_accounts
from tests.services.stories.desk import Desk
from tests.support import rows


async def test_a_dropped_file_is_taken_at_the_second_look(desk: Desk) -> None:
    path = desk.drop("Promo/beach.jpg", b"half")
    assert await desk.folder.look() == 0, "it may still be written"
    path.write_bytes(b"whole now")
    assert await desk.folder.look() == 0, "it has changed since"
    assert await desk.folder.look() == 1
    assert not path.exists()
    (item,) = (await desk.library.browse(rows.MIA, desk.account_id)).items
    assert desk.objects.path(item.original_key).read_bytes() == b"whole now"
    (category,) = await desk.accounts.categories(desk.account_id)
    assert (item.category_id, category.name) == (category.id, "Promo")


async def test_a_file_that_was_stored_before_a_kill_is_not_taken_twice(desk: Desk) -> None:
    await desk.bring(b"one")
    path = desk.drop("beach.jpg")
    await desk.folder.look()
    await desk.folder.look()
    assert not path.exists()
    assert await desk.states() == ["fitting"]


async def test_what_cannot_be_taken_stays_and_is_named_once(desk: Desk) -> None:
    paths = [desk.drop("notes.txt"), desk.drop("empty.jpg", b"")]
    desk.drop(".hidden.jpg")
    desk.drop("film.mp4.part")
    (desk.root / "link.jpg").symlink_to("/etc/hostname")
    for _ in range(4):
        assert await desk.folder.look() == 0
    assert all(path.exists() for path in paths)
    assert await desk.told() == ["story_folder"] * 2
    assert await desk.states() == []


async def test_an_accounts_folder_is_that_accounts(desk: Desk) -> None:
    """With several, also one whose category is called like an account; deeper lies nothing."""
    async with desk.database.write() as db:
        await story_accounts.change(db, desk.account_id, name="@mia", identity="1")
        shop = await story_accounts.add(db, rows.MIA, "@Shop", "UTC", rows.NOW, identity="2")
    for name, content in (
        ("shop/Promo/a.jpg", b"a"),
        ("@shop/b.jpg", b"b"),
        ("Promo/c.jpg", b"c"),
        ("mia/shop/d.jpg", b"d"),
        ("Promo/deep/e.jpg", b"e"),
        ("shop/Promo/deep/f.jpg", b"f"),
    ):
        desk.drop(name, content)
    await desk.folder.look()
    assert await desk.folder.look() == 4
    found = {}
    for account in (desk.account_id, shop):
        names = {one.id: one.name for one in await desk.accounts.categories(account)}
        for item in (await desk.library.browse(rows.MIA, account)).items:
            found[item.name] = (account, names.get(item.category_id or 0, ""))
    assert found == {
        "a.jpg": (shop, "Promo"),
        "b.jpg": (shop, ""),
        "c.jpg": (desk.account_id, "Promo"),
        "d.jpg": (desk.account_id, "shop"),
    }
    assert await desk.told() == []


async def test_nothing_leaves_the_folder_that_could_not_be_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.drop("beach.jpg")

    async def full(_part: Path, _key: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desk.objects, "adopt", full)
    await desk.folder.look()
    await desk.folder.look()
    assert path.read_bytes() == b"one"
    assert await desk.told() == ["story_folder"]


async def test_what_cannot_be_taken_does_not_keep_the_others_waiting(desk: Desk) -> None:
    """They lie first, and there are more of them than are taken at one look."""
    for number in range(AT_ONCE + 1):
        desk.drop(f"a{number:02}.txt")
    path = desk.drop("beach.jpg")
    for _ in range(3):
        await desk.folder.look()
    assert not path.exists()
    assert await desk.told() == ["story_folder"] * (AT_ONCE + 1)


async def test_what_failed_is_tried_again_later_and_after_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.drop("beach.jpg")
    adopt, tries = desk.objects.adopt, 0

    async def full(_part: Path, _key: str) -> None:
        nonlocal tries
        tries += 1
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desk.objects, "adopt", full)
    for _ in range(4):
        await desk.folder.look()
    assert tries == 1
    monkeypatch.setattr(desk.objects, "adopt", adopt)
    desk.now.advance(seconds=AGAIN.total_seconds())
    assert await desk.folder.look() == 1
    assert not path.exists()


async def test_a_file_that_may_not_leave_the_folder_is_read_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each look would copy it, and bring it back after somebody removed it."""
    path = desk.drop("beach.jpg")

    def kept(_path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(folder, "_remove", kept)
        for _ in range(3):
            await desk.folder.look()
    assert await desk.told() == ["story_folder"]
    (item,) = (await desk.library.browse(rows.MIA, desk.account_id)).items
    await desk.library.remove(rows.MIA, item.id)
    desk.now.advance(seconds=AGAIN.total_seconds())
    assert await desk.folder.look() == 0
    assert path.exists()
    assert (await desk.library.browse(rows.MIA, desk.account_id)).items == []
