"""The arguments of one method call, read as the Bot API reads them. Built by server.py.

Every value arrives as text (nested objects as JSON); a wrong one is a 400, never a crash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import bad_request

INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
NOT_UTF8 = "strings must be encoded in UTF-8"


@dataclass(frozen=True)
class Upload:
    """One file of a multipart request."""

    name: str
    data: bytes
    mime: str


class Arguments:
    def __init__(self, fields: Mapping[str, str], files: Mapping[str, Upload]) -> None:
        self.fields = dict(fields)
        self.files = dict(files)
        for value in (*self.fields.values(), *(file.name for file in self.files.values())):
            _check_unicode(value)

    def __contains__(self, name: str) -> bool:
        return name in self.fields or name in self.files

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "yes", "1")

    def integer(
        self, name: str, default: int = 0, *, low: int = -(2**63), high: int = 2**63
    ) -> int:
        """Clamped between low and high; what is no number counts as 0, as in the real server."""
        value = self.text(name).strip()
        if not value:
            return default
        number = int(value) if INTEGER.fullmatch(value) else 0
        return max(low, min(high, number))

    def json(self, name: str, what: str) -> Any:
        """The decoded value, None when absent. `what` is how the error names it."""
        value = self.text(name)
        return parse_json(value, f"can't parse {what} JSON object") if value else None

    def objects(self, name: str, what: str) -> list[dict[str, Any]]:
        """A JSON array of objects; empty when absent. `what` is the type's name in the API."""
        value = self.json(name, name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise bad_request(f"expected an Array of {what}")
        for item in value:
            if not isinstance(item, dict):
                raise bad_request(f"can't parse {what}: expected an Object")
        return value

    def loggable(self) -> dict[str, str]:
        """For the log of calls: a file is shown by its name and size."""
        files = {name: f"{u.name} ({len(u.data)} bytes)" for name, u in self.files.items()}
        return {**self.fields, **files}


def as_fields(body: Mapping[str, Any]) -> dict[str, str]:
    """The members of a JSON body as the text that a form would have sent."""
    return {
        str(key): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in body.items()
        if value is not None
    }


def parse_json(value: str, complaint: str) -> Any:
    try:
        result = json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # the second by a thousand nested brackets
        raise bad_request(complaint) from None
    _check_unicode(json.dumps(result, ensure_ascii=False))
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _check_unicode(value: str) -> None:
    """Half of a surrogate pair can be written in JSON, but it is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_request(NOT_UTF8) from None


def string_field(item: Mapping[str, Any], name: str) -> str:
    """A text field of a decoded object; numbers are taken as text, as the real server does."""
    value = item.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise bad_request(f'field "{name}" must be of type String')
    return str(value)
