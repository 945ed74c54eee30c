"""A bell for the job engine of this process: its queues look for work when there may be some.

Asking every 60 ms, as tests that wait for jobs need it, costs a sixth of a processor while nothing
happens; so here they ask when a job was enqueued or has ended, and otherwise rarely. What DBOS does
with what it finds is its own. Used by tests/conftest.py.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from dbos import _queue
from dbos._sys_db import SystemDatabase
from dbos._utils import INTERNAL_QUEUE_NAME

from services.jobs.engine import Engine

LOOKS = 0.02  # seconds between two looks at the bell
AGAIN = 0.06  # after a ring: a job that has ended may hold its place a moment longer
RARELY = 0.5  # for what nobody rings: jobs of other processes, and those that these left behind

rung = 0


def _ring() -> None:
    global rung
    rung += 1


class _Listening:
    """What a queue's thread waits with, instead of the event that ends it."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._heard = rung
        self._pause = AGAIN
        self.is_set = stop.is_set

    def wait(self, timeout: float) -> bool:
        until = time.monotonic() + self._pause
        while not self._stop.wait(LOOKS):
            if self._heard != rung:
                self._heard, self._pause = rung, AGAIN
                return False
            if time.monotonic() > until:
                self._pause = RARELY
                return False
        return True


def hang(patch: pytest.MonkeyPatch) -> None:
    thread = _queue.queue_worker_thread
    enqueue, note_outcome = Engine.enqueue, SystemDatabase.update_workflow_outcome

    def listening(stop: Any, dbos: Any, queue: Any) -> None:
        waits: Any = stop if queue.name == INTERNAL_QUEUE_NAME else _Listening(stop)
        thread(waits, dbos, queue)

    async def enqueue_and_ring(engine: Engine, job: Any) -> None:
        await enqueue(engine, job)
        _ring()

    def note_and_ring(*arguments: Any, **options: Any) -> bool:
        noted = note_outcome(*arguments, **options)
        _ring()
        return noted

    patch.setattr(_queue, "queue_worker_thread", listening)
    patch.setattr(Engine, "enqueue", enqueue_and_ring)
    patch.setattr(SystemDatabase, "update_workflow_outcome", note_and_ring)
