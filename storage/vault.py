"""Secrets at rest. A sealed text opens only in the table, row and purpose that it was sealed for.

Called by services that store or use a secret. Keys come from the settings (newest first) or from a
file that the first start makes.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import tempfile
from hashlib import sha256
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Secret:
    """A value that never prints. `reveal()` is called where it is used and nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode(), other._value.encode()
        )

    def __hash__(self) -> int:
        return hash(self._value)


class CannotOpen(Exception):
    """Sealed with a key that is not here, tampered with, or sealed for another place."""


class Vault:
    """`keys`: urlsafe base64 Fernet keys, newest first; the newest seals, all of them open."""

    def __init__(self, keys: list[str]) -> None:
        if not keys:
            raise ValueError("a vault needs a key")
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._root = keys[-1].encode()  # the oldest: what is derived from it survives a rotation

    def seal(self, value: str, *place: str | int) -> bytes:
        """`place`: table, row and purpose, e.g. ("connections", 7, "cookies")."""
        return self._fernet.encrypt(json.dumps([list(map(str, place)), value]).encode())

    def open(self, sealed: bytes, *place: str | int) -> Secret:
        """Errors: CannotOpen."""
        try:
            where, value = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise CannotOpen(f"no key opens {place[0]}") from error
        if where != list(map(str, place)):
            raise CannotOpen(f"sealed for another place than {place[0]}")
        return Secret(value)

    def rotate(self, sealed: bytes) -> bytes:
        """The same secret under the newest key. Errors: CannotOpen."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise CannotOpen("no key opens it") from error

    def derive(self, purpose: str) -> str:
        """A stable code of 10 letters and digits for a purpose, such as the claim code."""
        digest = hmac.new(self._root, purpose.encode(), sha256).hexdigest()
        return digest[:10]


def load_keys(given: str, path: Path) -> list[str]:
    """Keys from the settings (comma-separated), else from `path`, which is made when missing.

    Mode 0600 from its first byte; an existing file is never overwritten.
    """
    if given.strip():
        return [key.strip() for key in given.split(",") if key.strip()]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, [Fernet.generate_key().decode()])
        # a link appears whole or not at all, and never over a key that another process made
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().split()


def add_key(path: Path) -> None:
    """Puts a new key in front of those in the file, whole or not at all."""
    _draft(path, [Fernet.generate_key().decode(), *path.read_text().split()]).replace(path)


def _draft(path: Path, keys: list[str]) -> Path:
    """A file beside `path` that nobody else writes to: in containers every process may be the
    first one, so a process id would not tell them apart."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(keys) + "\n")
    return Path(name)
