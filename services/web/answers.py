"""Sends bytes or a stored object with the right status: 200, 206, 304, 412 or 416.

Called by the routes. What is decided is in services/web/conditional; here is only the sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import structlog
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from services.web.conditional import (
    Unsatisfiable,
    gzip_etag,
    http_date_of,
    is_fresh,
    is_refused,
    takes_gzip,
    wanted_span,
)
from storage.objects import ObjectStore

log = structlog.get_logger()

SECOND = timedelta(seconds=1)
"""After a change, until its date is told: another one in the same second would look the same."""

STALLED_SECONDS = 60.0  # a piece that nobody takes for so long ends the answer
OF_A_BODY = {"Content-Type", "Content-Encoding", "Content-Disposition"}


class Version(NamedTuple):
    """One version of what an address shows. `etag`: strong, quoted, of the plain bytes."""

    etag: str
    modified: datetime | None


Headers = tuple[tuple[str, str], ...]


def send_bytes(
    request: web.Request,
    version: Version,
    body: bytes,
    gzipped: bytes | None,
    headers: Headers,
    now: datetime,
) -> web.Response:
    """`gzipped`: the same compressed, if that is worth it. A part is always of the plain bytes."""
    asked = request.headers
    partly = hdrs.RANGE in asked and request.method == "GET"
    compress = None
    if gzipped is not None:
        compress = not partly and takes_gzip(asked.get(hdrs.ACCEPT_ENCODING, ""))
    settled = version.modified is not None and now - version.modified >= SECOND
    heads = _heads(version.etag, version.modified if settled else None, headers, compress)
    if is_refused(asked, version.etag, version.modified):
        return _refused(heads)
    if is_fresh(asked, version.etag, version.modified):
        return web.Response(status=304, headers=heads.bodiless)
    if compress:
        return web.Response(body=gzipped, headers=heads.whole)
    span = wanted_span(asked, len(body), version.etag, version.modified) if partly else None
    if isinstance(span, Unsatisfiable):
        return _unsatisfiable(span, heads)
    if span is None:
        return web.Response(body=body, headers=heads.whole)
    part = {**heads.whole, "Content-Range": span.content_range(len(body))}
    return web.Response(status=206, body=body[span.start : span.stop], headers=part)


_Head = CIMultiDictProxy[str]


class _Heads(NamedTuple):
    """`whole`: of a 200. `bodiless`: of a 304, 412 or 416, which have what a 200 would have had but
    nothing of its body."""

    whole: _Head
    bodiless: _Head


@lru_cache(maxsize=256)
def _heads(etag: str, modified: datetime | None, headers: Headers, compress: bool | None) -> _Heads:
    """Many ask for the same few documents, so what they get is put together once. `compress`: None
    where that is never done."""
    out = {"ETag": gzip_etag(etag) if compress else etag, "Accept-Ranges": "bytes"}
    if compress is not None:
        out["Vary"] = "Accept-Encoding"
    if modified:
        out["Last-Modified"] = http_date_of(modified)
    bodiless = out | {name: value for name, value in headers if name not in OF_A_BODY}
    if compress:
        out["Content-Encoding"] = "gzip"
    return _Heads(_head(out | dict(headers)), _head(bodiless))


def _head(headers: dict[str, str]) -> _Head:
    """As aiohttp copies them fastest."""
    return CIMultiDictProxy(CIMultiDict(headers))


async def send_object(
    request: web.Request,
    objects: ObjectStore,
    key: str,
    size: int,
    version: Version,
    headers: Headers,
) -> web.StreamResponse:
    """Streams `size` bytes of the store, one piece in memory at a time. Errors: OSError, KeyError
    if the object can't be read; nothing has been sent then."""
    heads = _heads(version.etag, version.modified, headers, None)
    asked = request.headers
    if is_refused(asked, version.etag, version.modified):
        return _refused(heads)
    if is_fresh(asked, version.etag, version.modified):
        return web.Response(status=304, headers=heads.bodiless)
    partly = request.method == "GET"  # no other method has parts
    span = wanted_span(asked, size, version.etag, version.modified) if partly else None
    if isinstance(span, Unsatisfiable):
        return _unsatisfiable(span, heads)
    response = web.StreamResponse(status=206 if span else 200, headers=heads.whole)
    if span:
        response.headers["Content-Range"] = span.content_range(size)
    start, stop = (span.start, span.stop) if span else (0, size)
    response.content_length = stop - start
    if request.method == "HEAD":
        if await objects.size(key) is None:
            raise FileNotFoundError(key)
        await response.prepare(request)
        return response
    try:
        async with aclosing(objects.read(key, start, stop)) as pieces:
            await _copy(request, response, pieces, stop - start)
    except ConnectionError:  # who looks at pictures goes on to the next page: no error of ours
        if request.transport is not None and not request.transport.is_closing():
            raise
    return response


async def _copy(
    request: web.Request,
    response: web.StreamResponse,
    pieces: AsyncIterator[bytes],
    left: int,
) -> None:
    piece = await anext(pieces, b"")  # before anything is sent: it may not be there
    await response.prepare(request)
    while piece:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await response.write(piece)
        except TimeoutError as error:
            raise ConnectionResetError("nobody takes it any more") from error
        left -= len(piece)
        try:
            piece = await anext(pieces, b"")
        except OSError as error:  # too late for another status
            log.warning("an answer broke off", error=str(error))
            raise ConnectionResetError("the file could not be read to its end") from error
    if left:  # a closed connection tells the client that the file ended early, silence would not
        raise ConnectionResetError("the file is shorter than it was")
    await response.write_eof()


def _refused(heads: _Heads) -> web.Response:
    text = "This is another version than the one that was asked for.\n"
    return web.Response(status=412, text=text, headers=heads.bodiless)


def _unsatisfiable(asked: Unsatisfiable, heads: _Heads) -> web.Response:
    out = {**heads.bodiless, "Content-Range": asked.content_range}
    return web.Response(status=416, text=f"This has {asked.size} bytes.\n", headers=out)
