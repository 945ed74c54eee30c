"""What is asked again every second, or drawn as a list, costs the same number of queries however
many rows there are."""

from __future__ import annotations

from unittest.mock import Mock

from services.importing.library import Library
from services.importing.service import Importing
from storage import cards as card_rows
from storage import import_items, notices
from storage.database import Database
from storage.library import Filters
from tests.support.queries import counted
from tests.support.rows import MIA, NOW, an_import, archived, person

LIST, VIEWS = 1, 6


async def make(database: Database, count: int) -> int:
    """So many imports, each with a failed post. Returns the last one's id."""
    last = 0
    for n in range(count):
        made = await an_import(database, key=f"named:{count}-{n}", count=2)
        async with database.write() as db:
            await import_items.settle(db, made.items[0], "failed", NOW, error="short")
        last = made.id
    return last


async def test_a_list_of_imports(database: Database) -> None:
    await person(database, MIA, balance=3)
    service = Importing(database, Mock(), lambda: NOW, post_limit=500)
    for more in (1, 7):
        await make(database, more)
        with counted(database) as statements:
            views = await service.latest(MIA, limit=8)
        assert len(statements) == LIST + VIEWS, "\n".join(statements)
    assert len(views) == 8
    assert {(view.balance, view.account, view.tally.failed) for view in views} == {
        (3, "account 11000", 1)
    }
    assert views[0].failures == {"short": 1}
    assert [view.item.id for view in views] == sorted(
        (view.item.id for view in views), reverse=True
    )


async def test_a_card(database: Database) -> None:
    await person(database, MIA)
    import_id = await make(database, 1)
    service = Importing(database, Mock(), lambda: NOW, post_limit=500)
    with counted(database) as statements:
        await service.view(MIA, import_id)
    assert len(statements) == 1 + VIEWS, "\n".join(statements)


async def test_the_outbox_and_the_cards_look_with_one_query(database: Database) -> None:
    await person(database, MIA)
    await make(database, 3)
    async with database.write() as db:
        for _ in range(5):
            await notices.add(db, MIA, "granted", NOW, amount=1)
    with counted(database) as statements:
        async with database.read() as db:
            assert len(await notices.due(db, NOW)) == 5
            await card_rows.due(db, NOW)
    assert len(statements) == 2, "\n".join(statements)


async def test_a_shelf_of_the_library_and_a_card(database: Database) -> None:
    """Position, count, posts, files; a filter by collection asks for its title, too."""
    await person(database, MIA)
    library = Library(database, Mock(), Mock(), lambda: NOW, public_url="")
    for number in (1, 8):
        for n in range(number):
            post_id = await archived(database, MIA, f"{number}-{n}", files=number)
        with counted(database) as statements:
            view = await library.shelf(MIA)
        assert len(statements) == 4, "\n".join(statements)
        with counted(database) as statements:
            await library.shelf(MIA, filters=Filters(collection_id=number, text="sun"))
        assert len(statements) == 4 + 1 + 1, "\n".join(statements)
        await library.shelf(MIA, filters=Filters())
        with counted(database) as statements:
            await library.post(MIA, post_id)
        assert len(statements) == 2, "\n".join(statements)
    assert (len(view.posts), view.total) == (6, 9)
