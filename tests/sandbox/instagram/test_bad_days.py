"""Each bad day and each ordered refusal looks to gallery-dl as the real Instagram's does."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.instagram import Instagram, Refusal
from sandbox.instagram.bad_days import DAYS, FATAL_POST
from sandbox.world.world import Cookies
from tests.sandbox.instagram.conftest import GalleryDl

LOGIN = "HTTP redirect to login page (https://www.instagram.com/accounts/login/)"


@pytest.mark.parametrize(
    ("day", "exit_code", "error", "body"),
    [
        ("rate-limit", 4, "'429 Too Many Requests'", "Please wait a few minutes"),
        ("please-wait", 4, "'401 Unauthorized'", "Please wait a few minutes"),
        ("checkpoint", 4, "'400 Bad Request'", "checkpoint_required"),
        ("challenge", 4, "HTTP redirect to challenge page", "<html>"),
        ("feedback", 4, "'400 Bad Request'", "feedback_required"),
        ("html", 1, "JSONDecodeError", "<html>"),
        ("home-redirect", 4, "HTTP redirect to home page", "<html>"),
        ("garbage", 1, "KeyError", "xdt_saved_v2"),
    ],
)
async def test_bad_day(
    instagram: Instagram,
    gallery_dl: GalleryDl,
    day: str,
    exit_code: int,
    error: str,
    body: str,
) -> None:
    url = instagram.world.collection_url("mia", "beats")
    instagram.bad_days.switch(day, True)
    run = await gallery_dl(url)
    assert (run.exit_code, run.posts) == (exit_code, []), run.log
    assert error in run.errors[0]
    assert body in run.page

    instagram.bad_days.switch(day, False)
    assert instagram.bad_days.refusal(None) is None


@pytest.mark.parametrize(
    ("refusal", "exit_code", "error", "body"),
    [
        (Refusal.LOGIN, 4, LOGIN, "<html>"),
        (Refusal.LOGIN_REQUIRED, 4, "'403 Forbidden'", "login_required"),
        (Refusal.CHALLENGE_REQUIRED, 4, "'400 Bad Request'", "challenge_required"),
        (Refusal.RATE_LIMIT_BARE, 4, "'429 Too Many Requests'", ""),
        (Refusal.GARBAGE, 1, "JSONDecodeError", '{"items": [{"m'),
        (Refusal.SERVER_ERROR, 4, "'500 Internal Server Error'", "Oops"),
        (Refusal.NOT_FOUND, 4, "'404 Not Found'", "Media not found or unavailable"),
    ],
)
async def test_ordered_refusal(
    instagram: Instagram,
    gallery_dl: GalleryDl,
    refusal: Refusal,
    exit_code: int,
    error: str,
    body: str,
) -> None:
    instagram.refuse_next("/api/v1/feed/", refusal)
    run = await gallery_dl(instagram.world.collection_url("mia", "beats"))
    assert run.exit_code == exit_code, run.log
    assert error in run.errors[0]
    assert body in run.page


async def test_identity_check_shows_in_the_name_of_the_page(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    instagram.refuse_next("/api/v1/media/", Refusal.AUTH_PLATFORM)
    run = await gallery_dl(instagram.world.collection("mia", "beats").posts[0].url)
    assert run.exit_code == 1
    assert "auth_platform" in run.page_name


async def test_orders_skip_then_hold_then_end(instagram: Instagram, gallery_dl: GalleryDl) -> None:
    """Page 2 of three is refused once; gallery-dl's own second try goes on."""
    instagram.refuse_next("/api/v1/feed/", Refusal.SERVER_ERROR, skip=1, times=1)
    run = await gallery_dl(
        instagram.world.collection_url("leo", "recipes"),
        *("-o", "retries=1"),
        cookies=instagram.world.cookies_txt("leo"),
    )
    assert run.exit_code == 0, run.log
    assert len(run.posts) == 45
    assert [r.status for r in instagram.requests] == [200, 500, 200, 200]


async def test_silence_lasts_until_the_client_hangs_up(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    instagram.refuse_next("/api/v1/feed/", Refusal.SILENCE)
    url = instagram.world.collection_url("mia", "beats")
    run = await gallery_dl(url, "-o", "timeout=0.3")
    assert run.exit_code == 4
    assert "timed out" in run.errors[0]
    async with asyncio.timeout(10):
        while not len(instagram.requests):  # noqa: ASYNC110 - the log has nothing to await
            await asyncio.sleep(0.01)
    assert [r.status for r in instagram.requests] == [0]


async def test_cookies_die_at_post_37_and_newer_ones_heal(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    world = instagram.world
    url = world.collection_url("mia", "reels-ideas")
    instagram.bad_days.switch("cookies-die", True)
    run = await gallery_dl(url)
    assert run.exit_code == 4
    assert run.errors == [LOGIN]
    assert len(run.posts) == 42 >= FATAL_POST
    cursor = run.log.rpartition("-o cursor=")[2].partition("'")[0]

    again = await gallery_dl(url, "-o", f"cursor={cursor}")
    assert (again.exit_code, again.errors) == (4, [LOGIN])

    fresh = world.cookies_txt("mia", session="new")
    healed = await gallery_dl(url, "-o", f"cursor={cursor}", cookies=fresh)
    assert healed.exit_code == 0, healed.log
    assert len(healed.posts) == 120 - 42

    instagram.bad_days.switch("cookies-die", False)
    old = await gallery_dl(url, "-o", "max-posts=1")
    assert old.exit_code == 0


@pytest.mark.parametrize("session", ["dead", "expired", "anonymous"])
async def test_sessions_that_are_none(
    instagram: Instagram, gallery_dl: GalleryDl, session: Cookies
) -> None:
    cookies = instagram.world.cookies_txt("mia", session=session)
    run = await gallery_dl(instagram.world.collection_url("mia", "beats"), cookies=cookies)
    assert (run.exit_code, run.errors) == (4, [LOGIN])
    assert ("sessionid expired" in run.log) == (session == "expired")
    assert instagram.api_requests("mia") == 0
    assert instagram.api_requests() == 2  # the list, and the login page it was sent to


async def test_deleted_posts_are_listed_but_gone(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    posts = instagram.world.collection("mia", "studio").posts
    instagram.bad_days.switch("deleted-posts", True)
    gone = [post for post in posts if instagram.bad_days.is_gone(post)]
    assert len(posts) * 0.05 < len(gone) < len(posts) * 0.15
    run = await gallery_dl(gone[0].url)
    assert "Media not found or unavailable" in run.page

    instagram.bad_days.switch("deleted-posts", False)
    run = await gallery_dl(next(post for post in gone if post.trouble is None).url)
    assert run.exit_code == 0, run.log


async def test_a_slow_day_delays_every_answer(instagram: Instagram, gallery_dl: GalleryDl) -> None:
    instagram.bad_days.slow_seconds = 0.4
    instagram.bad_days.switch("slow", True)
    loop = asyncio.get_running_loop()
    start = loop.time()
    run = await gallery_dl(instagram.world.collection_url("mia", "empty"))
    assert run.exit_code == 0, run.log
    assert loop.time() - start >= 0.4


def test_every_day_is_told_to_the_page(instagram: Instagram) -> None:
    instagram.bad_days.switch("slow", True)
    days = instagram.bad_days.all()
    assert [day.name for day in days if day.on] == ["slow"]
    assert len({day.name for day in days}) == len(DAYS) == 17
    assert all(day.label and day.description.endswith(".") for day in days)
    with pytest.raises(KeyError):
        instagram.bad_days.switch("no such day", True)
