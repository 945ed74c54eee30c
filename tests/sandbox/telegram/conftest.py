"""One fresh stand-in per test on a loopback port, and two independent clients that read it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import av
import pytest
import telegram as ptb
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from PIL import Image

from sandbox.telegram import Telegram, serve

TOKEN = "42:TEST"
MIA, LEO, TEAM = 7, 8, -1001
PATIENCE_SECONDS = 9  # whatever takes so long has failed


@dataclass
class Clock:
    """Time that only moves when a test says so."""

    seconds: float = 1_812_345_678.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def telegram(clock: Clock) -> Telegram:
    """Mia has started the bot, Leo has not; both are in a group with it."""
    telegram = Telegram(TOKEN, now=clock)
    telegram.add_person(MIA, "Mia", "mia")
    telegram.add_person(LEO, "Leo", language_code="de")
    telegram.add_group(TEAM, "Team", [MIA, LEO])
    telegram.say(MIA, "hello")
    telegram.updates.pending.clear()
    return telegram


@pytest.fixture
async def origin(telegram: Telegram) -> AsyncIterator[str]:
    async with serve(telegram, webhook_delay=0.01) as origin:
        yield origin


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


@pytest.fixture
async def bot(origin: str) -> AsyncIterator[Bot]:
    """aiogram: strict pydantic types."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(origin), timeout=10)
    yield Bot(TOKEN, session=session)
    # Not session.close(): that sleeps a quarter of a second.
    await (await session.create_session()).close()


@pytest.fixture
async def ptb_bot(origin: str) -> AsyncIterator[ptb.Bot]:
    """python-telegram-bot: the client of the product."""
    async with ptb.Bot(TOKEN, base_url=f"{origin}/bot", base_file_url=f"{origin}/file/bot") as bot:
        yield bot


async def until(condition: Callable[[], object]) -> None:
    """Waits for something inside the server that nobody announces."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - bounded by the timeout above
            await asyncio.sleep(0.005)


def picture(width: int = 320, height: int = 200, kind: str = "PNG") -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(output, kind)
    return output.getvalue()


def film(width: int = 64, height: int = 48, seconds: int = 2) -> bytes:
    output = io.BytesIO()
    with av.open(output, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(5 * seconds):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return output.getvalue()
