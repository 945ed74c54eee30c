"""The chat page in a real browser: Mia at the screen, a bot on the other side."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, FilePayload, Page, Route, expect

from sandbox.telegram import Telegram
from tests.sandbox.chat.conftest import LEO, MIA, Bot, Offers
from tests.sandbox.chat.pictures import jpeg

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>"
KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Pause", "callback_data": "pause"}, {"text": "Cancel", "callback_data": "stop"}],
        [{"text": "Guide", "url": "https://example.com/guide"}],
        [{"text": "Copy link", "copy_text": {"text": "https://feed.example/x"}}],
    ]
}


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, address: str, telegram: Telegram) -> AsyncIterator[Page]:
    """The page as Mia sees it after she pressed Start some time ago."""
    telegram.say(MIA, "/start")
    page = await context.new_page()
    await open_chat(page, address)
    yield page


async def open_chat(page: Page, address: str) -> None:
    await page.goto(address)
    await page.wait_for_selector("body[data-ready]")


def payload(name: str, mime: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": data}


async def test_an_empty_chat_offers_start(
    context: BrowserContext, address: str, telegram: Telegram, bot: Bot
) -> None:
    await bot.call("setMyDescription", description="Runs your Instagram from one chat.")
    page = await context.new_page()
    await open_chat(page, address)
    await expect(page.locator("#banner")).to_contain_text("This is the sandbox")
    await expect(page.locator("#welcome")).to_contain_text("Runs your Instagram from one chat.")

    await page.get_by_role("button", name="Start", exact=True).click()

    await expect(page.locator(".row.mine")).to_contain_text("/start")
    await expect(page.locator("#welcome")).to_be_hidden()
    assert [message["text"] for message in telegram.history(MIA)] == ["/start"]


async def test_enter_sends_and_shift_enter_makes_a_line(page: Page, telegram: Telegram) -> None:
    box = page.get_by_label("Message", exact=True)
    await box.fill("first")
    await box.press("Shift+Enter")
    await box.type("second")
    await box.press("Enter")
    await expect(page.locator(".row.mine").last).to_contain_text("second")
    await expect(box).to_have_value("")
    assert telegram.history(MIA)[-1]["text"] == "first\nsecond"


async def test_entities_become_elements_at_their_utf16_places(page: Page, bot: Bot) -> None:
    await bot.send(
        "😀 <b>bold <i>both</i></b> <code>7f3a</code> <tg-spoiler>hidden</tg-spoiler>"
        ' <a href="https://example.com/a?b=1&amp;c=2">link</a> https://example.org/x\n'
        '<pre><code class="language-python">x = 1</code></pre>\n'
        "<blockquote>quoted</blockquote>end"
    )
    text = page.locator(".row.theirs .text")
    await expect(text.locator("strong")).to_have_text("bold both")
    await expect(text.locator("strong > em")).to_have_text("both")
    await expect(text.locator("code[role=button]")).to_have_text("7f3a")
    await expect(text.locator("a").first).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    await expect(text.locator("a").last).to_have_attribute("href", "https://example.org/x")
    await expect(text.locator("pre")).to_have_text("x = 1")
    await expect(text.locator(".code-top")).to_have_text("python")
    await expect(text.locator("blockquote")).to_have_text("quoted")
    spoiler = text.locator(".spoiler")
    await expect(spoiler).to_have_class(re.compile("hidden-text"))
    await spoiler.click()
    await expect(spoiler).not_to_have_class(re.compile("hidden-text"))


async def test_hostile_text_stays_text(
    page: Page, bot: Bot, telegram: Telegram, address: str
) -> None:
    escaped = HOSTILE.replace("<", "&lt;")
    markup = {"inline_keyboard": [[{"text": HOSTILE, "callback_data": "x"}]]}
    await bot.send(f"<b>{escaped}</b>", reply_markup=markup)
    telegram.send_file(MIA, f"{HOSTILE}.txt", b"x", "text/plain", caption=HOSTILE)
    commands = [{"command": "import", "description": HOSTILE}]
    await bot.call("setMyCommands", commands=commands)

    await expect(page.locator(".text strong")).to_have_text(HOSTILE)
    await expect(page.locator(".key")).to_have_text(HOSTILE)
    await expect(page.locator(".file-name").last).to_contain_text("onerror")
    await page.get_by_label("Message", exact=True).fill("/")
    await expect(page.locator(".option span").first).to_have_text(HOSTILE)
    assert await page.locator("#rows script, #rows img, #commands img").count() == 0
    assert await page.title() == "Reelay · sandbox"


async def test_a_link_that_is_no_link_cannot_be_pressed(page: Page, bot: Bot) -> None:
    """The stand-in refuses such addresses, as Telegram does; the page does not rely on it."""
    await bot.send("safe")
    await expect(page.locator(".row.theirs")).to_have_count(1)
    hrefs = await page.evaluate(
        """async () => {
          const { link } = await import("./page/links.js");
          const actions = { botName: () => "bot" };
          const addresses = ["javascript:alert(1)", "data:text/html,x", "file:///etc", "nonsense"];
          return addresses.map((address) => link(address, actions).tagName);
        }"""
    )
    assert hrefs == ["SPAN"] * 4


async def test_a_tap_waits_for_its_answer_and_shows_it(page: Page, bot: Bot) -> None:
    await bot.next_update()  # /start
    await bot.send("Importing", reply_markup=KEYBOARD)
    pause = page.get_by_role("button", name="Pause")
    await pause.click()
    await expect(pause).to_have_attribute("aria-busy", "true")

    query = (await bot.next_update())["callback_query"]
    answer = "Pausing after this post"
    await bot.call("answerCallbackQuery", callback_query_id=query["id"], text=answer)

    assert query["data"] == "pause"
    await expect(page.get_by_role("status")).to_contain_text(answer)
    await expect(pause).not_to_have_attribute("aria-busy", "true")


async def test_an_alert_waits_until_it_is_closed(page: Page, bot: Bot) -> None:
    await bot.next_update()
    await bot.send("Importing", reply_markup=KEYBOARD)
    await page.get_by_role("button", name="Cancel").click()
    query = (await bot.next_update())["callback_query"]["id"]
    await bot.call("answerCallbackQuery", callback_query_id=query, text="Really?", show_alert=True)
    await expect(page.get_by_role("dialog")).to_contain_text("Really?")
    await page.get_by_role("button", name="OK", exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_a_tap_on_a_button_that_is_gone_says_so(
    page: Page, bot: Bot, telegram: Telegram
) -> None:
    message_id = await bot.send("Importing", reply_markup=KEYBOARD)
    pause = page.get_by_role("button", name="Pause")
    await expect(pause).to_be_visible()
    telegram.messages.delete(MIA, message_id)  # without telling the page
    async with page.expect_response("**/api/tap") as tapped:
        await pause.click()
    assert (await tapped.value).status == 404
    await expect(page.get_by_role("alert")).to_contain_text("no longer there")
    await expect(pause).not_to_have_attribute("aria-busy", "true")


async def test_link_and_copy_buttons(
    context: BrowserContext, page: Page, bot: Bot, address: str
) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    await bot.send("Feed", reply_markup=KEYBOARD)
    guide = page.get_by_role("link", name="Guide")
    await expect(guide).to_have_attribute("href", "https://example.com/guide")
    await expect(guide).to_have_attribute("rel", "noopener noreferrer")
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("status")).to_contain_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "https://feed.example/x"


async def test_an_edit_changes_the_bubble_in_place(page: Page, bot: Bot) -> None:
    first = await bot.send("1/120", reply_markup=KEYBOARD)
    await bot.send("later")
    bubble = page.locator(f'.row[data-id="{first}"]')
    await expect(bubble).to_contain_text("1/120")
    button = bubble.get_by_role("button", name="Pause")
    await button.evaluate("button => { button.mark = 'same node'; }")

    edit = {"chat_id": MIA, "message_id": first, "reply_markup": KEYBOARD}
    await bot.call("editMessageText", text="60/120", **edit)

    await expect(bubble.locator(".text")).to_have_text("60/120")
    await expect(bubble.locator(".meta")).to_contain_text("edited")
    # A press that began before the edit must not be lost with its button.
    assert await button.evaluate("button => button.mark") == "same node"
    await expect(page.locator(".row.theirs")).to_have_count(2)

    await bot.call("editMessageText", chat_id=MIA, message_id=first, text="Done")
    await expect(bubble.locator(".text")).to_have_text("Done")
    await expect(bubble.locator(".key")).to_have_count(0)


async def test_a_deleted_message_goes_away(page: Page, bot: Bot, telegram: Telegram) -> None:
    secret = telegram.send_file(MIA, "cookies.txt", b"x", "text/plain")
    row = page.locator(f'.row[data-id="{secret}"]')
    await expect(row).to_be_visible()
    await bot.call("deleteMessage", chat_id=MIA, message_id=secret)
    await expect(row).to_have_count(0)


async def test_the_newest_message_stays_in_view_unless_one_reads_above(
    page: Page, bot: Bot
) -> None:
    for number in range(12):
        await bot.send(f"{number}\n\n\n\nend")
    await expect(page.locator(".row.theirs").last).to_be_in_viewport()

    await page.locator("#feed").evaluate("feed => { feed.scrollTop = 0; }")
    await expect(page.locator("#jump")).to_be_visible()
    await bot.send("unseen")
    await expect(page.locator("#jump-badge")).to_have_text("1")
    await expect(page.locator(".row").first).to_be_in_viewport()

    await page.locator("#jump").click()
    await expect(page.locator(".row.theirs").last).to_be_in_viewport()
    await expect(page.locator("#jump")).to_be_hidden()


async def test_a_ringing_message_is_marked_and_a_silent_one_is_not(page: Page, bot: Bot) -> None:
    progress = await bot.send("Importing", disable_notification=True)
    result = await bot.send("Done: 108 saved")
    ringing = re.compile("ringing")
    await expect(page.locator(f'.row[data-id="{result}"]')).to_have_class(ringing)
    await expect(page.locator(f'.row[data-id="{progress}"]')).not_to_have_class(ringing)
    await expect(page.locator("#announcer")).to_have_text("Done: 108 saved")


async def test_the_bot_is_seen_typing_until_it_has_written(page: Page, bot: Bot) -> None:
    await bot.call("sendChatAction", chat_id=MIA, action="typing")
    await expect(page.locator("#bot-state")).to_have_text("typing…")
    await bot.send("here")
    await expect(page.locator("#bot-state")).to_have_text("bot")


async def test_files_are_prepared_and_sent_with_a_caption(
    page: Page, telegram: Telegram, address: str
) -> None:
    photo = payload("morning.jpg", "image/jpeg", jpeg())
    await page.locator("#photo-input").set_input_files(photo)
    text = payload("cookies.txt", "text/plain", b"# Netscape\n")
    await page.locator("#file-input").set_input_files(text)
    await expect(page.locator("#tray li")).to_have_count(2)

    box = page.get_by_label("Message", exact=True)
    await box.fill("two things")
    await box.press("Enter")

    await expect(page.locator(".row.mine .photo img")).to_be_visible()
    document = page.locator(".row.mine .document")
    await expect(document).to_contain_text("cookies.txt")
    await expect(document).to_contain_text("11 B")
    await expect(page.locator("#tray")).to_be_hidden()
    assert telegram.history(MIA)[1]["caption"] == "two things"
    async with page.expect_download() as download:
        await document.click()
    assert (await download.value).suggested_filename == "cookies.txt"


async def test_dropped_files_are_prepared(page: Page) -> None:
    await page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["x"], "dropped.txt", { type: "text/plain" }));
          for (const kind of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true }));
          }
        }"""
    )
    await expect(page.locator("#tray li")).to_contain_text("dropped.txt")
    await page.get_by_label("Remove dropped.txt").click()
    await expect(page.locator("#tray")).to_be_hidden()


async def test_an_album_is_one_bubble_and_opens_large(page: Page, bot: Bot) -> None:
    media = [{"type": "photo", "media": f"attach://p{number}"} for number in range(3)]
    media[0]["caption"] = "Three of a carousel"
    files = {f"p{number}": jpeg(colour=f"#{number}0a0f0") for number in range(3)}
    await bot.call("sendMediaGroup", chat_id=MIA, media=media, **files)

    album = page.locator(".row.theirs")
    await expect(album).to_have_count(1)
    await expect(album.locator(".album > *")).to_have_count(3)
    await expect(album).to_contain_text("Three of a carousel")
    loaded = "() => [...document.querySelectorAll('.album img')].every(i => i.naturalWidth === 320)"
    await page.wait_for_function(loaded)

    await album.locator(".photo").last.click()
    await expect(page.locator("#lightbox img")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#lightbox")).to_be_hidden()


async def test_a_file_that_cannot_be_shown_says_so(page: Page, bot: Bot) -> None:
    await bot.call("sendVideo", chat_id=MIA, video=b"no film at all")
    await expect(page.locator(".film")).to_have_text("This file cannot be shown")


async def test_commands_are_filtered_and_chosen_with_the_keyboard(
    page: Page, bot: Bot, telegram: Telegram
) -> None:
    names = ["import", "insights", "jobs"]
    commands = [{"command": name, "description": f"about {name}"} for name in names]
    await bot.call("setMyCommands", commands=commands)
    box = page.get_by_label("Message", exact=True)
    options = page.get_by_role("option")

    await page.get_by_role("button", name="Menu of commands").click()
    await expect(options).to_have_count(3)
    await page.keyboard.press("Escape")
    await expect(options).to_have_count(0)

    await box.fill("/in")
    await expect(options).to_have_text(["/insightsabout insights"])
    await box.fill("/i")
    await expect(options).to_have_count(2)
    await box.press("ArrowDown")
    await box.press("Enter")
    await expect(page.locator(".row.mine").last).to_contain_text("/insights")
    assert telegram.history(MIA)[-1]["text"] == "/insights"


async def test_the_side_panel_offers_links_samples_and_bad_days(
    page: Page, telegram: Telegram, offers: Offers
) -> None:
    panel = page.get_by_label("Try this", exact=True)
    await panel.get_by_role("button", name="Reels ideas").click()
    box = page.get_by_label("Message", exact=True)
    await expect(box).to_have_value("https://www.instagram.com/mia/saved/ideas/179/")

    await panel.get_by_role("button", name="Mia's cookies").click()
    await expect(page.locator(".row.mine .document")).to_contain_text("cookies.txt")

    page_of_live = panel.get_by_role("link", name="What is live")
    await expect(page_of_live).to_have_attribute("href", "http://127.0.0.1:9/live")
    await expect(page_of_live).to_have_attribute("target", "_blank")

    switch = panel.get_by_role("switch", name="Cookies die")
    async with page.expect_response("**/api/bad-days"):
        await switch.click()
    await expect(panel.get_by_role("switch", name="Cookies die")).to_be_checked()
    assert [day.on for day in offers.days] == [False, True]


async def test_the_paper_clip_offers_the_samples_too(page: Page) -> None:
    await page.get_by_role("button", name="Attach a file").click()
    await page.locator("#attach-menu").get_by_role("button", name="Mia's cookies").click()
    await expect(page.locator(".row.mine .document")).to_contain_text("cookies.txt")
    await expect(page.locator("#attach-menu")).to_be_hidden()


async def test_one_can_be_somebody_else_and_stay_it(page: Page, telegram: Telegram) -> None:
    await page.get_by_role("radio", name="Leo").check()
    await expect(page.locator("#welcome")).to_be_visible()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".row.mine")).to_have_count(1)
    assert len(telegram.history(LEO)) == 1
    await page.reload()
    await expect(page.get_by_role("radio", name="Leo")).to_be_checked()


async def test_an_invitation_can_be_opened_as_somebody_else(
    page: Page, bot: Bot, telegram: Telegram
) -> None:
    await bot.send("Invite with https://t.me/reelay_sandbox_bot?start=inv-7")
    await page.get_by_role("link", name="t.me/reelay_sandbox_bot").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leo").click()
    await expect(page.locator(".row.mine")).to_contain_text("/start inv-7")
    assert telegram.history(LEO)[0]["text"] == "/start inv-7"


async def test_it_fits_a_phone_and_the_panel_is_a_drawer(
    page: Page, bot: Bot, telegram: Telegram
) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    telegram.say(MIA, "https://www.instagram.com/" + "x" * 300)
    rows = [[{"text": f"A rather long label {n}", "callback_data": f"{n}"} for n in range(4)]]
    pre = f"<pre>{'x' * 200}</pre>"
    await bot.send("word " * 80 + pre, reply_markup={"inline_keyboard": rows})
    await bot.call("sendPhoto", chat_id=MIA, photo=jpeg(1200, 500))
    await bot.call("sendAudio", chat_id=MIA, audio=b"x", title="A long title " * 9)
    await expect(page.locator(".player")).to_be_visible()

    for selector in ("html", "body", "#feed", "#composer"):
        overflow = "node => node.scrollWidth - node.clientWidth"
        assert await page.locator(selector).evaluate(overflow) <= 0, selector
    outside = """() => [...document.querySelectorAll("#chat .row, .bubble, .key, .line > *")]
      .filter((node) => node.getBoundingClientRect().right > innerWidth)
      .map((node) => node.className)"""
    assert await page.evaluate(outside) == []

    await expect(page.locator("#panel")).to_be_hidden()
    await page.get_by_role("button", name="Try this").click()
    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#panel")).to_be_hidden()
    await expect(page.get_by_role("button", name="Try this")).to_be_focused()


async def test_it_follows_the_systems_colours_until_told_otherwise(page: Page) -> None:
    colour = "() => getComputedStyle(document.querySelector('.top')).backgroundColor"
    await page.emulate_media(color_scheme="light")
    light = await page.evaluate(colour)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(colour)
    assert light != dark

    button = page.get_by_role("button", name="Colours")
    await button.click()
    await expect(button).to_have_accessible_name("Colours: Light")
    assert await page.evaluate(colour) == light
    await page.reload()
    assert await page.evaluate(colour) == light
    await button.click()
    await expect(button).to_have_accessible_name("Colours: Dark")
    await page.emulate_media(color_scheme="light")
    assert await page.evaluate(colour) == dark


async def test_after_a_lost_connection_it_reads_what_it_missed(
    context: BrowserContext, address: str, bot: Bot, telegram: Telegram
) -> None:
    telegram.say(MIA, "/start")
    gone = await bot.send("deleted meanwhile")
    page = await context.new_page()
    tries = 0

    async def break_twice(route: Route) -> None:
        """The first stream ends at once, the second fails, the third is let through."""
        nonlocal tries
        tries += 1
        if tries == 1:
            await route.fulfill(content_type="text/event-stream", body=": hello\n\n")
        elif tries == 2:
            await bot.call("deleteMessage", chat_id=MIA, message_id=gone)
            await bot.send("written meanwhile")
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/api/events/*", break_twice)
    await page.goto(address)
    await expect(page.locator(".row.theirs")).to_have_text([re.compile("written meanwhile")])
    await bot.send("after")
    await expect(page.locator(".row.theirs").last).to_contain_text("after")
    assert tries == 3


async def test_a_failing_request_is_said_and_the_words_are_kept(page: Page) -> None:
    await page.route("**/api/say", lambda route: route.abort())
    box = page.get_by_label("Message", exact=True)
    await box.fill("precious words")
    await box.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("does not answer")
    await expect(box).to_have_value("precious words")
