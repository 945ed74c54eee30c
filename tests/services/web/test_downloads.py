"""/downloads: ranges, names, ends, and that both stores serve the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.web import answers
from services.web import downloads as module
from services.web.downloads import PER_LINK, disposition
from storage import archive, downloads
from storage.archive import NewMedia
from storage.database import Database
from storage.objects import CHUNK
from tests.services.web.conftest import MakeClient, Process
from tests.support.bucket import Bucket, bucket, moto
from tests.support.clock import StillClock
from tests.support.rows import MIA, NOW, at, new_post, person

__all__ = ["bucket", "moto"]

TOKEN = "a-token-of-22-letters-"
CONTENT = os.urandom(2 * CHUNK + 100)
ETAG = f'"{sha256(CONTENT).hexdigest()}"'
KEY = "instagram/p1/0.mp4"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "plain", "quoted"),
    [
        ("reel.mp4", "reel.mp4", "reel.mp4"),
        ("Zoë – 🎵.mp4", "Zo_ _ _.mp4", "Zo%C3%AB%20%E2%80%93%20%F0%9F%8E%B5.mp4"),
        ('../..\\a"b\r\nSet-Cookie: x.mp4', "_.._a_bSet-Cookie_ x.mp4", None),
        ("exe.\u202e4pm", "exe.4pm", "exe.4pm"),
        ("", "file", "file"),
        ("..", "file", "file"),
    ],
)
def test_names(name: str, plain: str, quoted: str | None) -> None:
    made = disposition(name)
    assert made.startswith(f'attachment; filename="{plain}"; ')
    assert quoted is None or made.endswith(f"filename*=UTF-8''{quoted}")


@given(st.text(max_size=200))
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    made = disposition(name)
    assert made.isascii()
    assert made.isprintable()
    assert made.count('"') == 2
    assert "/" not in made
    assert len(made) < 2000


# ---------------------------------------------------------------- over HTTP


async def link(
    database: Database, key: str = KEY, *, token: str = TOKEN, name: str = "Zoë.mp4"
) -> str:
    """A link that lives for a day."""
    async with database.write() as db:
        await downloads.add(
            db,
            token_hash=sha256(token.encode()).hexdigest(),
            user_id=MIA,
            object_key=key,
            name=name,
            expires_at=at(24 * 60),
        )
    return f"/downloads/{token}"


@pytest.fixture(params=["local", "s3"])
async def url(
    request: pytest.FixtureRequest, database: Database, process: Process, tmp_path: Path
) -> str:
    """Of a film of three pieces."""
    if request.param == "s3":
        in_s3: Bucket = request.getfixturevalue("bucket")
        process.objects = in_s3.store(tmp_path)  # type: ignore[assignment]
    part = await process.objects.part("1.part")
    part.write_bytes(CONTENT)
    await process.objects.adopt(part, KEY)
    await person(database, MIA)
    async with database.write() as db:
        digest = sha256(CONTENT).hexdigest()
        film = NewMedia(0, "video", "video/mp4", len(CONTENT), digest, KEY, 1, 1)
        await archive.save(db, new_post(), [film], NOW)
    return await link(database)


async def test_the_whole_file(client: MakeClient, url: str) -> None:
    answer = await (await client()).get(url)
    assert answer.status == 200
    assert await answer.read() == CONTENT
    assert dict(answer.headers) | {"Date": "", "Server": ""} == {
        "Accept-Ranges": "bytes",
        "Etag": ETAG,
        "Cache-Control": "private, no-transform",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "attachment; filename=\"Zo_.mp4\"; filename*=UTF-8''Zo%C3%AB.mp4",
        "Content-Type": "video/mp4",
        "Content-Length": str(len(CONTENT)),
        "Date": "",
        "Server": "",
    }


async def test_a_download_that_broke_off_goes_on(client: MakeClient, url: str) -> None:
    web = await client()
    half = CHUNK + 7
    head = await (await web.get(url, headers={"Range": f"bytes=0-{half - 1}"})).read()
    rest = await web.get(url, headers={"Range": f"bytes={half}-", "If-Range": ETAG})
    assert rest.status == 206
    assert rest.headers["Content-Range"] == f"bytes {half}-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert head + await rest.read() == CONTENT


@pytest.fixture
async def local_url(database: Database, process: Process) -> str:
    """Of a small file that is no post's, in a folder."""
    part = await process.objects.part("1.part")
    part.write_bytes(b"0123456789")
    await process.objects.adopt(part, "exports/1/reelay-1.zip")
    await person(database, MIA)
    return await link(database, "exports/1/reelay-1.zip", name="reelay-1.zip")


async def test_another_file_than_the_one_that_was_begun(client: MakeClient, local_url: str) -> None:
    web = await client()
    headers = {"Range": "bytes=5-", "If-Range": '"another"'}
    answer = await web.get(local_url, headers=headers)
    assert (answer.status, await answer.read()) == (200, b"0123456789")


async def test_who_has_it_already_gets_no_bytes(client: MakeClient, local_url: str) -> None:
    web = await client()
    etag = (await web.head(local_url)).headers["ETag"]
    for known, status in ((etag, 304), (f'"another", W/{etag}', 304), ('"another"', 200)):
        answer = await web.get(local_url, headers={"If-None-Match": known})
        assert (answer.status, answer.headers["ETag"]) == (status, etag)
        assert await answer.read() == (b"" if status == 304 else b"0123456789")


async def test_beyond_the_end(client: MakeClient, local_url: str) -> None:
    answer = await (await client()).get(local_url, headers={"Range": "bytes=10-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10")


async def test_head_says_the_same_without_the_file(client: MakeClient, local_url: str) -> None:
    web = await client()
    got, head = await web.get(local_url), await web.head(local_url)
    unlike = {"Date"}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in got.headers.items() if k not in unlike
    }
    assert (head.status, await head.read()) == (200, b"")


async def test_links_end(
    client: MakeClient, local_url: str, database: Database, process: Process, clock: StillClock
) -> None:
    web = await client()
    tokens = {
        "unknown": "/downloads/another-token-of-22-let",
        "no token": "/downloads/..%2f..%2fsecret.key",
        "short": "/downloads/x",
        "its file is gone": await link(database, "exports/2/reelay-1.zip", token="b" * 22),
    }
    clock.advance(hours=24)
    tokens["expired"] = local_url
    for case, gone in tokens.items():
        answer = await web.get(gone)
        assert (case, answer.status, await answer.text()) == (case, 404, module.GONE)
        assert answer.headers["Content-Type"].startswith("text/plain")


async def test_the_database_holds_nothing_that_opens(database: Database, local_url: str) -> None:
    async with database.read() as db:
        rows = list(await db.exec_driver_sql("select * from downloads"))
    assert len(rows) == 1
    assert TOKEN not in str(rows)


class Slow:
    """A store whose files end only when the test says so; `open`: how many are being read."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.open = 0
        self.fails = False

    async def size(self, _key: str) -> int:
        return 1 << 30

    async def read(self, _key: str, _start: int, _end: int) -> AsyncIterator[bytes]:
        self.open += 1
        try:
            yield b"first"
            await self.go_on.wait()
            if self.fails:
                raise OSError("the object store answered 503")
            while True:
                yield bytes(CHUNK)
        finally:
            self.open -= 1


@pytest.fixture
def slow(process: Process) -> Slow:
    process.objects = made = Slow()  # type: ignore[assignment]
    return made


async def closed(slow: Slow) -> None:
    async with asyncio.timeout(10):
        while True:
            if not slow.open:
                return
            await asyncio.sleep(0.01)


async def begin(web: Any, url: str) -> Any:
    answer = await web.get(url)
    assert await answer.content.readexactly(5) == b"first"
    return answer


async def test_too_many_at_once(
    client: MakeClient, database: Database, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_ALL", PER_LINK + 1)
    await person(database, MIA)
    web, mine = await client(), await link(database)
    other, third = await link(database, token="b" * 22), await link(database, token="c" * 22)
    answers = [await begin(web, mine) for _ in range(PER_LINK)]
    refused = await web.get(mine)
    assert (refused.status, await refused.text()) == (429, module.BUSY)
    assert refused.headers["Retry-After"] == "5"
    answers.append(await begin(web, other))
    assert (await web.get(third)).status == 429  # and for the whole process
    for answer in answers:
        answer.close()
    slow.go_on.set()
    await closed(slow)
    (await begin(web, mine)).close()
    await closed(slow)


async def test_a_client_that_leaves_closes_the_file(
    client: MakeClient, database: Database, slow: Slow
) -> None:
    await person(database, MIA)
    web, url = await client(), await link(database)
    answer = await begin(web, url)
    assert slow.open == 1
    answer.close()
    slow.go_on.set()
    await closed(slow)


async def test_a_client_that_sleeps_is_let_go(
    client: MakeClient, database: Database, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "STALLED_SECONDS", 0.05)
    await person(database, MIA)
    web, url = await client(), await link(database)
    answer = await begin(web, url)
    slow.go_on.set()  # pieces come, and nobody takes them
    await closed(slow)
    answer.close()


async def test_a_store_that_fails_half_way_is_no_short_file(
    client: MakeClient, database: Database, slow: Slow
) -> None:
    await person(database, MIA)
    web, url = await client(), await link(database)
    answer = await begin(web, url)
    slow.fails = True
    with capture_logs() as logs:
        slow.go_on.set()
        with pytest.raises(ClientError):
            await answer.read()
        await closed(slow)
    assert [one["event"] for one in logs] == ["an answer broke off"]
    assert TOKEN not in str(logs)


async def test_a_store_that_is_away(
    client: MakeClient, database: Database, process: Process, clock: StillClock
) -> None:
    class Away:
        async def size(self, _key: str) -> int:
            raise OSError("the object store can't be reached")

    process.objects = Away()  # type: ignore[assignment]
    await person(database, MIA)
    web, url = await client(), await link(database)
    with capture_logs() as logs:
        answer = await web.get(url)
    assert (answer.status, await answer.text()) == (503, module.AWAY)
    assert TOKEN not in str(logs)
