"""Factories of feeds, what they list, and who reads them; each in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.feed.pages import guid_of
from services.tokens import token_hash
from storage import archive, audit, feeds, polls, readers
from storage.archive import NewMedia
from storage.database import Database
from storage.feed_status import Account
from storage.feeds import Feed
from storage.readers import Reader
from tests.support.rows import MIA, NOW, connection, new_media, new_post

TOKEN = "AAAAAAAAAAAAAAAAAAAAAA"  # 22 characters, as a real one
DAY = timedelta(days=1)
WELL = Account(
    connection_id=1, user_id=MIA, identity="1000", username="mia", status="active", feed_id=2,
    since=NOW - timedelta(days=9), state="due", next_at=NOW + timedelta(minutes=5),
    last_good_at=NOW - timedelta(minutes=5), last_error=None, polled=3, found=9, ads_skipped=4,
    unparsed=1, gaps=0, ill=None, ill_since=None, stories_at=None, stories_error=None,
)  # fmt: skip


async def a_feed(
    database: Database,
    user_id: int = MIA,
    *,
    lists: str = feeds.POSTS,
    identity: str | None = None,
    title: str = "Home of mia",
) -> Feed:
    async with database.write() as db:
        return await feeds.ensure(
            db,
            user_id,
            lists=lists,
            identity=identity,
            connection_id=None,
            title=title,
            now=NOW,
        )


def film(name: str, position: int = 0, size: int = 300) -> NewMedia:
    key = f"instagram/{name}/{position}.mp4"
    return replace(new_media(name, position, size), kind="video", mime="video/mp4", object_key=key)


async def listed(
    database: Database,
    feed: Feed,
    name: str,
    *,
    files: Sequence[NewMedia] | None = None,
    shown_at: datetime = NOW,
    placeholder: bool = False,
    **post: Any,
) -> int:
    """A post that the feed lists. `files`: None is one picture. Returns the post's id."""
    media = [new_media(name)] if files is None else files
    async with database.write() as db:
        post_id = await archive.save(
            db, new_post(name, **post), [] if placeholder else media, shown_at
        )
        await feeds.sight(db, feed.id, post_id, guid_of("instagram", name))
        await feeds.show(db, feed.id, post_id, shown_at, placeholder=placeholder)
    return post_id


async def reader(
    database: Database, feed: Feed, *, name: str = "Phone", token: str = TOKEN
) -> Reader:
    async with database.write() as db:
        return await readers.add(
            db, feed.user_id, feed.id, name=name, token_hash=token_hash(token), now=NOW
        )


async def incident(database: Database, kind: str = "session_dead", subject: str = "1000") -> int:
    """Its id."""
    async with database.write() as db:
        await audit.open_incident(db, kind, subject, NOW)
        row = await db.exec_driver_sql("select max(id) from incidents")
        return int(row.scalar_one())


async def current(database: Database, feed_id: int) -> Feed:
    async with database.read() as db:
        feed = await feeds.get(db, feed_id)
    assert feed is not None
    return feed


async def switched_on(database: Database, user_id: int = MIA, identity: str = "1000") -> Feed:
    """An account that is read, with its own feed."""
    account = await connection(
        database, user_id, identity, secret=b"x", username=f"u{identity}", status="active"
    )
    async with database.write() as db:
        feed = await feeds.ensure(
            db, user_id, identity=identity, connection_id=account.id, title="Home", now=NOW
        )
        await polls.switch_on(db, account.id, NOW)
        await polls.count(db, account.id, found=3, ads_skipped=2, unparsed=1, gaps=1)
    return feed
