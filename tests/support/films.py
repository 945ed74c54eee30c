"""An archive of films with their waveforms, rows and bytes. For what moves media about."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256

from storage import archive, samples
from storage.archive import NewMedia
from storage.database import Database
from storage.objects import ObjectStore
from tests.support.rows import MIA, NOW, new_post


async def put(store: ObjectStore, key: str, content: bytes) -> None:
    part = await store.part("1.part")
    part.write_bytes(content)
    await store.adopt(part, key)


async def read(store: ObjectStore, key: str) -> bytes | None:
    size = await store.size(key)
    if size is None:
        return None
    return b"".join([piece async for piece in store.read(key, 0, size)])


@dataclass(frozen=True, slots=True)
class Archive:
    """Posts of Mia, each a film with its waveform, whose bytes lie in `store`."""

    database: Database
    store: ObjectStore

    async def add(self, name: str, size: int = 1000) -> dict[str, bytes]:
        """{object key: bytes} of one more post, with a film of `size` bytes."""
        film, wave = f"instagram/{name}/0.mp4", f"instagram/{name}/0.wave.png"
        made = {film: os.urandom(size), wave: f"wave of {name}".encode()}
        for key, content in made.items():
            await put(self.store, key, content)
        digest = sha256(made[film]).hexdigest()
        async with self.database.write() as db:
            media = [NewMedia(0, "video", "video/mp4", len(made[film]), digest, film, 1, 1)]
            post_id = await archive.save(db, new_post(name), media, NOW)
            await archive.give(db, MIA, post_id, NOW)
            await samples.plan(db, post_id, (), NOW)
        async with self.database.write() as db:
            (found,) = (await samples.of_posts(db, [post_id]))[post_id]
            await samples.settle(db, found.id, 1, "ready", NOW, waveform_key=wave)
        return made

    async def drop(self, name: str) -> None:
        """The post is deleted, with its files in `store`."""
        async with self.database.write() as db:
            post_id = await archive.find(db, "instagram", name)
            assert post_id
            await db.exec_driver_sql(f"delete from user_posts where post_id = {post_id}")
            await archive.drop_orphan(db, post_id)
        for ending in ("mp4", "wave.png"):
            await self.store.delete(f"instagram/{name}/0.{ending}")
