"""Start and stop beside a Telegram that is away, refuses, or is slow."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import telegram as wire_module
from bot.app import App
from bot.settings import ROLES
from bot.telegram import SetupError
from sandbox.world import World
from tests.support.harness import Harness


@pytest.fixture
async def stopped(tmp_path: Path, templates: Path, world: World) -> Harness:
    """The stand-ins run, the bot does not yet."""
    return Harness(tmp_path / "data", world, templates=templates)


async def test_telegram_may_come_later(stopped: Harness) -> None:
    async with stopped.sandbox:
        stopped.telegram.fail("getMe", code=502, description="Bad Gateway")
        app = App(stopped.settings(), ROLES, stopped.clock)
        with capture_logs() as logs:
            await app.start()
        stopped.app = app
        mia = await stopped.owner()
        assert mia.labels()
        await app.stop()
    (away,) = [line for line in logs if line["event"] == "telegram away"]
    assert away["call"] == "getMe"


@pytest.mark.parametrize(
    ("code", "description", "says"),
    [
        (401, "Unauthorized", "Telegram refused the bot token: set TELEGRAM_BOT_TOKEN"),
        (404, "Not Found", "Telegram refused the bot token"),
        (400, "Bad Request: something is wrong", "Telegram refused getMe"),
    ],
)
async def test_a_wrong_setting_is_a_sentence_and_no_loop(
    stopped: Harness, code: int, description: str, says: str
) -> None:
    async with stopped.sandbox:
        stopped.telegram.fail("getMe", code=code, description=description)
        app = App(stopped.settings(), ROLES, stopped.clock)
        with pytest.raises(SetupError, match=says):
            await app.start()
        await app.stop()
        assert [call.method for call in stopped.telegram.calls] == ["getMe"]


async def test_a_refused_webhook_is_a_sentence(
    tmp_path: Path, templates: Path, world: World
) -> None:
    harness = Harness(
        tmp_path / "data",
        world,
        templates=templates,
        TELEGRAM_WEBHOOK_URL="https://example.com/telegram",
        TELEGRAM_WEBHOOK_SECRET="secret",
    )
    async with harness.sandbox:
        harness.telegram.fail(
            "setWebhook",
            code=400,
            description="Bad Request: bad webhook: HTTPS url must be provided",
        )
        app = App(harness.settings(), ROLES, harness.clock)
        with pytest.raises(SetupError, match="Telegram refused setWebhook: Bad webhook"):
            await app.start()
        await app.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_bot_that_waits_for_telegram_can_be_stopped(
    stopped: Harness, number: signal.Signals
) -> None:
    async with stopped.sandbox:
        stopped.telegram.fail("getMe", code=502, description="Bad Gateway", times=1000)
        app = App(stopped.settings(), ROLES, stopped.clock)
        running = asyncio.create_task(app.run())
        async with asyncio.timeout(30):
            while not stopped.telegram.calls:  # noqa: ASYNC110 - bounded by the timeout above
                await asyncio.sleep(0.01)
            os.kill(os.getpid(), number)
            await running  # with a thousand refusals before it, the start would take hours
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(one)


async def test_a_held_last_poll_does_not_hold_up_the_stop(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram holds a getUpdates with an offset that it has already."""
    monkeypatch.setattr(wire_module, "STOP_SECONDS", 0.05)
    harness.telegram.updates.same_offset_hold = 60
    await harness.owner()
    async with asyncio.timeout(20):
        await harness.app.stop()


async def test_a_second_bot_on_the_same_data_is_refused(harness: Harness) -> None:
    second = App(harness.settings(), ROLES, harness.clock)
    with pytest.raises(SetupError, match="Another Reelay is running on"):
        await second.start()
    await second.stop()
    mia = await harness.owner()  # the first one goes on
    assert mia.labels()


async def test_polling_that_fails_shows_in_readiness(harness: Harness) -> None:
    report = {check.name: check.good for check in await harness.app.health.report()}
    assert report["telegram"]
    harness.telegram.fail("getUpdates", code=502, description="Bad Gateway", times=10_000)
    harness.clock.advance(seconds=61)
    report = {check.name: check.good for check in await harness.app.health.report()}
    assert not report["telegram"]
