"""A newcomer's first minutes, on a phone and in the dark: from the address to the report."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from sandbox.world import World
from tests.e2e.visit import PHONE, Visit, visiting
from tests.sandbox.chat.conftest import CHROMIUM, HAS_CHROMIUM
from tests.support.harness import Harness

pytestmark = pytest.mark.skipif(
    not HAS_CHROMIUM, reason=f"no browser at {CHROMIUM}: the first visit was not tried in one"
)
PICTURES = os.environ.get("REELAY_TEST_PICTURES")  # a folder, to look at what the test saw
SLOW_SECONDS = 5.0  # of a page of the list: the import is at work when Pause is pressed
BATCH = 50


async def test_connect_import_pause_resume_and_failures(harness: Harness) -> None:
    harness.sandbox.instagram.bad_days.slow_seconds = SLOW_SECONDS
    bad, gone = _bad(harness.sandbox.world)
    async with visiting(PHONE, "dark") as visit:
        await visit.open(f"{harness.sandbox.page_url}?start={harness.app.people.claim_code}")
        await visit.press_start()
        await visit.sees("this is Reelay")
        # The bot may be quicker with its answer than the stand-in with its own.
        await expect(visit.page).not_to_have_url(re.compile("start="))
        await _picture(visit, "1-welcome")

        await visit.tap("Connect Instagram")
        await visit.sees("Send your cookies.txt")
        await visit.send_from_panel("cookies.txt of @mia")
        await visit.sees("Connected as @mia")
        await expect(visit.page.locator(".row.mine", has_text="cookies.txt")).to_have_count(0)

        await visit.send_from_panel("Reels ideas")
        await visit.sees("posts so far")
        await _picture(visit, "2-preview")
        await visit.switch_bad_day("slow")
        await visit.tap(f"Newest {BATCH}")
        await visit.sees("⏬ Reels ideas")
        await _picture(visit, "3-progress")
        await visit.tap("Pause")
        await visit.sees("Paused by you")
        await _picture(visit, "4-paused")

        await visit.switch_bad_day("slow")
        await visit.tap("Resume")
        await visit.sees(f"{BATCH - bad} posts saved")
        await visit.sees(f"{BATCH - bad} credits paid, {bad} refunded")
        await _picture(visit, "5-result")
        await visit.tap("Show failures")
        await visit.sees("not saved, and refunded")
        links = visit.bubble("not saved, and refunded").locator("a")
        await expect(links).to_have_count(bad)
        await expect(visit.bubble("not saved, and refunded")).to_contain_text("deleted or private")
        assert gone, "or the line above proves nothing"
        assert await visit.overflow() <= 0
        await _picture(visit, "6-failures")


def _bad(world: World) -> tuple[int, int]:
    """(bad posts, those of them that are gone) among the newest 50."""
    collection = next(one for one in world.collections if one.slug == "reels-ideas")
    troubles = [post.trouble for post in collection.posts[:BATCH] if post.trouble]
    return len(troubles), sum(trouble.gone for trouble in troubles)


async def _picture(visit: Visit, name: str) -> None:
    if PICTURES:
        await visit.page.screenshot(path=Path(PICTURES) / f"{name}.png")
