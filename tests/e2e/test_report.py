"""A report in a real browser, on a phone and in the dark: it fills, sorts, filters and searches."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from services.web import report_page
from storage import analysis, reels
from storage.reels import NewReel
from tests.e2e.test_archive import HOSTILE, brightness, picture_of
from tests.e2e.visit import PHONE, visiting
from tests.sandbox.chat.conftest import CHROMIUM, HAS_CHROMIUM
from tests.support.analyses import analysed, new
from tests.support.harness import Harness
from tests.support.rows import NOW

pytestmark = pytest.mark.skipif(
    not HAS_CHROMIUM, reason=f"no browser at {CHROMIUM}: the report was not tried in one"
)
COUNT = 120  # more than are shown at once


def a_reel(number: int) -> NewReel:
    """One a day; every tenth a breakout. The newest is 0, and hides its likes."""
    tag = "salsa" if number % 2 else "son"
    return new(
        number,
        caption=HOSTILE if number == 7 else f"Step {number:03} #{tag.capitalize()}",
        hashtags=[tag],
        plays=90_000 + number if number % 10 == 9 else 10_000 + number,
        likes=500 - number if number else None,
        comments=number,
        taken_at=NOW - timedelta(days=4 + number),
        audio_title="",
    )


async def test_a_report_on_a_phone(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_page, "EVERY", 0.3)
    mia = await harness.owner()
    app = harness.app
    found = [a_reel(number) for number in range(COUNT)]
    item = await analysed(
        app.database, found[:10], mia.user_id, state="processing", at=harness.clock()
    )
    address = (await app.analysis.reports.make(mia.user_id, item.id)).url
    async with visiting(PHONE, "dark") as visit:
        page = visit.page
        rows = page.locator("#rows tr:visible")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(address)
        await expect(rows).to_have_count(10)
        await expect(page.get_by_role("status")).to_contain_text("10 reels so far")
        await page.get_by_label("Search").fill("step")

        harness.clock.advance(seconds=5)
        async with app.database.write() as db:
            done = {"state": "completed", "stored": COUNT, "more": False}
            await analysis.fence(db, item, harness.clock(), **done)
            await reels.add(db, item.id, found[10:], COUNT)
        await expect(rows).to_have_count(100)
        await expect(page.get_by_role("status")).to_have_count(0)
        await expect(page.get_by_label("Search")).to_have_value("step")
        await expect(page.locator("#count")).to_contain_text("119 of 120 reels")
        await page.get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(119)

        await page.get_by_role("button", name="Clear").click()
        await expect(rows).to_have_count(100)
        await sorts(page, rows)
        await filters(page, rows)
        assert await visit.overflow() <= 0
        assert await brightness(page) < 40
        assert {url.partition("?")[0] for url in asked} == {address}, "nobody else learns of it"
        await picture_of(page, "report")


async def sorts(page: Page, rows: Locator) -> None:
    await expect(rows.first).to_contain_text("Step 119")  # the most views
    await page.get_by_role("link", name="Likes").click()
    await expect(rows.first).to_contain_text("Step 001")
    await page.get_by_role("link", name="Likes").click()
    await expect(rows.first).to_contain_text("Step 119")
    await expect(page).to_have_url(re.compile(r"\?sort=likes&up=1$"))
    await page.get_by_role("link", name="Posted").click()
    await expect(rows.first).to_contain_text("hidden")  # the newest
    await expect(rows.nth(7)).to_contain_text("<script>document.body.remove()</script>")


async def filters(page: Page, rows: Locator) -> None:
    await page.get_by_role("combobox", name="Tier").select_option("breakout")
    await expect(rows).to_have_count(COUNT // 10)
    await page.get_by_label("Views from").fill("90,050")
    await expect(rows).to_have_count(7)
    await page.get_by_label("From", exact=True).fill((NOW - timedelta(days=93)).date().isoformat())
    await page.get_by_label("To", exact=True).fill((NOW - timedelta(days=73)).date().isoformat())
    await expect(rows).to_have_count(3)  # 69, 79 and 89
    await page.get_by_role("button", name="Clear").click()
    await page.get_by_role("button", name="#son").click()
    await expect(page.get_by_role("combobox", name="Hashtag")).to_have_value("son")
    await expect(page.locator("#count")).to_contain_text(f"{COUNT // 2} of {COUNT} reels")
    await page.get_by_label("Search").fill("STEP 00 #so")
    await expect(rows).to_have_count(6)  # 000 to 008, and 100
    await page.get_by_label("Search").fill("nothing")
    await expect(page.get_by_text("No reel fits that.")).to_be_visible()
