"""What a feed holds, read from the database, the disk and the side server: is it all there, once?

Called by feed.py, with a bot that has stopped (`missing`) or whose polls are at rest (`flaws`).
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx

from tests.faults.facts import query

MEDIA = re.compile(r"media/([0-9]+)/([0-9]+)\.[a-z0-9]+")
LAST_PAGE = re.compile(r"Page [0-9]+ of ([0-9]+)")
DOCUMENTS = ("feed.xml", "atom.xml", "feed.json")
_SHOWN = """
    select posts.platform_id, media.object_key from feed_items
    join posts on posts.id = feed_items.post_id left join media on media.post_id = posts.id
    where feed_items.shown_at is not null"""
_TWICE = (
    ("posts", "platform, platform_id"),
    ("media", "post_id, position"),
    ("media", "object_key"),
    ("feed_items", "feed_id, post_id"),
    ("feed_items", "feed_id, guid"),
    ("feed_notices", "feed_id, incident_id"),
)


@dataclass(slots=True)
class Flaws:
    """All of them must be empty. Each line says what is wrong with which post or file."""

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # listed, but not there
    unnamed: list[str] = field(default_factory=list)  # in the store, or on its way, for nobody
    wrong: list[str] = field(default_factory=list)  # counters and notices
    files: set[str] = field(default_factory=set)  # paths of all that are listed


@dataclass(frozen=True, slots=True)
class State:
    """Of the one poll."""

    state: str
    good_at: str | None
    found: int
    polled: int
    requests: int
    unparsed: int
    gaps: int
    changed_at: str


def state_of(data: Path) -> State:
    columns = "state, last_good_at, found, polled, requests, unparsed, gaps, changed_at"
    (row,) = query(data, f"select {columns} from polls")
    return State(*row)  # type: ignore[arg-type]


def seen(data: Path) -> set[str]:
    """Platform ids that a poll has met, listed or not."""
    rows = query(data, "select platform_id from posts where id in (select post_id from feed_items)")
    return {str(row[0]) for row in rows}


def listed(data: Path) -> set[str]:
    """Platform ids that every feed shows with their files."""
    rows = query(
        data,
        "select platform_id from feed_items join posts on posts.id = feed_items.post_id "
        "join feeds on feeds.id = feed_items.feed_id where lists = 'posts' and state = 'shown' "
        "group by post_id having count(*) = (select count(*) from feeds where lists = 'posts')",
    )
    return {str(row[0]) for row in rows}


def missing(data: Path) -> list[str]:
    """Posts that are listed without all their files being on the disk; right at any moment."""
    return [
        f"{post}: {key}"
        for post, key in query(data, _SHOWN)
        if key is None or not (data / "media" / str(key)).is_file()
    ]


async def flaws(data: Path, address: str, wanted: Set[str], fetched: Set[str]) -> Flaws:
    """`address`: of the reader's archive; `wanted`: the platform ids that must be listed;
    `fetched`: paths of files that were right before, and are not asked for again."""
    found = Flaws(missing=missing(data))
    found.lost = [f"not listed: {one}" for one in sorted(wanted - listed(data))]
    found.lost += [f"nobody posted {one}" for one in sorted(listed(data) - wanted)]
    found.twice = _twice(data)
    rows = {
        (str(post), str(position)): (str(key), str(digest))
        for post, position, key, digest in query(
            data, "select post_id, position, object_key, sha256 from media"
        )
    }
    root = data / "media"
    on_disk = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    found.unnamed = sorted(on_disk - {key for key, _ in rows.values()})
    found.unnamed += [f"announced: {row[0]}" for row in query(data, "select * from adoptions")]
    found.wrong = _wrong(data, len(wanted))
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as reader:
        pages = await _pages(reader, found)
        asked = {one.group(0, 1, 2) for page in pages for one in MEDIA.finditer(page)}
        found.files = {path for path, _, _ in asked}
        for path, post, position in sorted(asked):
            if path in fetched:
                continue
            answer = await reader.get(path)
            _, digest = rows.get((post, position), ("", ""))
            if answer.status_code != 200 or sha256(answer.content).hexdigest() != digest:
                found.missing.append(f"{path}: {answer.status_code}")
    if len(asked) != len(rows):
        found.lost.append(f"{len(rows)} files are kept, {len(asked)} are listed")
    return found


async def _pages(reader: httpx.AsyncClient, found: Flaws) -> list[str]:
    """The three documents, and the archive from its first page to its last."""
    bodies = []
    last = 1
    for path in (*(f"{name}?limit=200" for name in DOCUMENTS), "?page=1"):
        answer = await reader.get(path)
        if answer.status_code != 200:
            found.missing.append(f"{path}: {answer.status_code}")
        bodies.append(answer.text)
        if number := LAST_PAGE.search(answer.text):
            last = int(number[1])
    older = [await reader.get(f"?page={page}") for page in range(2, last + 1)]
    return bodies + [answer.text for answer in older]


def _twice(data: Path) -> list[str]:
    return [
        f"{name} by {key}: {row}"
        for name, key in _TWICE
        for row in query(data, f"select {key} from {name} group by {key} having count(*) > 1")
    ]


def _wrong(data: Path, wanted: int) -> list[str]:
    now = state_of(data)
    told = query(data, "select kind from feed_notices where closed_at is null")
    odd = query(data, "select count(*) from unread_items")[0][0]
    checks = {
        f"found {now.found} of {wanted}": now.found == wanted,
        f"unparsed {now.unparsed}, kept {odd}": now.unparsed == odd,
        f"gaps {now.gaps}": now.gaps == 0,
        f"still told: {told}": not told,
        f"state {now.state}": now.state == "due",
    }
    return [words for words, right in checks.items() if not right]
