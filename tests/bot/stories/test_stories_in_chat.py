"""Stories as a person meets them: a photo comes in, is asked about, goes out, or is posted by hand.

Against the stand-ins of Telegram, Meta and Cloudinary.
"""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image

from sandbox.graph import Call
from storage import people, story_items
from tests.bot.seeds import seed_post
from tests.bot.stories.studio import Studio, picture

# ---------------------------------------------------------------- a file comes in


async def test_a_photo_becomes_a_story_file_with_before_and_after(studio: Studio) -> None:
    """The real media process; a second time the very same file is known at once."""
    mia = studio.mia
    mia.say("/newstory")
    await mia.sees("Send a photo or a video")
    content = picture()
    studio.harness.telegram.send_file(
        mia.user_id, "beach.png", content, "image/jpeg", caption="Sun & sea"
    )
    await mia.sees("fitting it to a story")
    card = await mia.sees("(?s)✅ redrawn as JPEG.*Sun & sea")
    assert "photo" in card
    assert "🚀 Post now" in mia.labels(card)
    await mia.until(
        lambda: all("fitting" not in one.get("text", "") for one in mia.messages()) or None,
        "the end of the first message",
    )
    studio.harness.telegram.send_file(mia.user_id, "again.jpg", content, "image/jpeg")
    await mia.sees("This very file is in the library already, never used")


async def test_what_is_too_large_for_a_bot_is_said_before_it_is_fetched(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia = studio.mia
    monkeypatch.setattr("bot.stories.items.FETCH", 1000)
    studio.harness.telegram.send_file(mia.user_id, "film.mp4", b"x" * 2000, "video/mp4")
    await mia.sees("(?s)more than the 20 MB.*library/<category>/")
    assert "getFile" not in {call.method for call in studio.harness.telegram.calls}


async def test_a_file_that_telegram_does_not_give_leaves_nothing(studio: Studio) -> None:
    mia = studio.mia
    studio.harness.telegram.fail("getFile", code=400, description="Bad Request: file is too big")
    studio.harness.telegram.send_file(mia.user_id, "a.jpg", picture(), "image/jpeg", as_photo=True)
    await mia.sees("20 MB are the most")
    async with studio.app.database.read() as db:
        assert await story_items.arriving(db, studio.harness.clock() + timedelta(days=1)) == []


async def test_an_imported_post_becomes_a_story_file(studio: Studio) -> None:
    """A copy: the post may be deleted. It can't be fitted here, and says why."""
    mia = studio.mia
    await seed_post(studio.harness, mia, "p", ("image", {}), content=b"no picture", author="ann")
    mia.say("/library")
    await mia.tap("1")
    await mia.tap("📸 Story")
    await mia.sees("ann .* fitting it to a story")
    card = await mia.sees("It can't become a story: it is neither a photo nor a video")
    assert "🚀 Post now" not in mia.labels(card)


async def test_flags_and_locks_and_removal(studio: Studio) -> None:
    mia = studio.mia
    item_id = await studio.item(note="old <note>")
    mia.say("/stories")
    await mia.tap("🗃 Library")
    await mia.sees("Story library · Mia · 1 file\n1 🖼 beach.jpg")
    await mia.tap("1")
    await mia.sees("no category: goes out only when you tap")
    await mia.tap("🔗 Needs hand")
    await mia.sees("needs links, tags or stickers: by hand")
    await mia.tap("🏷 Category")
    await mia.sees("Choose one, or send a new name")
    mia.say("Promo")
    await mia.sees("🏷 Promo")
    await mia.tap("🔒 Lock")
    await mia.tap("30 days")
    await mia.sees("🔒 rests until")
    await mia.tap("✏️ Note")
    await mia.sees("(?s)Send the caption.*old <note>")
    mia.say("new note")
    await mia.sees("new note")
    assert "🚀 Post now" not in mia.labels()
    mia.forge(f"v1:item:now:{item_id}")
    await mia.sees("This file is locked")
    mia.forge(f"v1:item:open:{item_id}")
    await mia.tap("🔓 Unlock")
    await mia.until(lambda: "🚀 Post now" in mia.labels() or None, "what it may do now")
    mia.forge(f"v1:item:delete:{item_id}")
    await mia.sees("beach.jpg is out of the library")
    await mia.tap("↩️ Undo")
    await mia.toast("It is back")


# ---------------------------------------------------------------- the question


async def test_the_question_has_its_preflight_and_the_first_tap_decides(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    await studio.connect()
    story_id = await studio.asked(note="Caption <1>")
    card = await mia.sees(
        "(?s)shall it go out.*✅ Reelay can post it by itself\n✅ file to Meta's spec.*log-in"
        ".*✅ public address fetched back\n✅ \\d+ of \\d+ posts left.*✅ not posted before"
        ".*Caption <1>"
    )
    assert "photo" in card
    assert harness.sandbox.cloudinary.assets == (), "the copy for the look is gone again"
    await mia.tap("⏭ Skip")
    skipped = await mia.sees("Skipped")
    assert skipped["message_id"] == card["message_id"], "in place"
    assert "Mia" in skipped["caption"]
    leo = await harness.member()
    async with harness.app.database.write() as db:
        await people.change(db, leo.user_id, role="admin")
    leo.forge(f"v1:story:now:{story_id}")
    assert await leo.toast("Mia.* already skipped it, ")
    assert (await studio.story(story_id)).state == "skipped"


async def test_approved_is_undone_for_half_a_minute_also_after_a_restart(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    story_id = await studio.asked()
    await mia.tap("🚀 Post now")
    await mia.sees("You can undo it until then")
    await harness.app.stop()
    await harness.start_bot()
    studio.app = harness.app
    await mia.tap("↩️ Undo")
    await mia.sees("shall it go out")
    await mia.tap("🚀 Post now")
    await mia.answered()
    harness.clock.advance(seconds=31)
    await mia.tap("↩️ Undo")
    await mia.toast("already")
    await harness.turn()
    assert (await studio.story(story_id)).state == "by_hand", "no account is connected at Meta"


async def test_another_time_is_written_or_tapped(studio: Studio) -> None:
    mia = studio.mia
    story_id = await studio.asked()
    due = (await studio.story(story_id)).due_at
    await mia.tap("+1 h")
    await mia.answered()
    assert (await studio.story(story_id)).due_at == due + timedelta(hours=1)
    await mia.tap("Tomorrow")
    await mia.answered()
    assert (await studio.story(story_id)).due_at == due + timedelta(hours=25)
    await mia.tap("🕐 Pick time")
    await mia.sees("When\\? Send a time")
    mia.say("gestern")
    await mia.sees("I can't read that as a time")
    mia.say("tomorrow 9:30")
    await mia.sees("Due .* 09:30")
    found = await studio.story(story_id)
    assert (found.state, found.due_at.hour, found.due_at.minute) == ("scheduled", 9, 30)


async def test_by_hand_comes_as_a_file_with_the_steps_and_a_block(studio: Studio) -> None:
    mia = studio.mia
    story_id = await studio.asked(note="Caption & tags", interactive=True)
    await mia.tap("✋ By hand")
    content = await mia.receives("beach.jpg")
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (1080, 1920)
    card = await mia.sees("(?s)1. Save the file.*Add the links, tags or stickers.*Caption & tags")
    assert any(one["type"] == "pre" for one in card["entities"]), card["text"]
    await mia.tap("Not now")
    await mia.sees("When shall I hand it to you again")
    mia.forge(f"v1:story:done:{story_id}")
    await mia.sees("Posted by hand")
    mia.say("/stories")
    await mia.tap("Posted")
    await mia.sees("(?s)Posted · 1 story.*by hand · Mia")
    await mia.tap("📤 CSV")
    assert b"manual,Mia" in await mia.receives("stories.csv")


async def test_the_owner_of_the_file_posts_it_by_the_api(studio: Studio) -> None:
    """From the tap to live, through Cloudinary's and Meta's stand-ins."""
    mia, harness = studio.mia, studio.harness
    await studio.connect()
    story_id = await studio.asked()
    await mia.tap("🚀 Post now")
    await mia.sees("You can undo it until then")

    await studio.goes_on(story_id, "published")
    card = await mia.sees("Live .*\nbeach.jpg · @mia\nby the API · approved by Mia")
    await mia.until(lambda: "↩️ Undo" not in str(mia.messages()) or None, "the question's end")
    assert "📜 History" in mia.labels(card)
    await mia.tap("📜 History")
    await mia.sees("(?s)approved by Mia.*uploaded to Meta.*live")
    assert len(harness.sandbox.meta.published) == 1


async def test_a_story_that_waits_is_said_in_place_of_what_was_promised(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    await studio.connect()
    item_id = await studio.item()
    harness.sandbox.meta.bad_days.switch("meta-quota", True)
    mia.forge(f"v1:item:now:{item_id}")
    await mia.sees("Goes out in half a minute")
    harness.clock.advance(seconds=31)
    await harness.turn()
    card = await mia.sees("(?s)Waits until .*no more posts of this account")
    assert "✋ By hand" in mia.labels(card)
    await mia.until(lambda: "half a minute" not in str(mia.messages()) or None, "the promise's end")
    harness.sandbox.meta.bad_days.switch("meta-quota", False)
    await studio.goes_on((await studio.only()).id, "published")
    await mia.sees("Live ")
    await mia.until(lambda: "Waits until" not in str(mia.messages()) or None, "the wait's end")


# ---------------------------------------------------------------- the plan


async def test_the_week_is_made_of_slots_and_categories(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    mia.say("/schedule")
    await mia.sees("(?s)The next 7 days.*There are no slots yet")
    await mia.tap("🏷 Categories")
    mia.say("Promo")
    await mia.sees("Promo: 100 % of the slots, asks first")
    await mia.tap("🏷 Promo")
    await mia.tap("Automatic")
    await mia.until(lambda: "• Automatic" in mia.labels() or None, "the mode")
    await mia.tap("‹ Categories")
    await mia.sees("Promo: 100 % of the slots, automatic")
    await mia.tap("‹ Schedule")
    await mia.tap("🕐 Slots")
    mia.say("daily 9:00 and 18:30")
    await mia.sees("Mon 09:00 · 18:30")
    mia.say("someday")
    await mia.sees("I can't read that as slots")
    mia.say("daily 25:00")
    await mia.sees("(?s)A day has no 25:00.*Send slots as")
    mia.say("/schedule")
    await mia.sees("(?s)09:00 18:30 · ⚠️ nothing left.*⚠️ Promo: nothing left · automatic")
    await mia.tap("⚙️ More")
    await mia.tap("🌍 Time zone")
    mia.say("Europe/Berlin")
    await mia.sees("Time zone|API")
    await mia.tap("🔒 Files rest")
    await mia.tap("7")
    await mia.sees_button("Files rest · 7 days")
    await mia.tap("‹ Schedule")
    await mia.sees("Europe/Berlin")
    await mia.tap("🚫 Days off")
    mia.say("24 Dec - 2 Jan")
    await mia.sees("24 Dec 20\\d\\d – 2 Jan 20\\d\\d")
    await harness.tick("story runway")
    await mia.sees("Little is left to post\nPromo: lasts less than a day")


# ---------------------------------------------------------------- Meta


async def test_a_token_is_read_and_leaves_the_chat(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    mia.say("/connect")
    await mia.tap("📸 Meta: stories, insights")
    await mia.sees("No account is connected")
    token = harness.sandbox.meta.instagram_token("mia")
    mia.say(token)
    await mia.sees("(?s)Connected at Meta\n@mia · Instagram · Business.*deleted from this chat")
    assert token not in str(harness.telegram.history(mia.user_id))
    assert (await studio.app.stories.accounts.one(mia.user_id)).name == "@mia"
    await mia.tap("‹ Meta")
    await mia.tap("@mia")
    await mia.sees("Posts by the API within 24 hours: 0 of \\d+")
    await mia.tap("🗑 Forget…")
    await mia.tap("Forget it")
    await mia.sees("Its tokens are deleted")
    mia.say("IG" + "x" * 60)
    await mia.sees("(?s)❌ .*Nothing was stored. Your message was deleted")


async def test_a_creator_is_told_and_posts_by_hand(studio: Studio) -> None:
    mia = studio.mia
    mia.say(studio.harness.sandbox.meta.instagram_token("leo"))
    await mia.sees("Meta lets only Business accounts publish stories by the API")
    story_id = await studio.asked()
    await mia.sees("⚠️ by hand: Meta lets only Business accounts")
    await mia.tap("🚀 Post now")
    await mia.sees("You can undo it until then")
    studio.harness.clock.advance(seconds=31)
    await mia.receives("beach.jpg")
    await mia.sees("(?s)By hand .*Meta lets only Business accounts.*1. Save the file")
    assert (await studio.story(story_id)).state == "by_hand"
    assert studio.harness.sandbox.meta.requests.count(Call.CREATE) == 0, "Meta was not even asked"


async def test_the_way_by_metas_page_comes_back_once(studio: Studio) -> None:
    mia, harness = studio.mia, studio.harness
    mia.say("/connect")
    await mia.tap("📸 Meta: stories, insights")
    await mia.tap("Log in by Instagram")
    card = await mia.sees("The link is good for one time")
    link = card["reply_markup"]["inline_keyboard"][0][0]["url"]
    form = {"person": "mia", "answer": "allow"}
    back = (await harness.app.ground.http.post(link, data=form)).headers["Location"]
    page = await harness.app.ground.http.get(back)
    assert (page.status_code, "@mia" in page.text) == (200, True)
    await mia.sees(
        "Connected at Meta\n@mia · Instagram · Business\n✅ .*\nIt may publish and read insights"
    )
    again = await harness.app.ground.http.get(back)
    assert again.status_code == 400
    assert "used already" in again.text


@pytest.mark.parametrize("alive", [True, False])
async def test_a_token_of_the_environment_connects_the_owner_once(
    studio: Studio, alive: bool
) -> None:
    mia, harness = studio.mia, studio.harness
    token = harness.sandbox.meta.instagram_token("mia")
    if not alive:
        harness.sandbox.meta.revoke("mia")
    await harness.app.stop()
    harness._settings["META_ACCESS_TOKEN"] = token
    await harness.start_bot()
    await harness.tick("log-in from the environment")
    accounts = await harness.app.meta.logins.of_user(mia.user_id)
    assert [one.username for one in accounts] == (["mia"] if alive else [])
    asked = len(harness.sandbox.meta.requests)
    assert asked
    await harness.tick("log-in from the environment")
    assert len(harness.sandbox.meta.requests) == asked, "once, not with each tick"
