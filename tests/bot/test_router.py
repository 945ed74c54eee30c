"""From updates to handlers: what is unknown, old, forged, repeated or broken is survived."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from storage.database import Unavailable
from tests.bot.seeds import seed_import, state_of
from tests.support.harness import Harness


async def test_an_unknown_command_leads_to_help(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/dance")
    await mia.sees("I don't know that command")
    await mia.tap("What I can do")
    await mia.sees("What I can do\n/start")


@pytest.mark.parametrize("text", ["/HELP", "/help@reelay_sandbox_bot", "/help   nonsense"])
async def test_a_command_is_known_in_every_spelling(harness: Harness, text: str) -> None:
    mia = await harness.owner()
    mia.say(text)
    await mia.sees("What I can do\n/start")


async def test_help_on_one_topic(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/help cookies")
    await mia.sees("Open a private window")
    assert mia.labels() == ["🔗 Connect Instagram", "‹ Help", "Menu"]


async def test_what_is_no_text_is_answered(harness: Harness) -> None:
    mia = await harness.owner()
    harness.telegram.send_file(mia.user_id, "a.mp3", b"ID3", "audio/mpeg")
    await mia.sees("I can't use that kind of message")


async def test_a_token_of_meta_leaves_the_chat_in_every_form(harness: Harness) -> None:
    mia = await harness.owner()
    token = "EAA" + "x" * 60
    for text in (token, f"here it is: {token}", f"/import {token}"):
        mia.say(text)
        await mia.sees("Your message was deleted from this chat")
        await mia.answered()
    harness.telegram.send_file(mia.user_id, "a.jpg", b"jpeg", "image/jpeg", caption=token)
    await mia.until(
        lambda: token not in str(harness.telegram.history(mia.user_id)) or None, "its end"
    )
    mia.say(f"https://www.instagram.com/p/{token}/")
    await mia.sees("its code can't be right")


async def test_an_edited_message_is_not_heard_twice(harness: Harness) -> None:
    mia = await harness.owner()
    message_id = harness.telegram.say(mia.user_id, "/help")
    await mia.sees("What I can do")
    harness.telegram.edit_own(mia.user_id, message_id, "/credits")
    mia.say("/settings")
    await mia.sees("Settings")
    assert [m["text"].split("\n")[0] for m in mia.messages()[1:]] == ["What I can do", "Settings"]


async def test_a_button_of_another_version_says_so(harness: Harness) -> None:
    mia = await harness.owner()
    for data in ("v2:imp:show:1", "v1:nosucharea:show", "garbage"):
        mia.forge(data)
        await mia.toast("another version")
        harness.telegram._toasts.clear()


async def test_a_verb_that_nobody_knows_does_nothing(harness: Harness) -> None:
    mia = await harness.owner()
    before = mia.messages()
    mia.forge("v1:menu:nosuchverb")
    await mia.toast("^$")  # answered, so that the button stops spinning
    assert [m["text"] for m in mia.messages()] == [m["text"] for m in before]


async def test_a_tap_whose_answer_comes_too_late_still_counts(harness: Harness) -> None:
    mia = await harness.owner()
    harness.telegram.fail(
        "answerCallbackQuery",
        code=400,
        description="Bad Request: query is too old and response timeout expired or query ID is "
        "invalid",
        times=5,
    )
    await mia.tap("Settings")
    await mia.sees("^Settings")


async def test_somebody_elses_import_is_not_theirs_to_touch(harness: Harness) -> None:
    mia = await harness.owner()
    account = await harness.connect(mia, "mia")
    import_id = await seed_import(harness, mia, account, state="paused", reason="user", items=3)
    leo = await harness.member()
    for verb in (
        "resume",
        "cancel",
        "cancel_yes",
        "show",
        "open",
        "result",
        "failures",
        "csv",
        "retry",
        "all",
        "acted",
    ):
        leo.forge(f"v1:imp:{verb}:{import_id}")
        await leo.toast("not yours to change")
        harness.telegram._toasts.clear()
    assert await state_of(harness, import_id) == "paused"
    assert len(leo.messages()) == 1
    assert "Reels ideas" not in str(leo.messages())


async def test_a_double_tap_is_already_done(harness: Harness) -> None:
    mia = await harness.owner()
    account = await harness.connect(mia, "mia")
    import_id = await seed_import(harness, mia, account, state="waiting", reason="rate", items=3)
    mia.say("/jobs")
    await mia.tap("Reels ideas")
    card = await mia.sees("Instagram asks to slow down")
    for _ in range(2):
        harness.telegram.tap(mia.user_id, card["message_id"], f"v1:imp:pause:{import_id}")
    assert await mia.toast("Already") == "Already done."
    assert await state_of(harness, import_id) == "paused"


async def test_the_same_update_twice_counts_once(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/help")
    await mia.sees("What I can do")
    taken = harness.telegram.updates
    mia.say("/settings")
    (update,) = list(taken.pending.values()) or [None]
    assert update is not None
    await mia.sees("^Settings")
    await harness.app.wire.receive(update.as_json())  # type: ignore[union-attr]
    mia.say("/credits")
    await mia.sees("credits")
    assert len([m for m in mia.messages() if m["text"] == "Settings"]) == 1


async def test_a_handler_that_breaks_says_a_reference_and_no_more(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia = await harness.owner()

    async def breaks(_user_id: int) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(harness.app.privacy, "holds", breaks)
    with capture_logs() as logs:
        mia.say("/privacy")
        card = await mia.sees("Something went wrong inside Reelay")
    reference = re.search(r"ref ([0-9a-f]{6})", card["text"])
    assert reference is not None
    (line,) = [one for one in logs if one["log_level"] == "error"]
    assert line["ref"] == reference[1]
    assert isinstance(line["exc_info"], ZeroDivisionError)
    for leak in ("secret", "ZeroDivision", "Traceback", "holds"):
        assert leak not in card["text"]
    assert mia.labels(card) == ["Menu"]
    mia.say("/help")
    await mia.sees("What I can do")  # and the chat goes on


async def test_a_card_that_telegram_refuses_is_said_too(harness: Harness) -> None:
    mia = await harness.owner()
    harness.telegram.fail("sendMessage", code=400, description="Bad Request: message is too long")
    mia.say("/help")
    await mia.sees("Something went wrong inside Reelay.*")


async def test_a_short_429_delays_the_answer_and_does_not_lose_it(harness: Harness) -> None:
    mia = await harness.owner()
    harness.telegram.fail(
        "sendMessage",
        code=429,
        description="Too Many Requests: retry after 1",
        retry_after=1,
    )
    mia.say("/help")
    await mia.sees("What I can do")


@pytest.mark.parametrize("where", ["before the handler", "inside the handler"])
async def test_without_its_database_the_bot_says_so(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    mia = await harness.owner()

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        raise Unavailable("database is locked")
        yield

    async def breaks(_user_id: int) -> None:
        raise Unavailable("database is locked")

    with monkeypatch.context() as broken:
        if where == "before the handler":
            broken.setattr(harness.app.database, "read", locked)
        else:
            broken.setattr(harness.app.privacy, "holds", breaks)
        mia.say("/privacy")
        await mia.until(
            lambda: "database does not answer" in mia.messages()[-1]["text"] or None, "a word"
        )
    assert "locked" not in mia.messages()[-1]["text"]
    mia.say("/privacy")
    await mia.sees("Your data")


async def test_who_blocks_the_bot_is_noted_until_they_come_back(harness: Harness) -> None:
    await harness.owner()
    leo = await harness.member()

    async def reachable() -> list[bool]:
        return [user.reachable for user in await harness.app.people.everyone()]

    harness.telegram.block(leo.user_id)
    harness.telegram.unblock(leo.user_id)
    leo.say("/help")
    await leo.sees("What I can do")
    assert await reachable() == [True, True]
    harness.telegram.block(leo.user_id)
    mia = harness.person()
    mia.say("/help")  # another chat: its answer does not prove that the block was seen
    await mia.sees("What I can do")
    async with harness.app.database.read():
        pass
    for _ in range(200):
        if await reachable() == [True, False]:
            break
        await harness.turn()
    assert await reachable() == [True, False]
