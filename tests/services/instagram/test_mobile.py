"""The mobile adapter with the real, unmodified instagrapi against the stand-in: what it reads."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.instagram.answers import Refusal
from sandbox.instagram.mobile import cursors
from services.errors import (
    Checkpoint,
    ConsentWanted,
    InstagramError,
    NotFound,
    RateLimited,
    SessionRefused,
    Suspended,
    Unavailable,
    UpstreamChanged,
)
from services.instagram.mobile_timeline import FeedCursor
from storage import pace as pace_rows
from tests.services.instagram.mobile_stage import (
    database,
    database_url,
    failure,
    instagram,
    mia,
    mobile,
    sqlite_url,
    start,
)

__all__ = ["database", "database_url", "instagram", "mia", "mobile", "sqlite_url", "start"]

TIMELINE, TRAY = "/api/v1/feed/timeline/", "/api/v1/feed/reels_tray/"


# ------------------------------------------------------------------ reading


async def test_pages_lead_through_the_feed_without_ads_and_strangers(instagram, mia, world) -> None:
    followed = {person.username for person in world.following("mia")}
    posts, cursor, odd, ads, strangers = [], None, 0, 0, 0
    for _ in range(4):
        page = await mia.timeline(cursor)
        posts += page.posts
        odd, ads = odd + len(page.unparsed), ads + page.ads_skipped
        strangers, cursor = strangers + page.suggestions_skipped, page.next_cursor

    assert (len(posts), odd, ads, strangers) == (31, 1, 4, 1)
    assert len({post.platform_id for post in posts}) == 31
    assert {post.author for post in posts} <= followed
    assert [p.taken_at for p in posts] == sorted((p.taken_at for p in posts), reverse=True)
    assert {post.kind for post in posts} == {"photo", "video", "carousel"}
    assert posts[0].raw["code"] == posts[0].shortcode
    assert instagram.api_requests("mia") == 4


async def test_the_last_page_says_so(instagram, world, mia) -> None:
    last = instagram._mobile.newsroom.feed("mia")[-9]
    cursor = cursors.cursor(f"{world.seed} timeline mia", last.pk)
    page = await mia.timeline(FeedCursor(cursor, (str(last.pk),)))
    assert (len(page.posts), page.has_more, page.next_cursor) == (8, False, None)


async def test_after_a_restart_the_same_phone_goes_on(start, mia) -> None:
    first = await mia.timeline()
    again = await start().session("mia", mia.settings)
    assert (again.settings, again.user_id) == (mia.settings, mia.user_id)
    second = await again.timeline(first.next_cursor)
    assert not {p.platform_id for p in first.posts} & {p.platform_id for p in second.posts}


async def test_one_odd_item_is_counted_and_the_others_are_read(instagram, mia) -> None:
    instagram.bad_days.switch("garbled-item", True)
    page = await mia.timeline()
    assert (len(page.posts), len(page.unparsed)) == (7, 1)
    assert page.unparsed[0].platform_id
    assert page.unparsed[0].raw["taken_at"] is None


async def test_a_new_post_is_on_top(instagram, mia, world) -> None:
    new = instagram.publish_new(world.following("mia")[0].username)
    page = await mia.timeline()
    assert page.posts[0].platform_id == str(new.pk)


async def test_the_stories_of_those_in_the_tray(instagram, mia, world) -> None:
    friend = world.following("mia")[0].username
    told = instagram.tell_story(friend)
    tray = await mia.story_tray()
    reel = next(reel for reel in tray.reels if reel.username == friend)
    page = await mia.stories(reel.user_id)
    newest = page.stories[-1]
    assert tray.unparsed == ()
    assert reel.story_ids == tuple(story.post.platform_id for story in page.stories)
    assert newest.post.platform_id == str(told.pk)
    assert newest.expires_at - newest.post.taken_at == timedelta(hours=24)
    assert newest.post.media[0].url.startswith(instagram.http_url)
    assert instagram.api_requests("mia") == 2


async def test_private_and_silent_accounts(instagram, mia, world) -> None:
    locked = next(p for p in (post.owner for post in world.private_posts))
    assert isinstance(await failure(mia.stories(str(locked.pk))), NotFound)
    silent = await mia.stories(str(world.person("mia").pk))
    assert (silent.stories, silent.unparsed) == ((), ())


# ------------------------------------------------------------------ refusals


EXPECTED: dict[type[InstagramError], tuple[Refusal, ...]] = {
    SessionRefused: (Refusal.LOGIN, Refusal.LOGIN_REQUIRED),
    Checkpoint: (
        Refusal.CHALLENGE,
        Refusal.CHALLENGE_REQUIRED,
        Refusal.CHALLENGE_IN_APP,
        Refusal.AUTH_PLATFORM,
        Refusal.CHECKPOINT,
        Refusal.NOT_FOUND_BARE,
    ),
    ConsentWanted: (Refusal.CONSENT,),
    Suspended: (Refusal.SUSPENDED,),
    RateLimited: (
        Refusal.FEEDBACK,
        Refusal.PLEASE_WAIT,
        Refusal.RATE_LIMIT,
        Refusal.RATE_LIMIT_BARE,
        Refusal.RATE_LIMIT_ERROR,
        Refusal.SENTRY_BLOCK,
    ),
    Unavailable: (Refusal.SERVER_ERROR, Refusal.TIMEOUT, Refusal.CUT),
    NotFound: (Refusal.NOT_FOUND,),
    UpstreamChanged: (
        Refusal.HOME,
        Refusal.HTML,
        Refusal.GARBAGE,
        Refusal.UNKNOWN_SHAPE,
        Refusal.FAILED,
    ),
}


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda kind: kind.__name__)
async def test_each_refusal_is_one_request_and_one_error(
    instagram, mobile, world, tmp_path, expected
) -> None:
    """Also: nothing is tried again, no challenge is touched, nobody logs in."""
    for refusal in EXPECTED[expected]:
        session = await mobile.session(refusal.name)  # each its own pace: some freeze it
        await session.use_session_id(world.session_id("mia"))
        instagram.reset_log()
        instagram.refuse_next(TIMELINE, refusal)
        error = await failure(session.timeline())
        assert (refusal, type(error), error.requests) == (refusal, expected, 1)
        assert len(instagram.requests) == 1
        assert error.message
        assert error.next_step
        if isinstance(error, UpstreamChanged):
            assert TIMELINE in (tmp_path / "reports" / error.report).read_text()


async def test_a_refused_session_is_not_asked_again(instagram, mia) -> None:
    instagram.bad_days.switch("session-dies", True)
    first = await failure(mia.timeline())
    second = await failure(mia.story_tray())
    assert (type(first), first.requests) == (SessionRefused, 1)
    assert (type(second), second.requests) == (SessionRefused, 0)
    assert len(instagram.requests) == 1


async def test_a_silent_server_costs_the_time_limit_and_no_more(instagram, mia) -> None:
    mia._wire.answer_seconds = 0.2
    instagram.refuse_next(TIMELINE, Refusal.SILENCE)
    assert type(await failure(mia.timeline())) is Unavailable
    mia._wire.answer_seconds = 30
    assert len((await mia.timeline()).posts) == 8  # the thread is free again


async def test_who_stops_waiting_frees_the_thread(instagram, mia) -> None:
    mia._wire.answer_seconds, mia._wire.requests = 0.5, 0
    instagram.refuse_next(TIMELINE, Refusal.SILENCE)
    call = asyncio.create_task(mia.timeline())
    async with asyncio.timeout(10):
        while mia._wire.requests == 0:  # noqa: ASYNC110  it happens in a thread of instagrapi's
            await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    mia._wire.answer_seconds = 30
    assert len((await mia.timeline()).posts) == 8


async def test_the_apps_own_transport_keeps_to_the_rules_too(instagram, start, world) -> None:
    """The stand-in has no HTTP/2: the answer that curl refuses for it is one request, not two."""
    adapter = start()
    adapter._way = replace(adapter._way, transport="curl")
    session = await adapter.session("mia")
    error = await failure(session.use_session_id(world.session_id("mia")))
    assert (type(error), error.requests) == (Unavailable, 1)


async def test_every_call_is_in_the_log_of_the_pace(instagram, mia, database) -> None:
    await mia.timeline()
    instagram.refuse_next(TRAY, Refusal.RATE_LIMIT)
    error = await failure(mia.story_tray())
    assert error.until is not None
    frozen = await failure(mia.timeline())
    assert (type(frozen), frozen.requests) == (RateLimited, 0)
    async with database.read() as db:
        state = await pace_rows.get(db, "mia")
    assert state.reason == "rate"
    assert instagram.api_requests("mia") == 2


# ------------------------------------------------------------------ secrets


async def test_no_secret_in_logs_errors_and_reports(
    instagram, mia, world, caplog, tmp_path, capsys
) -> None:
    secret = world.session_id("mia")
    caplog.set_level(logging.DEBUG)
    await mia.timeline()
    for refusal in (Refusal.UNKNOWN_SHAPE, Refusal.HTML, Refusal.LOGIN_REQUIRED):
        instagram.refuse_next(TIMELINE, refusal)
        error = await failure(mia.timeline())
        assert secret not in f"{error!r} {error} {error.next_step}"
    reports = "".join(path.read_text() for path in (tmp_path / "reports").iterdir())
    everything = caplog.text + "".join(capsys.readouterr()) + reports + repr(mia)
    assert secret in mia.settings  # it is there to be found
    for form in (secret, secret.replace("%3A", ":"), mia._client.authorization):
        assert form not in everything
