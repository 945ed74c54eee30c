"""Questions that are open in a chat: stored, ended by commands and by time, kept over restarts."""

from __future__ import annotations

from storage import flows
from tests.support.harness import Harness


async def test_an_answer_reaches_its_question_after_a_restart(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Time zone")
    await mia.sees("Choose one, or send its name")
    await harness.app.stop()
    mia.say("europe/madrid")  # while nobody is there
    await harness.start_bot()
    await mia.until(
        lambda: "🌍 Time zone · Europe/Madrid" in mia.labels(mia.messages()[-1]) or None,
        "the new zone",
    )


async def test_a_question_is_forgotten_after_half_an_hour(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Time zone")
    await mia.sees("Choose one")
    harness.clock.advance(minutes=31)
    mia.say("Europe/Madrid")
    await mia.sees("I see no link in that")
    (user,) = await harness.app.people.everyone()
    assert user.zone == "UTC"


async def test_a_command_ends_the_question(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Time zone")
    await mia.sees("Choose one")
    mia.say("/credits")
    await mia.sees("500 credits")
    mia.say("Europe/Madrid")
    await mia.sees("I see no link in that")


async def test_the_menu_button_ends_the_question(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/import")
    await mia.tap("Cancel")
    await mia.until(lambda: "this is Reelay" in mia.messages()[-1]["text"] or None, "the menu")
    async with harness.app.database.read() as db:
        assert await flows.current(db, mia.user_id, mia.user_id, harness.clock()) is None
