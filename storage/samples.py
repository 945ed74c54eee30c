"""What analysis found in the files of posts. Called by services.importing.

A row per file is added with the post, in the same transaction; a job moves it on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import import_items, media, post_tags, samples


@dataclass(frozen=True, slots=True)
class Pending:
    """A file that waits for its analysis."""

    id: int
    run: int
    tries: int
    post_id: int
    object_key: str
    kind: str  # image | video


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of a post with what is known of it; times in seconds, tempos in BPM."""

    id: int
    post_id: int
    position: int
    kind: str  # image | video
    bytes: int
    object_key: str
    width: int | None
    height: int | None
    state: str  # pending | ready | failed
    failure: str | None
    seconds: float | None
    audio_key: str | None
    waveform_key: str | None
    thumbnail_key: str | None
    colour: str | None
    bpm: float | None
    bpm_alternative: float | None
    bpm_confidence: float | None
    no_bpm: str | None
    key: str | None
    key_second: str | None
    key_confidence: float | None
    key_sure: bool | None
    no_key: str | None


def film_of(files: Sequence[Sample]) -> Sample | None:
    """The file that a post is heard by: its first film with sound, else its first film."""
    films = [file for file in files if file.kind == "video"]
    return next((file for file in films if file.audio_key), films[0] if films else None)


MADE = ("m4a", "mp3", "wave.png", "thumb.jpg")  # how the objects end that are made of a file


def made_key(object_key: str, ending: str) -> str:
    """The object key of what is made of a file: beside it, with an ending of MADE."""
    return f"{object_key.rpartition('.')[0]}.{ending}"


_OF_MEDIA = {"post_id", "position", "kind", "bytes", "object_key", "width", "height"}
_COLUMNS = [
    (media if field.name in _OF_MEDIA else samples).c[field.name] for field in fields(Sample)
]


async def plan(db: AsyncConnection, post_id: int, tags: Sequence[str], now: datetime) -> None:
    """Part of archiving a post: its hashtags, and a pending row for each of its files.

    What is planned already stays as it is.
    """
    waiting = (
        sa.select(media.c.id, sa.literal("pending"), sa.literal(now, samples.c.changed_at.type))
        .outerjoin(samples, samples.c.media_id == media.c.id)
        .where(media.c.post_id == post_id)
    )
    columns = ["media_id", "state", "changed_at"]
    await db.execute(samples.insert().from_select(columns, waiting.where(samples.c.id.is_(None))))
    if tags:
        rows = [{"post_id": post_id, "tag": tag} for tag in tags]
        await db.execute(insert_once(db, post_tags).values(rows).on_conflict_do_nothing())


async def pending(db: AsyncConnection, before: datetime, limit: int = 200) -> list[Pending]:
    return await _pending(db, samples.c.changed_at < before, limit)


async def pending_of_items(db: AsyncConnection, item_ids: Sequence[int]) -> list[Pending]:
    """Of the posts that these items of an import have brought."""
    brought = sa.select(import_items.c.post_id).where(import_items.c.id.in_(item_ids))
    return await _pending(db, media.c.post_id.in_(brought), None)


async def one_pending(db: AsyncConnection, sample_id: int) -> Pending | None:
    found = await _pending(db, samples.c.id == sample_id, 1)
    return found[0] if found else None


async def _pending(
    db: AsyncConnection, which: sa.ColumnElement[bool], limit: int | None
) -> list[Pending]:
    query = (
        sa.select(
            samples.c.id,
            samples.c.run,
            samples.c.tries,
            media.c.post_id,
            media.c.object_key,
            media.c.kind,
        )
        .join(media, media.c.id == samples.c.media_id)
        .where(samples.c.state == "pending", which)
        .order_by(samples.c.id)
        .limit(limit)
    )
    return [Pending(*row) for row in await db.execute(query)]


async def begin(db: AsyncConnection, sample_id: int, run: int, now: datetime) -> bool:
    """One more try of this run."""
    return await _change(db, sample_id, run, now, tries=samples.c.tries + 1)


async def untry(db: AsyncConnection, sample_id: int, run: int, now: datetime) -> bool:
    """The try of this run does not count."""
    return await _change(db, sample_id, run, now, tries=samples.c.tries - 1)


async def exists(db: AsyncConnection, sample_id: int) -> bool:
    """False once its post was deleted."""
    query = sa.select(sa.exists().where(samples.c.id == sample_id))
    return bool((await db.execute(query)).scalar_one())


async def next_run(db: AsyncConnection, sample_id: int, run: int, now: datetime) -> bool:
    return await _change(db, sample_id, run, now, run=samples.c.run + 1)


async def settle(
    db: AsyncConnection, sample_id: int, of_run: int, state: str, now: datetime, **found: Any
) -> bool:
    """pending -> ready | failed, for this run only."""
    return await _change(db, sample_id, of_run, now, state=state, **found)


async def _change(
    db: AsyncConnection, sample_id: int, of_run: int, now: datetime, **to: Any
) -> bool:
    moved = await db.execute(
        samples.update()
        .where(samples.c.id == sample_id, samples.c.run == of_run, samples.c.state == "pending")
        .values(changed_at=now, **to)
    )
    return bool(moved.rowcount)


async def of_posts(db: AsyncConnection, post_ids: Sequence[int]) -> dict[int, list[Sample]]:
    """{post id: its files in order}."""
    query = (
        sa.select(*_COLUMNS)
        .join(samples, samples.c.media_id == media.c.id)
        .where(media.c.post_id.in_(post_ids))
        .order_by(media.c.post_id, media.c.position)
    )
    found: dict[int, list[Sample]] = {}
    for row in await db.execute(query):
        sample = Sample(*row)
        found.setdefault(sample.post_id, []).append(sample)
    return found


async def all_keys(db: AsyncConnection) -> list[tuple[str, str | None]]:
    """(object key, its SHA-256 where it is known) of everything in the archive."""
    rows = await db.execute(sa.select(media.c.object_key, media.c.sha256).order_by(media.c.id))
    keys: list[tuple[str, str | None]] = [(key, sha256) for key, sha256 in rows]
    s = samples.c
    made = await db.execute(sa.select(s.audio_key, s.waveform_key, s.thumbnail_key).order_by(s.id))
    return keys + [(key, None) for row in made for key in row if key]
