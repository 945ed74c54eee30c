"""Logging in with a password in the chat: what is typed leaves it, and it goes on by a tap only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.settings import Settings
from sandbox.instagram import Instagram
from sandbox.instagram.mobile.doors import Door
from sandbox.world import World
from tests.bot.planted import files_of, leaks
from tests.support.harness import Harness, PumpedVisitor


async def begin(mia: PumpedVisitor, username: str, password: str) -> None:
    mia.say("/connect")
    await mia.tap("Log in with password")
    await mia.sees("Send the user name")
    mia.say(f"@{username.title()}")
    await mia.sees(f"password of @{username}")
    mia.say(password)
    await mia.sees("Logging in to @.*\nYour message was deleted")


async def test_a_log_in_with_a_code_connects_and_leaves_no_secret(
    harness: Harness, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    doors = harness.sandbox.instagram.doors
    doors.doors["leo"] = Door.SMS
    password, code = doors.password("leo"), doors.code("leo")
    mia = await harness.owner()
    await begin(mia, "leo", "a planted wrong one")
    await mia.sees("Not logged in to @leo. .*wrong")
    mia.say("a planted second one")  # without pressing the button
    await mia.sees("That log-in is over.*\n.*message was deleted")
    await begin(mia, "leo", password)
    asked = await mia.sees("@leo: .*came by SMS .*ends in 42")
    assert mia.labels(asked) == ["⌨️ Type the code", "🔁 Send a new code", "Cancel"]
    mia.say("hello there my friend")
    await mia.sees("That is not a code")
    mia.say("000 001")
    await mia.sees("That was not the right code")
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))  # a link is no code
    await mia.sees("First connect the Instagram account")
    await mia.tap("Type the code")
    mia.say(code)
    await mia.sees("✅ Connected as @leo")
    secrets = {
        "password": password,
        "wrong password": "a planted wrong one",
        "second password": "a planted second one",
        "session": harness.sandbox.world.session_id("leo", 1001),
    }
    history = json.dumps(harness.telegram.history(mia.user_id), ensure_ascii=False)
    places = [
        *files_of(harness.data),
        ("chat", history.encode()),
        ("calls", repr(list(harness.telegram.calls)).encode()),
        ("output", "".join(capfd.readouterr()).encode()),
        ("log", caplog.text.encode()),
    ]
    assert leaks(secrets, iter(places)) == []
    assert code not in history
    mia.say(harness.sandbox.world.collection_url("leo", "recipes"))  # the app's session imports
    await mia.sees("Recipes.*\n.*credits")


async def test_what_the_app_must_confirm_goes_on_with_a_tap(harness: Harness) -> None:
    doors = harness.sandbox.instagram.doors
    doors.doors["mia"] = Door.APP
    mia = await harness.owner()
    await begin(mia, "mia", doors.password("mia"))
    held = await mia.sees("Open the Instagram app, confirm")
    assert mia.labels(held) == ["✅ I approved it in the app", "Cancel"]
    doors.doors["mia"] = Door.OPEN
    await mia.tap("I approved it")
    await mia.sees("✅ Connected as @mia")
    mia.say("/connect")
    await mia.tap("Another account")
    await mia.tap("Log in with password")
    mia.say("mia")
    known = await mia.sees("@mia is connected already")
    assert mia.labels(known) == ["Log in anyway", "‹ Accounts"]


async def test_a_log_in_is_cancelled_and_its_code_is_nobodys(harness: Harness) -> None:
    mia = await harness.owner()
    await begin(mia, "zoe", harness.sandbox.instagram.doors.password("zoe"))
    await mia.sees("came by SMS")
    await mia.tap("Cancel")
    await mia.sees("Cancelled. The password of @zoe is forgotten")
    mia.forge("v1:log:again:1")
    await mia.toast("not yours to change")


async def test_a_password_that_looks_like_a_command_leaves_the_chat_too(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/connect")
    await mia.tap("Log in with password")
    mia.say("mia")
    await mia.sees("password of @mia")
    mia.say("/hunter2")
    await mia.sees("Logging in to @mia")
    assert "hunter2" not in str(harness.telegram.history(mia.user_id))


async def test_the_settings_log_the_owner_in_and_are_found_nowhere(
    tmp_path: Path, templates: Path, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    doors = Instagram(world).doors
    secrets = {
        "INSTAGRAM_PASSWORD": doors.password("leo"),
        "INSTAGRAM_TOTP_SECRET": doors.totp_secret("leo"),
    }
    settings = {"INSTAGRAM_USERNAME": "leo", **secrets}
    async with Harness(tmp_path / "data", world, templates=templates, **settings) as harness:
        await harness.tick("log-in of the settings")
        assert harness.sandbox.instagram.api_requests() == 0  # nobody owns the bot yet
        mia = await harness.owner()
        await harness.tick("log-in of the settings")
        await mia.sees("✅ Connected as @leo")
        mia.say("/connect")
        await mia.tap("Another account")
        await mia.tap("Log in with password")
        offered = await mia.sees("Send the user name")
        assert mia.labels(offered)[0] == "Use the server's: @leo"
        calls = repr(list(harness.telegram.calls)).encode()
        places = [*files_of(harness.data), ("calls", calls), ("log", caplog.text.encode())]
        assert leaks(secrets, iter(places)) == []
        assert not any(secret in repr(harness.app.settings) for secret in secrets.values())


@pytest.mark.parametrize(
    "given",
    [
        {"instagram_username": "leo"},
        {"instagram_password": "planted"},
        {"instagram_username": "leo@example.com", "instagram_password": "planted"},
        {
            "instagram_username": "leo",
            "instagram_password": "planted",
            "instagram_totp_secret": "planted!",
        },
    ],
)
def test_settings_of_half_a_log_in_are_named_at_the_start(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None, **given)  # type: ignore[arg-type,call-arg]
    told = [problem["msg"] for problem in refused.value.errors(include_input=False)]
    assert "INSTAGRAM_" in told[0]
    assert "planted" not in str(told)
