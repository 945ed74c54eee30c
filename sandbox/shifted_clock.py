"""The sitecustomize.py of a process whose clock is moved; says nothing where it is only imported.

sandbox.machine_clock copies it beside the file with the offset, and says why. It waits until the
module of the product's clock is loaded, and wraps its one function before anybody has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

MODULE, FUNCTION = "services.clock", "utc_now"
OFFSET = Path(__file__).with_name("offset")  # seconds


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module as it is, with a loader that wraps it; None for every other one."""
        found = PathFinder.find_spec(fullname, path, target) if fullname == MODULE else None
        if found is not None and found.loader is not None:
            found.loader = _Loader(found.loader)
        return found


class _Loader(Loader):
    def __init__(self, real: Loader) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        utc_now = getattr(module, FUNCTION)

        def shifted() -> datetime:
            now: datetime = utc_now()
            return now + timedelta(seconds=float(OFFSET.read_text()))

        setattr(module, FUNCTION, shifted)


if __name__ == "sitecustomize":
    sys.meta_path.insert(0, _Finder())
