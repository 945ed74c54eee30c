"""The real bot as a process of its own that can be killed. Used by kill.py and planted.py."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

STOP_SECONDS = 20


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
