"""How much of Meta's allowance of calls is used, from the headers of its answers. Pure.

Used by the client; background work asks it whether to go on. Headers: facts of Meta's page on rate
limits. They appear only after enough calls, and what can't be read in them counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from services.graph.reading import number, parsed

APP, BUSINESS = "x-app-usage", "x-business-use-case-usage"
SLOW_AT, STOP_AT = 75, 90  # percent
_LONGEST = timedelta(days=1)  # every allowance of Meta's is one of at most 24 hours


class Pace(StrEnum):
    """What background work does. Publishing goes on until Meta refuses it."""

    GO = "go"
    SLOW = "slow"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Usage:
    """The fullest of all allowances, in percent. `regain`: until calls are taken again, or 0."""

    calls: float
    time: float
    cpu: float
    regain: timedelta = timedelta(0)

    @property
    def percent(self) -> float:
        return max(self.calls, self.time, self.cpu)

    @property
    def pace(self) -> Pace:
        if self.regain or self.percent >= STOP_AT:
            return Pace.STOP
        return Pace.SLOW if self.percent >= SLOW_AT else Pace.GO


def read_usage(headers: Mapping[str, str]) -> Usage | None:
    """None if the answer told nothing."""
    told = [*_app(headers.get(APP)), *_business(headers.get(BUSINESS))]
    if not told:
        return None
    minutes = max(_figure(one, "estimated_time_to_regain_access") for one in told)
    return Usage(
        calls=max(_figure(one, "call_count") for one in told),
        time=max(_figure(one, "total_time") for one in told),
        cpu=max(_figure(one, "total_cputime") for one in told),
        regain=min(timedelta(minutes=min(minutes, 1 << 20)), _LONGEST),
    )


def _app(header: str | None) -> Iterator[dict[str, Any]]:
    """{"call_count": 28, "total_time": 25, "total_cputime": 25}"""
    told = parsed((header or "").encode())
    if isinstance(told, dict):
        yield told


def _business(header: str | None) -> Iterator[dict[str, Any]]:
    """{"<business or account>": [{"type": "instagram", "call_count": …}]}"""
    told = parsed((header or "").encode())
    for group in told.values() if isinstance(told, dict) else ():
        yield from (
            (one for one in group if isinstance(one, dict)) if isinstance(group, list) else ()
        )


def _figure(told: dict[str, Any], name: str) -> float:
    return max(0, number(told.get(name)) or 0)
