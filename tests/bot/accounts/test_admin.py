"""/admin in the chat: for those who lead, and nothing of it for anybody else."""

from __future__ import annotations

import re

import pytest

from storage import people
from storage.people import User
from tests.bot.seeds import seed_import, state_of
from tests.support.harness import Harness, PumpedVisitor


async def person(harness: Harness, name: str) -> User:
    return next(user for user in await harness.app.people.everyone() if user.name == name)


async def opens(mia: PumpedVisitor, *path: str) -> None:
    mia.say("/admin")
    await mia.sees("^Administration")
    for label in path:
        await mia.tap(label)


async def test_members_are_refused(harness: Harness) -> None:
    await harness.owner()
    leo = await harness.member()
    leo.say("/admin")
    await leo.sees("Only the owners of this bot can do that")
    taps = ("show", "people", "person:1001", "block:1001", "let_in:1001", "grant:1002-500-500")
    taps += (
        "grant_ask:1002",
        "invite",
        "invite_admin",
        "health",
        "stuck",
        "retry:1",
        "refund:1",
        "audit",
    )
    for tap in taps:
        leo.forge(f"v1:adm:{tap}")
        await leo.toast("Only the owners")
        harness.telegram._toasts.clear()
    leo.say("250")  # nor does a number reach the question that was not asked
    await leo.sees("I see no link")
    assert (await person(harness, "Leo")).credits == 500
    leo.say("/help")
    assert "/admin" not in (await leo.sees("What I can do"))["text"]


async def test_credits_are_granted_by_button_once_per_tap(harness: Harness) -> None:
    mia = await harness.owner()
    leo = await harness.member()
    await opens(mia, "People", "Leo · 500")
    card = await mia.sees("👤 Leo · @leo\nmember, active · 500 credits\nid 1002")
    (data,) = (
        key["callback_data"]
        for row in card["reply_markup"]["inline_keyboard"]
        for key in row
        if key["text"] == "+100"
    )
    for _ in range(2):  # a double tap: the second carries a balance that is not any more
        harness.telegram.tap(mia.user_id, card["message_id"], data)
    await mia.toast("Leo has 600 credits now")
    await mia.toast("have changed meanwhile")
    assert (await person(harness, "Leo")).credits == 600
    await leo.sees("You were given 100 credits. You have 600 now.")


def _refusals(mia: PumpedVisitor) -> int:
    return sum("Nothing was changed" in one["text"] for one in mia.messages())


async def test_credits_are_granted_by_number(harness: Harness) -> None:
    mia = await harness.owner()
    await harness.member()
    await opens(mia, "People", "Leo · 500", "other…")
    await mia.sees("How many credits for Leo")
    for refused, wrong in enumerate(("a lot", "-5", "1.5e3", "٣", "0", "99999999"), start=1):
        mia.say(wrong)
        await mia.until(lambda n=refused: _refusals(mia) >= n or None, "a refusal")
    assert (await person(harness, "Leo")).credits == 500
    mia.say("1,250")
    await mia.sees("1,750 credits")
    assert (await person(harness, "Leo")).credits == 1750
    mia.say("1,250")  # the question was answered
    await mia.sees("I see no link")
    assert (await person(harness, "Leo")).credits == 1750


async def test_a_person_is_blocked_and_let_in_again(harness: Harness) -> None:
    mia = await harness.owner()
    leo = await harness.member()
    await opens(mia, "People", "Leo · 500", "⛔ Block")
    await mia.sees("⛔ Leo · @leo\nmember, blocked")
    leo.say("/help")
    await leo.sees("private bot")
    await mia.tap("Let in again")
    await mia.sees("member, active")
    leo.say("/help")
    await leo.sees("What I can do")


async def test_the_owner_can_not_be_blocked(harness: Harness) -> None:
    mia = await harness.owner()
    await opens(mia, "People", "Mia · 500")
    await mia.sees("owner, active")
    assert "⛔ Block" not in mia.labels()
    mia.forge(f"v1:adm:block:{mia.user_id}")
    await mia.toast("not yours to change")
    assert (await person(harness, "Mia")).status == "active"


async def test_an_invitation_is_a_link_for_one_person(harness: Harness) -> None:
    mia = await harness.owner()
    await opens(mia, "Invite")
    card = await mia.sees("Send this link to one person. It works once, until")
    link = re.search(r"https://t\.me/reelay_sandbox_bot\?start=([\w-]+)", card["text"])
    assert link is not None
    assert mia.labels(card) == ["📋 Copy link", "⭐ Invite an admin instead", "‹ Admin"]
    leo = harness.person("leo")
    leo.say(f"/start {link[1]}")
    await leo.sees("this is Reelay")
    assert (await person(harness, "Leo")).role == "member"


async def test_the_owner_invites_an_admin(harness: Harness) -> None:
    mia = await harness.owner()
    await opens(mia, "Invite", "Invite an admin")
    card = await mia.sees("who becomes an admin")
    link = re.search(r"start=([\w-]+)", card["text"])
    assert link is not None
    leo = harness.person("leo")
    leo.say(f"/start {link[1]}")
    await leo.sees("this is Reelay")
    assert (await person(harness, "Leo")).role == "admin"
    await opens(leo, "Invite")
    assert "⭐ Invite an admin instead" not in leo.labels(await leo.sees("Send this link"))
    leo.forge("v1:adm:invite_admin")
    await leo.toast("not yours to change")


async def test_health_is_shown_as_it_is(harness: Harness) -> None:
    mia = await harness.owner()
    await opens(mia, "Health")
    card = await mia.sees("🟢 The database answers")
    assert "loops are running" in card["text"]
    harness.clock.advance(minutes=10)  # no loop has beaten since
    await mia.tap("Refresh")
    await mia.sees("🔴 Loops that have stopped")


async def test_many_people_have_pages(harness: Harness) -> None:
    mia = await harness.owner()
    async with harness.app.database.write() as db:
        for number in range(9):
            await people.add(
                db,
                5000 + number,
                name=f"Person {number}",
                username=None,
                locale="en",
                role="member",
                now=harness.clock(),
            )
    await opens(mia, "People")
    await mia.sees("10 people")
    assert "👤 Person 8 · 0" not in mia.labels()
    await mia.tap("More ›")
    await mia.until(lambda: "👤 Person 8 · 0" in mia.labels() or None, "the second page")
    assert "‹ Back" in mia.labels()


@pytest.mark.parametrize(
    ("label", "state"), [("🔁 Retry", "running"), ("Stop and refund", "cancelled")]
)
async def test_a_stuck_import_is_retried_or_refunded(
    harness: Harness, label: str, state: str
) -> None:
    mia = await harness.owner()
    leo = await harness.member()
    account = await harness.connect(leo, "leo")
    import_id = await seed_import(harness, leo, account, state="paused", reason="upstream", items=3)
    await opens(mia, "Stuck imports")
    await mia.sees("No import is stuck")
    harness.clock.advance(minutes=20)
    await opens(mia, "Stuck imports")
    await mia.sees("Reels ideas of @leo: paused \\(upstream\\) since")
    await mia.tap(label)
    await mia.toast("Done.")
    await mia.sees("No import is stuck")
    assert await state_of(harness, import_id) in (state, "waiting", "done", "failed", "paused")
    assert (await state_of(harness, import_id) == "cancelled") == (state == "cancelled")
    mia.say("/admin")
    await mia.tap("Audit log")
    word = "retried" if state == "running" else "stopped and refunded"
    await mia.sees(f"{mia.user_id} {word} import {import_id}")


async def test_the_audit_log_has_pages(harness: Harness) -> None:
    mia = await harness.owner()
    owner = await person(harness, "Mia")
    for amount in range(1, 9):
        await harness.app.people.grant(owner, owner.id, amount)
    await opens(mia, "Audit log")
    newest = await mia.sees("granted 8 credits to 1001")
    assert "claimed" not in newest["text"]
    await mia.tap("Older ›")
    await mia.sees("1001 claimed the bot")
    assert mia.labels() == ["‹ Newer", "‹ Admin"]
