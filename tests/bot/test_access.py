"""Deny by default: who is let in, by what, and that nothing else happens to all others."""

from __future__ import annotations

import sqlalchemy as sa

from bot.router import PRIVATE_BOT
from storage import tables
from tests.support.harness import Harness, PumpedVisitor

ZOE = "zoe"
GROUP = -100500


async def rows(harness: Harness) -> dict[str, int]:
    """How many rows each table has."""
    found = {}
    async with harness.app.database.read() as db:
        for name, table in tables.metadata.tables.items():
            found[name] = (
                await db.execute(sa.select(sa.func.count()).select_from(table))
            ).scalar_one()
    return found


async def test_before_the_claim_a_stranger_is_told_how_to_claim(harness: Harness) -> None:
    zoe = harness.person(ZOE)
    zoe.say("hello")
    await zoe.sees("This bot has no owner yet")
    assert zoe.labels() == []
    assert harness.app.people.claim_code not in zoe.messages()[0]["text"]


async def test_a_stranger_gets_one_sentence_and_leaves_no_trace(harness: Harness) -> None:
    await harness.owner()
    before = await rows(harness)
    zoe = harness.person(ZOE)
    for act in (
        "hello",
        "/start",
        "/admin",
        "/start 0000000000",
        "/import https://instagram.com/p/C1abc/",
    ):
        zoe.say(act)
    zoe.send_file("cookies.txt", harness.sandbox.world.cookies_txt("zoe").encode())
    await zoe.until(lambda: len(zoe.messages()) == 6 or None, "six answers")
    assert {message["text"] for message in zoe.messages()} == {PRIVATE_BOT}
    assert await rows(harness) == before
    assert harness.sandbox.instagram.api_requests() == 0


async def test_a_strangers_tap_does_nothing(harness: Harness) -> None:
    await harness.owner()
    before = await rows(harness)
    zoe = harness.person(ZOE)
    zoe.say("hello")
    await zoe.sees("private bot")
    zoe.forge("v1:adm:people")
    assert await zoe.toast("private bot") == PRIVATE_BOT
    assert await rows(harness) == before


async def test_the_claim_code_makes_one_owner(harness: Harness) -> None:
    code = harness.app.people.claim_code
    zoe = harness.person(ZOE)
    zoe.say("/start wrong-code")
    await zoe.sees("no owner yet")
    mia = await harness.owner()
    assert code not in str(harness.telegram.history(mia.user_id))  # it has left the chat
    zoe.say(f"/start {code}")
    await zoe.sees("private bot")
    assert [user.role for user in await harness.app.people.everyone()] == ["owner"]


async def test_the_owner_gets_the_longer_menu_at_once(harness: Harness) -> None:
    mia = await harness.owner()

    def commands_of(visitor: PumpedVisitor) -> set[str]:
        return {one["command"] for one in harness.telegram.commands_for(visitor.user_id)}

    await mia.until(lambda: "admin" in commands_of(mia) or None, "/admin in the menu")
    leo = await harness.member()
    assert commands_of(leo) == commands_of(mia) - {"admin"}


async def test_an_invitation_lets_one_person_in_once(harness: Harness) -> None:
    mia = await harness.owner()
    (owner,) = await harness.app.people.everyone()
    code, _ = await harness.app.people.invite(owner)
    leo, zoe = harness.person("leo"), harness.person(ZOE)
    leo.say(f"/start {code}")
    await leo.sees("Hello Leo, this is Reelay")
    zoe.say(f"/start {code}")
    await zoe.sees("private bot")
    await mia.sees("👋 Leo has joined with your invitation.")
    assert {user.name: user.role for user in await harness.app.people.everyone()} == {
        "Mia": "owner",
        "Leo": "member",
    }


async def test_an_invitation_ends_after_a_day(harness: Harness) -> None:
    await harness.owner()
    (owner,) = await harness.app.people.everyone()
    late, _ = await harness.app.people.invite(owner)
    harness.clock.advance(hours=24)
    leo = harness.person("leo")
    leo.say(f"/start {late}")
    await leo.sees("private bot")
    assert len(await harness.app.people.everyone()) == 1


async def test_a_blocked_person_is_a_stranger_again(harness: Harness) -> None:
    await harness.owner()
    leo = await harness.member()
    people = harness.app.people
    owner, member = await people.everyone()
    await people.set_status(owner, member.id, "blocked")
    code, _ = await people.invite(owner)
    leo.say("/credits")
    await leo.sees("private bot")
    leo.say(f"/start {code}")  # a new invitation does not change that
    await leo.until(
        lambda: sum(m["text"] == PRIVATE_BOT for m in leo.messages()) == 2 or None, "no"
    )
    assert (await people.everyone())[1].status == "blocked"


async def test_a_group_only_hears_where_to_go(harness: Harness) -> None:
    mia = await harness.owner()
    harness.telegram.add_group(GROUP, "Team", [mia.user_id, harness.sandbox.users[ZOE]])
    before = await rows(harness)
    harness.telegram.say(harness.sandbox.users[ZOE], "/start", chat_id=GROUP)  # a stranger
    harness.telegram.say(mia.user_id, "/credits", chat_id=GROUP)

    def answers() -> list[dict[str, object]]:
        return [one for one in harness.telegram.history(GROUP) if one["from"]["is_bot"]]

    await mia.until(lambda: answers() or None, "an answer in the group")
    (answer,) = answers()
    assert answer["text"] == "Let's do that in private."
    (key,) = answer["reply_markup"]["inline_keyboard"][0]  # type: ignore[index]
    assert key["url"].startswith("https://t.me/reelay_sandbox_bot?start=")
    after = await rows(harness)
    assert after | {"updates": 0} == before | {"updates": 0}


async def test_the_deep_link_of_the_group_opens_the_menu(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/start menu")
    await mia.until(lambda: len(mia.messages()) == 2 or None, "the menu again")
    assert "this is Reelay" in mia.messages()[1]["text"]
