"""What goes with what, where a person stands in their library, and links that leave it."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest

from services.errors import NotAllowed, StorageFailed
from services.importing.library import FileMissing, Library, rank_similar, without
from storage import downloads
from storage.database import Database
from storage.library import Filters
from storage.objects import LocalObjects
from tests.support.databases import database, sqlite_url
from tests.support.queries import counted
from tests.support.rows import LEO, MIA, NOW, archived, at, person

__all__ = ["database", "sqlite_url"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def a_library(database: Database, folder: Path, url: str = "https://reelay.example/") -> Library:
    return Library(database, LocalObjects(folder), Mock(), lambda: NOW, public_url=url)


# ---------------------------------------------------------------- similar


@pytest.mark.parametrize(
    ("bpm", "key", "others", "chosen"),
    [
        (120, "A minor", [(1, 126, "A minor"), (2, 121, "A minor")], [2, 1]),
        (120, "A minor", [(1, 120, "E minor"), (2, 125, "A minor")], [2, 1]),  # its own key first
        (120, "A minor", [(1, 120, "A# minor")], []),
        (120, "A minor", [(1, 130, "A minor")], []),
        (120, None, [(1, 60, "A minor"), (2, 240, None)], [1, 2]),  # half and double
        (None, "A minor", [(1, 77, "C major"), (2, 90, "F# major")], [1]),
        (120, None, [(1, None, "A minor")], []),  # nothing to compare
        (120, "A minor", [(1, None, "A minor"), (2, 125, "E minor")], [2, 1]),  # the known first
        (120, "A minor", [(1, 126, "A minor"), (1, 120, "A minor"), (2, 123, "A minor")], [1, 2]),
    ],
)
def test_similar_ones_go_together_in_key_and_tempo(
    bpm: float | None,
    key: str | None,
    others: list[tuple[int, float | None, str | None]],
    chosen: list[int],
) -> None:
    assert rank_similar(bpm, key, others) == chosen


async def test_a_post_without_tempo_and_key_is_similar_to_nothing(
    database: Database, tmp_path: Path
) -> None:
    await person(database)
    post_id = await archived(database, MIA)
    assert await a_library(database, tmp_path).similar(MIA, post_id) is None


# ---------------------------------------------------------------- the shelf


async def test_a_shelf_is_where_it_was_left_and_new_filters_begin_anew(
    database: Database, tmp_path: Path
) -> None:
    await person(database)
    library = a_library(database, tmp_path)
    for n in range(8):
        await archived(database, MIA, f"p{n}", now=at(n))
    assert (await library.shelf(MIA, page=1)).page == 1
    view = await library.shelf(MIA)
    assert (view.page, view.pages, view.total) == (1, 2, 8)
    assert [post.shortcode for post in view.posts] == ["code-p1", "code-p0"]
    assert (await library.shelf(MIA, page=7)).page == 1
    found = await library.shelf(MIA, filters=Filters(author="creator", text="sunset"))
    assert (found.page, found.total) == (0, 8)
    assert await library.filters(MIA) == Filters(author="creator", text="sunset")
    assert without(await library.filters(MIA), "text") == Filters(author="creator")
    nothing = await library.shelf(MIA, filters=Filters(author="nobody"))
    assert (nothing.page, nothing.pages, nothing.total) == (0, 1, 0)


async def test_looking_writes_nothing(database: Database, tmp_path: Path) -> None:
    """Every write waits for its turn with all other writers."""
    await person(database)
    library = a_library(database, tmp_path)
    with counted(database) as statements:
        await library.shelf(MIA)
        await library.filters(MIA)
        await library.choices(MIA)
    assert [one for one in statements if not one.startswith("SELECT")] == []


# ---------------------------------------------------------------- files and links


async def test_a_link_opens_one_file_for_a_day(database: Database, tmp_path: Path) -> None:
    await person(database)
    link = await a_library(database, tmp_path).link(MIA, "a/b.mp4", "b.mp4")
    assert link
    assert link.startswith("https://reelay.example/downloads/")
    token = urlsplit(link).path.rpartition("/")[2]
    assert len(token) >= 22
    async with database.read() as db:
        digests = (await db.exec_driver_sql("select token_hash from downloads")).scalars().all()
        assert token not in digests, "only its digest is kept"
        (digest,) = digests
        assert await downloads.find(db, digest, at(60 * 24 - 1)) == ("a/b.mp4", "b.mp4")
        assert await downloads.find(db, digest, at(60 * 24)) is None
    assert await a_library(database, tmp_path, url="").link(MIA, "a/b.mp4", "b.mp4") is None


async def test_files_that_are_not_there_or_not_reached(database: Database, tmp_path: Path) -> None:
    library = a_library(database, tmp_path)
    with pytest.raises(FileMissing):
        async with library.files(["a/b.mp4"]):
            pass
    library._objects = Mock()
    library._objects.local.side_effect = OSError("the object store refused")
    with pytest.raises(StorageFailed, match="file store does not answer"):
        async with library.files(["a/b.mp4"]):
            pass


async def test_somebody_elses_post_is_not_there(database: Database, tmp_path: Path) -> None:
    await person(database)
    await person(database, LEO)
    library = a_library(database, tmp_path)
    post_id = await archived(database, MIA)
    with pytest.raises(NotAllowed):
        await library.post(LEO, post_id)
    with pytest.raises(NotAllowed):
        await library.similar(LEO, post_id)
    assert not await library.remove(LEO, post_id)
    assert await library.remove(MIA, post_id)
    with pytest.raises(NotAllowed):
        await library.post(MIA, post_id)
    assert not await library.put_back(LEO, post_id)
    assert await library.put_back(MIA, post_id)
    assert (await library.post(MIA, post_id))[0].id == post_id
