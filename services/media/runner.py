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
_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGALRM)  # the child's own limits


class MediaFailed(Exception):
    """`reason`: not_media, no_audio or bomb, which the task says of the file; or one of timeout,
    memory, crashed."""

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
        """The task's answer. `arguments` are what JSON can say. Errors: MediaFailed."""
        async with self._slots:
            process = await asyncio.create_subprocess_exec(
                *_PROGRAM,
                task,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": _import_path()},
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(limit_seconds):
                    output = await _talk(process, json.dumps(dict(arguments)).encode())
            except TimeoutError:
                raise MediaFailed("timeout") from None
            finally:  # also when the waiting task was cancelled
                await _end(process)
        if process.returncode in _OUT_OF_TIME:
            raise MediaFailed("timeout")
        return _read(output)


async def _talk(process: asyncio.subprocess.Process, question: bytes) -> bytes:
    """What it answers until its end. Errors: MediaFailed if that is more than any task says: a
    decoder that was taken over must not fill our memory."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question)
    with contextlib.suppress(ConnectionError):  # it ended before it had listened
        await process.stdin.drain()
    process.stdin.close()
    try:
        await process.stdout.readexactly(_MAX_ANSWER)
    except asyncio.IncompleteReadError as end:
        await process.wait()
        return end.partial
    raise MediaFailed("crashed")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kills it with all that it started, and drops what it had still said: asyncio's wait() never
    returns while its pipe is full."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    while await process.stdout.read(_MAX_ANSWER):
        pass
    await process.wait()


def _import_path() -> str:
    """Where this package lies: the child is started with a bare environment."""
    import services

    return os.path.dirname(os.path.dirname(os.path.abspath(services.__file__)))  # noqa: PTH100, PTH120


def _read(output: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        raise MediaFailed("crashed") from None
    match answer:
        case {"result": dict() as result}:
            return result
        case {"failed": str() as reason}:
            raise MediaFailed(reason)
    raise MediaFailed("crashed")
