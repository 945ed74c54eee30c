"""/connect in the chat: what is sent leaves the chat, and each mistake has its own sentence."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from storage import connections
from tests.bot.seeds import seed_import
from tests.support.harness import Harness, PumpedVisitor


def netscape(harness: Harness, session: str = "ok", user: str = "mia") -> bytes:
    return harness.sandbox.world.cookies_txt(user, session=session).encode()  # type: ignore[arg-type]


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("cookies.txt", "x")
    return content.getvalue()


def session_line(harness: Harness, user: str = "mia") -> str:
    world = harness.sandbox.world
    person = world.person(user)
    assert person is not None
    return f"sessionid={world.session_id(user)}; ds_user_id={person.pk}"


def as_json(harness: Harness) -> bytes:
    cookies = []
    for line in netscape(harness).decode().splitlines():
        if fields := line.split("\t")[1:] and line.split("\t"):
            domain, _, path, secure, expires, name, value = fields
            cookies.append(
                {
                    "domain": domain,
                    "path": path,
                    "secure": secure == "TRUE",
                    "expirationDate": float(expires),
                    "name": name,
                    "value": value,
                }
            )
    return json.dumps(cookies).encode()


def theirs(harness: Harness, visitor: PumpedVisitor) -> str:
    """All that the person's own messages still show."""
    history = harness.telegram.history(visitor.user_id)
    return str([one for one in history if not one["from"]["is_bot"]])


async def stored(harness: Harness, visitor: PumpedVisitor) -> int:
    async with harness.app.database.read() as db:
        return len(await connections.of_user(db, visitor.user_id))


async def test_a_cookies_file_connects_and_leaves_the_chat(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Connect Instagram")
    await mia.sees("kept encrypted on this server")
    mia.send_file("cookies.txt", netscape(harness))
    await mia.sees(
        "Checking your session with Instagram…\nYour message was deleted from this chat."
    )
    done = await mia.sees("✅ Connected as @mia · expires about .* · fingerprint [0-9a-f]{4}")
    assert mia.labels(done) == ["📥 Import a collection", "📰 Feed", "Menu"]
    assert "cookies.txt" not in theirs(harness, mia)
    mia.say("/connect")
    await mia.sees("@mia · ✅ works")


@pytest.mark.parametrize(
    "form", ["json", "line", "line in a command", "line unasked", "file unasked"]
)
async def test_every_form_is_taken_and_deleted(harness: Harness, form: str) -> None:
    mia = await harness.owner()
    if form in ("json", "line"):
        mia.say("/connect")
        await mia.sees("Send your cookies.txt")
    match form:
        case "json":
            mia.send_file("cookies.json", as_json(harness))
        case "file unasked":
            mia.send_file("cookies.txt", netscape(harness))
        case "line in a command":
            mia.say("/connect " + session_line(harness))
        case _:
            mia.say(session_line(harness))
    await mia.sees("Your message was deleted")
    secret = harness.sandbox.world.session_id("mia")
    assert secret not in theirs(harness, mia)
    assert "cookies." not in theirs(harness, mia)
    async with harness.app.database.read() as db:
        (found,) = await connections.with_status(db, "checking", "active")
    assert found.identity == "70000000001"


@pytest.mark.parametrize(
    ("name", "says", "next_step"),
    [
        ("expired", "Those cookies expired on", "export cookies.txt again"),
        ("anonymous", "nobody is logged in there: no sessionid", "Log in on instagram.com first"),
        ("other site", "cookies of example.com, not of instagram.com", "Open instagram.com"),
        ("html", "That is a web page", "Export button"),
        ("zip", "packed archive", "Unpack it"),
        ("binary", "is not text", "Export the cookies"),
        ("empty", "That file is empty", "export cookies.txt again"),
        ("prose", "can't find readable cookies", "Send cookies.txt"),
        ("large", "too large", "Send the right file"),
    ],
)
async def test_each_mistake_has_its_own_sentence_and_next_step(
    harness: Harness, name: str, says: str, next_step: str
) -> None:
    files = {
        "expired": netscape(harness, "expired"),
        "anonymous": netscape(harness, "anonymous"),
        "other site": netscape(harness).replace(b".instagram.com", b".example.com"),
        "html": b"<!DOCTYPE html><html></html>",
        "zip": zipped(),
        "binary": b"\x89PNG\r\n\x1a\n\0\0",
        "empty": b"\n",
        "prose": b"here are my cookies, thanks",
        "large": b"#" * 300_000,
    }
    mia = await harness.owner()
    mia.say("/connect")
    await mia.sees("Send your cookies.txt")
    mia.send_file("cookies.txt", files[name])
    answer = await mia.sees("Nothing was stored. Your message was deleted from this chat.")
    assert says in answer["text"]
    assert next_step in answer["text"]
    assert mia.labels(answer) == ["How to export", "Cancel"]
    assert "cookies.txt" not in theirs(harness, mia)
    assert harness.sandbox.instagram.api_requests() == 0
    mia.say(session_line(harness))  # the question is still open
    await mia.sees("Checking your session")


async def test_dead_cookies_are_refused_by_instagram_and_not_kept(harness: Harness) -> None:
    mia = await harness.owner()
    mia.send_file("cookies.txt", netscape(harness, "dead"))
    answer = await mia.sees("Not connected.")
    assert "log in again" in answer["text"]
    assert mia.labels(answer) == ["🍪 Send other cookies", "Menu"]
    async with harness.app.database.read() as db:
        assert await connections.with_status(db, "checking", "active", "expired") == []


async def test_dead_cookies_do_not_replace_good_ones(harness: Harness) -> None:
    mia = await harness.connected()
    mia.send_file("cookies.txt", netscape(harness, "dead"))
    await mia.sees("Not connected.")
    mia.say("/connect")
    await mia.sees("@mia · ✅ works")


async def test_what_can_not_be_deleted_is_said(harness: Harness) -> None:
    mia = await harness.owner()
    harness.telegram.fail(
        "deleteMessage", code=400, description="Bad Request: message can't be deleted"
    )
    mia.send_file("cookies.txt", netscape(harness, "expired"))
    await mia.sees("I could not delete your message: please delete it yourself.")


@pytest.mark.parametrize("question", ["Paste the link", "Choose one, or send", "Type DELETE"])
async def test_cookies_in_answer_to_another_question_still_leave_the_chat(
    harness: Harness, question: str
) -> None:
    mia = await harness.owner()
    match question:
        case "Paste the link":
            mia.say("/import")
        case "Choose one, or send":
            mia.say("/settings")
            await mia.tap("Time zone")
        case _:
            mia.say("/privacy")
            await mia.tap("Delete everything")
    await mia.sees(question)
    mia.send_file("cookies.txt", netscape(harness))
    await mia.sees("Checking your session with Instagram…\nYour message was deleted")
    assert "cookies.txt" not in theirs(harness, mia)


async def test_cancel_stores_nothing(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Connect Instagram")
    await mia.tap("Cancel")
    await mia.sees("Cancelled. Nothing was stored.")
    assert await stored(harness, mia) == 0


async def test_a_link_in_place_of_cookies_is_imported(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say("/connect")
    await mia.tap("Another account")
    await mia.sees("Send your cookies.txt")
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty|Looking at")
    assert "mia/saved/empty" in theirs(harness, mia)  # a link is no secret


async def test_the_guide_leads_back_to_connecting(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Connect Instagram")
    await mia.tap("How to export")
    await mia.sees("Open a private window")
    await mia.tap("Connect Instagram")
    await mia.sees("^Connect Instagram\n\nSend your cookies.txt")


async def test_several_accounts_are_listed_and_one_is_forgotten_in_two_steps(
    harness: Harness,
) -> None:
    mia = await harness.connected()
    await harness.connect(mia, "leo")
    mia.say("/connect")
    listed = await mia.sees("Instagram accounts")
    more = ["➕ Another account", "📸 Meta: stories, insights", "‹ Menu"]
    assert mia.labels(listed) == ["@mia", "@leo", *more]
    await mia.tap("@leo")
    await mia.tap("Forget…")
    await mia.sees("Forget @leo\\? Its cookies are deleted")
    await mia.tap("Keep")
    await mia.sees("Instagram accounts")
    assert await stored(harness, mia) == 2
    await mia.tap("@leo")
    await mia.tap("Forget…")
    await mia.tap("Forget it")
    await mia.sees("Forgotten: @leo. Its cookies are deleted")
    assert await stored(harness, mia) == 1
    mia.forge("v1:con:forget_yes:2")  # once more, from an old card
    await mia.toast("not yours to change")


async def test_nobody_forgets_another_persons_account(harness: Harness) -> None:
    mia = await harness.connected()
    leo = await harness.member()
    leo.forge("v1:con:forget_yes:1")
    await leo.toast("not yours to change")
    leo.forge("v1:con:one:1")
    await leo.sees("Instagram accounts")
    assert "@mia" not in str(leo.messages())
    assert await stored(harness, mia) == 1


async def test_new_cookies_are_asked_beside_the_paused_import(harness: Harness) -> None:
    """The card of the import stays: it is where one resumes."""
    mia = await harness.connected()
    async with harness.app.database.write() as db:
        await connections.change(db, 1, harness.clock(), status="expired")
    await seed_import(harness, mia, 1, state="paused", reason="cookies", items=3)
    mia.say("/jobs")
    await mia.tap("Reels ideas")
    await mia.tap("Send new cookies")
    await mia.sees("Send your cookies.txt")
    assert "log in again" in mia.messages()[-2]["text"]
