"""Downloads against a small server that misbehaves in every way that is known of CDNs."""

import asyncio
import errno
import hashlib
import json
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from sandbox.instagram.server import Instagram
from sandbox.world import Trouble, World
from sandbox.world.media_json import media
from services.errors import MediaRefused, StorageFailed
from services.instagram.cdn import Cdn, Fetched
from services.instagram.posts import read_post

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 400
HALF = len(JPEG) // 2


class Server:
    """Answers each request with the next behaviour of the list, then with the last one for ever."""

    def __init__(self):
        self.body = JPEG
        self.etag = '"one"'
        self.behaviours = []
        self.ranges = []

    async def handle(self, request):
        self.ranges.append(request.headers.get("Range"))
        behave = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        return await behave(request)

    async def good(self, request):
        """Range and If-Range as RFC 9110 has them."""
        start = 0
        if "Range" in request.headers and request.headers.get("If-Range", self.etag) == self.etag:
            start = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
        headers = {"ETag": self.etag} if self.etag else {}
        if start:
            length = len(self.body)
            headers["Content-Range"] = f"bytes {start}-{length - 1}/{length}"
        return web.Response(body=self.body[start:], status=206 if start else 200, headers=headers)

    async def short(self, request):
        """Promises everything, sends a half and hangs up."""
        response = web.StreamResponse(headers={"ETag": self.etag})
        response.content_length = len(self.body)
        await response.prepare(request)
        await response.write(self.body[:HALF])
        request.transport.close()
        return response

    async def chunked(self, request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(self.body)
        return response

    async def silent(self, request):
        await asyncio.Event().wait()

    async def stalled(self, request):
        response = web.StreamResponse()
        response.content_length = len(self.body)
        await response.prepare(request)
        await response.write(self.body[:HALF])
        await asyncio.Event().wait()

    async def drops(self, request):
        response = web.StreamResponse()
        response.content_length = len(self.body)
        await response.prepare(request)
        for at in range(len(self.body)):
            await response.write(self.body[at : at + 1])
            await asyncio.sleep(0.02)
        return response

    async def reset(self, request):
        request.transport.abort()

    def status(self, status, **headers):
        async def behave(request):
            return web.Response(status=status, body=self.body, headers=headers)

        return behave


@pytest.fixture
async def server():
    server = Server()
    app = web.Application()
    app.router.add_get("/{tail:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v/file.jpg"
    yield server
    await runner.cleanup()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
async def make(pauses):
    async with httpx.AsyncClient() as client:

        async def sleep(seconds):
            pauses.append(seconds)

        def make(**settings):
            return Cdn(client, allowed_hosts=("127.0.0.1",), sleep=sleep, **settings)

        yield make


@pytest.fixture
def part(tmp_path):
    return tmp_path / "new" / "file.part"


async def reason(call):
    with pytest.raises(MediaRefused) as caught:
        await call
    return caught.value.reason


async def test_a_whole_file(server, make, part):
    server.behaviours = [server.good]
    fetched = await make().fetch(server.url, "image", part)
    digest = hashlib.sha256(JPEG).hexdigest()
    assert fetched == Fetched(part, len(JPEG), digest, "image/jpeg", "jpg")
    assert part.read_bytes() == JPEG
    assert [path.name for path in part.parent.iterdir()] == ["file.part"]


async def test_a_part_that_somebody_else_writes_to_is_not_taken(server, make, part):
    """A run that was taken for dead is still at the same file: its half must not be archived."""

    async def overtaken(request):
        response = web.StreamResponse()
        response.content_length = len(JPEG)
        await response.prepare(request)
        await response.write(JPEG[:HALF])
        while not part.exists():  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(0.01)
        part.unlink()
        part.write_bytes(JPEG[:HALF])
        await response.write(JPEG[HALF:])
        return response

    server.behaviours = [overtaken, server.good]
    assert await reason(make().fetch(server.url, "image", part)) == "short"
    assert (await make().fetch(server.url, "image", part)).bytes == len(JPEG)


async def test_a_file_without_a_length(server, make, part):
    server.behaviours = [server.chunked]
    assert (await make().fetch(server.url, "image", part)).bytes == len(JPEG)


@pytest.mark.parametrize(
    ("head", "kind", "mime"),
    [
        (b"\xff\xd8\xff\xe1", "image", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image", "image/png"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image", "image/heic"),
        (b"\x00\x00\x00\x18ftypisom", "video", "video/mp4"),
        (b"\x00\x00\x00\x18ftypiso5", "video", "video/mp4"),
    ],
)
async def test_the_first_bytes_tell_the_type(server, make, part, head, kind, mime):
    server.behaviours, server.body = [server.good], head + b"rest"
    assert (await make().fetch(server.url, kind, part)).mime == mime
    other = "video" if kind == "image" else "image"
    assert await reason(make().fetch(server.url, other, part)) == "wrong_type"


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html>", b"GIF89a", b"RIFFxxxxWAVE", b"\x00\x00\x00\x18ftypavif", b"\xff"]
)
async def test_a_wrong_type_leaves_no_part(server, make, part, body):
    server.behaviours, server.body = [server.good], body
    assert await reason(make().fetch(server.url, "image", part)) == "wrong_type"
    assert not list(part.parent.iterdir())


async def test_an_empty_file_is_short(server, make, part):
    server.behaviours, server.body = [server.good], b""
    assert await reason(make().fetch(server.url, "image", part)) == "short"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (204, "http_204"),
        (403, "http_403"),
        (404, "http_404"),
        (410, "http_410"),
        (429, "http_429"),
        (500, "http_5xx"),
        (503, "http_5xx"),
    ],
)
async def test_refusals_of_the_server(server, make, part, status, expected):
    server.behaviours = [server.status(status)]
    assert await reason(make().fetch(server.url, "image", part)) == expected


async def test_a_cut_connection_is_continued(server, make, part):
    server.behaviours = [server.short, server.good]
    assert await reason(make().fetch(server.url, "image", part)) == "short"
    assert part.read_bytes() == JPEG[:HALF]
    assert (await make().fetch(server.url, "image", part)).bytes == len(JPEG)
    assert part.read_bytes() == JPEG
    assert server.ranges == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize("change", ["etag", "length", "range ignored"])
async def test_another_file_is_not_glued_to_the_first_half(server, make, part, change):
    server.behaviours = [server.short, server.good]
    assert await reason(make().fetch(server.url, "image", part)) == "short"
    server.body = JPEG[:-100][::-1]
    server.body = b"\xff\xd8\xff" + server.body
    if change == "etag":
        server.etag = '"two"'
    if change == "range ignored":
        server.behaviours = [server.status(200)]
    if change == "length":  # the server lies: the same ETag, another length
        assert await reason(make().fetch(server.url, "image", part)) == "short"
        assert not part.exists()
    await make().fetch(server.url, "image", part)
    assert part.read_bytes() == server.body


async def test_a_range_that_can_not_be_satisfied_starts_anew(server, make, part):
    server.behaviours = [server.short, server.status(416), server.good]
    fetched = await make().fetch_with_tries(server.url, "image", part)
    assert fetched.bytes == len(JPEG)
    assert server.ranges == [None, f"bytes={HALF}-", None]


async def test_a_part_without_its_note_starts_anew(server, make, part):
    server.behaviours = [server.good]
    part.parent.mkdir()
    part.write_bytes(b"of another day")
    await make().fetch(server.url, "image", part)
    assert part.read_bytes() == JPEG
    part.with_name("file.part.from").write_text('{"length": 5, "vali')
    await make().fetch(server.url, "image", part)
    assert server.ranges == [None, None]


async def test_a_process_killed_after_the_last_byte_asks_for_nothing(server, make, part):
    part.parent.mkdir()
    part.write_bytes(JPEG)
    note = {"length": len(JPEG), "validator": ""}
    part.with_name("file.part.from").write_text(json.dumps(note))
    assert (await make().fetch(server.url, "image", part)).bytes == len(JPEG)
    assert server.ranges == []


async def test_too_large_by_its_length_and_by_its_body(server, make, part):
    for behaviour in (server.good, server.chunked):
        server.behaviours = [behaviour]
        assert await reason(make(max_bytes=1000).fetch(server.url, "image", part)) == "too_large"
        assert not part.exists()


@pytest.mark.parametrize("behaviour", ["silent", "stalled", "drops"])
async def test_a_slow_server(server, make, part, behaviour):
    server.behaviours = [getattr(server, behaviour)]
    cdn = make(low_speed=(10_000, 0.2))
    assert await reason(cdn.fetch(server.url, "image", part)) == "timeout"


async def test_a_file_has_a_time_limit(server, make, part):
    server.behaviours = [server.drops]
    assert await reason(make(file_seconds=0.2).fetch(server.url, "image", part)) == "timeout"


async def test_the_network(server, make, part):
    server.behaviours = [server.reset]
    assert await reason(make().fetch(server.url, "image", part)) == "network"
    assert await reason(make().fetch("http://127.0.0.1:9/x", "image", part)) == "network"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x.jpg",
        "https://127.0.0.1.example.org/x.jpg",
        "https://cdninstagram.com.example.org/x.jpg",
        "https://evilcdninstagram.com/x.jpg",
        "https://scontent.cdninstagram.com@example.org/x.jpg",
        "http://scontent.cdninstagram.com/x.jpg",
        "ftp://scontent.cdninstagram.com/x.jpg",
        "file:///etc/passwd",
        "https://[",
        "/x.jpg",
        "",
    ],
)
async def test_foreign_hosts_are_never_asked(part, url):
    def never(request):
        raise AssertionError(request.url)

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as client:
        assert await reason(Cdn(client).fetch(url, "image", part)) == "host"


async def test_the_hosts_of_the_cdn_are_asked(part):
    def answer(request):
        return httpx.Response(200, stream=httpx.ByteStream(JPEG))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        for host in ("cdninstagram.com", "scontent-a.cdninstagram.com", "x.fna.fbcdn.net"):
            assert await Cdn(client).fetch(f"https://{host}/x.jpg?oh=1", "image", part)


async def test_redirects(server, make, part):
    server.behaviours = [server.status(302, Location="/other.jpg"), server.good]
    assert (await make().fetch(server.url, "image", part)).bytes == len(JPEG)
    for location in ("https://example.org/x.jpg", "http://localhost/x.jpg", "http://["):
        server.behaviours = [server.status(302, Location=location)]
        assert await reason(make().fetch(server.url, "image", part)) == "host"
    server.behaviours = [server.status(302, Location=server.url)]
    assert await reason(make().fetch(server.url, "image", part)) == "host"


async def test_three_tries_with_growing_pauses(server, make, part, pauses):
    server.behaviours = [server.status(500), server.short, server.good]
    fetched = await make().fetch_with_tries(server.url, "image", part)
    assert fetched.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert pauses == sorted(pauses)
    assert len(set(pauses)) == 2


async def test_the_last_refusal_is_the_one_that_is_told(server, make, part, pauses):
    server.behaviours = [server.status(500), server.short, server.status(404)]
    assert await reason(make().fetch_with_tries(server.url, "image", part)) == "http_404"
    assert len(server.ranges) == 3


async def test_what_another_try_can_not_change_is_not_tried(server, make, part, pauses):
    server.behaviours = [server.good]
    cdn = make(max_bytes=1000)
    assert await reason(cdn.fetch_with_tries(server.url, "image", part)) == "too_large"
    assert await reason(cdn.fetch_with_tries("https://example.org/", "image", part)) == "host"
    assert pauses == []


async def test_a_full_disk_is_no_fault_of_the_server(server, make, tmp_path):
    server.behaviours = [server.good]
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        await make().fetch(server.url, "image", tmp_path / "file" / "x.part")


async def test_a_disk_that_fills_up_leaves_the_rest_for_later(server, make, part, monkeypatch):
    server.behaviours = [server.good]
    whole_open = Path.open

    def open_on_a_full_disk(path, mode="r", **kwargs):
        file = whole_open(path, mode, **kwargs)
        return FullDisk(file) if path == part and mode == "wb" else file

    monkeypatch.setattr(Path, "open", open_on_a_full_disk)
    with pytest.raises(StorageFailed):
        await make().fetch_with_tries(server.url, "image", part)
    assert len(server.ranges) == 1
    assert (await make().fetch(server.url, "image", part)).bytes == len(JPEG)
    assert server.ranges[1] == "bytes=1000-"


class FullDisk:
    """A file that takes a thousand bytes and then says what a full disk says."""

    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        self._file.write(data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_cancelled_download_can_be_continued(server, make, part):
    server.behaviours = [server.stalled]
    task = asyncio.create_task(make().fetch(server.url, "image", part))
    async with asyncio.timeout(30):
        while not part.exists() or not part.stat().st_size:  # noqa: ASYNC110 - a file sets no event
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    arrived = part.stat().st_size
    server.behaviours = [server.good]
    await make().fetch(server.url, "image", part)
    assert part.read_bytes() == JPEG
    assert server.ranges == [None, f"bytes={arrived}-"]


TROUBLES = {
    Trouble.FILES_404: "http_404",
    Trouble.FILES_403: "http_403",
    Trouble.FILES_500: "http_5xx",
    Trouble.FILES_SHORT: "short",
    Trouble.FILES_WRONG: "wrong_type",
}


async def test_the_troubles_of_the_sandbox(make, tmp_path):
    """What Instagram lists is read and downloaded, and what is broken there says how."""
    world = World()
    posts = world.collection("mia", "reels-ideas").posts
    broken = [post for post in posts if post.trouble in TROUBLES]
    whole = [post for post in posts if not post.trouble][:4]
    assert {post.trouble for post in broken} == set(TROUBLES)
    async with Instagram(world) as instagram:
        cdn = make()
        for post in (*broken, *whole):
            for source in read_post(media(post, instagram.file_url)).media:
                call = cdn.fetch_with_tries(source.url, source.kind, tmp_path / "x.part")
                if post.trouble:
                    assert await reason(call) == TROUBLES[post.trouble]
                else:
                    assert (await call).mime == f"{source.kind}/" + (
                        "mp4" if source.kind == "video" else "jpeg"
                    )
