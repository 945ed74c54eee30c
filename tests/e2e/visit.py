"""A person at the chat page, for the tests of this folder and for the README's picture."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

from tests.sandbox.chat.conftest import CHROMIUM, CHROMIUM_ARGS

PATIENCE_MS = 60_000  # only how long a failure takes
PHONE = ViewportSize(width=360, height=740)
DESKTOP = ViewportSize(width=1280, height=800)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a person does with the page; each step waits until the page allows it."""

    page: Page

    async def open(self, address: str) -> None:
        await self.page.goto(address)
        await self.page.wait_for_selector("body[data-ready]")

    async def press_start(self) -> None:
        await self.page.get_by_role("button", name="Start", exact=True).click()

    async def tap(self, label: str | re.Pattern[str]) -> None:
        """The newest button of the chat whose label contains this, or matches."""
        await self.page.locator("#rows .key", has_text=label).last.click()

    def bubble(self, text: str | re.Pattern[str]) -> Locator:
        """The newest message of the bot that holds this text."""
        return self.page.locator(".row.theirs", has_text=text).last

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.bubble(text)).to_be_visible(timeout=PATIENCE_MS)

    async def say(self, text: str) -> None:
        box = self.page.get_by_label("Message", exact=True)
        await box.fill(text)
        await box.press("Enter")

    async def send_from_panel(self, label: str) -> None:
        """A sample file, or a link, which goes into the input line first."""
        await self._open_panel()
        await self.page.locator("#panel .card", has_text=label).first.click()
        box = self.page.get_by_label("Message", exact=True)
        if await box.input_value():
            await box.press("Enter")

    async def switch_bad_day(self, name: str) -> None:
        await self._open_panel()
        async with self.page.expect_response("**/api/bad-days") as switched:
            await self.page.locator(f'[data-day="{name}"]').click()
        assert (await switched.value).ok
        await self._close_panel()

    async def _open_panel(self) -> None:
        if await self._toggle().get_attribute("aria-expanded") == "false":
            await self._toggle().click()

    async def _close_panel(self) -> None:
        """Where it lies over the chat."""
        if await self.page.locator("#shade").is_visible():
            await self.page.locator("#panel-close").click()

    def _toggle(self) -> Locator:
        return self.page.locator("#panel-toggle")

    async def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(
            await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        )


@asynccontextmanager
async def visiting(
    size: ViewportSize, colours: Literal["light", "dark"], *, scripts: bool = True
) -> AsyncIterator[Visit]:
    """A fresh browser, in which scripts may be switched off. They may not report a single error."""
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=CHROMIUM_ARGS
        )
        context = await browser.new_context(
            viewport=size,
            color_scheme=colours,
            reduced_motion="reduce",
            timezone_id="UTC",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        yield Visit(await context.new_page())
        await browser.close()
    assert not errors
