"""Fetches a public copy back as Meta would: by GET, from outside, without following redirects.

Called before a story is posted, and again when Meta says that it could not download the file.
"""

from __future__ import annotations

import asyncio

import httpx

from services.errors import HostingFailed
from services.graph.public import Mime

SECONDS = 30.0


async def look(http: httpx.AsyncClient, url: str, mime: Mime, size: int) -> None:
    """Returns if Meta will find this type and so many bytes there. The bytes are counted where the
    server does not tell; they are not compared, for the copy was checked when it was made.

    Errors: HostingFailed; its message says what is wrong, without the address.
    """
    request = http.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    try:
        async with asyncio.timeout(SECONDS):
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                _check_head(response, mime)
                found = await _size(response, size)
            finally:
                await response.aclose()
    except (TimeoutError, httpx.HTTPError, httpx.StreamError, OSError):
        raise _wrong("nobody answers there") from None
    if found != size:
        raise _wrong(f"{found} bytes lie there instead of {size}")


def _check_head(response: httpx.Response, mime: Mime) -> None:
    if response.has_redirect_location:
        raise _wrong("the address leads on to another one, which Meta does not follow")
    if response.status_code != httpx.codes.OK:
        raise _wrong(f"the address answers {response.status_code}")
    told = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told != mime:
        raise _wrong(f"it is served as {told[:50] or 'nothing'} instead of {mime}")


async def _size(response: httpx.Response, enough: int) -> int:
    told = response.headers.get("content-length", "")
    if told.isascii() and told.isdigit():
        return int(told)
    counted = 0
    async for piece in response.aiter_raw():
        counted += len(piece)
        if counted > enough:
            break
    return counted


def _wrong(what: str) -> HostingFailed:
    return HostingFailed(f"Meta could not fetch the file: {what}.")
