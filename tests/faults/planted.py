"""A full tour of the real bot process with planted secrets, which then must be found nowhere."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox.demo import TOKEN, Sandbox
from sandbox.instagram import Refusal
from sandbox.tours.visitor import Visitor
from tests.bot.planted import files_of, leaks, secrets_of, unzipped
from tests.faults import planted_insights, planted_meta
from tests.faults.process import FAST, BotProcess, free_port
from tests.faults.table import Figure, equal

PATIENCE = 150.0  # a story waits half a minute to be undone, and another one in doubt
HOOK = "planted-hook-9f2c71"  # in the address of a webhook


async def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="reelay-planted-") as made:
        folder = Path(made)
        data, temporary = folder / "data", folder / "tmp"
        temporary.mkdir()
        async with Sandbox() as sandbox:
            port = free_port()
            settings = {
                **sandbox.settings(data),
                **FAST,
                **planted_meta.settings(sandbox),
                **planted_insights.SETTINGS,
                "LOG_LEVEL": "DEBUG",
                "TMPDIR": str(temporary),
                "WEB_PORT": str(port),
                "WEBHOOK_PRIVATE": "true",
            }
            bot = BotProcess(settings, folder / "bot.log")
            await bot.start()
            try:
                mia = Visitor(
                    sandbox.telegram, sandbox.users["mia"], io.StringIO(), patience=PATIENCE
                )
                base = f"http://127.0.0.1:{port}"
                shown = await _visit(sandbox, mia, await bot.claim_code(), base)
                # killed in the middle of a call, which leaves its cookies to the next start
                mia.say(sandbox.world.collection_url("mia", "studio"))
                await asyncio.sleep(0.4)
                await bot.kill()
                await bot.start()
                await mia.sees("posts so far")
                async with httpx.AsyncClient(trust_env=False) as client:
                    pages = [
                        (name, (await client.get(f"{base}/{name}")).content)
                        for name in ("metrics", "status", "ready", f"f/{shown.token[::-1]}/")
                    ]
            finally:
                await bot.terminate()

            def places() -> Iterator[tuple[str, bytes]]:
                yield from files_of(folder)
                for number, export in enumerate(shown.exports):
                    yield from unzipped(f"export {number}", export)
                yield from files_of(Path("/dev/shm") / f"reelay-{os.getuid()}")
                yield from pages
                yield from shown.met.pages
                yield "stories.csv", shown.met.export
                yield from shown.figures.files
                yield from planted_meta.addresses(sandbox)

            def chat() -> Iterator[tuple[str, bytes]]:
                history = sandbox.telegram.history(sandbox.users["mia"])
                yield "chat", json.dumps(history, ensure_ascii=False).encode()
                yield "calls", repr(list(sandbox.telegram.calls)).encode()

            secrets = {
                **{f"dead {k}": v for k, v in secrets_of(_cookies(sandbox, "dead")).items()},
                **secrets_of(_cookies(sandbox, "ok")),
                "token": TOKEN,
                "key": (data / "secret.key").read_text().strip(),
                "webhook's address": HOOK,
                **planted_meta.secrets(sandbox, shown.met),
            }
            # the chat shows these once, to the one they are for
            once = {
                "reader's token": shown.token,
                "signing key": shown.signing_key,
                "page's token": shown.figures.token,
            }
            searched, told = list(places()), list(chat())
            found = leaks(secrets | once, iter(searched)) + leaks(secrets, iter(told))
            searched, secrets = searched + told, secrets | once
    for leak in found:
        print(f"FOUND {leak}", flush=True)  # noqa: T201
    return [
        Figure("secrets", "planted", str(len(secrets)), ">= 24", len(secrets) >= 24),
        Figure("secrets", "places searched", str(len(searched)), ">= 100", len(searched) >= 100),
        equal("secrets", "found", len(found), 0),
    ]


def _cookies(sandbox: Sandbox, session: str) -> str:
    return sandbox.world.cookies_txt("mia", session)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the visitor was given."""

    token: str
    signing_key: str
    exports: list[bytes]
    met: planted_meta.Met
    figures: planted_insights.Seen


async def _visit(sandbox: Sandbox, mia: Visitor, claim_code: str, base: str) -> Shown:
    """Good and bad cookies, good and bad days, the feed, an export. `base`: the side server's."""
    mia.say(f"/start {claim_code}")
    await mia.tap("Connect Instagram")
    await mia.sees("Send your cookies.txt")
    mia.send_file("cookies.txt", _cookies(sandbox, "dead").encode())
    await mia.sees("Not connected")
    mia.say("/connect")
    await mia.sees("Send your cookies.txt")
    mia.send_file("cookies.txt", _cookies(sandbox, "ok").encode())
    await mia.sees("Connected as @mia")
    token, signing_key = await _visit_feed(mia, base)
    met = await planted_meta.visit(sandbox, mia)
    figures = await planted_insights.visit(sandbox, mia, met.pasted[-1])
    sandbox.instagram.refuse_next("/api/v1/feed/", Refusal.UNKNOWN_SHAPE)
    mia.say(sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Nothing was charged")
    mia.say(sandbox.world.collection_url("mia", "reels-ideas"))
    await mia.tap("Import all")
    await mia.sees("✅ Done")
    mia.say("/privacy")
    await mia.tap("Export")
    endings = ("reelay-1.zip", "reelay-feed.zip")
    exports = [await mia.receives(ending) for ending in endings]
    return Shown(token, signing_key, exports, met, figures)


async def _visit_feed(mia: Visitor, base: str) -> tuple[str, str]:
    """A reader that asks too often, a webhook that nobody answers. Returns the reader's token and
    the webhook's signing key."""
    mia.say("/feed")
    await mia.tap("Read @mia")
    await mia.tap("New reader")
    await mia.sees("New reader of All accounts")
    mia.say("Phone")
    told = (await mia.sees("reads All accounts here"))["text"]
    token = _part(r"/f/([A-Za-z0-9_-]{22})/", told)
    mia.say("/feed")
    await mia.tap("Webhook")
    await mia.tap("Set one")
    await mia.sees("Send its address")
    mia.say(f"http://127.0.0.1:1/{HOOK}?key={HOOK}")  # nobody listens there
    signing_key = _part(r"shown only now:\s+(\S+)", (await mia.sees("Its signing key"))["text"])
    await mia.tap("Test")
    await mia.sees("It did not arrive")
    async with httpx.AsyncClient(trust_env=False, base_url=f"{base}/f/{token}/") as reader:
        while not (await reader.get("feed.json")).json()["items"]:  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(2)
        for name in (
            "feed.xml?limit=x",
            "nobody.xml",
            "media/1/9.jpg",
            "media/x",
            "?q=%00",
            "status",
        ):
            await reader.get(name)
        while (await reader.get("atom.xml")).status_code == 200:
            pass
    await mia.sees("too often")
    return token, signing_key


def _part(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]
