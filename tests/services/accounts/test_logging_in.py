"""Log-ins with a password through the real instagrapi: each step once, and no secret kept longer
than it is needed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sandbox.instagram.answers import Refusal
from sandbox.instagram.mobile import Door
from sandbox.world import World
from services.errors import BadInput, Checkpoint, NotAllowed, SessionRefused
from services.instagram.mobile_session import MobileSession
from services.instagram.totp import totp_code
from storage import logins, pace
from tests.services.accounts.desk import (
    PASSWORDS,
    Desk,
    Start,
    clock,
    database_url,
    desk,
    only,
    start,
)
from tests.support.rows import LEO, MIA

__all__ = ["clock", "database_url", "desk", "start"]


# ------------------------------------------------------------------ in


async def test_a_password_connects_the_account_for_the_feed_and_for_imports(
    desk: Desk, world: World
) -> None:
    login = await desk.log_in("mia")
    account = await desk.connection()
    assert (account.label, account.status, account.app_only) == ("@mia", "active", False)
    assert account.identity == str(world.person("mia").pk)  # type: ignore[union-attr]
    assert await desk.heard() == ["connected"]
    (cookies,) = desk.gallery.asked  # instagram.com was asked with the app's session
    assert "sessionid" in cookies
    assert account.identity in cookies
    asked = len(desk.instagram.requests)
    posts = (await desk.sessions.ask(account.id, MobileSession.timeline)).posts
    assert len(posts) == 8
    assert len(desk.instagram.requests) == asked + 1  # it was logged in already
    assert await desk.state(login) == "over"
    assert [(row["secret"], row["phone"]) for row in await desk.rows()] == [(None, None)]


async def test_a_session_that_the_web_does_not_take_reads_the_feed_only(desk: Desk) -> None:
    desk.gallery.errors = [SessionRefused()]
    await desk.log_in("mia")
    account = await desk.connection()
    assert (account.status, account.app_only) == ("active", True)
    (notice,) = await desk.said()
    assert notice.kind == "connected_app"
    assert (await desk.sessions.ask(account.id, MobileSession.account)).username == "mia"
    with pytest.raises(SessionRefused) as refusal:
        await desk.connecting.open(account.id)
    async with desk.database.write() as db:  # an import that was started all the same
        await desk.connecting.refused(db, account.id, refusal.value, desk.clock())
    assert (await desk.connection()).status == "active"
    async with desk.database.write() as db:  # but the feed's own refusal counts
        await desk.sessions.refused(db, account.id, refusal.value, desk.clock())
    assert (await desk.connection()).status == "expired"


async def test_cookies_that_work_stay_and_the_log_in_is_for_the_feed(desk: Desk) -> None:
    await desk.log_in("mia")
    before = await desk.connection()
    await desk.log_in("mia")
    after = await desk.connection()
    assert (after.fingerprint, after.verified_at) == (before.fingerprint, before.verified_at)
    assert len(desk.gallery.asked) == 1
    assert await desk.heard() == ["connected", "connected"]


async def test_the_pace_goes_on_under_the_accounts_number(desk: Desk) -> None:
    await desk.log_in("mia")
    account = await desk.connection()
    async with desk.database.read() as db:
        named, numbered = await pace.get(db, "@mia"), await pace.get(db, account.identity)
    assert named
    assert numbered
    assert numbered.next_at >= named.next_at


async def test_a_forgotten_account_leaves_no_phone_in_a_log_in_that_failed(desk: Desk) -> None:
    await desk.log_in("mia")
    await desk.log_in("mia", "a wrong one")
    assert [bool(row["phone"]) for row in await desk.rows()] == [True]
    await desk.connecting.forget(MIA, (await desk.connection()).id)
    assert [(row["secret"], row["phone"]) for row in await desk.rows()] == [(None, None)]


# ------------------------------------------------------------------ refused


async def test_a_wrong_password_is_sent_once_and_forgotten(desk: Desk, start: Start) -> None:
    login = await desk.log_in("mia", "a wrong one")
    assert (await desk.heard(), desk.passwords_sent) == (["login_failed"], 1)
    assert await desk.connecting.of_user(MIA) == []
    phone = await desk.phone()
    again = start()  # a restart, and every tick of its clock, sends nothing
    assert await again.job.stranded(desk.clock() + timedelta(days=1)) == []
    await again.service.tidy()
    assert (await desk.state(login), desk.passwords_sent) == ("over", 1)
    assert [row["secret"] for row in await desk.rows()] == [None]
    await again.log_in("mia")
    assert (await desk.connection()).status == "active"
    assert await again.phone() == phone


async def test_log_ins_are_limited_for_a_person_whatever_the_account(desk: Desk) -> None:
    for name in ("a", "b", "c", "d", "e"):
        await desk.log_in(name, "guess")
    with pytest.raises(BadInput, match="5 log-ins within an hour"):
        await desk.log_in("f", "guess")
    assert desk.passwords_sent == 5
    await desk.log_in("leo", user=LEO)  # others may
    desk.clock.advance(minutes=61)
    await desk.log_in("mia")
    assert (await desk.connection()).status == "active"


async def test_a_log_in_that_was_cut_short_is_not_repeated(desk: Desk, start: Start) -> None:
    login = await desk.service.begin(MIA, "mia", desk.instagram.doors.password("mia"))
    async with desk.database.write() as db:  # killed after this, wherever it was
        await logins.move(db, login, desk.clock(), from_states=["queued"], state="sending")
    again = start()
    (stranded,) = await again.job.stranded(desk.clock())
    assert await again.job.restart(stranded) is None
    (notice,) = await again.said()
    assert (notice.kind, "stopped in the middle" in notice.data["message"]) == (
        "login_failed",
        True,
    )
    assert (await again.state(login), again.passwords_sent) == ("over", 0)


async def test_a_log_in_that_had_not_begun_goes_on_after_a_restart(
    desk: Desk, start: Start
) -> None:
    await desk.service.begin(MIA, "mia", desk.instagram.doors.password("mia"))
    again = start()
    (stranded,) = await again.job.stranded(desk.clock())
    restarted = await again.job.restart(stranded)
    assert restarted is not None
    again.queue.jobs = [*desk.queue.jobs, restarted]  # the older run does nothing
    await again.run()
    assert (await again.heard(), again.passwords_sent) == (["connected"], 1)


async def test_what_is_cancelled_while_it_is_sent_connects_nothing(desk: Desk) -> None:
    login = await desk.service.begin(MIA, "mia", desk.instagram.doors.password("mia"))
    (job,) = desk.queue.jobs
    desk.queue.jobs.clear()
    step = asyncio.create_task(desk.job.work(job))
    while not len(desk.instagram.requests):  # noqa: ASYNC110 - the stand-in tells nobody
        await asyncio.sleep(0)
    await desk.service.cancel(MIA, login.id)
    await step
    assert await desk.connecting.of_user(MIA) == []
    assert (await desk.state(login), await desk.heard(), desk.queue.jobs) == ("over", [], [])
    assert [row["secret"] for row in await desk.rows()] == [None]


# ------------------------------------------------------------------ codes


@pytest.mark.parametrize(
    ("username", "door", "wants"),
    [("leo", Door.TOTP, "app"), ("zoe", Door.SMS, "sms"), ("mia", Door.CHALLENGE, "email")],
)
async def test_a_code_is_asked_for_and_taken_after_a_restart(
    desk: Desk, start: Start, username: str, door: Door, wants: str
) -> None:
    doors = desk.instagram.doors
    doors.doors[username] = door
    login = await desk.log_in(username)
    (notice,) = await desk.said()
    assert (notice.kind, notice.data["wants"]) == ("login_code", wants)
    sent = desk.passwords_sent

    again = start()
    with pytest.raises(BadInput):
        await again.code(login, "no code at all, sorry")
    await again.code(login, "000 001")
    assert (await again.heard(), await again.state(login)) == (["login_code"], "code")
    totp = totp_code(doors.totp_secret(username), again.clock())
    await again.code(login, totp if door is Door.TOTP else doors.code(username))
    assert await again.heard() == ["connected"]
    assert (await again.connection()).status == "active"
    assert again.passwords_sent == sent


async def test_codes_are_wrong_five_times_and_no_more(desk: Desk) -> None:
    login = await desk.log_in("leo")
    for _ in range(5):
        await desk.code(login, "000001")
    assert (await desk.heard())[-1] == "login_failed"
    with pytest.raises(NotAllowed):
        await desk.code(login, "000001")
    assert [row["secret"] for row in await desk.rows()] == [None]


async def test_another_code_is_another_log_in_by_the_persons_hand(desk: Desk) -> None:
    login = await desk.log_in("zoe")
    sent = desk.passwords_sent
    await desk.again(login)
    assert await desk.heard() == ["login_code", "login_code"]
    assert desk.passwords_sent == 2 * sent
    await desk.code(login, desk.instagram.doors.code("zoe"))
    assert await desk.heard() == ["connected"]


async def test_who_does_not_come_back_has_their_password_forgotten(desk: Desk) -> None:
    login = await desk.log_in("leo")
    await desk.said()
    desk.clock.advance(minutes=14)
    await desk.service.tidy()
    assert await desk.state(login) == "code"
    desk.clock.advance(minutes=2)
    with pytest.raises(BadInput, match="too old"):
        await desk.code(login, "123456")
    await desk.service.tidy()
    assert (await desk.state(login), await desk.heard()) == ("over", ["login_failed"])
    assert [row["secret"] for row in await desk.rows()] == [None]


async def test_nobody_types_or_cancels_for_somebody_else(desk: Desk) -> None:
    login = await desk.log_in("leo")
    for attempt in (
        desk.service.give_code(LEO, login.id, "123456"),
        desk.service.again(LEO, login.id),
        desk.service.cancel(LEO, login.id),
    ):
        with pytest.raises(NotAllowed):
            await attempt
    assert await desk.service.get(LEO, login.id) is None


# ------------------------------------------------------------------ held


async def test_what_only_the_app_can_confirm_waits_for_a_tap(desk: Desk) -> None:
    doors = desk.instagram.doors
    doors.doors["mia"] = Door.APP
    login = await desk.log_in("mia")
    (notice,) = await desk.said()
    assert (notice.kind, notice.data["why"]) == ("login_held", "app")
    sent = desk.passwords_sent
    desk.clock.advance(minutes=5)
    await desk.service.tidy()
    assert await desk.job.stranded(desk.clock()) == []
    assert desk.passwords_sent == sent  # not by itself
    doors.doors["mia"] = Door.OPEN
    await desk.again(login)
    assert await desk.heard() == ["connected"]


async def test_a_silent_instagram_is_tried_again_by_a_tap_only(desk: Desk) -> None:
    desk.instagram.refuse_next(PASSWORDS[0], Refusal.SERVER_ERROR)
    login = await desk.log_in("mia")
    (notice,) = await desk.said()
    assert (notice.kind, notice.data["why"], desk.passwords_sent) == ("login_held", "network", 1)
    await desk.again(login)
    assert await desk.heard() == ["connected"]


async def test_a_code_that_was_not_heard_is_asked_for_once_more(desk: Desk) -> None:
    login = await desk.log_in("zoe")
    desk.instagram.refuse_next("/api/v1/accounts/two_factor_login/", Refusal.SERVER_ERROR)
    await desk.code(login, desk.instagram.doors.code("zoe"))
    assert [one.data["why"] for one in await desk.said()][-1] == "code"
    await desk.code(login, desk.instagram.doors.code("zoe"))
    assert await desk.heard() == ["connected"]


async def test_no_log_in_leaves_a_client_in_memory(desk: Desk) -> None:
    """Each has a thread of its own, and names can be typed without end."""
    await desk.log_in("mia", "a wrong one")
    login = await desk.log_in("zoe")  # waits for a code
    assert desk.mobile._threads == {}
    await desk.code(login, desk.instagram.doors.code("zoe"))
    assert (await desk.state(login), desk.mobile._threads) == ("over", {})


# ------------------------------------------------------------------ in the background


@pytest.mark.parametrize("refusal", [Refusal.CHALLENGE_REQUIRED, Refusal.CHECKPOINT])
async def test_what_runs_by_itself_solves_no_challenge(desk: Desk, refusal: Refusal) -> None:
    """Not even where Instagram would send a code to whoever asks for one."""
    await desk.log_in("mia")
    account = await desk.connection()
    desk.instagram.reset_log()
    desk.instagram.refuse_next("/api/v1/feed/timeline/", refusal)
    with pytest.raises(Checkpoint) as refused:
        await desk.sessions.ask(account.id, MobileSession.timeline)
    async with desk.database.write() as db:
        await desk.sessions.refused(db, account.id, refused.value, desk.clock())
    with pytest.raises(Checkpoint):  # nor does it ask again
        await desk.sessions.ask(account.id, MobileSession.timeline)
    assert [request.path for request in desk.instagram.requests] == ["/api/v1/feed/timeline/"]
    assert await desk.state(await only(desk)) == "over"
