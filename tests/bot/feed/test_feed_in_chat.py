"""/feed in the chat: from nothing to a reader, and what nobody else may touch."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from services.jobs.engine import Job
from services.tokens import token_hash
from services.web.outgoing import Answer, Outgoing
from storage import feeds, notices, readers, retention, webhooks
from storage.retention import Policy
from tests.support.feeds import listed
from tests.support.harness import Harness, PumpedVisitor

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/f/([A-Za-z0-9_-]{22})/feed\.xml")


async def feed_of(harness: Harness, visitor: PumpedVisitor) -> Any:
    async with harness.app.database.read() as db:
        return (await feeds.of_user(db, visitor.user_id))[0]


@pytest.fixture(autouse=True)
async def no_polls(harness: Harness) -> None:
    """Nothing is read while somebody taps."""

    async def nobody() -> list[Job]:
        return []

    harness.app.feed.poll_job.wake = nobody  # type: ignore[method-assign]


async def reading(harness: Harness) -> PumpedVisitor:
    """Mia, whose account is switched on."""
    mia = await harness.connected()
    (account,) = (await harness.app.feed.statuses.of_user(mia.user_id)).accounts
    await harness.app.feed.home.switch_on(mia.user_id, account.connection_id)
    return mia


async def new_reader(mia: PumpedVisitor, name: str = "Feedly") -> tuple[str, str]:
    """(address, token)."""
    mia.say("/feed")
    await mia.tap("New reader")
    await mia.sees("New reader of All accounts")
    mia.say(name)
    shown = await mia.sees("reads All accounts here")
    found = ADDRESS.search(shown["text"])
    assert found
    return found[0], found[2]


async def test_from_no_account_to_a_reader_that_reads(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/feed")
    assert "Connect Instagram" in str(mia.labels(await mia.sees("so first connect one")))
    await harness.connect(mia, "mia")
    mia.say("/feed")
    await mia.sees("@mia · not read")
    await mia.tap("Read @mia")
    await mia.sees("Nothing has come yet.\n\n.*not read yet, next about")
    await listed(harness.app.database, await feed_of(harness, mia), "p1")
    address, token = await new_reader(mia)
    assert "PUBLIC_URL is not set" in mia.messages()[-1]["text"]
    async with httpx.AsyncClient() as client:
        answer = await client.get(address)
    assert (answer.status_code, answer.text.count("<item>")) == (200, 1)
    await mia.tap("QR code")
    await mia.until(lambda: "photo" in mia.messages()[-1] or None, "the picture")
    await harness.tick("readers")
    mia.say("/feed")
    await mia.sees("1 post · 1 file · 0 kB")
    await mia.tap("Readers · 1")
    await mia.sees("Feedly · .* · 0% unchanged")
    await mia.tap("Feedly")
    await mia.sees("Asked 1 time, last .*; 0% of the answers")
    assert token not in str(mia.messages()[-1])  # it was shown once


async def test_rotating_and_revoking_take_two_taps(harness: Harness) -> None:
    mia = await reading(harness)
    _, token = await new_reader(mia)
    for first, question, second, says in (
        ("Rotate…", "Give Feedly a new address", "Rotate", "reads All accounts here"),
        ("Revoke…", "Take the address of Feedly away", "Revoke", "opens nothing any more"),
    ):
        await mia.tap("Readers")
        await mia.tap("Feedly")
        await mia.tap(first)
        await mia.sees(question)
        async with harness.app.database.read() as db:
            assert await readers.by_token(db, token_hash(token))  # not by the first tap
        await mia.tap(second)
        shown = await mia.sees(says)
        async with harness.app.database.read() as db:
            assert await readers.by_token(db, token_hash(token)) is None
        found = ADDRESS.search(shown["text"])
        token = found[2] if found else token


async def test_nothing_of_another_person_can_be_tapped(harness: Harness) -> None:
    mia = await reading(harness)
    _, token = await new_reader(mia)
    feed = await feed_of(harness, mia)
    view = await harness.app.feed.statuses.of_user(mia.user_id)
    (reader,), (account,) = view.readers, view.accounts
    leo = await harness.member()
    forged = [f"{verb}:{reader.id}" for verb in ("reader", "rotate_yes", "revoke_yes", "revoke")]
    forged += [
        f"{verb}:{account.connection_id}"
        for verb in ("on", "off", "now", "confirmed", "stories_on", "stories_off")
    ]
    forged += [
        f"{verb}:{feed.id}"
        for verb in ("new", "hook", "hook_ask", "hook_test", "hook_off", "hook_off_yes")
    ]
    forged += [f"qr:{token}", "nosuch:1", "reader:0", "qr"]
    before = len(leo.messages())
    for data in forged:
        leo.forge(f"v1:feed:{data}")
        await leo.answered()
    assert len(leo.messages()) == before
    assert token not in str(leo.messages())
    assert (await harness.app.feed.statuses.of_user(mia.user_id)) == view


async def test_stories_are_switched_and_have_a_reader_of_their_own(harness: Harness) -> None:
    mia = await reading(harness)
    mia.say("/feed")
    await mia.sees("Your feed")
    await mia.tap("Followed stories")
    await mia.sees("@mia · off")
    await mia.tap("Stories on · @mia")
    await mia.sees("None has come yet.\n\n.*@mia · on, read together")
    async with harness.app.database.read() as db:
        stories = (await feeds.of_user(db, mia.user_id))[-1]
    await listed(harness.app.database, stories, "41", kind="story")
    await listed(harness.app.database, await feed_of(harness, mia), "p1")
    await mia.tap("New reader of stories")
    mia.say("Phone")
    found = ADDRESS.search((await mia.sees("Phone reads Stories here"))["text"])
    assert found
    async with httpx.AsyncClient() as client:
        answer = await client.get(found[0])
    assert answer.text.count("<item>") == 1
    assert "/41/</link>" in answer.text
    mia.say("/feed")
    await mia.sees("1 post · 1 file")  # of the timeline only
    await mia.tap("Followed stories")
    await mia.tap("Stories off · @mia")
    await mia.sees("1 archived .*\n\n.*@mia · off")


async def test_a_webhook_is_set_tested_and_turned_off(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia = await reading(harness)
    secret = "https://hooks.example/in/s3cr3t"
    answers = [404, 204]

    async def check(_self: Outgoing, _url: httpx.URL) -> None: ...

    async def post(_self: Outgoing, url: httpx.URL, _body: bytes, _headers: object) -> Answer:
        assert str(url) == secret
        return Answer(answers.pop(0), None)

    monkeypatch.setattr(Outgoing, "check", check)
    monkeypatch.setattr(Outgoing, "post", post)
    mia.say("/feed")
    await mia.tap("Webhook")
    await mia.tap("Set one")
    await mia.sees("Send its address")
    mia.say("http://hooks.example/")
    await mia.sees(
        "not an address that I can send to.*\n.*\n\nNothing was changed. Your message was"
    )
    mia.say(secret)
    made = await mia.sees("go to hooks.example from now on, as JSON")
    theirs = [m for m in harness.telegram.history(mia.user_id) if not m["from"]["is_bot"]]
    assert "hooks.example" not in str(theirs)
    assert "s3cr3t" not in str(mia.messages())
    await mia.tap("Test")
    await mia.sees("It did not arrive: it answered 404")
    assert made in mia.messages()  # its signing key is shown once: a test does not take it away
    await mia.tap("‹ Webhook")
    await mia.tap("Test")
    await mia.sees("The test has arrived")
    await mia.tap("‹ Webhook")
    await mia.tap("Off…")
    await mia.tap("Turn it off")
    await mia.sees("Off. A webhook sends")
    async with harness.app.database.read() as db:
        assert await webhooks.of_user(db, mia.user_id) == []


async def test_letting_posts_go_takes_two_taps(harness: Harness) -> None:
    mia = await reading(harness)

    async def policy() -> Policy | None:
        async with harness.app.database.read() as db:
            return await retention.get(db, mia.user_id)

    mia.say("/feed")
    await mia.tap("What is kept")
    await mia.tap("1 year")
    await mia.sees("Nothing would go now")
    assert await policy() is None
    await mia.tap("Keep 1 year")
    await mia.sees("What is kept")
    assert await policy() == Policy(days=365)
    await mia.tap("Everything")
    await mia.toast("Kept: Everything")
    assert await policy() is None


async def test_a_reader_that_hammers_and_a_dead_webhook_are_named(harness: Harness) -> None:
    mia = await reading(harness)
    async with harness.app.database.write() as db:
        now = harness.clock()
        await notices.add(db, mia.user_id, "reader_too_often", now, reader_id=1, name="<b>curl")
        await notices.add(
            db, mia.user_id, "webhook_failed", now, feed_id=1, host="hooks.example", error="tls"
        )
    await mia.sees("<b>curl asks for your feed too often")
    await mia.sees("could not be sent to hooks.example: its certificate is not valid")
