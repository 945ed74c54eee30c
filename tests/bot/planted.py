"""Looks for planted secrets in everything that a visit leaves behind. Used by test_secrets.py and
by `make faults`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote


def secrets_of(cookies: str) -> dict[str, str]:
    """The values of a Netscape file that open the session, by name; also URL-decoded."""
    fields = [line.split("\t") for line in cookies.splitlines() if line.count("\t") == 6]
    found = {one[5]: one[6] for one in fields if one[5] in ("sessionid", "csrftoken", "mid")}
    return {**found, "sessionid, decoded": unquote(found["sessionid"])}


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of every file but the key's own, and of what is inside of zips."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.name == "secret.key":
            continue
        content = path.read_bytes()
        yield str(path), content
        if path.suffix == ".zip":
            yield from unzipped(str(path), content)


def unzipped(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        for member in opened.namelist():
            yield f"{name}/{member}", opened.read(member)


def leaks(secrets: dict[str, str], places: Iterator[tuple[str, bytes]]) -> list[str]:
    """ "<secret> in <place>" for each that was found."""
    return [
        f"{name} in {place}"
        for place, content in places
        for name, value in secrets.items()
        if value.encode() in content
    ]
