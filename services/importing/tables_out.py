"""A post of the library as a line of a table, and such lines as CSV and JSON: pure functions.

Called by services.importing.export. What strangers wrote must not become a formula in a
spreadsheet, and the names of exported files are made from nothing but letters that are safe.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import PurePosixPath

from services.sheets import harmless
from storage.library import LibraryPost
from storage.samples import Sample, film_of

JSON_BEGIN, JSON_BETWEEN, JSON_END = b"[\n", b",\n", b"\n]\n"

Value = str | int | float | datetime | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Line:
    """One post; the names of its fields are the heads of the columns.

    `duration` in seconds, tempos in BPM, confidences 0 to 1, times aware UTC. `no_tempo`, `no_key`:
    why none is given. Of a post with several films it is the one that the post is heard by; width
    and height are of its first file, `bytes` of all.
    """

    shortcode: str
    link: str
    author: str
    type: str  # photo | video | carousel
    taken: datetime
    added: datetime
    caption: str
    hashtags: tuple[str, ...]
    collections: tuple[str, ...]
    duration: float | None
    tempo: float | None
    tempo_alternative: float | None
    tempo_confidence: float | None
    no_tempo: str | None
    key: str | None
    key_second: str | None
    key_confidence: float | None
    no_key: str | None
    width: int | None
    height: int | None
    files: int
    bytes: int


COLUMNS = tuple(field.name for field in fields(Line))


def line(
    post: LibraryPost, files: Sequence[Sample], tags: Sequence[str], collections: Sequence[str]
) -> Line:
    film = film_of(files)
    first = files[0] if files else None
    return Line(
        shortcode=post.shortcode,
        link=f"https://www.instagram.com/p/{post.shortcode}/",
        author=post.author,
        type=post.kind,
        taken=post.taken_at,
        added=post.added_at,
        caption=post.caption,
        hashtags=tuple(tags),
        collections=tuple(collections),
        duration=_rounded(film.seconds if film else None, 2),
        tempo=_rounded(film.bpm if film else None, 1),
        tempo_alternative=_rounded(film.bpm_alternative if film else None, 1),
        tempo_confidence=_rounded(film.bpm_confidence if film else None, 3),
        no_tempo=_why(film, film.no_bpm if film else None),
        key=film.key if film else None,
        key_second=film.key_second if film else None,
        key_confidence=_rounded(film.key_confidence if film else None, 3),
        no_key=_why(film, film.no_key if film else None),
        width=first.width if first else None,
        height=first.height if first else None,
        files=len(files),
        bytes=sum(file.bytes for file in files),
    )


def _why(film: Sample | None, reason: str | None) -> str | None:
    """Why a figure is missing: what analysis says, or that there was none (yet)."""
    if film is None or film.state == "ready":
        return reason
    return film.failure or film.state


def _rounded(number: float | None, places: int) -> float | None:
    return None if number is None else round(number, places)


# ---------------------------------------------------------------- CSV


def csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    """RFC 4180: commas, quotes where needed, CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")  # half a surrogate pair is no character


def csv_head() -> list[str]:
    """Times say in their head that they are UTC: Excel reads no zone within a time."""
    return [f"{name}_utc" if name in ("taken", "added") else name for name in COLUMNS]


def csv_row(one: Line) -> list[str]:
    return [_cell(getattr(one, name)) for name in COLUMNS]


def _cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return harmless(value)
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        case tuple():
            return harmless(", ".join(value))
        case _:
            return str(value)


# ---------------------------------------------------------------- JSON


def json_object(one: Line) -> bytes:
    return json.dumps(
        {name: _plain(getattr(one, name)) for name in COLUMNS}, ensure_ascii=False
    ).encode("utf-8", "replace")


def _plain(value: Value) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


# ---------------------------------------------------------------- names of sound files


def sound_name(post: LibraryPost, file: Sample) -> str:
    """ "neonloops_C1a2b3_128_Fsharp-minor.m4a": what is not known is left out."""
    key = (file.key or "").replace("#", "sharp").replace(" ", "-")
    parts = [
        _safe(post.author),
        _safe(post.shortcode),
        str(file.position + 1) if file.position else "",
        f"{file.bpm:.0f}" if file.bpm else "",
        _safe(key),
    ]
    name = "_".join(part for part in parts if part) or "sound"
    return name + PurePosixPath(file.audio_key or "").suffix


def _safe(text: str) -> str:
    """Letters that every file system takes; no dot or hyphen in front."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip(".-")[:60]
