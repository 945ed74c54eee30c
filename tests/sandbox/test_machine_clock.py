"""A process with another clock: the product's own module, loaded as it loads it, in a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import services.clock
from sandbox import shifted_clock
from sandbox.machine_clock import MachineClock

ROOT = Path(services.clock.__file__).parent.parent
# tells the time once for each line it is sent: the product's, and what everybody else is told
CHILD = """
import sys, time
from datetime import UTC, datetime
import services.clock
from services.clock import utc_now
for line in sys.stdin:
    others = min(datetime.now(UTC), datetime.fromtimestamp(time.time(), UTC))
    told = [utc_now(), services.clock.utc_now(), others]
    print(*(one.isoformat() for one in told), flush=True)
"""


class Child:
    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self) -> list[datetime]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [datetime.fromisoformat(one) for one in self._process.stdout.readline().split()]

    def end(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture
def clock() -> Iterator[MachineClock]:
    with MachineClock() as made:
        yield made


def test_only_the_products_clock_is_moved_and_while_it_runs(clock: MachineClock) -> None:
    child = Child(dict(clock.environment), ROOT)
    try:
        for days in (0, 3, 37):
            clock.advance(timedelta(days=days))
            before = clock()
            told, same, others = child.ask()
            assert before <= told <= same <= clock()
            assert told.tzinfo is UTC
            assert others <= datetime.now(UTC)
        assert told - others > timedelta(days=39)
    finally:
        child.end()


def test_the_product_may_lie_anywhere(clock: MachineClock, tmp_path: Path) -> None:
    """As it does where it is installed."""
    clock.advance(timedelta(days=1))
    path = os.pathsep.join([clock.environment["PYTHONPATH"], str(ROOT)])
    child = Child({"PYTHONPATH": path}, tmp_path)
    try:
        assert child.ask()[0] >= datetime.now(UTC) + timedelta(hours=23)
    finally:
        child.end()


def test_nothing_moves_in_this_process_and_nothing_is_left(clock: MachineClock) -> None:
    clock.advance(timedelta(days=3))
    assert services.clock.utc_now() < datetime.now(UTC) + timedelta(minutes=1)
    assert not any(isinstance(one, shifted_clock._Finder) for one in sys.meta_path)
    folder = Path(clock.environment["PYTHONPATH"])
    assert {file.name for file in folder.iterdir()} == {"sitecustomize.py", "offset"}
    clock.__exit__(None, None, None)
    assert not folder.exists()
