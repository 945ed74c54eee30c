"""Outcomes of single posts within an import: gone, broken, whole, strange."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sandbox.instagram import web_api
from sandbox.instagram.bad_days import Fault
from sandbox.world import Post, World, media_json
from sandbox.world.posts import Kind
from services.instagram import cdn as cdn_module
from storage import import_items
from storage.tables import media, posts
from tests.services.importing.conftest import Launch
from tests.services.importing.stage import SINGLES, Stage, world_with

REASONS = {
    Fault.NOT_FOUND: "http_404",
    Fault.FORBIDDEN: "http_403",
    Fault.SERVER_ERROR: "http_5xx",
    Fault.SHORT: "short",
    Fault.WRONG_TYPE: "wrong_type",
    Fault.SLOW: "timeout",
}


def break_file(stage: Stage, post: Post, fault: Fault, times: int) -> None:
    """The first file of a post, for so many tries."""
    variant = "film" if post.pieces[0].is_film else "full"
    url = stage.instagram.file_url(post.pieces[0].pk, variant)
    stage.instagram.break_next(url, fault, times=times)


def lose_patience(stage: Stage, post: Post) -> None:
    """With this post's first file only: the others may take their time on a slow machine."""
    cdn = stage.app.importing.job._fetcher.cdn
    patient = cdn.fetch
    hasty = cdn_module.Cdn(
        cdn._client, allowed_hosts=cdn._allowed_hosts, low_speed=(4096, 0.2)
    ).fetch

    async def fetch(url: str, kind: cdn_module.Kind, part: Path) -> cdn_module.Fetched:
        return await (hasty if f"/{post.pieces[0].pk}_" in url else patient)(url, kind, part)

    cdn.fetch = fetch  # type: ignore[method-assign]


async def errors(stage: Stage, import_id: int = 1) -> dict[str, str | None]:
    async with stage.app.database.read() as db:
        found = await import_items.outcomes(db, import_id, "gone", "failed")
    return {one.shortcode: one.error for one in found}


async def test_deleted_posts_are_gone_and_refunded(stage: Stage) -> None:
    stage.instagram.bad_days.switch("deleted-posts", on=True)
    gone = [p for p in stage.world.collection("mia", "beats").posts if p.pk % 10 == 0]
    assert gone
    await stage.run()
    view = await stage.reaches("done")
    assert (view.tally.gone, view.tally.saved) == (len(gone), 8 - len(gone))
    assert (view.charged, view.refunded) == (8, len(gone))
    assert view.balance == 500 - 8 + len(gone)
    assert await errors(stage) == {post.code: "gone" for post in gone}
    assert len(stage.requests(SINGLES)) == len(gone)
    await stage.mia.sees(f"{len(gone)} gone: deleted or private")


async def test_broken_files_get_three_tries_a_fresh_listing_and_a_refund(
    launch: Launch, world: World
) -> None:
    chosen = [p for p in world.collection("mia", "beats").posts if len(p.pieces) == 1][:9]
    stage = await launch(world=world_with(world, chosen))
    stage.instagram.bad_days.slow_seconds = 20
    lost, saved = chosen[:6], chosen[6:]
    lose_patience(stage, lost[list(REASONS).index(Fault.SLOW)])
    for post, fault in zip(lost, REASONS, strict=True):
        break_file(stage, post, fault, times=6)
    for post, fault in zip(saved, (Fault.FORBIDDEN, Fault.SHORT, Fault.NOT_FOUND), strict=True):
        break_file(stage, post, fault, times=3)
    await stage.run()
    view = await stage.reaches("done")
    assert (view.tally.saved, view.tally.failed) == (3, 6)
    assert (view.charged, view.refunded, view.balance) == (9, 6, 497)
    expected = {p.code: reason for p, reason in zip(lost, REASONS.values(), strict=True)}
    assert await errors(stage) == expected
    asked = [request.path for request in stage.requests(SINGLES)]
    assert sorted(asked) == sorted(f"{SINGLES}{post.pk}/info/" for post in chosen)
    card = await stage.mia.sees("✅ Done")
    assert card["text"].count("failed:") == 6

    # the day is over: what failed is tried once more, and paid for
    stage.instagram.bad_days.slow_seconds = 0
    await stage.mia.tap("Retry 6")
    view = await stage.reaches("done", run=view.item.run + 1)
    assert (view.tally.saved, view.tally.failed) == (9, 0)
    assert (view.charged - view.refunded, view.balance) == (9, 491)
    assert len(stage.listed) == 1


async def test_a_short_file_that_comes_whole_the_second_time(stage: Stage) -> None:
    post = stage.world.collection("mia", "beats").posts[0]
    break_file(stage, post, Fault.SHORT, times=1)
    stage.mia.say(post.url)
    view = await stage.reaches("done")
    assert (view.tally.saved, len(stage.requests(SINGLES))) == (1, 1)


async def test_single_posts_in_every_form(stage: Stage) -> None:
    one, two, three, four = stage.world.collection("mia", "beats").posts[:4]
    links = (
        f"https://www.instagram.com/p/{one.code}/?igsh=x",
        f"m.instagram.com/reel/{two.code}",
        f"https://instagr.am/tv/{three.code}/",
        stage.world.share_url(four),
    )
    for number, link in enumerate(links, 1):
        stage.mia.say(link)
        view = await stage.reaches("done", number)
        assert (view.tally.saved, view.balance) == (1, 500 - number)
    async with stage.app.database.read() as db:
        codes = (await db.execute(sa.select(posts.c.shortcode).order_by(posts.c.id))).scalars()
        assert list(codes) == [post.code for post in (one, two, three, four)]
    assert stage.instagram.api_requests("mia") == 3 + 3  # a share link takes two more


async def test_a_single_post_that_is_gone(stage: Stage) -> None:
    stage.instagram.bad_days.switch("deleted-posts", on=True)
    target = next(p for p in stage.world.collection("mia", "beats").posts if p.pk % 10 == 0)
    stage.mia.say(target.url)
    view = await stage.reaches("failed", reason="gone")
    assert view.charged == 0
    await stage.mia.sees("That post was deleted, or is private")


async def test_a_carousel_of_twenty_is_whole(stage: Stage) -> None:
    post = next(
        p for p in stage.world.collection("mia", "reels-ideas").posts if len(p.pieces) == 20
    )
    stage.mia.say(post.url)
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (1, 499)
    async with stage.app.database.read() as db:
        rows = (await db.execute(sa.select(media).order_by(media.c.position))).all()
    assert [row.position for row in rows] == list(range(1, 21))
    for row, piece in zip(rows, post.pieces, strict=True):
        variant = "film" if piece.is_film else "full"
        file = stage.world.file(piece.pk, variant)
        assert file
        assert stage.app.objects.path(row.object_key).read_bytes() == file.data


HOSTILE = (
    "<b>not bold</b> & <script>alert(1)</script>",
    "\x00\x01\x1b[31m\u2028 ]]> controls",
    "half a pair: \ud83d and \udc00",
    '=HYPERLINK("http://x","y")',
    "\u202eright to left\u202c " + "x" * 100_000,
    "'; drop table posts; --",
    "",
)


async def test_hostile_captions_survive(launch: Launch, world: World) -> None:
    plain = [p for p in world.collection("mia", "beats").posts if p.kind is Kind.REEL]
    strange = [replace(p, caption=text) for p, text in zip(plain, HOSTILE, strict=False)]
    stage = await launch(world=world_with(world, strange))
    await stage.run()
    view = await stage.reaches("done")
    assert view.tally.saved == len(HOSTILE)
    async with stage.app.database.read() as db:
        rows = (await db.execute(sa.select(posts.c.shortcode, posts.c.caption))).all()
    kept = dict(iter(rows))
    for post in strange:
        expected = post.caption.encode("utf-8", "replace").decode().replace("\0", "")
        assert kept[post.code] == expected
    await stage.mia.tap("CSV report")
    content = (await stage.mia.receives(".csv")).decode("utf-8-sig")
    assert content.count("\r\n") == len(HOSTILE) + 1
    json.dumps(kept)


@pytest.mark.usefixtures("small_batches")
async def test_an_unreadable_post_fails_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One post of the page in a shape that nobody knows: reported, not charged."""
    victim = stage.world.collection("mia", "beats").posts[3]
    render = media_json.media

    def media_without_files(post: Post, url: Callable[[int, str], str]) -> dict[str, object]:
        made = render(post, url)
        return {"pk": made["pk"], "code": made["code"]} if post.pk == victim.pk else made

    monkeypatch.setattr(web_api, "media", media_without_files)
    await stage.run()
    view = await stage.reaches("done")
    assert (view.tally.saved, view.tally.failed, view.charged) == (7, 1, 7)
    assert await errors(stage) == {victim.code: "unreadable"}
