"""The real bot as a process of its own that can be killed. Used by kill.py, feed.py, planted.py."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

from sandbox.demo import CLAIM

START_SECONDS = 30
STOP_SECONDS = 20
FAST = {
    "INSTAGRAM_PACE_SECONDS": "0.05-0.1",
    "INSTAGRAM_REQUESTS_PER_MINUTE": "6000",
    "FEED_POLL_MINUTES": "10",  # polls come when they are made due
}


class BotProcess:
    """`python -m bot run`; what it prints goes to `log`. Each start appends."""

    def __init__(self, settings: dict[str, str], log: Path) -> None:
        self._settings = settings
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def printed(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Returns at once: a kill may well hit the start."""
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
        }
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bot", "run"),
                env={**inherited, **self._settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def claim_code(self) -> str:
        """What a first start prints."""
        async with asyncio.timeout(START_SECONDS):
            while not (found := CLAIM.search(self.printed)):  # noqa: ASYNC110 - nothing rings
                await asyncio.sleep(0.1)
        return found[1]

    async def kill(self) -> None:
        """SIGKILL for the process alone: a gallery-dl that it had started lives on."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def terminate(self) -> float:
        """SIGTERM; returns how many seconds it took to leave."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lose_jobs(data: Path) -> None:
    """Of a bot that has stopped: its jobs.db is gone."""
    for path in data.glob("jobs.db*"):
        path.unlink()
