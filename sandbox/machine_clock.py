"""A clock of the machine that can be set ahead while the product runs: a month passes in minutes.

Time is data of the machine, as zones are, so this stands in for it and the product knows nothing of
it. Of all that asks a machine for the time only the one function that the product takes its clock
from is moved. Its timers, its job engine, its database's locks and TLS stay on real time: they
measure how long something takes, and a jump would end their waits or their leases. Used by tours
that last for days.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from sandbox import shifted_clock


class MachineClock:
    """Call it for the time: aware, UTC. `with` it: its folder vanishes afterwards.

    Started with `environment`, a process sees every `advance` from the next moment on. Python runs
    sitecustomize.py of PYTHONPATH before anything else; one of the machine's own stays unread.
    """

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._temporary = tempfile.TemporaryDirectory(prefix="clock-")
        self._folder = Path(self._temporary.name)

    def __enter__(self) -> MachineClock:
        shutil.copy(shifted_clock.__file__, self._folder / "sitecustomize.py")
        self._tell()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._temporary.cleanup()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    @property
    def environment(self) -> Mapping[str, str]:
        """For a process whose clock this shall be."""
        return {"PYTHONPATH": str(self._folder)}

    def advance(self, by: timedelta) -> None:
        self._ahead += by
        self._tell()

    def _tell(self) -> None:
        """In one piece: it may be read at any moment."""
        draft = self._folder / "draft"
        draft.write_text(str(self._ahead.total_seconds()))
        draft.replace(self._folder / shifted_clock.OFFSET.name)
