"""The CDN: pictures and films on plain http, with signed addresses, lengths, ETags and ranges.

Its addresses stand in the JSON of `web_api`; `server` mounts it. Files are painted and encoded in
a thread, so the loop stays free for the other stand-ins.
"""

from __future__ import annotations

import asyncio
import hashlib

from aiohttp import web

from sandbox.bad_days import Orders
from sandbox.instagram.bad_days import BadDays, Fault
from sandbox.world import World

EXPIRES = "6F9C3F80"  # the `oe` of every address: the year 2029, in hexadecimal seconds
WEB_PAGE = b"<!DOCTYPE html><html><title>Error</title><p>Sorry, something went wrong.</p></html>"
DROPS = 10


class Cdn:
    def __init__(self, world: World, bad_days: BadDays) -> None:
        self.origin = ""  # set when the port is known
        self.orders: Orders[str, Fault] = Orders(str.startswith)
        self._world = world
        self._bad_days = bad_days

    def file_url(self, pk: int, variant: str) -> str:
        """The signed address of a file; the arguments are those of `World.file`."""
        extension, folder = ("mp4", "t50.2886-16") if "film" in variant else ("jpg", "t51.2885-15")
        name = f"{pk}_{variant}_n.{extension}"
        query = f"stp=dst-jpg&_nc_ht=scontent&oe={EXPIRES}&oh={self._signature(name)}"
        return f"{self.origin}/v/{folder}/{name}?{query}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if request.query.get("oh") != self._signature(name):
            return web.Response(status=403, text="Bad URL hash")
        pk, variant, _ = name.split("_")
        file = await asyncio.to_thread(self._world.file, int(pk), variant)
        if file is None:
            return web.Response(status=404, text="File not found")
        fault = self.orders.take(request.path) or self._bad_days.fault(name, file.post)
        if fault is Fault.NOT_FOUND:
            return web.Response(status=404, text="File not found")
        if fault is Fault.FORBIDDEN:
            return web.Response(status=403, text="URL signature expired")
        if fault is Fault.SERVER_ERROR:
            return web.Response(status=500, text="Internal error")
        data = WEB_PAGE if fault is Fault.WRONG_TYPE else file.data
        return await self._send(request, data, file.mime, fault)

    async def _send(
        self, request: web.Request, data: bytes, mime: str, fault: Fault | None
    ) -> web.StreamResponse:
        etag = hashlib.sha256(data).hexdigest()[:16]
        headers = {"Accept-Ranges": "bytes", "Cache-Control": "max-age=1209600"}
        whole = request.headers.get("If-Range", f'"{etag}"') != f'"{etag}"'
        start, stop = (0, len(data)) if whole else _asked_range(request, len(data))
        if start >= stop:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        partial = (start, stop) != (0, len(data))
        if partial:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        response = web.StreamResponse(status=206 if partial else 200, headers=headers)
        response.content_type = mime
        response.etag = etag
        response.content_length = stop - start
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        if fault is Fault.SHORT:
            # Never more than the first half, however often a client resumes: then hang up.
            await response.write(data[start : min(stop, len(data) // 2)])
            if request.transport:
                request.transport.close()
            return response
        pause = self._bad_days.slow_seconds / DROPS if fault is Fault.SLOW else 0
        size = -(-(stop - start) // DROPS) if pause else stop - start
        for at in range(start, stop, size):
            await asyncio.sleep(pause)
            await response.write(data[at : min(at + size, stop)])
        return response

    def _signature(self, name: str) -> str:
        digest = hashlib.sha256(f"{self._world.seed} {name}".encode()).hexdigest()
        return f"00_Af{digest[:24]}"


def _asked_range(request: web.Request, size: int) -> tuple[int, int]:
    """(start, stop) of the bytes that were asked for; the whole file without a readable Range."""
    try:
        asked = request.http_range
    except ValueError:
        return 0, size
    start, stop, _ = asked.indices(size)
    return start, stop
