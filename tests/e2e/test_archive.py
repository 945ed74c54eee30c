"""The feed's archive in a real browser: on a phone, in the dark, without a single script."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from storage import feed_notices
from tests.e2e.visit import PHONE, visiting
from tests.sandbox.chat.conftest import CHROMIUM, HAS_CHROMIUM
from tests.support.feeds import DAY, a_feed, incident, listed
from tests.support.harness import Harness
from tests.support.rows import NOW, new_media

pytestmark = pytest.mark.skipif(
    not HAS_CHROMIUM, reason=f"no browser at {CHROMIUM}: the archive was not tried in one"
)
PICTURES = os.environ.get("REELAY_TEST_PICTURES")  # a folder, to look at what the test saw
POSTS = 30  # two pages
TALL, WIDE = (108, 192), (108, 57)  # pixels; the rows say ten times as many
HOSTILE = "x" * 300 + " <script>document.body.remove()</script> שלום \u202eenruter\u202c &amp;"
# how much wider or taller a picture looks than it is
SQUASHED = """picture => {
    const {width, height} = picture.getBoundingClientRect()
    if (getComputedStyle(picture).objectFit == "contain") return 1
    return width / height / (picture.naturalWidth / picture.naturalHeight)
}"""


async def test_the_archive_on_a_phone_without_scripts(harness: Harness) -> None:
    address = await an_archive(harness)
    async with visiting(PHONE, "dark", scripts=False) as visit:
        page = visit.page
        articles = page.locator("article")
        await page.goto(address)
        await expect(articles).to_have_count(24)
        await expect(page.get_by_role("status")).to_contain_text("asks to log in again")
        await expect(articles.first).to_contain_text("<script>document.body.remove()</script>")
        await expect(articles.first).to_contain_text("@leo")
        for picture in (await page.locator("article img").all())[:2]:  # a wide and a tall one
            await picture.scroll_into_view_if_needed()
            await expect(picture).not_to_have_js_property("naturalWidth", 0)
            assert await picture.evaluate(SQUASHED) == pytest.approx(1, abs=0.02)
        assert await visit.overflow() <= 0
        background = "getComputedStyle(document.documentElement).colorScheme"
        assert "dark" in await page.evaluate(background)
        assert await brightness(page) < 40
        await picture_of(page, "archive-1")

        await page.get_by_role("link", name="Older").click()
        await expect(articles).to_have_count(POSTS - 24)
        await expect(page.locator("nav")).to_contain_text("Page 2 of 2")
        await page.get_by_role("link", name="Newer").click()
        await expect(articles).to_have_count(24)

        await page.get_by_label("Words").fill("SUNSET 07")
        await page.get_by_label("Words").press("Enter")
        await expect(articles).to_have_count(1)
        await expect(articles).to_contain_text("Sunset 07")
        await expect(page.get_by_label("Words")).to_have_value("SUNSET 07")

        await page.goto(address)
        await page.get_by_role("link", name="@mia").first.click()
        await expect(articles).to_have_count(POSTS // 2)
        await page.get_by_label("From").fill((NOW - 5 * DAY).date().isoformat())
        await page.get_by_label("To").fill((NOW - 2 * DAY).date().isoformat())
        await page.get_by_role("button", name="Search").click()
        await expect(articles).to_have_count(2)  # of four days, every other post is hers
        assert await visit.overflow() <= 0
        await picture_of(page, "archive-2")
        await page.get_by_label("Words").fill("nothing")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Show everything").click()
        await expect(articles).to_have_count(24)


async def an_archive(harness: Harness) -> str:
    """Its address: one post a day, by Leo and Mia in turn, and a session that has died."""
    mia = await harness.owner()
    app = harness.app
    feed = await a_feed(app.database, mia.user_id)
    pictures = [jpeg(WIDE), jpeg(TALL)]
    for number in range(POSTS):
        (width, height), content = pictures[number % 2]
        file = replace(
            new_media(f"p{number}", size=len(content)), width=10 * width, height=10 * height
        )
        path = harness.data / "media" / file.object_key
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        await listed(
            app.database,
            feed,
            f"p{number}",
            files=[file],
            author="mia" if number % 2 else "leo",
            caption=f"Sunset {number:02}" if number else HOSTILE,
            taken_at=NOW - number * DAY,
        )
    number = await incident(app.database, subject=f"feed {feed.id}")
    async with app.database.write() as db:
        await feed_notices.open_notice(
            db, feed.id, number, kind="session_dead", guid="urn:x", now=NOW
        )
    made = await app.feed.readers.add(mia.user_id, feed.id, "Browser")
    return made.archive


def jpeg(size: tuple[int, int]) -> tuple[tuple[int, int], bytes]:
    image = io.BytesIO()
    Image.new("RGB", size, "teal").save(image, "JPEG")
    return size, image.getvalue()


async def brightness(page: Page) -> int:
    """0 to 255, of a corner where nothing is."""
    corner = await page.screenshot(clip={"x": 0, "y": 0, "width": 4, "height": 4})
    with Image.open(io.BytesIO(corner)) as image:
        return int(max(image.convert("L").tobytes()))


async def picture_of(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
