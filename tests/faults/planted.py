"""A full tour of the real bot process with planted secrets, which then must be found nowhere."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from sandbox.demo import CLAIM, TOKEN, Sandbox
from sandbox.instagram import Refusal
from sandbox.tours.visitor import Visitor
from tests.bot.planted import files_of, leaks, secrets_of, unzipped
from tests.faults.process import BotProcess
from tests.faults.table import Figure, equal

FAST = {"INSTAGRAM_PACE_SECONDS": "0.05-0.1", "INSTAGRAM_REQUESTS_PER_MINUTE": "6000"}
START_SECONDS = 30


async def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="reelay-planted-") as made:
        folder = Path(made)
        data, temporary = folder / "data", folder / "tmp"
        temporary.mkdir()
        async with Sandbox() as sandbox:
            port = _free_port()
            settings = {
                **sandbox.settings(data),
                **FAST,
                "LOG_LEVEL": "DEBUG",
                "TMPDIR": str(temporary),
                "WEB_PORT": str(port),
            }
            bot = BotProcess(settings, folder / "bot.log")
            await bot.start()
            try:
                mia = Visitor(sandbox.telegram, sandbox.users["mia"], io.StringIO())
                export = await _visit(sandbox, mia, await _claim_code(bot))
                # killed in the middle of a call, which leaves its cookies to the next start
                mia.say(sandbox.world.collection_url("mia", "studio"))
                await asyncio.sleep(0.4)
                await bot.kill()
                await bot.start()
                await mia.sees("posts so far")
                async with httpx.AsyncClient(trust_env=False) as client:
                    metrics = await client.get(f"http://127.0.0.1:{port}/metrics")
            finally:
                await bot.terminate()

            def places() -> Iterator[tuple[str, bytes]]:
                yield from files_of(folder)
                yield from unzipped("export", export)
                yield from files_of(Path("/dev/shm") / f"reelay-{os.getuid()}")
                history = sandbox.telegram.history(sandbox.users["mia"])
                yield "chat", json.dumps(history, ensure_ascii=False).encode()
                yield "calls", repr(list(sandbox.telegram.calls)).encode()
                yield "metrics", metrics.content

            secrets = {
                **{f"dead {k}": v for k, v in secrets_of(_cookies(sandbox, "dead")).items()},
                **secrets_of(_cookies(sandbox, "ok")),
                "token": TOKEN,
                "key": (data / "secret.key").read_text().strip(),
            }
            searched = list(places())
            found = leaks(secrets, iter(searched))
    for leak in found:
        print(f"FOUND {leak}", flush=True)  # noqa: T201
    return [
        Figure("secrets", "planted", str(len(secrets)), ">= 9", len(secrets) >= 9),
        Figure("secrets", "places searched", str(len(searched)), ">= 100", len(searched) >= 100),
        equal("secrets", "found", len(found), 0),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cookies(sandbox: Sandbox, session: str) -> str:
    return sandbox.world.cookies_txt("mia", session)  # type: ignore[arg-type]


async def _claim_code(bot: BotProcess) -> str:
    async with asyncio.timeout(START_SECONDS):
        while not (found := CLAIM.search(bot.printed)):  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(0.1)
    return found[1]


async def _visit(sandbox: Sandbox, mia: Visitor, claim_code: str) -> bytes:
    """Good and bad cookies, good and bad days, an export; returns the export."""
    mia.say(f"/start {claim_code}")
    await mia.tap("Connect Instagram")
    await mia.sees("Send your cookies.txt")
    mia.send_file("cookies.txt", _cookies(sandbox, "dead").encode())
    await mia.sees("Not connected")
    mia.say("/connect")
    await mia.sees("Send your cookies.txt")
    mia.send_file("cookies.txt", _cookies(sandbox, "ok").encode())
    await mia.sees("Connected as @mia")
    sandbox.instagram.refuse_next("/api/v1/feed/", Refusal.UNKNOWN_SHAPE)
    mia.say(sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Nothing was charged")
    mia.say(sandbox.world.collection_url("mia", "reels-ideas"))
    await mia.tap("Import all")
    await mia.sees("✅ Done")
    mia.say("/privacy")
    await mia.tap("Export")
    return await mia.receives(".zip")
