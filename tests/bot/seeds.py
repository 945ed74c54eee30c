"""Rows that a chat test starts from, written straight into the database of the running bot."""

from __future__ import annotations

from typing import Any

from storage import import_items, importing
from storage.import_items import NewItem
from tests.support.harness import Harness, PumpedVisitor

URL = "https://www.instagram.com/mia/saved/reels-ideas/17900000000000001/"


async def seed_import(
    harness: Harness,
    visitor: PumpedVisitor,
    connection_id: int | None,
    *,
    state: str,
    key: str = "collection:17900000000000001",
    items: int = 0,
    error: str | None = None,
    **to: Any,
) -> int:
    """An import in this state that no job is at; `items` listed posts, failed with `error`."""
    now = harness.clock()
    async with harness.app.database.write() as db:
        collection_id = await importing.keep_collection(
            db,
            visitor.user_id,
            platform="instagram",
            key=key,
            title="Reels ideas",
            url=URL,
            now=now,
        )
        import_id = await importing.start(
            db,
            user_id=visitor.user_id,
            connection_id=connection_id,  # type: ignore[arg-type] - None: it was forgotten
            collection_id=collection_id,
            identity="70000000001",
            post_limit=500,
            now=now,
        )
        assert import_id is not None
        listed = [NewItem(str(n), f"C{n:05}", {}, None, error) for n in range(items)]
        await import_items.add_page(db, import_id, listed, cursor=None, now=now)
        await importing.move(db, import_id, now, from_states=["previewing"], state=state, **to)
    return import_id


async def state_of(harness: Harness, import_id: int) -> str:
    async with harness.app.database.read() as db:
        item = await importing.get(db, import_id)
    assert item is not None
    return item.state
