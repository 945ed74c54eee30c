"""The six digits of an authenticator app (RFC 6238), made from its secret.

Pure. Used by the mobile log-in, so that an account with a stored secret asks nobody for a code.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from datetime import datetime

from services.errors import BadInput

STEP_SECONDS = 30


def totp_code(secret: str, at: datetime) -> str:
    """The code at `at` (aware). `secret` is base32 as Instagram shows it, spaces allowed.

    Errors: BadInput, without the secret in it.
    """
    letters = "".join(secret.split()).upper().rstrip("=")
    try:
        key = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise BadInput(
            "The secret of the authenticator app is not one: it has letters and the digits 2 to 7.",
            "Copy it again from Instagram's settings, Two-factor authentication.",
        ) from None
    counter = int(at.timestamp()) // STEP_SECONDS
    digest = hmac.digest(key, struct.pack(">Q", counter), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
