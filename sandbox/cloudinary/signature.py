"""Cloudinary's signatures: what a request has to carry, and what an answer brings. Pure.

Source: Cloudinary's "Generating authentication signatures"; the official example is a test.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

Pairs = Sequence[tuple[str, str]]

NOT_SIGNED = frozenset({"file", "cloud_name", "resource_type", "api_key", "signature"})
HASHES = {40: hashlib.sha1, 64: hashlib.sha256}  # by the length of the hex signature
VERSIONS = (2, 1)  # in the first, "&" inside of values was not masked


def string_to_sign(pairs: Pairs, version: int = 2) -> str:
    """The pairs as they came in the form; lists come as `name[]`, repeated."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        name = name.removesuffix("[]")
        if name not in NOT_SIGNED and value != "":
            values.setdefault(name, []).append(value)
    parts = [f"{name}={','.join(items)}" for name, items in values.items()]
    if version >= 2:
        parts = [part.replace("&", "%26") for part in parts]
    return "&".join(sorted(parts))


def is_good(pairs: Pairs, signature: str, secret: str) -> bool:
    make_hash = HASHES.get(len(signature))
    if make_hash is None:
        return False
    wanted = [
        make_hash((string_to_sign(pairs, version) + secret).encode()).hexdigest()
        for version in VERSIONS
    ]
    return any(hmac.compare_digest(one, signature) for one in wanted)


def of_answer(public_id: str, version: int, secret: str) -> str:
    """What the SDK can check an upload's answer with."""
    text = f"public_id={public_id}&version={version}{secret}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - Cloudinary's choice
