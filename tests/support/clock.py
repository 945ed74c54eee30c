"""A clock that tests move: real time plus an offset."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.clock import utc_now


class MovableClock:
    def __init__(self) -> None:
        self._offset = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self._offset

    def advance(self, **by: float) -> None:
        """`advance(minutes=15)`."""
        self._offset += timedelta(**by)


class StillClock(MovableClock):
    """Time passes only when the test says so."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__()
        self._start = start or utc_now()

    def __call__(self) -> datetime:
        return self._start + self._offset
