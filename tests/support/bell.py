"""A bell for the job engine of this process: its queues look for work when there may be some.

Asking every 60 ms, as tests that wait for jobs need it, costs a sixth of a processor while nothing
happens; so here they ask when a job was enqueued or has ended, and otherwise rarely. What DBOS does
with what it finds is its own. Used by tests/conftest.py.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest
from dbos import _queue
from dbos._sys_db import SystemDatabase
from dbos._utils import INTERNAL_QUEUE_NAME

from services.jobs.engine import DEFAULT, INSTAGRAM, MEDIA, Engine, Job

LOOKS = 0.02  # seconds between two looks at the bell
AGAIN = 0.06  # after a ring: a job that has ended may hold its place a moment longer
RARELY = 0.5  # for what nobody rings: jobs of other processes, and those that these left behind

_rung: Counter[str] = Counter()  # by queue
_queue_of: dict[str, str] = {}  # by kind of job


class _Listening:
    """What a queue's thread waits with, instead of the event that ends it."""

    def __init__(self, stop: threading.Event, queue: str) -> None:
        self._stop = stop
        self._queue = queue
        self._heard = _rung[queue]
        self._pause = AGAIN
        self.is_set = stop.is_set

    def wait(self, timeout: float) -> bool:
        until = time.monotonic() + self._pause
        while not self._stop.wait(LOOKS):
            if self._heard != _rung[self._queue]:
                self._heard, self._pause = _rung[self._queue], AGAIN
                return False
            if time.monotonic() > until:
                self._pause = RARELY
                return False
        return True


def hang(patch: pytest.MonkeyPatch) -> None:
    thread = _queue.queue_worker_thread
    enqueue, note_outcome = Engine.enqueue, SystemDatabase.update_workflow_outcome

    def listening(stop: Any, dbos: Any, queue: Any) -> None:
        waits: Any = stop if queue.name == INTERNAL_QUEUE_NAME else _Listening(stop, queue.name)
        thread(waits, dbos, queue)

    async def enqueue_and_ring(engine: Engine, job: Job) -> None:
        await enqueue(engine, job)
        queue = _queue_of[job.kind] = engine._kinds[job.kind].queue
        _rung[queue] += 1

    def note_and_ring(database: Any, workflow_id: str, *arguments: Any, **options: Any) -> bool:
        noted = note_outcome(database, workflow_id, *arguments, **options)
        for queue in _queues(workflow_id):
            _rung[queue] += 1
        return noted

    patch.setattr(_queue, "queue_worker_thread", listening)
    patch.setattr(Engine, "enqueue", enqueue_and_ring)
    patch.setattr(SystemDatabase, "update_workflow_outcome", note_and_ring)


def _queues(workflow_id: str) -> list[str]:
    """All of them for a job that another process enqueued."""
    queue = _queue_of.get(workflow_id.partition(":")[0])
    return [queue] if queue else [DEFAULT, INSTAGRAM, MEDIA]
