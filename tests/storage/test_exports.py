"""What an export holds, and its row."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from storage import (
    audit,
    connections,
    downloads,
    exports,
    library,
    logins,
    meta_accounts,
    notices,
    samples,
    stories,
    story_accounts,
    story_items,
)
from storage.database import Database
from storage.library import Filters
from storage.tables import collections, import_items, metadata
from tests.support.insights import measured
from tests.support.rows import LEO, MIA, NOW, an_import, archived, at, connection, person


@pytest.fixture(autouse=True)
async def people(database: Database) -> None:
    await person(database, MIA, balance=5)
    await person(database, LEO, balance=5)


async def test_every_row_of_a_person_and_none_of_another(database: Database) -> None:
    for user_id in (MIA, LEO):
        await an_import(database, user_id, key=f"named:{user_id}", count=2)
        post_id = await archived(database, user_id, f"post-of-{user_id}")
        async with database.write() as db:
            await audit.note(db, user_id, "connected", f"@{user_id}", NOW)
            await notices.add(db, user_id, "granted", NOW, amount=1)
            await samples.plan(db, post_id, [], NOW)
            await logins.make(db, user_id, "mia", NOW)
            await library.keep_view(db, user_id, Filters(text="drums"), 0)
            await downloads.add(
                db, token_hash=f"hash-{user_id}", user_id=user_id, object_key="a.wav",
                name="drums.wav", expires_at=NOW,
            )  # fmt: skip
        await a_story(database, user_id)
        await measured(database, user_id)
    async with database.read() as db:
        rows = await exports.rows_of_user(db, MIA)
        raw = await exports.raw_posts(db, MIA)
    assert {name: len(found) for name, found in rows.items()} == {
        "users": 1,
        "connections": 1,
        "logins": 1,
        "credit_entries": 1,
        "collections": 1,
        "imports": 1,
        "import_items": 2,
        "posts": 1,
        "media": 1,
        "samples": 1,
        "user_posts": 1,
        "library_views": 1,
        "downloads": 1,
        "notices": 1,
        "audit": 1,
        "feeds": 0,
        "readers": 0,
        "retention": 0,
        "analyses": 0,
        "reports": 0,
        "feed_notices": 0,
        "webhooks": 0,
        "meta_accounts": 1,
        "story_accounts": 1,
        "categories": 1,
        "slots": 1,
        "blackouts": 1,
        "library_items": 1,
        "stories": 1,
        "story_events": 1,
        "story_metrics": 1,
        "insight_accounts": 1,
        "insight_pages": 1,
        "insight_media": 1,
        "syncs": 1,
        "sync_results": 1,
    }
    assert rows["posts"][0]["caption"] == "Sunset 🌇"
    assert raw == [("code-post-of-11", {"pk": "post-of-11"})]
    assert "post-of-12" not in json.dumps(rows, default=str)
    assert "hash-11" not in json.dumps(rows, default=str)


async def a_story(database: Database, user_id: int) -> None:
    """A row of everything that stories have."""
    async with database.write() as db:
        given: dict[str, Any] = dict.fromkeys(("username", "flavour", "account_type"), "x")
        await meta_accounts.keep(
            db, user_id, "1", NOW, sealed=b"", scopes=[], issued_at=NOW, unlimited=True, **given
        )
        place = await story_accounts.add(db, user_id, "mia", "UTC", NOW)
        await story_accounts.add_category(db, place, "Promo")
        await story_accounts.set_slots(db, place, [(0, 540)])
        await story_accounts.add_blackout(db, place, NOW.date(), NOW.date())
        file = dict.fromkeys(("kind", "source", "name", "sha256", "original_key"), "x")
        item = await story_items.add(db, place, NOW, **file)
        story = await stories.make(
            db, place, item, NOW, state="asking", mode="ask", due_at=NOW, next_at=NOW
        )
        assert story
        await stories.note(db, story, "planned", NOW)
        await stories.keep_figures(db, story, [stories.Figure(1, "reach", 5, None)], NOW)


async def test_every_table_is_told_or_is_nobodys(database: Database) -> None:
    """A new table of a person has to be in the export, or here."""
    async with database.read() as db:
        told = set(await exports.rows_of_user(db, MIA))
    told |= {"feed_items", "reels", "insight_values", "insight_revisions", "media_values"}  # lines
    assert set(metadata.tables) - told == {
        # of the machine: what it does, waits for or has asked outside
        "adoptions", "calls", "cards", "exports", "flows", "incidents", "pace", "polls", "profiles",
        "story_copies", "unread_items", "unread_reels", "updates", "webhook_deliveries", "workers",
        # secrets
        "invitations", "meta_logins", "mobile_sessions",
        # said of a post elsewhere, and stories of others
        "post_tags", "followed_stories",
    }  # fmt: skip


async def test_figures_with_what_they_were_in_pieces(database: Database) -> None:
    first, second = await measured(database), await measured(database, name="rosa")
    await measured(database, LEO)
    found: list[dict[str, Any]] = []
    posts: list[dict[str, Any]] = []
    async with database.read() as db:
        after, place = 0, (0, "", date.min)
        while rows := await exports.insight_values(db, MIA, after, 3):
            found += rows
            after = rows[-1]["id"]
        while rows := await exports.media_values(db, MIA, place, 3):
            posts += rows
            place = (rows[-1]["media_row"], rows[-1]["metric"], rows[-1]["day"])
    assert [(one["account_id"], one["value"], one["reason"]) for one in found] == [
        (first, 5, None), (first, None, "no_data"), (second, 5, None), (second, None, "no_data"),
    ]  # fmt: skip
    assert [one["earlier"] for one in found] == 2 * [[{"value": 4, "read_at": at(-1)}], []]
    assert [(one["metric"], one["value"]) for one in posts] == 2 * [("reach", 7), ("views", 7)]


async def test_no_secret_is_among_them(database: Database) -> None:
    made = await connection(
        database, MIA, "1000", candidate=b"candidate-bytes", candidate_fingerprint="7f3a", run=1
    )
    async with database.write() as db:
        await connections.promote(db, made.id, 1, b"secret-bytes", "mia", NOW)
        await connections.change(db, made.id, NOW, candidate=b"candidate-bytes")
        login = await logins.make(db, MIA, "mia", NOW)
        sealed = {"secret": b"login-bytes", "phone": b"phone-bytes", "settings_mark": "mark-of"}
        await logins.move(db, login, NOW, from_states=["over"], **sealed)
        rows = await exports.rows_of_user(db, MIA)
    text = json.dumps(rows, default=str)
    assert "mia" in text
    for secret in ("secret-bytes", "candidate-bytes", "7f3a", "login-b", "phone-b", "mark-of"):
        assert secret not in text


async def test_an_export_moves_for_its_own_run_only(database: Database) -> None:
    async with database.write() as db:
        export_id = await exports.start(db, MIA, NOW)
        assert [one.id for one in await exports.building(db, user_id=MIA)] == [export_id]
        assert await exports.building(db, user_id=LEO) == []
        assert await exports.next_run(db, export_id, 1, at(1))
        assert not await exports.next_run(db, export_id, 1, at(1))
        assert not await exports.change(db, export_id, at(2), run=1, state="ready")
        assert await exports.change(db, export_id, at(2), run=2, state="ready", object_keys=["a"])
        assert not await exports.change(db, export_id, at(3), run=2, state="failed")
        export = await exports.get(db, export_id)
        assert export is not None
        assert (export.run, export.idle_runs, export.object_keys) == (2, 1, ["a"])
        assert await exports.building(db) == []


async def test_old_exports_and_those_of_a_person(database: Database) -> None:
    async with database.write() as db:
        for user_id, key in ((MIA, "m"), (LEO, "l")):
            export_id = await exports.start(db, user_id, NOW)
            await exports.change(db, export_id, NOW, run=1, state="ready", object_keys=[key])
        assert await exports.keys_of_user(db, MIA) == ["m"]
        assert await exports.keys_before(db, NOW) == []
        old = await exports.keys_before(db, at(1))
        assert [keys for _, keys in old] == [["m"], ["l"]]
        await exports.drop(db, old[0][0])
        assert await exports.get(db, old[0][0]) is None


async def test_those_of_the_library_are_told_apart(database: Database) -> None:
    async with database.write() as db:
        everything = await exports.start(db, MIA, NOW)
        some = await exports.start(db, MIA, NOW, {"form": "csv"})
        assert [one.id for one in await exports.building(db, user_id=MIA)] == [everything]
        (found,) = await exports.building(db, of_library=True)
        assert (found.id, found.what) == (some, {"form": "csv"})
        assert not await exports.cancel_of_library(db, LEO, at(1))
        assert await exports.cancel_of_library(db, MIA, at(1))
        assert not await exports.change(db, some, at(2), run=1, state="ready")
        assert await exports.change(db, everything, at(2), run=1, state="ready")


async def test_the_library_is_read_slice_by_slice(database: Database) -> None:
    mine = [await archived(database, MIA, f"p{n}") for n in range(5)]
    await archived(database, LEO, "leos")
    async with database.read() as db:
        below, seen = None, []
        while found := await library.slice_below(db, MIA, Filters(), below, 2):
            seen += [post.id for post in found]
            below = seen[-1]
    assert seen == sorted(mine, reverse=True)


async def test_the_collections_of_a_post(database: Database) -> None:
    """Twice brought by one is once; a merged one has its head's name; Leo's are not told."""
    post_id = await archived(database, MIA, "p")
    lists = [
        await an_import(database, user_id, key=key, count=2)
        for user_id, key in (
            (MIA, "named:b"),
            (MIA, "named:a"),
            (MIA, "named:part"),
            (MIA, "post:x"),
            (LEO, "named:l"),
        )
    ]
    async with database.write() as db:
        for one in lists:
            mine = import_items.c.id.in_(one.items)
            await db.execute(import_items.update().where(mine).values(post_id=post_id))
        part = collections.c.id == lists[2].collection_id
        await db.execute(
            collections.update().where(part).values(merged_into=lists[0].collection_id)
        )
        found = await library.collections_of_posts(db, MIA, [post_id, 99])
    assert found == {post_id: ["Named:A", "Named:B"]}


async def test_exports_of_analyses_are_apart_from_the_library(database: Database) -> None:
    async with database.write() as db:
        everything = await exports.start(db, MIA, NOW)
        of_library = await exports.start(db, MIA, NOW, {"form": "csv", "filters": {}})
        mine = await exports.start(db, MIA, NOW, {"analysis": 7, "form": "csv"})
        theirs = await exports.start(db, LEO, NOW, {"analysis": 8, "form": "csv"})
    async with database.read() as db:
        assert [one.id for one in await exports.building(db)] == [everything]
        assert [one.id for one in await exports.building(db, of_library=True)] == [of_library]
        assert [one.id for one in await exports.building_of_analyses(db)] == [mine, theirs]
        assert [one.id for one in await exports.building_of_analyses(db, LEO)] == [theirs]
    async with database.write() as db:
        assert await exports.change(db, theirs, at(5), run=1, state="ready", object_keys=["a"])
        assert await exports.cancel_of_library(db, MIA, NOW)
        assert await exports.cancel_of_analyses(db, MIA, NOW)
        assert not await exports.cancel_of_analyses(db, MIA, NOW)
    async with database.read() as db:
        assert [one.id for one in await exports.building(db)] == [everything]
        assert [one.id for one in await exports.ready_of_analyses(db, LEO, at(4), 9)] == [theirs]
        assert await exports.ready_of_analyses(db, LEO, at(5), 9) == []
        assert await exports.ready_of_analyses(db, MIA, NOW, 9) == []
