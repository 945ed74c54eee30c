"""Webhook mode end to end: Telegram posts to the bot's own side server."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from bot.settings import Settings
from sandbox.world import World
from tests.support.harness import Harness

SECRET = "a-secret_of-the-webhook"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_updates_arrive_through_the_side_server(
    tmp_path: Path, templates: Path, world: World
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/telegram"
    settings = {
        "WEB_PORT": str(port),
        "TELEGRAM_WEBHOOK_URL": url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
    }
    async with Harness(tmp_path / "data", world, templates=templates, **settings) as harness:
        webhook = harness.telegram.updates.webhook
        assert webhook is not None
        assert (webhook.url, webhook.secret) == (url, SECRET)
        mia = await harness.owner()
        await mia.tap("Settings")
        await mia.sees("^Settings")
        assert "getUpdates" not in {call.method for call in harness.telegram.calls}
        async with httpx.AsyncClient() as client:
            ready = (await client.get(f"http://127.0.0.1:{port}/ready")).json()
            assert ready["checks"]["telegram"]["good"]
            update = {"update_id": 99, "message": {}}
            for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
                forged = await client.post(url, content=json.dumps(update), headers=headers)
                assert forged.status_code == 403
            garbage = await client.post(
                url, content=b"{", headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}
            )
            assert garbage.status_code == 400


async def test_without_a_webhook_there_is_no_such_address(harness: Harness) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{harness.app.web_port}/telegram", json={})
    assert answer.status_code == 404


def test_a_webhook_without_a_secret_is_refused() -> None:
    """An empty secret would match every request that carries none."""
    with pytest.raises(ValidationError, match="TELEGRAM_WEBHOOK_SECRET"):
        Settings(_env_file=None, telegram_webhook_url="https://example.com/telegram")  # type: ignore[call-arg]
