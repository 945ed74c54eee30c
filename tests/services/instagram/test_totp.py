"""Codes of an authenticator app, beside the numbers of RFC 6238."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from services.errors import BadInput
from services.instagram.totp import totp_code

SECRET = base64.b32encode(b"12345678901234567890").decode()  # of RFC 6238, appendix B


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_numbers_of_the_rfc(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp_code(SECRET, at) == code
    assert totp_code(" ".join(SECRET.lower()), at) == code  # as people copy it


@pytest.mark.parametrize("secret", ["", "   ", "18", "not base32!", "ÄÖÜ", "A"])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(BadInput) as caught:
        totp_code(secret, datetime.now(UTC))
    assert not secret.strip() or secret not in str(caught.value.args)
