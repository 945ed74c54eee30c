"""(d) Serving the feed, beside bare handlers that return the same bytes, from the same process.

The load comes from this process over kept connections; rounds take turns in who begins.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from sandbox.world import World
from services.clock import utc_now
from storage import feeds, migrate
from storage.database import Database, sqlite_url
from storage.tables import feed_items, media, posts
from tests.bench.footprint import memory
from tests.bench.table import Result
from tests.support.feeds import TOKEN, a_feed, listed, reader
from tests.support.rows import MIA, person

SMALL, LARGE = 1_000, 200_000  # posts
CONNECTIONS = 8
ROUNDS, SECONDS = 6, 0.8
CHANGES = 7
PICTURE = b"\xff\xd8" + bytes(200_000)
FRESH = 1.1  # seconds after which a change is seen
BARS = {"304": ">= 0.8", "200": ">= 0.6", "gzip 200": ">= 0.6"}


@dataclass(frozen=True, slots=True)
class Running:
    """A server and its archive of `size` posts; the id of the last one is `size`."""

    pid: int
    folder: Path
    size: int
    port: int
    bare: int


@dataclass(frozen=True, slots=True)
class Speed:
    """`rate`: requests a second. `cpu`: microseconds of the server's CPU for each, which other
    work on the machine disturbs less."""

    rate: float
    cpu: float


async def run(_world: World) -> Result:
    missed: list[str] = []
    async with AsyncExitStack() as stack:
        small, large = [await stack.enter_async_context(_archive(size)) for size in (SMALL, LARGE)]
        firsts = await _first_after_a_change([small, large])
        speeds = await _speeds(large, missed)
        megabytes = [memory(one.pid, "VmRSS") for one in (small, large)]
    rows = [
        (
            name,
            f"{ours.rate:,.0f}",
            f"{bare.rate:,.0f}",
            f"{ours.rate / bare.rate:.2f}",
            BARS.get(name, ""),
            f"{ours.cpu:.0f}",
            f"{bare.cpu:.0f}",
            f"{bare.cpu / ours.cpu:.2f}",
        )
        for name, (ours, bare) in speeds.items()
    ]
    notes = [
        f"archive of {LARGE:,} posts, feed of 50; {CONNECTIONS} connections, {ROUNDS} rounds of "
        f"{SECONDS} s, medians; the bare handler returns the same headers and bytes",
        f"first 200 after a change: {1000 * firsts[0]:.1f} ms with {SMALL:,} posts, "
        f"{1000 * firsts[1]:.1f} ms with {LARGE:,}; ratio {firsts[1] / firsts[0]:.2f} (<= 1.3)",
        f"memory (RSS): {megabytes[0]:.0f} MB with {SMALL:,} posts, {megabytes[1]:.0f} MB with "
        f"{LARGE:,}, after the load",
    ]
    columns = ("", "requests/s", "bare", "ratio", "wanted", "us of CPU", "bare", "ratio")
    return Result("(d) Serving the feed", columns, rows, notes, missed)


# ---------------------------------------------------------------- the archive


@asynccontextmanager
async def _archive(size: int) -> AsyncIterator[Running]:
    """A server of so many posts."""
    with tempfile.TemporaryDirectory(prefix="reelay-bench-") as name:
        folder = Path(name)
        await _fill(folder, size)
        async with _server(folder, size) as running:
            yield running


async def _fill(folder: Path, size: int) -> None:
    """So many listed posts of a picture each, all with the same file."""
    url = sqlite_url(folder / "reelay.db")
    await asyncio.to_thread(migrate.upgrade, url)
    (folder / "media").mkdir()
    (folder / "media" / "picture.jpg").write_bytes(PICTURE)
    database = Database(url)
    await person(database, MIA, role="owner")
    feed = await a_feed(database)
    await reader(database, feed)
    now = utc_now()
    for start in range(0, size, 10_000):
        times = {
            n: now - timedelta(minutes=size - n) for n in range(start, min(start + 10_000, size))
        }
        async with database.write() as db:
            await db.execute(posts.insert(), [_post(*one) for one in times.items()])
            await db.execute(media.insert(), [_media(number) for number in times])
            await db.execute(feed_items.insert(), [_item(feed.id, *one) for one in times.items()])
    await database.close()


def _item(feed_id: int, number: int, taken_at: datetime) -> dict[str, object]:
    return {
        "feed_id": feed_id,
        "post_id": number + 1,
        "guid": f"tag:instagram.com,2010:{number}",
        "state": "shown",
        "shown_at": taken_at,
        "author": f"author{number % 200}",
        "taken_at": taken_at,
    }


def _post(number: int, taken_at: datetime) -> dict[str, object]:
    return {
        "id": number + 1,
        "platform": "instagram",
        "platform_id": str(number),
        "shortcode": f"C{number}",
        "kind": "photo",
        "author_id": str(number % 200),
        "author": f"author{number % 200}",
        "caption": f"Number {number}: " + "a sunset over the sea & more, " * 8,
        "taken_at": taken_at,
        "raw": {},
        "archived_at": taken_at,
    }


def _media(number: int) -> dict[str, object]:
    return {
        "post_id": number + 1,
        "position": 0,
        "kind": "image",
        "mime": "image/jpeg",
        "bytes": len(PICTURE),
        "sha256": "ab" * 32,
        "object_key": "picture.jpg",
        "width": 1080,
        "height": 1350,
    }


# ---------------------------------------------------------------- the server


@asynccontextmanager
async def _server(folder: Path, size: int) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.feed_server",
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        yield Running(process.pid, folder, size, **told)
    finally:
        process.stdin.close()
        await process.wait()


async def _first_after_a_change(servers: list[Running]) -> list[float]:
    """Seconds, the median of each; they take turns."""
    times: list[list[float]] = [[] for _ in servers]
    for number in range(CHANGES):
        for server in servers:
            database = Database(sqlite_url(server.folder / "reelay.db"))
            async with database.read() as db:
                (feed,) = await feeds.of_user(db, MIA)
            await listed(database, feed, f"new{number}", shown_at=utc_now())
            await database.close()
        await asyncio.sleep(FRESH)
        for server, measured in zip(servers, times, strict=True):
            async with _connection(server.port) as line:
                began = time.perf_counter()
                body = await line.ask(_request(f"/f/{TOKEN}/feed.xml"))
                measured.append(time.perf_counter() - began)
            assert f"2010:new{number}<".encode() in body
    return [median(one) for one in times]


# ---------------------------------------------------------------- the load


async def _speeds(server: Running, missed: list[str]) -> dict[str, tuple[Speed, Speed]]:
    """{what: of ours, of the bare handler}"""
    feed = f"/f/{TOKEN}/feed.xml"
    head = await _once(server.port, _request(feed))
    etag = head.split(b"ETag: ")[1].split(b"\r\n")[0].decode()
    asked: dict[str, tuple[str, tuple[str, ...]]] = {
        "304": (feed, (f"If-None-Match: {etag}",)),
        "200": (feed, ()),
        "gzip 200": (feed, ("Accept-Encoding: gzip",)),
        "media, 200 kB": (f"/f/{TOKEN}/media/{server.size}/0.jpg", ()),
    }
    found = {}
    for name, (path, headers) in asked.items():
        label = name.split()[0].strip(",")
        ours = (server.port, _request(path, *headers))
        bare = (server.bare, _request(f"/{label}{path}", *headers))
        if _without_date(await _once(*ours)) != _without_date(await _once(*bare)):
            missed.append(f"{name}: the bare handler gives other bytes")
        speeds: dict[tuple[int, bytes], list[Speed]] = {ours: [], bare: []}
        for number in range(ROUNDS):
            for turn in (ours, bare) if number % 2 == 0 else (bare, ours):
                speeds[turn].append(await _load(server.pid, *turn))
        found[name] = (_middle(speeds[ours]), _middle(speeds[bare]))
    return found


def _without_date(answer: bytes) -> set[bytes]:
    """Its lines in no order."""
    return {line.lower() for line in answer.split(b"\r\n") if not line.startswith(b"Date:")}


async def _once(port: int, request: bytes) -> bytes:
    async with _connection(port) as line:
        return await line.ask(request)


def _middle(speeds: list[Speed]) -> Speed:
    return Speed(median(one.rate for one in speeds), median(one.cpu for one in speeds))


async def _load(pid: int, port: int, request: bytes) -> Speed:
    """Over all connections together."""
    before = _cpu_seconds(pid)
    stop = time.perf_counter() + SECONDS

    async def ask() -> int:
        count = 0
        async with _connection(port) as line:
            while time.perf_counter() < stop:
                await line.ask(request)
                count += 1
        return count

    began = time.perf_counter()
    counts = await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    seconds, total = time.perf_counter() - began, sum(counts)
    return Speed(total / seconds, 1e6 * (_cpu_seconds(pid) - before) / total)


def _cpu_seconds(pid: int) -> float:
    """Of all threads, in the kernel and out of it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Line:
    """One kept connection. As lean as it can be, so that the server is what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> bytes:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.find(b"Content-Length: ")
        if at < 0 or b" 304 " in head[:20]:
            return head
        return head + await self._reader.readexactly(int(head[at + 16 : head.index(b"\r", at)]))


@asynccontextmanager
async def _connection(port: int) -> AsyncIterator[_Line]:
    stream, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        yield _Line(stream, writer)
    finally:
        writer.close()


def _request(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: bench.example", *headers, "", ""]
    return "\r\n".join(lines).encode()
