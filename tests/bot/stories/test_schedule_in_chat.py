"""The week's plan in the chat."""

from __future__ import annotations

from tests.bot.stories.studio import Studio


async def test_an_old_card_of_slots_takes_away_the_slot_that_it_names(studio: Studio) -> None:
    """Also tapped twice; and where that slot is gone, no other one."""
    mia, telegram = studio.mia, studio.harness.telegram
    mia.say("/schedule")
    await mia.tap("🕐 Slots")
    await mia.sees("None yet")
    mia.say("Mon 9:00 12:00")
    card = await mia.sees("Mon 09:00 · 12:00")
    (nine, _), *_ = card["reply_markup"]["inline_keyboard"]
    for _ in range(2):
        shown = telegram.messages.find(mia.user_id, card["message_id"])
        assert shown is not None
        shown["reply_markup"] = card["reply_markup"]  # as an app that is slow to draw has it
        telegram.tap(mia.user_id, card["message_id"], nine["callback_data"])
        await mia.answered()
    week = await studio.app.stories.planning.week(
        await studio.app.stories.accounts.one(mia.user_id)
    )
    assert [(slot.weekday, slot.minute) for slot in week.slots] == [(0, 12 * 60)]
