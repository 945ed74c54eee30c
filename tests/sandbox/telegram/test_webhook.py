"""Webhook delivery: secret header, repetition, order inside a chat, methods in the answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiohttp import web

from sandbox.telegram import Telegram
from tests.sandbox.telegram.conftest import LEO, MIA, Clock, until

Answer = Callable[[web.Request, str], Awaitable[web.Response]]


async def say_ok(request: web.Request, text: str) -> web.Response:
    return web.Response()


class Receiver:
    """A bot's webhook on loopback. `received` is (text, secret header) in order of arrival."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[tuple[str, str]] = []
        self.answer: Answer = say_ok

    async def handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        text = update["message"]["text"]
        self.received.append((text, request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")))
        return await self.answer(request, text)

    async def until(self, count: int) -> list[str]:
        await until(lambda: len(self.received) >= count)
        return [text for text, _ in self.received]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/telegram", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram"
    yield receiver
    await runner.cleanup()


async def until_empty(telegram: Telegram) -> None:
    await until(lambda: not telegram.updates.pending)


async def test_delivers_with_the_secret(bot: Bot, telegram: Telegram, receiver: Receiver) -> None:
    telegram.say(MIA, "before")
    await bot.set_webhook(receiver.url, secret_token="s3cret")
    telegram.say(MIA, "after")
    await receiver.until(2)
    assert receiver.received == [("before", "s3cret"), ("after", "s3cret")]
    await until_empty(telegram)


async def test_repeats_in_order_until_the_bot_says_2xx(
    bot: Bot, telegram: Telegram, receiver: Receiver
) -> None:
    async def fail_twice(request: web.Request, text: str) -> web.Response:
        return web.Response(status=500 if len(receiver.received) <= 2 else 204)

    receiver.answer = fail_twice
    await bot.set_webhook(receiver.url)
    telegram.say(MIA, "a")
    telegram.say(MIA, "b")
    assert await receiver.until(4) == ["a", "a", "a", "b"]
    await until_empty(telegram)
    info = await bot.get_webhook_info()
    assert info.last_error_message == ("Wrong response from the webhook: 500 Internal Server Error")


async def test_the_pause_doubles(bot: Bot, telegram: Telegram, receiver: Receiver) -> None:
    async def fail_five_times(request: web.Request, text: str) -> web.Response:
        return web.Response(status=500 if len(receiver.received) <= 5 else 200)

    receiver.answer = fail_five_times
    loop = asyncio.get_running_loop()
    await bot.set_webhook(receiver.url)
    telegram.say(MIA, "a")
    started = loop.time()
    await receiver.until(6)
    assert loop.time() - started >= 0.01 * (1 + 2 + 4 + 8 + 16)


async def test_one_slow_chat_does_not_hold_another(
    bot: Bot, telegram: Telegram, receiver: Receiver
) -> None:
    release = asyncio.Event()

    async def hold_mia(request: web.Request, text: str) -> web.Response:
        if text == "mia":
            await release.wait()
        return web.Response()

    receiver.answer = hold_mia
    await bot.set_webhook(receiver.url)
    telegram.say(MIA, "mia")
    telegram.say(MIA, "mia 2")
    telegram.say(LEO, "leo")
    assert sorted(await receiver.until(2)) == ["leo", "mia"]
    release.set()
    assert (await receiver.until(3))[-1] == "mia 2"


async def test_an_unreachable_bot_keeps_its_updates(bot: Bot, telegram: Telegram) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, but nobody listens
        await bot.set_webhook(f"http://127.0.0.1:{nobody.getsockname()[1]}/telegram")
        telegram.say(MIA, "x")
        await until(lambda: telegram.updates.errors.last_message)
        info = await bot.get_webhook_info()
    assert info.pending_update_count == 1
    assert info.last_error_message
    assert info.last_error_date
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1


async def test_a_method_in_the_answer_is_executed(
    bot: Bot, telegram: Telegram, receiver: Receiver
) -> None:
    async def reply(request: web.Request, text: str) -> web.Response:
        return web.json_response({"method": "sendMessage", "chat_id": MIA, "text": f"re: {text}"})

    receiver.answer = reply
    await bot.set_webhook(receiver.url)
    telegram.say(MIA, "x")
    await until_empty(telegram)
    assert telegram.history(MIA)[-1]["text"] == "re: x"


async def test_set_webhook_at_most_once_a_second(
    bot: Bot, clock: Clock, receiver: Receiver
) -> None:
    await bot.set_webhook(receiver.url)
    with pytest.raises(TelegramRetryAfter) as refusal:
        await bot.set_webhook(receiver.url)
    assert refusal.value.retry_after == 1
    clock.seconds += 1
    assert await bot.set_webhook(receiver.url)
