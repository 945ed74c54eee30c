"""Reads Meta's answers strictly: what is missing or of another type is MetaChanged, never KeyError.

Pure. Used by every typed operation of this package.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.errors import MetaChanged

_ID = re.compile(r"[0-9]{1,40}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,2000}")


def is_token(value: str) -> bool:
    """True for what can go into a header: printable ASCII without spaces."""
    return bool(_TOKEN.fullmatch(value))


def is_id(value: str) -> bool:
    """True for digits only; Meta's ids go into paths."""
    return bool(_ID.fullmatch(value))


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object of an answer. `where` names it in errors; values never get there.

    A method without a default raises MetaChanged if the field is missing. JSON's null counts as
    missing. A field of another type is MetaChanged in any case.
    """

    values: dict[str, Any]
    where: str

    @classmethod
    def of(cls, value: object, where: str) -> Fields:
        if not isinstance(value, dict):
            raise MetaChanged(subject=where)
        return cls(value, where)

    def text(self, name: str) -> str:
        """Not empty."""
        value = self.optional_text(name)
        if not value:
            raise self._changed(name)
        return value

    def optional_text(self, name: str) -> str:
        """ "" where there is none."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._changed(name)
        return value

    def id(self, name: str) -> str:
        """Digits, as JSON text or number."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not is_id(value):
            raise self._changed(name)
        return value

    def token(self, name: str) -> str:
        value = self.text(name)
        if not is_token(value):
            raise self._changed(name)
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise self._changed(name)
        return value

    def count(self, name: str) -> int:
        """A whole number from 0 up."""
        value = self.optional_count(name)
        if value is None:
            raise self._changed(name)
        return value

    def optional_count(self, name: str) -> int | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._changed(name)
        return value

    def epoch(self, name: str) -> datetime | None:
        """Unix seconds as aware UTC time; None where Meta writes 0 or nothing: no such moment."""
        seconds = self.optional_count(name)
        if not seconds:
            return None
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError):
            raise self._changed(name) from None

    def moment(self, name: str) -> datetime:
        """Aware UTC time, from every form that Meta was seen to use (see `moment`)."""
        value = moment(self.text(name))
        if value is None:
            raise self._changed(name)
        return value

    def optional_moment(self, name: str) -> datetime | None:
        return self.moment(name) if self.optional_text(name) else None

    def fields(self, name: str) -> Fields:
        return Fields.of(self.values.get(name), f"{self.where}.{name}")

    def optional_fields(self, name: str) -> Fields | None:
        return self.fields(name) if self.values.get(name) is not None else None

    def list(self, name: str) -> list[Fields]:
        """Objects only."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise self._changed(name)
        return [Fields.of(one, f"{self.where}.{name}[]") for one in value]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one text with commas; () where there is none."""
        value = self.values.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._changed(name)
        return tuple(value)

    def _changed(self, name: str) -> MetaChanged:
        return MetaChanged(subject=f"{self.where}.{name}")


def moment(text: str) -> datetime | None:
    """Aware UTC time of 2026-09-01T07:00:00+0000, …+00:00, …Z, or without a zone, which is UTC."""
    try:
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number(value: object) -> int | float | None:
    """A figure, as JSON number or as text of one; None for anything else."""
    if isinstance(value, str):
        try:
            value = int(value) if _ID.fullmatch(value) else float(value)
        except ValueError:
            return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parsed(body: bytes) -> object:
    """The JSON in it, None for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
