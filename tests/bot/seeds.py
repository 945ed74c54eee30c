"""Rows that a chat test starts from, written straight into the database of the running bot."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage import archive, import_items, importing, samples
from storage.archive import NewMedia
from storage.import_items import NewItem
from storage.tables import media
from storage.tables import samples as samples_table
from tests.support.harness import Harness, PumpedVisitor
from tests.support.rows import new_post

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


async def seed_post(
    harness: Harness,
    visitor: PumpedVisitor,
    name: str,
    *files: tuple[str, dict[str, Any]],
    tags: tuple[str, ...] = (),
    content: bytes = b"bytes",
    **changes: Any,
) -> int:
    """A post in the visitor's library. `files`: (image | video, columns of media and samples).

    `content` lies in the store under every key that the columns name. Returns the post's id.
    """
    now = harness.clock()
    media_columns, sample_columns = media.c.keys(), samples_table.c.keys()
    async with harness.app.database.write() as db:
        planned = [
            NewMedia(n, kind, "any/thing", 100, "0" * 64, f"test/{name}-{n}.bin", 60, 40)
            for n, (kind, _) in enumerate(files)
        ]
        post_id = await archive.save(db, new_post(name, **changes), planned, now)
        await samples.plan(db, post_id, tags, now)
        await archive.give(db, visitor.user_id, post_id, now)
        for n, (_, columns) in enumerate(files):
            row = (media.c.post_id == post_id) & (media.c.position == n)
            of_media = {key: value for key, value in columns.items() if key in media_columns}
            found = {key: value for key, value in columns.items() if key in sample_columns}
            if of_media:
                await db.execute(media.update().where(row).values(of_media))
            its = sa.select(media.c.id).where(row).scalar_subquery()
            change = samples_table.update().where(samples_table.c.media_id == its)
            await db.execute(change.values({"state": "ready", **found}))
    keys = [f"test/{name}-{n}.bin" for n in range(len(files))]
    keys += [value for _, columns in files for key, value in columns.items() if key[-4:] == "_key"]
    for key in keys:
        part = await harness.app.objects.part("seed")
        part.write_bytes(content)
        await harness.app.objects.adopt(part, key)
    return post_id
