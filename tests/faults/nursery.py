"""A process that has everything imported and is forked for each order: a worker that is to be
killed begins within milliseconds. Used by story_lane.py.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import sys
import traceback
from types import TracebackType

from tests.faults import story_worker
from tests.faults.story_worker import Order

PATIENCE = 120.0  # seconds for a worker to come to an end


class Nursery:
    """`async with Nursery() as nursery:`; one order at a time."""

    async def __aenter__(self) -> Nursery:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", __name__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # with a worker that does not end
        await self._process.wait()

    async def run(self, order: Order) -> int:
        """The worker's exit code. Errors: TimeoutError."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(pickle.dumps(order))
        async with asyncio.timeout(PATIENCE):
            return int(await self._process.stdout.readline())


def main() -> None:
    codes = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a worker prints is no exit code
    gc.freeze()
    while True:
        try:
            order = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        worker = os.fork()
        if not worker:
            _work(order)
        _, status = os.waitpid(worker, 0)
        print(os.waitstatus_to_exitcode(status), file=codes, flush=True)


def _work(order: Order) -> None:
    """Does not return: of this process there are two."""
    code = 1
    try:
        story_worker.main(order)
        code = 0
    except BaseException:  # noqa: BLE001 - the edge of a process
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
