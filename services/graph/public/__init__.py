"""Where Meta fetches a story's file from: a public address that nobody can guess, for a day.

Used by the publishing state machine, before a container is made, and by the clock, which sweeps.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

LIFETIME = timedelta(hours=24)  # a container lives as long, and Meta may fetch late

Mime = Literal["image/jpeg", "video/mp4"]
MIMES: dict[str, Mime] = {"photo": "image/jpeg", "video": "video/mp4"}


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """`id`: deletes the copy. `url`: ASCII; a bucket's holds a signature, so it is not logged.
    `expires_at` None: it works until the copy is deleted."""

    id: str
    url: str
    expires_at: datetime | None


class PublicFiles(Protocol):
    """Errors of all: HostingFailed, and HostingRefused where trying again is no use."""

    async def put(self, file: Path, mime: Mime) -> PublicUrl:
        """Copies the file there. A copy whose id was lost in a crash is found by sweep(). Errors:
        also StorageFailed, if the file can't be read here."""

    async def delete(self, public_id: str) -> None:
        """No error if it is not there."""

    async def sweep(self, before: datetime) -> int:
        """Deletes all of Reelay's copies that were made before then; returns how many."""


def unguessable() -> str:
    """A name of 128 random bits."""
    return secrets.token_hex(16)
