"""A chat page with its Telegram on loopback, a bot to play, and a browser where there is one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from sandbox.bad_days import BadDay
from sandbox.chat.api import make_app
from sandbox.chat.extras import Extras, Link, Note, Sample
from sandbox.telegram import Telegram, serve

MIA, LEO = 1001, 1002
TOKEN = "42:sandbox"
CHROMIUM = Path("/usr/bin/chromium")
# Only how long a failure takes: conditions end every wait.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
HAS_CHROMIUM = CHROMIUM.exists()
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Bot:
    """The other side of the chat, through the Bot API as any bot uses it."""

    http: aiohttp.ClientSession
    origin: str

    async def call(self, method: str, **arguments: Any) -> Any:
        """The method's result. bytes become uploads, everything else JSON fields."""
        form = aiohttp.FormData()
        for name, value in arguments.items():
            if isinstance(value, bytes):
                form.add_field(name, value, filename=name)
            else:
                form.add_field(name, value if isinstance(value, str) else json.dumps(value))
        async with self.http.post(f"{self.origin}/bot{TOKEN}/{method}", data=form) as response:
            answer = await response.json()
        assert answer["ok"], answer
        return answer["result"]

    async def send(self, text: str, **more: Any) -> int:
        """Sends an HTML text to Mia and returns the message's id."""
        message = await self.call("sendMessage", chat_id=MIA, text=text, parse_mode="HTML", **more)
        return int(message["message_id"])

    async def next_update(self) -> Any:
        """The oldest update, which is confirmed."""
        (update,) = await self.call("getUpdates", timeout=10, limit=1)
        await self.call("getUpdates", offset=update["update_id"] + 1, limit=1)
        return update


@dataclass
class Offers:
    """What stands in the side panel; the switches remember."""

    days: list[BadDay] = field(
        default_factory=lambda: [
            BadDay("rate-limit", "Too many requests", "Instagram answers 429 for a while.", False),
            BadDay("cookies-die", "Cookies die", "The session ends in the middle.", False),
        ]
    )

    def switch(self, name: str, on: bool) -> None:
        self.days = [replace(day, on=on) if day.name == name else day for day in self.days]

    def extras(self) -> Extras:
        return Extras(
            samples=lambda: [
                Sample(
                    "good-cookies",
                    "Mia's cookies",
                    "A fresh cookies.txt, as a browser extension saves it.",
                    "cookies.txt",
                    "text/plain",
                    b"# Netscape HTTP Cookie File\n",
                )
            ],
            links=lambda: [Link("https://www.instagram.com/mia/saved/ideas/179/", "Reels ideas")],
            bad_days=lambda: self.days,
            switch=self.switch,
            banner="This is the sandbox: nothing here reaches Instagram or Telegram.",
            notes=lambda: [Note("code-leo", "Code of @leo", "123456")],
            pages=lambda: [Link("http://127.0.0.1:9/live", "What is live")],
        )


@pytest.fixture
def telegram() -> Telegram:
    telegram = Telegram(TOKEN)
    telegram.add_person(MIA, "Mia", "mia")
    telegram.add_person(LEO, "Leo", "leo")
    return telegram


@pytest.fixture
def offers() -> Offers:
    return Offers()


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(loop_scope="session")
async def bot(telegram: Telegram, http: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    async with serve(telegram) as origin:
        yield Bot(http, origin)


@asynccontextmanager
async def running(telegram: Telegram, offers: Offers) -> AsyncIterator[str]:
    """Runs a chat page and gives its address, without a slash at the end."""
    runner = web.AppRunner(make_app(telegram, offers.extras()))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def address(telegram: Telegram, offers: Offers) -> AsyncIterator[str]:
    async with running(telegram, offers) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not HAS_CHROMIUM:
        pytest.skip(f"no browser at {CHROMIUM}: the chat page was not tried in one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=CHROMIUM_ARGS
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh visitor with a wide window. The page's scripts may not report a single error."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    yield context
    await context.close()
    # Requests that fail are what some tests are about; the browser reports each of them.
    assert not [error for error in errors if not error.startswith("Failed to load resource")]
