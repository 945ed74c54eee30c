"""Cursors of the mobile lists: opaque to a client, and of no use for another list.

A cursor names the last post of its page, not a place: what is published meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import hashlib

MARK = 12  # bytes that tie a cursor to its list


def cursor(name: str, pk: int) -> str:
    """The cursor behind the post `pk` of the list `name`."""
    return base64.urlsafe_b64encode(_mark(name, pk) + pk.to_bytes(8, "big")).decode().rstrip("=")


def position(name: str, text: str) -> int | None:
    """The pk that a cursor of this list names; None if it is none of this list."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    pk = int.from_bytes(raw[MARK:], "big")
    return pk if pk < 1 << 64 and text == cursor(name, pk) else None


def _mark(name: str, pk: int) -> bytes:
    return hashlib.sha256(f"{name} {pk}".encode()).digest()[:MARK]
