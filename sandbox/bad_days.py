"""What the bad days of every stand-in have in common: their switches, and orders of a test.

Used by the stand-ins of Instagram, Meta and Cloudinary, each of which has its own days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
What = TypeVar("What")


@dataclass(frozen=True, slots=True)
class BadDay:
    """A switch as the page shows it: a short label and one sentence."""

    name: str
    label: str
    description: str
    on: bool = False


class Switches:
    """Which bad days are on."""

    def __init__(self, days: Sequence[BadDay]) -> None:
        self._days = {day.name: day for day in days}
        self._on: set[str] = set()

    def all(self) -> list[BadDay]:
        return [replace(day, on=day.name in self._on) for day in self._days.values()]

    def is_on(self, name: str) -> bool:
        return name in self._on

    def switch(self, name: str, on: bool) -> None:
        """KeyError for a name that is none of the days."""
        if name not in self._days:
            raise KeyError(name)
        (self._on.add if on else self._on.discard)(name)


@dataclass(slots=True)
class _Order(Generic[Asked, What]):
    of: Asked
    what: What
    skip: int
    times: int


class Orders(Generic[Asked, What]):
    """What a test ordered for the next requests. `fits`: (a request, what an order is for)."""

    def __init__(self, fits: Callable[[Asked, Asked], bool]) -> None:
        self._fits = fits
        self._orders: list[_Order[Asked, What]] = []

    def add(self, of: Asked, what: What, *, skip: int, times: int) -> None:
        self._orders.append(_Order(of, what, skip, times))

    def take(self, asked: Asked) -> What | None:
        """The first order that fits this request; it is used up after `times` requests."""
        for order in self._orders:
            if not self._fits(asked, order.of) or order.times == 0:
                continue
            if order.skip:
                order.skip -= 1
                continue
            order.times -= 1
            return order.what
        return None

    def clear(self) -> None:
        self._orders.clear()
