"""The mobile API as the unmodified instagrapi meets it: log-ins, lists, and how it says no."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import instagrapi
import pytest
from instagrapi import exceptions

from sandbox.demo import Sandbox
from sandbox.instagram import Instagram
from sandbox.instagram.answers import Refusal
from sandbox.instagram.mobile import Door
from sandbox.instagram.mobile.timeline import PAGE_SIZE
from sandbox.world import GATED, PRIVATE, PROLIFIC, World
from services.clock import utc_now


class Phone:
    """An instagrapi client whose calls run beside the stand-in, which shares the event loop."""

    def __init__(self, instagram: Instagram, **options: Any) -> None:
        self.client = instagrapi.Client(
            proxy=instagram.proxy_url,
            tls_verify=str(instagram.ca_file),
            private_transport="requests",
            request_timeout=0,
            session_retry_total=0,
            **options,
        )
        self.client.private.trust_env = self.client.public.trust_env = False

    async def __call__(self, call: Callable[[instagrapi.Client], Any]) -> Any:
        return await asyncio.to_thread(call, self.client)


@pytest.fixture
def phone(instagram: Instagram) -> Phone:
    return Phone(instagram, with_challenge_flow=False)


@pytest.fixture
async def mia(phone: Phone, world: World) -> Phone:
    await phone(lambda client: client.login_by_sessionid(world.session_id("mia")))
    return phone


def count(instagram: Instagram, part: str) -> int:
    return sum(part in request.path for request in instagram.requests)


# ------------------------------------------------------------------ log-ins


@pytest.mark.parametrize(
    ("username", "door", "code"),
    [
        ("mia", Door.OPEN, False),
        ("mia", Door.PROFILE_CODE, True),
        ("leo", Door.TOTP, True),
        ("zoe", Door.SMS, True),
    ],
)
async def test_log_in(
    instagram: Instagram, phone: Phone, world: World, username: str, door: Door, *, code: bool
) -> None:
    instagram.doors.doors[username] = door
    password, given = instagram.doors.password(username), ""
    if code:
        given = instagram.doors.code(username)
    if door is Door.TOTP:
        given = phone.client.totp_generate_code(instagram.doors.totp_secret(username))
    assert await phone(lambda c: c.login(username, password, verification_code=given))
    account = await phone(lambda c: c.account_info())
    assert (account.username, phone.client.user_id) == (username, world.person(username).pk)


@pytest.mark.parametrize("username", ["leo", "zoe"])
async def test_without_its_code_nobody_is_in(
    instagram: Instagram, phone: Phone, username: str
) -> None:
    password = instagram.doors.password(username)
    with pytest.raises(exceptions.TwoFactorRequired):
        await phone(lambda c: c.login(username, password))
    with pytest.raises(exceptions.ClientError):
        await phone(lambda c: c.login(username, password, verification_code="000001"))
    assert phone.client.user_id is None


async def test_wrong_passwords_are_counted(instagram: Instagram, phone: Phone) -> None:
    for _ in range(3):
        with pytest.raises(exceptions.ClientError):
            await phone(lambda c: c.login("mia", "a wrong one"))
    right = instagram.doors.password("mia")
    with pytest.raises(exceptions.PleaseWaitFewMinutes):
        await phone(lambda c: c.login("mia", right))


async def test_a_challenge_is_solved_with_the_code_that_was_sent(
    instagram: Instagram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.print", lambda *_: None)  # instagrapi prints the code
    instagram.bad_days.switch("login-challenge", True)
    phone = Phone(instagram)
    phone.client.challenge_code_handler = lambda username, choice: instagram.doors.code(username)
    password = instagram.doors.password("mia")
    assert await phone(lambda c: c.login("mia", password))
    assert count(instagram, "/challenge/") == 3  # what is asked, send it, here it is
    assert await phone(lambda c: c.login("mia", password, relogin=True))
    assert count(instagram, "/challenge/") == 3  # solved
    instagram.bad_days.switch("login-challenge", True)
    assert await phone(lambda c: c.login("mia", password, relogin=True))
    assert count(instagram, "/challenge/") == 6  # a new day


async def test_a_challenge_for_the_app_alone(instagram: Instagram, phone: Phone) -> None:
    instagram.doors.doors["mia"] = Door.APP
    password = instagram.doors.password("mia")
    with pytest.raises(exceptions.ChallengeRequired):
        await phone(lambda c: c.login("mia", password))


async def test_a_session_that_dies_is_refused_and_a_new_one_is_not(
    instagram: Instagram, mia: Phone
) -> None:
    instagram.bad_days.switch("session-dies", True)
    with pytest.raises(exceptions.LoginRequired):
        await mia(lambda c: c.get_timeline_feed())
    password = instagram.doors.password("mia")
    assert await mia(lambda c: c.login("mia", password, relogin=True))
    assert (await mia(lambda c: c.get_timeline_feed()))["feed_items"]


async def test_only_the_app_is_answered(instagram: Instagram, mia: Phone) -> None:
    mia.client.app_id = "1"
    with pytest.raises(exceptions.ClientError, match="useragent mismatch"):
        await mia(lambda c: c.get_timeline_feed())


# ------------------------------------------------------------------ the home feed


async def test_the_feed_without_what_was_seen_begins_again(mia: Phone) -> None:
    def ids(page: dict[str, Any]) -> list[str]:
        posts = (item.get("media_or_ad") for item in page["feed_items"])
        return [post["pk"] for post in posts if post and "ad_id" not in post]

    first = await mia(lambda c: c.get_timeline_feed())
    cursor = first["next_max_id"]
    second = await mia(lambda c: c.get_timeline_feed("pagination", cursor))
    again = await mia(lambda c: c.get_timeline_feed("pagination", cursor, seen_posts=[]))
    assert not set(ids(first)) & set(ids(second))
    assert set(ids(again)) <= set(ids(first))
    with pytest.raises(exceptions.ClientError, match="max_id"):
        await mia(lambda c: c.get_timeline_feed("pagination", "QVFE"))


async def test_a_page_holds_posts_ads_and_suggestions(mia: Phone) -> None:
    page = await mia(lambda c: c.get_timeline_feed())
    media = [item["media_or_ad"] for item in page["feed_items"] if "media_or_ad" in item]
    assert sum("ad_id" in one for one in media) == 1
    assert sum("inventory_source" in one for one in media) == 1
    assert len(media) == PAGE_SIZE + 2
    assert any("suggested_users" in item for item in page["feed_items"])


# ------------------------------------------------------------------ people and stories


async def test_profiles_and_reels(instagram: Instagram, mia: Phone, world: World) -> None:
    friend = world.following("mia")[0]
    user = await mia(lambda c: c.user_info_by_username_v1(friend.username))
    assert user.media_count == len([p for p in world.posts_by(friend.username) if not p.trouble])
    reels = await mia(lambda c: c.user_clips_v1(user.pk, 13))
    assert [reel.taken_at for reel in reels] == sorted((r.taken_at for r in reels), reverse=True)
    assert reels[0].play_count > 0
    with pytest.raises(exceptions.UserNotFound):
        await mia(lambda c: c.user_info_by_username_v1("nobody"))


async def test_who_is_hidden_renamed_or_odd(instagram: Instagram, mia: Phone, world: World) -> None:
    rosa, locked, gated = PROLIFIC, PRIVATE, GATED
    with pytest.raises(exceptions.PrivateAccount):
        await mia(lambda c: c.user_clips_v1(str(locked.pk), 2))
    with pytest.raises(exceptions.ClientError, match="geoblock_required"):
        await mia(lambda c: c.user_info_by_username_v1(gated.username))
    told = await mia(lambda c: c.private_request(f"users/{gated.pk}/info/"))
    assert (told["user"]["media_count"], "gating" in told["user"]) == (0, True)

    def page(max_id: str = "") -> dict[str, Any]:
        form = {"target_user_id": str(rosa.pk), "max_id": max_id, "page_size": 12}
        answer: dict[str, Any] = mia.client.private_request("clips/user/", form)
        return answer

    items = [entry["media"] for entry in (await mia(lambda _: page()))["items"]]
    hidden = [one for one in items if one["like_and_view_counts_disabled"]]
    assert [one["like_count"] for one in hidden] == [3]
    for day in ("odd-reels", "reels-throttled"):
        instagram.bad_days.switch(day, True)
    cursor = ""
    for _ in range(2):
        answer = await mia(lambda _, at=cursor: page(at))
        assert [e["media"]["taken_at"] for e in answer["items"]].count(None) == 1
        cursor = answer["paging_info"]["max_id"]
    with pytest.raises(exceptions.ClientThrottledError):
        await mia(lambda _: page(cursor))
    assert (await mia(lambda _: page(cursor)))["items"]

    instagram.rename(rosa.username, "rosa.moves")
    with pytest.raises(exceptions.UserNotFound):
        await mia(lambda c: c.user_info_by_username_v1(rosa.username))
    user = await mia(lambda c: c.user_info_by_username_v1("rosa.moves"))
    assert user.pk == str(rosa.pk)


async def test_stories_live_for_a_day(instagram: Instagram, mia: Phone, world: World) -> None:
    friend = world.following("mia")[0]
    told = instagram.tell_story(friend.username)
    tray = (await mia(lambda c: c.get_reels_tray_feed()))["tray"]
    reel = next(reel for reel in tray if reel["user"]["username"] == friend.username)
    stories = await mia(lambda c: c.user_stories_v1(str(friend.pk)))
    assert reel["media_ids"] == [story.pk for story in stories]
    assert stories[-1].pk == str(told.pk)
    assert all((utc_now() - story.taken_at).total_seconds() < 86_400 for story in stories)
    locked = world.private_posts[0].owner.pk
    with pytest.raises(exceptions.PrivateAccount):
        await mia(lambda c: c.user_stories_v1(str(locked)))


# ------------------------------------------------------------------ refusals


REFUSALS = {
    Refusal.LOGIN_REQUIRED: exceptions.LoginRequired,
    Refusal.CHALLENGE_REQUIRED: exceptions.ChallengeRequired,
    Refusal.CHECKPOINT: exceptions.UnknownError,
    Refusal.FEEDBACK: exceptions.FeedbackRequired,
    Refusal.PLEASE_WAIT: exceptions.PleaseWaitFewMinutes,
    Refusal.RATE_LIMIT_BARE: exceptions.ClientThrottledError,
    Refusal.RATE_LIMIT_ERROR: exceptions.RateLimitError,
    Refusal.SENTRY_BLOCK: exceptions.SentryBlock,
    Refusal.SUSPENDED: exceptions.AccountSuspended,
    Refusal.NOT_FOUND_BARE: exceptions.ChallengeRequired,
    Refusal.LOGIN: exceptions.ClientJSONDecodeError,
    Refusal.SERVER_ERROR: exceptions.ClientError,
}
DAYS = {
    "rate-limit": exceptions.PleaseWaitFewMinutes,
    "please-wait": exceptions.PleaseWaitFewMinutes,
    "checkpoint": exceptions.UnknownError,
    "challenge": exceptions.ChallengeRequired,
    "feedback": exceptions.FeedbackRequired,
    "html": exceptions.ClientJSONDecodeError,
}


async def test_refusals_in_instagrams_own_words(instagram: Instagram, mia: Phone) -> None:
    for refusal, error in REFUSALS.items():
        instagram.refuse_next("/api/v1/feed/timeline/", refusal)
        with pytest.raises(exceptions.ClientError) as caught:
            await mia(lambda c: c.get_timeline_feed())
        assert (refusal, caught.type) == (refusal, error)
        assert (await mia(lambda c: c.get_timeline_feed()))["status"] == "ok"


async def test_a_bad_day_is_one_for_the_app_too(instagram: Instagram, mia: Phone) -> None:
    for day, error in DAYS.items():
        instagram.bad_days.switch(day, True)
        with pytest.raises(exceptions.ClientError) as caught:
            await mia(lambda c: c.get_reels_tray_feed())
        assert (day, caught.type) == (day, error)
        instagram.bad_days.switch(day, False)
    assert (await mia(lambda c: c.get_reels_tray_feed()))["status"] == "ok"


def test_the_panel_knows_what_each_log_in_asks_for(world):
    sandbox = Sandbox(world)
    doors = sandbox.instagram.doors
    notes = {note.name: note.text for note in sandbox.notes()}
    assert {name for name in notes if name.partition("-")[0] in ("password", "code", "backup")} == {
        "password-mia", "password-leo", "code-leo", "backup-leo", "password-zoe", "code-zoe",
        "backup-zoe",
    }  # fmt: skip
    assert notes["password-leo"] == doors.password("leo")
    assert doors.fits("leo", notes["code-leo"], Door.TOTP)
    assert doors.fits("zoe", notes["backup-zoe"], Door.SMS)
    assert not doors.fits("mia", doors.backup_code("mia"), Door.CHALLENGE)
    sandbox.instagram.bad_days.switch("login-challenge", True)
    assert "code-mia" in {note.name for note in sandbox.notes()}
