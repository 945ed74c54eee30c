"""Runs media tasks beside the event loop, each in a process of its own. Called by capabilities.

A crash, a hang or a bomb ends that one task and nothing else; the child gets a bare environment, so
no token of ours ever reaches a decoder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

_PROGRAM = (sys.executable, "-P", "-m", "services.media.task")
_MAX_ANSWER = 1 << 20


class MediaFailed(Exception):
    """`reason`: what the task said of the file, or one of timeout, crashed, memory."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MediaRunner:
    """`at_once`: processes at the same time; more would only make each slower."""

    def __init__(self, at_once: int = 2) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def run(
        self, task: str, arguments: Mapping[str, Any], *, limit_seconds: float = 60
    ) -> dict[str, Any]:
        """The task's answer. `arguments` are paths and numbers. Errors: MediaFailed."""
        async with self._slots:
            process = await asyncio.create_subprocess_exec(
                *_PROGRAM,
                task,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": _import_path()},
                start_new_session=True,
                limit=_MAX_ANSWER,
            )
            try:
                async with asyncio.timeout(limit_seconds):
                    output, _ = await process.communicate(json.dumps(dict(arguments)).encode())
            except TimeoutError:
                raise MediaFailed("timeout") from None
            finally:  # also when the waiting task was cancelled
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
        return _read(output)


def _import_path() -> str:
    """Where this package lies: the child is started with a bare environment."""
    import services

    return os.path.dirname(os.path.dirname(os.path.abspath(services.__file__)))  # noqa: PTH100, PTH120


def _read(output: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(output)
    except ValueError:
        raise MediaFailed("crashed") from None
    if "failed" in answer:
        raise MediaFailed(str(answer["failed"]))
    result: dict[str, Any] = answer["result"]
    return result
