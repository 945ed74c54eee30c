"""Cookies, tokens, the operator's secrets and the vault's key are found nowhere after a visit."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from sandbox.cloudinary.server import API_SECRET
from sandbox.demo import TOKEN
from sandbox.graph.people import APP
from sandbox.instagram.answers import Refusal
from tests.bot.planted import files_of, leaks, secrets_of, unzipped
from tests.support.harness import Harness


async def test_no_secret_is_left_anywhere(
    harness: Harness, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world, instagram = harness.sandbox.world, harness.sandbox.instagram
    mia = await harness.owner()
    await harness.send_cookies(mia, world.cookies_txt("mia", "expired"))
    await mia.sees("expired")
    await harness.send_cookies(mia, world.cookies_txt("mia", "dead"))
    await mia.sees("Not connected")
    mia.say(secret_line := "sessionid=1%3Aplanted12345%3A6; ds_user_id=70000000009")
    await mia.sees("Nothing was stored|Not connected|can't|Checking")
    await harness.send_cookies(mia, world.cookies_txt("mia"))
    await mia.sees("Connected as @mia")
    instagram.refuse_next("/api/v1/feed/", Refusal.UNKNOWN_SHAPE)
    mia.say(world.collection_url("mia", "beats"))
    await mia.sees("Nothing was charged")
    post = world.collection("mia", "beats").posts[0]
    mia.say(post.url)
    await mia.sees("✅ Done")
    tokens = "IGAA" + 15 * "planted4f1e", harness.sandbox.meta.facebook_token("mia")
    answers = ("does not accept this token", "Connected at Meta")
    for token, answer in zip(tokens, answers, strict=True):
        mia.say(token)
        await mia.sees(answer)
    mia.say("/privacy")
    await mia.tap("Export")
    export = await mia.receives(".zip")

    secrets = {
        **{f"dead {k}": v for k, v in secrets_of(world.cookies_txt("mia", "dead")).items()},
        **secrets_of(world.cookies_txt("mia")),
        "pasted": secret_line.partition("=")[2].partition(";")[0],
        **{f"token of Meta {number}": token for number, token in enumerate(tokens)},
        "app's secret": APP.facebook_secret,
        "Cloudinary's secret": API_SECRET,
        "token": TOKEN,
        "key": (harness.data / "secret.key").read_text().strip(),
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = await client.get(f"http://127.0.0.1:{harness.app.web_port}/metrics")
    assert metrics.status_code == 200

    def places() -> Iterator[tuple[str, bytes]]:
        yield from files_of(harness.data)
        yield from unzipped("export", export)
        history = harness.telegram.history(mia.user_id)
        yield "chat", json.dumps(history, ensure_ascii=False).encode()
        yield "calls", repr(list(harness.telegram.calls)).encode()
        yield "metrics", metrics.content
        yield "output", "".join(capfd.readouterr()).encode()
        yield "log", caplog.text.encode()

    assert leaks(secrets, places()) == []
    assert list((harness.data / "reports").iterdir())  # a kept answer was among what was searched
