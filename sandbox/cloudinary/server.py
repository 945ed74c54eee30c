"""The Cloudinary stand-in as one object: start it, hand out its settings, watch it, disturb it.

Used by the demo and by tests. It keeps files in memory, checks signatures, ages, sizes and types,
delivers plain addresses to anybody, and transforms nothing. Source: Cloudinary's Upload and Admin
API references, and its Python SDK 1.46.3.
"""

from __future__ import annotations

import base64
import collections
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox.bad_days import BadDay, Switches
from sandbox.cloudinary.signature import is_good, of_answer, string_to_sign

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CLOUD = "reelay-sandbox"
API_KEY = "161803398874989"
API_SECRET = "kX4sandboxQ7only-opensTheStandIn"  # noqa: S105
MAX_AGE = timedelta(hours=1)  # of a signature
LIMITS = {"image": 10 << 20, "video": 100 << 20, "raw": 10 << 20}  # bytes; the free plan's
REQUEST_LIMIT = (100 << 20) + (1 << 20)
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
PUBLIC_ID = re.compile(r"[^?&#\\%<>]{1,255}")
STARTS = {  # format: (resource type, mime, how a file of it begins, and where)
    "jpg": ("image", "image/jpeg", b"\xff\xd8\xff", 0),
    "png": ("image", "image/png", b"\x89PNG", 0),
    "gif": ("image", "image/gif", b"GIF8", 0),
    "mp4": ("video", "video/mp4", b"ftyp", 4),
}
MOST_RESULTS = 500
DOWN = "<!DOCTYPE html><html><title>503</title><p>Service Unavailable</p></html>"


DAYS = (
    BadDay(
        "cloudinary-down",
        "Cloudinary is down",
        "Uploads, removals and deliveries are answered with 503.",
    ),
)


@dataclass(frozen=True, slots=True)
class Asset:
    """`type`: image, video or raw. `created_at`: aware UTC. `url`: where anybody can get it."""

    public_id: str
    type: str
    format: str
    mime: str
    data: bytes
    version: int
    created_at: datetime
    url: str
    folder: str
    tags: tuple[str, ...]


class Problem(Exception):
    """An answer with `error`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Cloudinary(Switches):
    """`async with Cloudinary() as cloudinary:`, or `start` and `stop`.

    origin: what the SDK takes as `upload_prefix`. url: as CLOUDINARY_URL. assets: what is stored
    now. uploads, removals: how many files came and went. `now` (aware UTC) dates what is stored;
    `wall` judges signatures, for the SDK dates them by the machine's own clock.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(DAYS)
        self.origin = ""
        self.counts: collections.Counter[str] = collections.Counter()
        self._assets: dict[tuple[str, str], Asset] = {}
        self._parts: dict[str, bytearray] = {}  # of chunked uploads, by their id
        self._versions = 0
        self._now = now
        self._wall = wall

    # ------------------------------------------------------------------ start and stop

    async def start(self) -> None:
        app = web.Application(client_max_size=REQUEST_LIMIT, middlewares=[self._guard])
        place = f"/v1_1/{CLOUD}/{{type:image|video|raw|auto}}"
        app.router.add_post(f"{place}/upload", self._upload)
        app.router.add_post(f"{place}/destroy", self._destroy)
        app.router.add_get(f"/v1_1/{CLOUD}/resources/{{type}}/upload", self._list)
        app.router.add_get(f"/{CLOUD}/{{type:image|video|raw}}/upload/{{rest:.+}}", self._deliver)
        app.router.add_route("*", "/{tail:.*}", self._nowhere)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def __aenter__(self) -> Cloudinary:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    # ------------------------------------------------------------------ watch and disturb

    @property
    def url(self) -> str:
        """Key, secret and cloud, as Cloudinary's console shows them. The address is `origin`."""
        return f"cloudinary://{API_KEY}:{API_SECRET}@{CLOUD}"

    @property
    def assets(self) -> tuple[Asset, ...]:
        return tuple(self._assets.values())

    @property
    def uploads(self) -> int:
        return self.counts["uploaded"]

    @property
    def removals(self) -> int:
        return self.counts["removed"]

    # ------------------------------------------------------------------ how a request is served

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.is_on("cloudinary-down"):
            self.counts["refused"] += 1
            return web.Response(status=503, text=DOWN, content_type="text/html")
        try:
            return await handler(request)
        except Problem as problem:
            self.counts["refused"] += 1
            return web.json_response(
                {"error": {"message": str(problem)}},
                status=problem.status,
                headers={"X-Cld-Error": quote(str(problem)[:200], safe=" -.,'()=/:")},
            )

    async def _nowhere(self, request: web.Request) -> web.Response:
        if request.path.startswith("/v1_1/") and f"/v1_1/{CLOUD}/" not in request.path:
            raise Problem(401, "cloud_name mismatch")
        raise Problem(404, "Resource not found")

    async def _upload(self, request: web.Request) -> web.Response:
        pairs, data = await _read_form(request)
        self._check_signature(pairs)
        params = dict(pairs)
        for name in ("eager", "transformation"):
            if params.get(name):
                raise Problem(400, f"{name} is not available: this stand-in transforms nothing")
        if data is None:
            raise Problem(400, "Missing required parameter - file")
        whole = self._whole(request, data)
        if whole is None:
            return web.json_response({"done": False, "kind": "upload", "bytes": len(data)})
        asset, overwritten = self._store(request.match_info["type"], params, whole)
        return web.json_response({**self._facts(asset), **overwritten})

    def _check_signature(self, pairs: list[tuple[str, str]]) -> None:
        """Errors: Problem 401, and 400 for an old one."""
        params = dict(pairs)
        if params.get("api_key") != API_KEY:
            raise Problem(401, f"Unknown API key {params.get('api_key', '')}")
        signature = params.get("signature", "")
        if not is_good(pairs, signature, API_SECRET):
            text = string_to_sign(pairs)
            raise Problem(401, f"Invalid Signature {signature}. String to sign - '{text}'.")
        timestamp = params.get("timestamp", "")
        if not timestamp.isdecimal():
            raise Problem(400, "Missing required parameter - timestamp")
        if abs(self._wall() - datetime.fromtimestamp(int(timestamp), UTC)) > MAX_AGE:
            raise Problem(
                400, f"Stale request - reported time is {timestamp} which is more than 1 hour ago"
            )

    def _whole(self, request: web.Request, data: bytes) -> bytes | None:
        """The file; None while more of its chunks are to come."""
        header = request.headers.get("Content-Range")
        if header is None:
            return data
        found = CONTENT_RANGE.fullmatch(header)
        upload_id = request.headers.get("X-Unique-Upload-Id", "")
        parts = self._parts.setdefault(upload_id, bytearray())
        if not found or not upload_id or len(parts) != int(found[1]):
            raise Problem(400, f"Invalid Content-Range {header}")
        parts += data
        if int(found[2]) + 1 < int(found[3]):
            return None
        return bytes(self._parts.pop(upload_id))

    def _store(self, asked: str, params: dict[str, str], data: bytes) -> tuple[Asset, Json]:
        format_, kind, mime = _recognised(data)
        if asked not in ("auto", "raw", kind):
            raise Problem(400, f"Invalid {asked} file")
        if asked == "raw":
            kind = "raw"
        if len(data) > LIMITS[kind]:
            raise Problem(
                400,
                f"File size too large. Got {len(data)}. Maximum is {LIMITS[kind]}.",
            )
        public_id = params.get("public_id") or hashlib.sha256(data).hexdigest()[:20]
        if params.get("folder"):
            public_id = f"{params['folder']}/{public_id}"
        if not PUBLIC_ID.fullmatch(public_id) or public_id != public_id.strip("/ "):
            raise Problem(400, f"public_id ({public_id}) is invalid")
        known = self._assets.get((kind, public_id))
        if known and params.get("overwrite") in ("0", "false"):
            return known, {"existing": True}
        self._versions += 1
        version = int(self._now().timestamp()) + self._versions
        suffix = "" if kind == "raw" else f".{format_}"
        path = f"{CLOUD}/{kind}/upload/v{version}/{quote(public_id)}{suffix}"
        tags = tuple(filter(None, params.get("tags", "").split(",")))
        asset = Asset(
            public_id,
            kind,
            format_,
            mime,
            data,
            version,
            self._now(),
            f"{self.origin}/{path}",
            params.get("asset_folder", ""),
            tags,
        )
        self._assets[kind, public_id] = asset
        self.counts["uploaded"] += 1
        return asset, {"overwritten": True} if known else {}

    def _facts(self, asset: Asset) -> Json:
        """What Cloudinary tells of an upload. Here its https address is the loopback's, too."""
        return {
            "asset_id": hashlib.sha256(asset.public_id.encode()).hexdigest()[:32],
            "public_id": asset.public_id,
            "version": asset.version,
            "version_id": hashlib.sha256(str(asset.version).encode()).hexdigest()[:32],
            "signature": of_answer(asset.public_id, asset.version, API_SECRET),
            "format": asset.format,
            "resource_type": asset.type,
            "created_at": asset.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tags": list(asset.tags),
            "bytes": len(asset.data),
            "type": "upload",
            "etag": hashlib.sha256(asset.data).hexdigest()[:32],
            "placeholder": False,
            "url": asset.url,
            "secure_url": asset.url,
            "asset_folder": asset.folder,
            "api_key": API_KEY,
        }

    async def _destroy(self, request: web.Request) -> web.Response:
        """A wrong resource type finds nothing, and says so without an error."""
        pairs, _ = await _read_form(request)
        self._check_signature(pairs)
        public_id = dict(pairs).get("public_id")
        if not public_id:
            raise Problem(400, "Missing required parameter - public_id")
        gone = self._assets.pop((request.match_info["type"], public_id), None)
        self.counts["removed"] += gone is not None
        return web.json_response({"result": "ok" if gone else "not found"})

    async def _list(self, request: web.Request) -> web.Response:
        """The Admin API's list by prefix, newest first, with a cursor."""
        wanted = base64.b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            raise Problem(401, "Invalid credentials")
        self.counts["listed"] += 1
        prefix, asked = request.query.get("prefix", ""), request.query.get("max_results", "10")
        if not asked.isdecimal() or not 1 <= int(asked) <= MOST_RESULTS:
            raise Problem(400, f"max_results must be 1 to {MOST_RESULTS}")
        found = [
            asset
            for asset in reversed(self.assets)
            if asset.type == request.match_info["type"] and asset.public_id.startswith(prefix)
        ]
        cursor = request.query.get("next_cursor", "0")
        if not cursor.isdecimal():
            raise Problem(400, "Invalid value for parameter next_cursor")
        start, stop = int(cursor), int(cursor) + int(asked)
        body: Json = {"resources": [self._facts(asset) for asset in found[start:stop]]}
        if stop < len(found):
            body["next_cursor"] = str(stop)
        return web.json_response(body)

    async def _deliver(self, request: web.Request) -> web.Response:
        rest = unquote(request.match_info["rest"])
        found = re.fullmatch(r"(?:v\d+/)?(.+)", rest)
        name = found[1] if found else rest
        for asset in self._assets.values():
            names = (asset.public_id, f"{asset.public_id}.{asset.format}")
            if asset.type == request.match_info["type"] and name in names:
                self.counts["delivered"] += 1
                return web.Response(body=asset.data, content_type=asset.mime)
        return web.Response(status=404, headers={"X-Cld-Error": "Resource not found"})


def _recognised(data: bytes) -> tuple[str, str, str]:
    """(format, resource type, mime) by the first bytes; "bin" and raw for the rest."""
    for format_, (kind, mime, start, place) in STARTS.items():
        if data[place : place + len(start)] == start:
            return format_, kind, mime
    return "bin", "raw", "application/octet-stream"


async def _read_form(request: web.Request) -> tuple[list[tuple[str, str]], bytes | None]:
    """The fields as they came, and the file if there is one. Errors: Problem."""
    pairs: list[tuple[str, str]] = []
    data: bytes | None = None
    try:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                data = value.file.read()
            elif isinstance(value, str):
                pairs.append((name, value))
    except web.HTTPRequestEntityTooLarge:
        raise Problem(413, "Request Entity Too Large") from None
    except (ValueError, LookupError):
        raise Problem(400, "The request cannot be parsed") from None
    return pairs, data
