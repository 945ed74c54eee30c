"""Stories of a team: the owner and an admin get the same cards, and the first tap decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage import people, story_items
from tests.bot.stories.studio import Studio
from tests.support.harness import PumpedVisitor


@pytest.fixture
async def leo(studio: Studio) -> PumpedVisitor:
    """An admin."""
    leo = await studio.harness.member()
    async with studio.app.database.write() as db:
        await people.change(db, leo.user_id, role="admin")
    return leo


def taps(card: dict[str, Any]) -> dict[str, str]:
    rows = card["reply_markup"]["inline_keyboard"]
    return {key["text"]: key["callback_data"] for row in rows for key in row}


async def test_both_are_asked_and_the_first_tap_wins(studio: Studio, leo: PumpedVisitor) -> None:
    """Also against a tap that the story's new state would allow."""
    mia, zoe = studio.mia, await studio.harness.member("zoe")
    story_id = await studio.asked()
    await mia.sees("shall it go out")
    old = taps(await leo.sees("shall it go out"))
    await mia.tap("🚀 Post now")
    await mia.sees("You can undo it until then")
    for late in ("⏭ Skip", "✋ By hand", "+1 h", "🚀 Post now"):
        leo.forge(old[late])
        await leo.answered()
        assert await leo.toast("Mia.* already approved it, ")
        await leo.sees("✅ Mia.*You can undo it until then")
        assert (await studio.story(story_id)).state == "held"
    await leo.tap("⏭ Skip")
    await leo.sees("Skipped")
    assert (await studio.story(story_id)).decided_by == leo.user_id, "that card knew of Mia's tap"
    assert "shall it go out" not in str(zoe.messages()), "a member has no part in it"


async def test_a_time_that_is_sent_too_late_says_who_was_first(
    studio: Studio, leo: PumpedVisitor
) -> None:
    await studio.asked()
    await leo.tap("🕐 Pick time")
    await leo.sees("When")
    await studio.mia.tap("⏭ Skip")
    await studio.mia.sees("Skipped")
    leo.say("tomorrow 9:00")
    await leo.sees("Mia.* already skipped it, .* Your time was not taken")


async def test_both_get_the_file_and_one_has_posted_it(studio: Studio, leo: PumpedVisitor) -> None:
    mia, harness = studio.mia, studio.harness
    story_id = await studio.asked()
    async with harness.app.database.write() as db:
        await story_items.change(db, (await studio.story(story_id)).item_id, interactive=True)
    await leo.tap("🚀 Post now")
    await leo.sees("You can undo it until then")
    harness.clock.advance(seconds=31)
    for visitor in (mia, leo):
        assert await visitor.receives("beach.jpg")
        await visitor.sees("1. Save the file")
    await leo.tap("✅ I posted it")
    await leo.sees("Posted by hand")
    await mia.tap("✅ I posted it")
    await mia.toast("Leo.* already posted it, ")
    assert (await studio.story(story_id)).decided_by == leo.user_id


async def test_who_takes_it_gets_the_file_alone(studio: Studio, leo: PumpedVisitor) -> None:
    await studio.asked()
    await leo.sees("shall it go out")
    await studio.mia.tap("✋ By hand")
    assert await studio.mia.receives("beach.jpg")
    await leo.tap("🚀 Post now")
    await leo.toast("Mia.* already took it by hand, ")
    assert not any("document" in message for message in leo.messages())


async def test_an_admin_works_at_the_teams_account(studio: Studio, leo: PumpedVisitor) -> None:
    """One place for the team, also if the admin is there first."""
    leo.say("/stories")
    await leo.sees("Queue · 0 stories")
    (place,) = await studio.app.stories.accounts.of_user(leo.user_id)
    assert place.user_id == studio.mia.user_id
    await studio.asked(due=timedelta(hours=3))
    leo.say("/stories")
    await leo.sees("(?s)Queue · 1 story.*beach.jpg")
