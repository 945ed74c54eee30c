"""Refreshes and filters against the stand-ins: what is listed, fetched, charged and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa

from sandbox.world import World
from sandbox.world.posts import Post
from services.importing.service import View
from services.instagram.links import find_link
from storage import connections, import_items, importing
from storage.import_items import NewItem
from storage.tables import media
from tests.services.importing.conftest import Launch
from tests.services.importing.stage import LISTS, Stage, world_with


def save(stage: Stage, posts: Sequence[Post]) -> None:
    """From now on Mia's collection holds exactly these."""
    stage.world.collections = world_with(stage.world, posts).collections


async def daily(stage: Stage, met: Sequence[Post]) -> None:
    """As after an import that met these posts and found them gone: they cost no download here."""
    link, now = find_link(stage.world.collection_url("mia", "beats")), stage.clock()
    async with stage.app.database.write() as db:
        account = await connections.get(db, 1)
        assert account
        collection_id = await importing.keep_collection(
            db, stage.mia.user_id, platform="instagram", key=link.key, title=link.title,
            url=link.url, now=now, connection_id=account.id,
        )  # fmt: skip
        import_id = await importing.start(
            db, user_id=stage.mia.user_id, connection_id=account.id, collection_id=collection_id,
            identity=account.identity, post_limit=500, now=now,
        )  # fmt: skip
        assert import_id
        listed = [NewItem(str(post.pk), post.code, {}, None) for post in met]
        await import_items.add_page(db, import_id, listed, cursor=None, now=now)
        for item in await import_items.pending(db, import_id, charged=False, limit=500):
            await import_items.settle(db, item.id, "gone", now)
        await importing.move(
            db, import_id, now, from_states=["previewing"], state="done", ended_at=now
        )
    owner = await stage.app.people.find(stage.mia.user_id)
    assert owner
    await stage.app.importing.collections.refresh(owner, collection_id, "daily")


async def next_day(stage: Stage) -> None:
    stage.clock.advance(days=1)
    await stage.harness.tick("heartbeat")
    await stage.harness.tick("refreshes")


@pytest.fixture
def beats(world: World) -> tuple[Post, ...]:
    return world.collection("mia", "beats").posts


# ---------------------------------------------------------------- refresh


async def test_a_refresh_brings_what_is_new_and_says_so_once(
    launch: Launch, world: World, beats: tuple[Post, ...]
) -> None:
    stage = await launch(world=world_with(world, beats[:4]))
    await daily(stage, beats[2:4])
    await next_day(stage)
    view = await stage.reaches("done", 2)
    assert (view.tally.saved, view.tally.listed, view.charged, view.balance) == (2, 2, 2, 498)
    message = await stage.mia.sees("🔄 Refreshed: Beats\n2 posts saved")
    assert "🗂 Collection" in stage.mia.labels(message)

    assert await stage.app.importing.library.remove(stage.mia.user_id, 1)  # it stays out
    asked = len(stage.requests(LISTS))
    await next_day(stage)
    view = await stage.reaches("done", 3)
    assert (view.tally.listed, view.charged) == (0, 0)
    assert len(stage.requests(LISTS)) == asked + 1
    assert (await stage.notices("refreshed"), await stage.notices("import_ended")) == (1, 0)


async def test_listing_stops_at_the_first_page_with_nothing_new(
    launch: Launch, world: World
) -> None:
    studio = world.collection("mia", "studio").posts
    stage = await launch(world=world_with(world, studio[:63]))
    await daily(stage, studio[2:42])
    await next_day(stage)
    view = await stage.reaches("done", 2)
    assert view.tally.listed == 2
    assert len(stage.listed) == 2  # the page with the new ones and the next, of three


async def test_without_credits_it_pauses_and_says_so_once(
    launch: Launch, world: World, beats: tuple[Post, ...]
) -> None:
    stage = await launch(world=world_with(world, beats[:4]), START_CREDITS="1")
    await daily(stage, beats[2:4])
    for _ in range(2):
        await next_day(stage)
        view = await stage.reaches("paused", 2, reason="credits")
    assert (view.tally.saved, view.balance, view.tally.held) == (1, 0, 0)
    assert (await stage.imports(), await stage.notices("import_paused")) == (2, 1)


async def test_a_collection_that_is_gone_stops_refreshing_itself(
    launch: Launch, world: World, beats: tuple[Post, ...]
) -> None:
    stage = await launch(world=world_with(world, beats[:1]))
    await daily(stage, beats[:1])
    stage.world.collections = tuple(
        one for one in stage.world.collections if (one.owner, one.slug) != ("mia", "beats")
    )
    await next_day(stage)
    await stage.reaches("failed", 2, reason="not_found")
    await stage.mia.sees("It does not refresh itself any more")
    await next_day(stage)
    assert await stage.imports() == 2


# ---------------------------------------------------------------- filters


def figures(view: View) -> tuple[int, int, int]:
    return view.tally.saved, view.tally.filtered, view.tally.skipped


async def test_what_is_filtered_out_costs_nothing_and_comes_when_they_are_loosened(
    launch: Launch, world: World, beats: tuple[Post, ...]
) -> None:
    posts = [
        replace(post, caption="tagged #Keep me" if n in (1, 4) else "without")
        for n, post in enumerate(beats[:6])
    ]
    stage = await launch(world=world_with(world, posts))
    user = stage.mia.user_id
    await stage.offer()
    await stage.app.importing.collections.set_filters(user, 1, tags=("keep",))
    assert (await stage.view()).tally.listed == 0  # nothing that would be charged by a hasty tap
    assert await stage.app.importing.service.look_again(user, 1)
    view = await stage.reaches("offered", pages=1)
    assert (view.tally.filtered, view.tally.pending, view.tally.wanted) == (4, 2, 2)
    assert not await stage.app.importing.service.look_again(user, 1)
    await stage.mia.tap("Import all")
    view = await stage.reaches("done")
    assert (figures(view), view.charged, view.balance) == ((2, 4, 0), 2, 498)
    async with stage.app.database.read() as db:
        fetched = (await db.execute(sa.select(sa.func.count(media.c.id)))).scalar_one()
    assert fetched == sum(len(posts[n].pieces) for n in (1, 4))
    await stage.mia.sees("4 filtered out")

    await stage.app.importing.collections.refresh_now(user, 1)  # they are known, and still left out
    assert (await stage.reaches("done", 2)).tally.listed == 0
    await stage.app.importing.collections.set_filters(user, 1, tags=())
    await stage.app.importing.collections.refresh_now(user, 1)
    view = await stage.reaches("done", 3)
    assert (figures(view), view.balance) == ((4, 0, 0), 494)


async def test_a_hasty_tap_imports_by_the_new_filters(
    launch: Launch, world: World, beats: tuple[Post, ...]
) -> None:
    stage = await launch(world=world_with(world, beats[:6]), IMPORT_POST_LIMIT="2")
    films = [p for p in beats[:6] if any(piece.is_film for piece in p.pieces)]
    await stage.offer()
    await stage.app.importing.collections.set_filters(stage.mia.user_id, 1, kind="video")
    assert await stage.app.importing.service.choose(stage.mia.user_id, 1, "all")
    view = await stage.reaches("done")
    report = await stage.app.importing.service.report(stage.mia.user_id, 1)
    saved = [one.shortcode for one in report if one.state == "saved"]
    assert saved == [post.code for post in films[:2]]  # what is left out is not of the two
    assert view.charged == len(saved)
