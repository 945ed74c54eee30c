"""Places whose clocks change within minutes: daylight-saving nights for whoever can't wait for one.

A time zone is data of the machine, as a picture is data of Instagram, so this stands in for the
machine's database: a folder of TZif files (RFC 9636), before the real ones on PYTHONTZPATH. The bot
reads them as it reads any zone; its clock and everybody else's stay right. Used by the demo, the
tour of stories and the chat page.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AHEAD = timedelta(seconds=45)  # at least: time to choose the zone, and to live before the change
OTHER_CHANGE = timedelta(days=200)  # the last one before, from the other time of the year
WEST = timedelta(hours=-12)  # of Greenwich: where the day ends


@dataclass(frozen=True, slots=True)
class Zone:
    """`change`: when its clocks are set, aware UTC, a whole minute. `before`, `after`: hours and
    minutes east of Greenwich."""

    name: str
    change: datetime
    before: timedelta
    after: timedelta

    @property
    def weekday(self) -> str:
        """Of the night, as "Sun"."""
        return f"{self.change + self.before:%a}"


class Zones:
    """`folder` holds the files until `close`. `now`: the sandbox's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._temporary = tempfile.TemporaryDirectory(prefix="zones-")
        self.folder = Path(self._temporary.name)

    def close(self) -> None:
        self._temporary.cleanup()

    @property
    def environment(self) -> Mapping[str, str]:
        """For a process that shall find these zones besides the machine's own."""
        return {"PYTHONTZPATH": os.pathsep.join([str(self.folder), *zoneinfo.TZPATH])}

    def autumn(self) -> Zone:
        """Its clocks will show 03:00 and go back to 02:00: the hour from two comes twice."""
        return self._add("Autumn", timedelta(hours=3), -HOUR)

    def spring(self) -> Zone:
        """Its clocks will show 02:00 and go on to 03:00: the hour from two never comes."""
        return self._add("Spring", timedelta(hours=2), HOUR)

    def _add(self, season: str, shown: timedelta, step: timedelta) -> Zone:
        """`shown`: what the clock shows when it is set, since midnight."""
        change = _minute_after(self._now() + AHEAD)
        midnight = change.replace(hour=0, minute=0)
        before = (shown - (change - midnight) - WEST) % DAY + WEST
        zone = Zone(f"Sandbox/{season}-{change:%H%M}", change, before, before + step)
        path = self.folder / zone.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_file(zone))
        return zone


def _minute_after(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _file(zone: Zone) -> bytes:
    """Version 2: an empty part for readers of 32-bit times, the part itself, and no rule."""
    earlier = round((zone.change - OTHER_CHANGE).timestamp())
    changes = ((earlier, 0), (round(zone.change.timestamp()), 1))
    return _part((), "l", zone) + _part(changes, "q", zone) + b"\n\n"


def _part(changes: Sequence[tuple[int, int]], width: str, zone: Zone) -> bytes:
    """`changes`: (seconds since 1970, from then on `before`: 0, or `after`: 1)."""
    names = b"STD\0DST\0"
    summer = max(zone.before, zone.after)
    kinds = [
        struct.pack(">l?B", round(east.total_seconds()), east == summer, 4 * (east == summer))
        for east in (zone.before, zone.after)
    ]
    counts = (0, 0, 0, len(changes), len(kinds), len(names))
    times = struct.pack(f">{len(changes)}{width}", *(at for at, _ in changes))
    order = bytes(kind for _, kind in changes)
    head = struct.pack(">4sc15x6l", b"TZif", b"2", *counts)
    return head + times + order + b"".join(kinds) + names
