"""Sends a file of the chat to the browser. `sandbox.chat.api` calls it."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

# What the page shows by itself, by the first bytes: (offset, bytes, type). A bot names its uploads
# as it likes, so names say nothing. Everything else, above all HTML and SVG, is only downloaded.
_SHOWN = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
)


def file_response(request: web.Request, name: str, data: bytes) -> web.Response:
    """The whole file, or the one range that a player asked for in order to seek."""
    shown = next((mime for at, magic, mime in _SHOWN if data.startswith(magic, at)), None)
    disposition = "inline" if shown else "attachment"
    headers = {
        "Content-Type": shown or "application/octet-stream",
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
        "Accept-Ranges": "bytes",
        # A file id names the same bytes for ever.
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    if "Range" not in request.headers:
        return web.Response(body=data, headers=headers)
    try:
        start, stop, _ = request.http_range.indices(len(data))
    except ValueError:
        raise web.HTTPRequestRangeNotSatisfiable from None
    if start >= stop:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:stop], headers=headers)
