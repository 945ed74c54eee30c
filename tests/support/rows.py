"""Factories of domain rows, each in its own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from storage import archive, connections, credits, import_items, importing, people
from storage.archive import NewMedia, NewPost
from storage.connections import Connection
from storage.database import Database
from storage.import_items import NewItem

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MIA, LEO, ZOE = 11, 12, 13


def at(minutes: float = 0) -> datetime:
    """Minutes after NOW."""
    return NOW + timedelta(minutes=minutes)


async def person(
    database: Database,
    user_id: int = MIA,
    *,
    balance: int = 0,
    role: people.Role = "member",
    now: datetime = NOW,
) -> int:
    async with database.write() as db:
        await people.add(
            db, user_id, name=f"User {user_id}", username=None, locale="en", role=role, now=now
        )
        if balance:
            await credits.grant(db, user_id, balance, "Welcome", now)
    return user_id


async def connection(
    database: Database,
    user_id: int = MIA,
    identity: str = "1000",
    *,
    now: datetime = NOW,
    **columns: Any,
) -> Connection:
    async with database.write() as db:
        made = await connections.add(db, user_id, "instagram", identity, now)
        if columns:
            await connections.change(db, made.id, now, **columns)
        changed = await connections.get(db, made.id)
    assert changed
    return changed


def items(*names: str, known: dict[str, int] | None = None) -> list[NewItem]:
    known = known or {}
    return [NewItem(name, f"code-{name}", {"pk": name}, known.get(name)) for name in names]


@dataclass(frozen=True, slots=True)
class MadeImport:
    id: int
    collection_id: int
    connection_id: int
    items: list[int]


async def an_import(
    database: Database,
    user_id: int = MIA,
    *,
    key: str = "named:1",
    count: int = 0,
    state: str = "running",
    connection_id: int | None = None,
    now: datetime = NOW,
) -> MadeImport:
    """An import of `count` pending posts named "<id>-0", "<id>-1", …"""
    if connection_id is None:
        async with database.read() as db:
            mine = await connections.find(db, user_id, "instagram", f"{user_id}000")
        made = mine or await connection(database, user_id, f"{user_id}000", now=now)
        connection_id = made.id
    async with database.write() as db:
        collection_id = await importing.keep_collection(
            db,
            user_id,
            platform="instagram",
            key=key,
            title=key.title(),
            url=f"https://www.instagram.com/{key}/",
            now=now,
        )
        import_id = await importing.start(
            db,
            user_id=user_id,
            connection_id=connection_id,
            collection_id=collection_id,
            identity=f"{user_id}000",
            post_limit=500,
            now=now,
        )
        assert import_id is not None, "an import of this collection is unfinished"
        names = [f"{import_id}-{n}" for n in range(count)]
        await import_items.add_page(db, import_id, items(*names), cursor=None, now=now)
        await importing.move(db, import_id, now, from_states=["previewing"], state=state)
        ids = [
            item.id
            for item in await import_items.pending(db, import_id, charged=False, limit=count or 1)
        ]
    return MadeImport(import_id, collection_id, connection_id, ids)


def new_post(name: str = "p1", **changes: Any) -> NewPost:
    values: dict[str, Any] = {
        "platform": "instagram",
        "platform_id": name,
        "shortcode": f"code-{name}",
        "kind": "photo",
        "author_id": "77",
        "author": "creator",
        "caption": "Sunset 🌇",
        "taken_at": NOW - timedelta(days=3),
        "raw": {"pk": name},
    }
    return NewPost(**(values | changes))


def new_media(name: str = "p1", position: int = 0, size: int = 100) -> NewMedia:
    key = f"instagram/{name}/{position}.jpg"
    return NewMedia(position, "image", "image/jpeg", size, "ab" * 32, key, 1080, 1350)


async def archived(
    database: Database, user_id: int, name: str = "p1", *, files: int = 1, now: datetime = NOW
) -> int:
    """A post in the user's library."""
    async with database.write() as db:
        media = [new_media(name, position) for position in range(files)]
        post_id = await archive.save(db, new_post(name), media, now)
        await archive.give(db, user_id, post_id, now)
    return post_id
