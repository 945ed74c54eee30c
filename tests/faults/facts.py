"""The end state of an import, read from the databases and the disk of a bot that has stopped."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage import credits
from storage.database import Database, sqlite_url

ANALYSING = "select count(*) from samples where state = 'pending'"
UNDELIVERED = "select count(*) from notices where delivered_at is null and given_up is null"


@dataclass(frozen=True, slots=True)
class Facts:
    """Equal for two imports that ended the same way, whatever happened between."""

    state: str
    outcomes: dict[str, tuple[str, str | None]]  # {platform id: (state, error)}
    files: dict[str, tuple[str, ...]]  # {platform id: sha256 of each of its files on the disk}
    samples: dict[str, tuple[object, ...]]  # {platform id: (state, BPM, key) of each of its files}
    balance: int
    duplicates: int
    books_right: bool
    leftovers: tuple[str, ...]  # files in the store that no row names

    @property
    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(state for state, _ in self.outcomes.values()).items()))


def query(data: Path, sql: str) -> list[tuple[object, ...]]:
    """Read-only, beside a running bot too."""
    uri = f"file:{data / 'reelay.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30)) as db:
        return db.execute(sql).fetchall()


def settled(data: Path) -> str | None:
    """The newest import's state once it has ended, its notice is delivered and its files are
    analysed, else None."""
    try:
        rows = query(data, "select state from imports order by id desc limit 1")
        waiting = query(data, UNDELIVERED)[0][0] or query(data, ANALYSING)[0][0]
    except sqlite3.OperationalError:
        return None
    state = str(rows[0][0]) if rows else ""
    ended = state in ("done", "failed", "cancelled", "paused")
    return state if ended and not waiting else None


async def facts(data: Path) -> Facts:
    """Of the newest import."""
    (import_id, state, user_id), *_ = query(
        data, "select id, state, user_id from imports order by id desc limit 1"
    )
    items = query(
        data,
        f"select platform_id, state, error from import_items where import_id = {import_id}",
    )
    media = query(
        data,
        "select platform_id, position, sha256, object_key from media "
        "join posts on posts.id = media.post_id order by platform_id, position",
    )
    files: dict[str, tuple[str, ...]] = {}
    keys = set()
    for platform_id, _position, sha256, key in media:
        content = (data / "media" / str(key)).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert digest == sha256, f"{key} is not what its row says"
        files[str(platform_id)] = (*files.get(str(platform_id), ()), digest)
        keys.add(str(key))
    samples: dict[str, tuple[object, ...]] = {}
    for platform_id, *made, sample_state, bpm, key in query(
        data,
        "select platform_id, audio_key, waveform_key, thumbnail_key, samples.state, bpm, key "
        "from samples join media on media.id = samples.media_id "
        "join posts on posts.id = media.post_id order by platform_id, position",
    ):
        found = (sample_state, bpm, key)
        samples[str(platform_id)] = (*samples.get(str(platform_id), ()), found)
        keys.update(str(one) for one in made if one)
    on_disk = {
        str(path.relative_to(data / "media"))
        for path in (data / "media").rglob("*")
        if path.is_file()
    }
    database = Database(sqlite_url(data / "reelay.db"))
    try:
        async with database.read() as db:
            audit = await credits.audit(db, int(str(user_id)))
    finally:
        await database.close()
    return Facts(
        state=str(state),
        outcomes={str(row[0]): (str(row[1]), str(row[2]) if row[2] else None) for row in items},
        files=files,
        samples=samples,
        balance=audit.balance,
        duplicates=_duplicates(data) + len(items) - len({row[0] for row in items}),
        books_right=audit.holds,
        leftovers=tuple(sorted(on_disk - keys)),
    )


def _duplicates(data: Path) -> int:
    """Posts, library entries and ledger entries that are there twice."""
    groups = (
        ("posts", "platform, platform_id"),
        ("user_posts", "user_id, post_id"),
        ("media", "post_id, position"),
        ("credit_entries where item_id is not null", "item_id, attempt, kind"),
    )
    return sum(
        int(
            str(
                query(
                    data,
                    f"select count(*) from (select 1 from {name} group by {key} "
                    "having count(*) > 1)",
                )[0][0]
            )
        )
        for name, key in groups
    )
