"""The ways into an account, through the real instagrapi: each step once, and nothing asked of a
terminal."""

from __future__ import annotations

import json

import pytest

from sandbox.instagram.answers import Refusal
from sandbox.instagram.mobile import Door
from services.clock import utc_now
from services.errors import BadInput, Checkpoint, RateLimited, SessionRefused, Unavailable
from services.instagram import mobile_login
from services.instagram.mobile_errors import CodeWanted, Credentials, LoginRefused
from services.instagram.mobile_verdict import Answer
from services.instagram.mobile_wire import Wire
from services.instagram.totp import totp_code
from storage import pace
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

SEND_PASSWORD = "/api/v1/bloks/async_action/com.bloks.www.bloks.caa.login.async.send_login_request/"
OLD_LOGIN = "/api/v1/accounts/login/"


@pytest.fixture(autouse=True)
def nobody_at_the_terminal(monkeypatch, capsys):
    def asked(_=""):
        raise AssertionError("it asked the terminal")

    monkeypatch.setattr("builtins.input", asked)
    yield
    assert capsys.readouterr().out == ""  # instagrapi prints the codes that it is given


def credentials(instagram, username, *, totp=False):
    secret = instagram.doors.totp_secret(username) if totp else ""
    return Credentials(username, instagram.doors.password(username), secret)


def passwords_sent(instagram):
    return sum(request.path in (SEND_PASSWORD, OLD_LOGIN) for request in instagram.requests)


def phone(session):
    client = json.loads(session.settings)["client"]
    return client["uuids"], client["device_settings"]


# ------------------------------------------------------------------ a password


async def test_a_password_is_enough(instagram, mobile, world, database) -> None:
    session = await mobile.session("mia")
    before = phone(session)
    await session.login(credentials(instagram, "mia"))
    assert session.user_id == str(world.person("mia").pk)
    assert (await session.account()).username == "mia"
    assert len((await session.timeline()).posts) == 8
    assert phone(session) == before
    assert len(instagram.requests) == 6 + 2
    async with database.read() as db:
        assert await pace.requests_by_identity(db) == {"mia": 6 + 2}
        assert await pace.calls_by_outcome(db) == {("connect", "ok"): 2, ("feed", "ok"): 1}


async def test_the_phone_stays_the_same_when_a_dead_session_is_replaced(
    instagram, mia, start
) -> None:
    before = phone(mia)
    instagram.bad_days.switch("session-dies", True)
    assert type(await failure(mia.timeline())) is SessionRefused
    session = await start().session("mia", mia.settings)
    await session.login(credentials(instagram, "mia"))
    assert len((await session.timeline()).posts) == 8
    assert phone(session) == before


@pytest.mark.parametrize("username", ["mia", "zoe", "nobody"])
async def test_a_wrong_password_is_sent_once(instagram, mobile, username) -> None:
    session = await mobile.session(username)
    error = await failure(session.login(Credentials(username, "a wrong one")))
    assert (type(error), error.wrong) == (LoginRefused, True)
    # zoe's log-in is led from the new form to the old one, which both get the password
    assert passwords_sent(instagram) == (2 if username == "zoe" else 1)
    assert error.requests == len(instagram.requests)
    assert "a wrong one" not in f"{error!r}{session.settings}"


async def test_a_log_in_that_nobody_understands_is_a_refusal_not_a_retry(instagram, mobile) -> None:
    instagram.refuse_next(SEND_PASSWORD, Refusal.UNKNOWN_SHAPE)
    session = await mobile.session("mia")
    error = await failure(session.login(credentials(instagram, "mia")))
    assert (type(error), error.wrong) == (LoginRefused, False)
    assert session.user_id == ""


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [(Refusal.RATE_LIMIT, RateLimited), (Refusal.SERVER_ERROR, Unavailable)],
)
async def test_a_log_in_at_a_bad_moment(instagram, mobile, refusal, expected) -> None:
    instagram.refuse_next(SEND_PASSWORD, refusal)
    session = await mobile.session("mia")
    assert type(await failure(session.login(credentials(instagram, "mia")))) is expected
    assert passwords_sent(instagram) == 1


@pytest.mark.parametrize("broken", ["login", "session id", "frozen"])
async def test_a_way_in_that_fails_leaves_the_session_that_there_was(
    instagram, mia, world, broken
) -> None:
    before = phone(mia)
    if broken == "login":
        instagram.refuse_next(SEND_PASSWORD, Refusal.SERVER_ERROR)
        await failure(mia.login(credentials(instagram, "mia")))
    elif broken == "session id":
        await failure(mia.use_session_id(world.session_id("mia", 0)))
    else:
        await mia._way.pacer._react("mia", Checkpoint())
        error = await failure(mia.login(credentials(instagram, "mia")))
        assert (type(error), len(instagram.requests)) == (Checkpoint, 0)
        await mia._way.pacer.thaw("mia")
    assert len((await mia.timeline()).posts) == 8
    assert phone(mia) == before


# ------------------------------------------------------------------ codes


async def test_a_stored_totp_secret_answers_by_itself(instagram, mobile, world) -> None:
    session = await mobile.session("leo")
    await session.login(credentials(instagram, "leo", totp=True))
    assert session.user_id == str(world.person("leo").pk)
    assert passwords_sent(instagram) == 1


@pytest.mark.parametrize(
    ("username", "door", "kind", "hint"),
    [
        ("leo", Door.TOTP, "app", ""),
        ("zoe", Door.SMS, "sms", "42"),
        ("zoe", Door.WHATSAPP, "whatsapp", "42"),
        ("mia", Door.CHALLENGE, "email", "m***@e******.org"),
        ("mia", Door.PROFILE_CODE, "email", ""),
    ],
)
async def test_a_code_is_asked_for_and_typed_after_a_restart(
    instagram, mobile, start, world, username, door, kind, hint
) -> None:
    instagram.doors.doors[username] = door
    known = credentials(instagram, username)
    session = await mobile.session(username)
    wanted = await failure(session.login(known))
    assert isinstance(wanted, CodeWanted)
    assert (wanted.kind, wanted.hint, wanted.again) == (kind, hint, False)
    sent = passwords_sent(instagram)

    session = await start().session(username, session.settings)
    assert session.code_wanted.kind == kind
    wrong = await failure(session.enter_code("000 001", known))
    assert (type(wrong), wrong.again) == (CodeWanted, True)
    assert passwords_sent(instagram) == sent

    code = _code(instagram, username, door)
    await session.enter_code(f"{code[:3]} {code[3:]}", known)
    assert session.code_wanted is None
    assert (await session.account()).user_id == str(world.person(username).pk)
    assert passwords_sent(instagram) == sent


@pytest.mark.parametrize("username", ["leo", "zoe"])
async def test_a_backup_code_is_as_good_as_a_telephone(instagram, mobile, username) -> None:
    known = credentials(instagram, username)
    session = await mobile.session(username)
    assert isinstance(await failure(session.login(known)), CodeWanted)
    code = instagram.doors.backup_code(username)
    await session.enter_code(f"{code[:4]} {code[4:]}", known)
    assert (await session.account()).username == username


@pytest.mark.parametrize(
    ("sms", "totp", "kind", "hint"),
    [(True, False, "sms", "42"), (True, True, "app", ""), (False, True, "app", "")],
)
def test_an_app_is_asked_before_the_telephone(sms, totp, kind, hint) -> None:
    info = {
        "two_factor_identifier": "abc",
        "sms_two_factor_on": sms,
        "totp_two_factor_on": totp,
        "obfuscated_phone_number": "42",
    }
    answer = Answer(400, OLD_LOGIN, body=json.dumps({"two_factor_info": info}))
    pending = mobile_login._two_factor(None, Wire(30, answer=answer))
    assert (pending.way, pending.kind, pending.hint) == ("two-factor", kind, hint)
    assert "abc" not in repr(pending)


async def test_a_solved_challenge_without_a_session_takes_one_more_log_in(
    instagram, mobile, monkeypatch
) -> None:
    instagram.doors.doors["mia"] = Door.CHALLENGE
    known = credentials(instagram, "mia")
    session = await mobile.session("mia")
    await failure(session.login(known))
    # the challenge's answer has no session, the log-in after it does
    answers = iter([lambda *_: {}, instagram.doors.session_headers])
    monkeypatch.setattr(instagram.doors, "session_headers", lambda *to: next(answers)(*to))
    await session.enter_code(instagram.doors.code("mia"), known)
    assert (await session.account()).username == "mia"
    assert passwords_sent(instagram) == 2


async def test_a_log_in_that_only_the_app_can_confirm(instagram, mobile) -> None:
    instagram.doors.doors["mia"] = Door.APP
    session = await mobile.session("mia")
    error = await failure(session.login(credentials(instagram, "mia")))
    assert type(error) is Checkpoint
    assert not any("/challenge/" in request.path for request in instagram.requests)


async def test_a_challenge_in_the_background_is_left_alone(instagram, mia) -> None:
    instagram.refuse_next("/api/v1/feed/timeline/", Refusal.CHALLENGE_REQUIRED)
    assert type(await failure(mia.timeline())) is Checkpoint
    assert len(instagram.requests) == 1


async def test_a_code_that_nobody_waits_for(instagram, mobile) -> None:
    known = credentials(instagram, "leo")
    session = await mobile.session("leo")
    await failure(session.login(known))
    instagram.refuse_next("/api/v1/bloks/", Refusal.NOT_FOUND)
    assert type(await failure(session.enter_code("123456", known))) is LoginRefused
    assert session.code_wanted is None
    instagram.reset_log()
    assert type(await failure(session.enter_code("123456", known))) is LoginRefused
    assert len(instagram.requests) == 0


async def test_a_silent_server_is_no_wrong_code(instagram, mobile) -> None:
    known = credentials(instagram, "zoe")
    session = await mobile.session("zoe")
    await failure(session.login(known))
    instagram.refuse_next("/api/v1/accounts/two_factor_login/", Refusal.SERVER_ERROR)
    code = instagram.doors.code("zoe")
    assert type(await failure(session.enter_code(code, known))) is Unavailable
    await session.enter_code(code, known)
    assert (await session.account()).username == "zoe"


async def test_what_can_be_no_code_is_not_sent(instagram, mobile) -> None:
    session = await mobile.session("leo")
    known = credentials(instagram, "leo")
    await failure(session.login(known))
    instagram.reset_log()
    for text in ("", "12", "hello there my friend", "①②③④⑤⑥"):
        with pytest.raises(BadInput):
            await session.enter_code(text, known)
    assert len(instagram.requests) == 0


# ------------------------------------------------------------------ a browser's session


async def test_a_session_id_tells_whose_it_is(instagram, mobile, world) -> None:
    session = await mobile.session("mia")
    account = await session.use_session_id(world.session_id("mia"))
    assert (account.user_id, account.username) == (str(world.person("mia").pk), "mia")
    assert len(instagram.requests) == 1


async def test_a_dead_session_id_costs_one_request_and_never_a_log_in(
    instagram, mobile, world
) -> None:
    session = await mobile.session("mia")
    error = await failure(session.use_session_id(world.session_id("mia", 0)))
    assert (type(error), error.requests) == (SessionRefused, 1)
    assert len(instagram.requests) == 1


@pytest.mark.parametrize("text", ["", "hello", "123", "123%3Ashort", "1:" + "x" * 30 + "\r\n"])
async def test_what_is_no_session_id_is_not_sent(instagram, mobile, text) -> None:
    session = await mobile.session("mia")
    with pytest.raises(BadInput):
        await session.use_session_id(text)
    assert len(instagram.requests) == 0


def _code(instagram, username, door):
    if door is Door.TOTP:
        return totp_code(instagram.doors.totp_secret(username), utc_now())
    return instagram.doors.code(username)
