"""What a button carries: "v1:<area>:<verb>[:<id>]", at most 64 bytes. Used by every card.

Buttons live for ever and can be forged, so this only names a row: owner and state are checked again
at each tap by the service behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHAPE = re.compile(r"v1:([a-z]{1,12}):([a-z_]{1,20})(?::([A-Za-z0-9_.-]{1,32}))?")


@dataclass(frozen=True, slots=True)
class Tap:
    """`ref`: the row or choice that is meant, "" if the verb needs none."""

    area: str
    verb: str
    ref: str = ""

    @property
    def id(self) -> int:
        """The row's number, 0 if the ref is none."""
        return number(self.ref)

    @property
    def pair(self) -> tuple[int, str]:
        """Of a ref such as "12-top": the row's number, as `id`, and what follows."""
        first, _, rest = self.ref.partition("-")
        return number(first), rest

    def data(self) -> str:
        return f"v1:{self.area}:{self.verb}" + (f":{self.ref}" if self.ref else "")


def number(text: str) -> int:
    """Of a row; 0, which no row has, if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def read(data: str) -> Tap | None:
    """None for whatever this version never wrote."""
    match = _SHAPE.fullmatch(data)
    return Tap(match[1], match[2], match[3] or "") if match else None
