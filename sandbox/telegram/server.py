"""The Bot API over HTTP: /bot<token>/<method> and /file/bot<token>/<path>, on loopback.

The demo and the tours start a TelegramServer; tests use `async with serve(telegram) as origin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from sandbox.telegram.api import call
from sandbox.telegram.arguments import Arguments, Upload, as_fields, parse_json
from sandbox.telegram.errors import TOO_LARGE, ApiError, bad_request
from sandbox.telegram.files import DEFAULT_MIME, UPLOAD_LIMIT
from sandbox.telegram.state import Telegram
from sandbox.telegram.webhook import FIRST_DELAY_SECONDS, deliver_updates

REQUEST_LIMIT = UPLOAD_LIMIT + 2**20  # the other fields and the multipart frame
TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]+")
SHUTDOWN_SECONDS = 1.0


class TelegramServer:
    """`webhook_delay`: seconds before the first repetition of a failed webhook delivery."""

    def __init__(self, telegram: Telegram, *, webhook_delay: float = FIRST_DELAY_SECONDS) -> None:
        self._telegram = telegram
        self._webhook_delay = webhook_delay
        self._runner: web.AppRunner | None = None
        self._delivery: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listens and returns the origin, like "http://127.0.0.1:8081"; port 0 takes a free one."""
        app = web.Application(client_max_size=REQUEST_LIMIT)
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._bot_api)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        app.router.add_route("*", "/{tail:.*}", self._nowhere)
        self._runner = web.AppRunner(
            app,
            access_log=None,  # it would write the token down
            handler_cancellation=True,  # a bot that goes away ends its long poll
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._delivery = asyncio.create_task(deliver_updates(self._telegram, self._webhook_delay))
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._delivery:
            self._delivery.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._delivery
        if self._runner:
            await self._runner.cleanup()

    async def _bot_api(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request)
            args = await _read_arguments(request)
            result = await call(self._telegram, request.match_info["method"], args)
        except ApiError as problem:
            return _refusal(problem)
        if result is None:
            return _hang_up(request)
        return _json({"ok": True, "result": result})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request)
        except ApiError as problem:
            return _refusal(problem)
        file = self._telegram.files.find_path(request.match_info["path"])
        if file is None:
            return _refusal(ApiError(404, "Not Found"))
        return web.Response(body=file.data, content_type=DEFAULT_MIME)

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        return _refusal(ApiError(404, "Not Found"))

    def _check_token(self, request: web.Request) -> None:
        token = request.match_info["token"]
        if not TOKEN.fullmatch(token):
            raise ApiError(401, "Unauthorized: invalid token specified")
        if token != self._telegram.token:
            raise ApiError(401, "Unauthorized")


@contextlib.asynccontextmanager
async def serve(
    telegram: Telegram,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    webhook_delay: float = FIRST_DELAY_SECONDS,
) -> AsyncIterator[str]:
    """The stand-in for the length of a block; gives its origin."""
    server = TelegramServer(telegram, webhook_delay=webhook_delay)
    try:
        yield await server.start(host, port)
    finally:
        await server.stop()


async def _read_arguments(request: web.Request) -> Arguments:
    """Query string, urlencoded form, JSON or multipart. Raises ApiError 400 and 413."""
    fields = dict(request.query)
    files: dict[str, Upload] = {}
    try:
        if request.content_type == "application/json":
            fields |= await _read_json(request)
        elif request.can_read_body:
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    mime = value.content_type
                    files[name] = Upload(value.filename, value.file.read(), mime)
                else:
                    fields[name] = value if isinstance(value, str) else bytes(value).decode()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, TOO_LARGE) from None
    except (ValueError, LookupError, BadHttpMessage):
        # Wrong bytes, an unknown charset, or a multipart body that aiohttp can't take apart.
        raise bad_request("can't parse the request body") from None
    return Arguments(fields, files)


async def _read_json(request: web.Request) -> dict[str, str]:
    body = await request.text()
    if not body:
        return {}
    value = parse_json(body, "can't parse JSON encoded request")
    if not isinstance(value, dict):
        raise bad_request("can't parse JSON encoded request")
    return as_fields(value)


def _refusal(problem: ApiError) -> web.Response:
    body = {"ok": False, "error_code": problem.code, "description": problem.description}
    headers = {}
    if problem.retry_after is not None:
        body["parameters"] = {"retry_after": problem.retry_after}
        headers["Retry-After"] = str(problem.retry_after)
    return _json(body, problem.code, headers)


def _json(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    """Closes the connection as if the network had failed; the answer below reaches nobody."""
    if request.transport:
        request.transport.abort()
    return web.Response()
