"""(c) Memory and start-up of the service, and of an empty Python beside it."""

from __future__ import annotations

import asyncio
import io
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx

from sandbox.demo import Bot, Sandbox
from sandbox.tours.importing import connect
from sandbox.tours.visitor import Visitor
from sandbox.world import World
from tests.bench.importing import UNPACED, warm
from tests.bench.table import Result

STARTS = 3
PATIENCE = 30


async def run(world: World) -> Result:
    warm(world, "beats")
    starts, ready_mb, after_mb, peak_mb = [], 0.0, 0.0, 0.0
    for number in range(STARTS):
        async with Sandbox(world) as sandbox:
            with tempfile.TemporaryDirectory(prefix="reelay-bench-") as folder:
                port = _free_port()
                settings = {**sandbox.settings(Path(folder)), **UNPACED, "WEB_PORT": str(port)}
                bot = Bot(settings)
                began = time.monotonic()
                try:
                    await bot.start()
                    await _ready(port)
                    starts.append(time.monotonic() - began)
                    if number == 0:
                        ready_mb = memory(bot.pid, "VmRSS")
                        await _import(sandbox, bot)
                        after_mb = memory(bot.pid, "VmRSS")
                        peak_mb = memory(bot.pid, "VmHWM")
                finally:
                    await bot.stop()
    empty_seconds, empty_mb = await asyncio.to_thread(_empty_python)
    rows = [
        ("reelay, ready", f"{median(starts):.2f}", f"{ready_mb:.0f}"),
        ("reelay, after an import of 24 posts", "", f"{after_mb:.0f}"),
        ("reelay, at its highest", "", f"{peak_mb:.0f}"),
        ("python -c pass", f"{empty_seconds:.2f}", f"{empty_mb:.0f}"),
    ]
    notes = [f"start: from the process to a good /ready on an empty folder, median of {STARTS}"]
    return Result("(c) Start and memory", ("", "seconds", "MB (RSS)"), rows, notes)


async def _import(sandbox: Sandbox, bot: Bot) -> None:
    mia = Visitor(sandbox.telegram, sandbox.users["mia"], io.StringIO())
    await connect(mia, sandbox, bot.claim_code)
    mia.say(sandbox.world.collection_url("mia", "beats"))
    await mia.tap("Import all")
    await mia.sees("✅ Done:")


async def _ready(port: int) -> None:
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory(pid: int, name: str) -> float:
    """Megabytes, from the kernel's own account of the process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _empty_python() -> tuple[float, float]:
    """(seconds from start to end, megabytes while it waits for its end)."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    seconds = time.monotonic() - began
    waiting = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        megabytes = memory(process.pid, "VmRSS")
        process.communicate(b"\n")
    return seconds, megabytes
