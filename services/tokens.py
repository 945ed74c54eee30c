"""What opens something for whoever has it: made once, shown once, kept as a hash only.

Used for addresses, invitations and the way back from a log-in.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

_BYTES = 16  # 128 random bits: a guess costs a look at an index and finds nothing


def new_token() -> str:
    """22 letters that are safe in an address."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> str:
    """Hex of its SHA-256: enough without salt or stretching, for there are no weak ones."""
    return sha256(token.encode()).hexdigest()
