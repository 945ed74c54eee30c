"""/stories: what is queued, posted, failed; and how often each happens."""

from __future__ import annotations

from tests.bot.stories.studio import Studio


async def test_what_meta_refuses_is_listed_with_why_until_somebody_posts_it(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    await studio.connect()
    harness.sandbox.meta.fail_next(2207005)
    story_id = await studio.asked()
    await mia.tap("🚀 Post now")
    await mia.sees("You can undo it until then")
    await studio.goes_on(story_id, "by_hand")
    await mia.receives("beach.jpg")
    why = (await studio.story(story_id)).detail
    assert why
    mia.say("/stories")
    await mia.sees("(?s)Queue · 1 story.*waits for you, by hand ⚠️.*1 failed \\(100 %\\)")
    await mia.tap("Failed")
    shown = await mia.sees("(?s)Failed · 1 story.*beach.jpg.*⚠️ ")
    assert why[:60] in shown["text"]
    await mia.tap("1")
    await mia.tap("Not now")
    await mia.tap("⏭ Skip")
    card = await mia.sees("(?s)Skipped.*by Mia.*⚠️ ")
    assert "🗂 The file" in mia.labels(card)
    mia.say("/stories")
    await mia.tap("Failed")
    await mia.sees("(?s)Failed · 1 story.*skipped")
    await mia.tap("Skipped")
    await mia.sees("Skipped · 1 story")


async def test_by_hand_after_an_error_counts_as_a_fall_back(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    await studio.connect()
    harness.sandbox.meta.fail_next(2207005)
    story_id = await studio.asked()
    await mia.tap("🚀 Post now")
    await mia.sees("You can undo it until then")
    await studio.goes_on(story_id, "by_hand")
    await mia.sees("1. Save the file")
    mia.forge(f"v1:story:done:{story_id}")
    await mia.sees("Posted by hand")
    mia.say("/stories")
    await mia.tap("Failed")
    await mia.sees(
        "(?s)Failed · 0 stories.*Nothing has failed.*1 posted \\(0 % by the API\\)"
        ".*1 had to be by hand \\(100 %\\)"
    )
