"""HTTP behind the chat page: one static page, a small JSON API and one event stream per chat.

`make_app` is called by the composition in `sandbox/demo.py` and by the tests. Everything happens in
private chats, where the chat's id is the person's id. Malformed input is answered with 400, unknown
things with 404, both as `{"error": "a sentence"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import pydantic
from aiohttp import web

from sandbox.chat.extras import Extras
from sandbox.chat.files import file_response
from sandbox.chat.inputs import Say, SendSample, Switch, Tap, read_upload
from sandbox.telegram import Event, Telegram

UPLOAD_LIMIT = 50 * 2**20  # bytes of one file, as Telegram's for bots
HEARTBEAT_SECONDS = 15.0  # an idle stream says something this often, so that dead ones are noticed
PAGE = Path(__file__).parent / "page"

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(telegram: Telegram, extras: Extras) -> web.Application:
    """The chat page's application; the caller runs it, and stops it through its runner."""
    api = _Api(telegram, extras)
    app = web.Application(
        # A form holds a few hundred bytes more than its file.
        client_max_size=UPLOAD_LIMIT + 2**16,
        middlewares=[_errors_as_json, _own_page_only],
    )
    app.router.add_get("/", api.page)
    app.router.add_static("/page", PAGE)
    app.router.add_get("/api/people", api.people)
    app.router.add_get("/api/chat/{user}", api.chat)
    app.router.add_get("/api/events/{user}", api.events)
    app.router.add_post("/api/say", api.say)
    app.router.add_post("/api/tap", api.tap)
    app.router.add_post("/api/upload", api.upload)
    app.router.add_get("/api/file/{file_id}", api.file)
    app.router.add_get("/api/samples", api.samples)
    app.router.add_post("/api/send-sample", api.send_sample)
    app.router.add_get("/api/links", api.links)
    app.router.add_get("/api/notes", api.notes)
    app.router.add_get("/api/pages", api.pages)
    app.router.add_get("/api/bad-days", api.bad_days)
    app.router.add_post("/api/bad-days", api.switch_bad_day)
    app.on_response_prepare.append(_add_security_headers)
    app.on_shutdown.append(api.close)
    return app


class _Api:
    """The handlers. A handler reads its input, asks `Telegram` and answers; it keeps no state."""

    def __init__(self, telegram: Telegram, extras: Extras) -> None:
        self._telegram = telegram
        self._extras = extras
        self._streams: set[asyncio.Task[None]] = set()

    async def close(self, _app: web.Application) -> None:
        """Ends the open event streams; the runner would wait a minute for them otherwise."""
        for stream in self._streams:
            stream.cancel()

    async def page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def people(self, _request: web.Request) -> web.Response:
        return web.json_response(
            [
                {"id": person.id, "first_name": person.first_name, "username": person.username}
                for person in self._telegram.people.persons.values()
            ]
        )

    async def chat(self, request: web.Request) -> web.Response:
        """What a person's app shows when the chat is opened."""
        user = self._known(_number(request.match_info["user"]))
        language = self._telegram.people.persons[user].language_code
        description = self._telegram.profile.text("description", language)
        return web.json_response(
            {
                "messages": self._telegram.history(user),
                "commands": self._telegram.commands_for(user),
                "bot": {**self._telegram.me, "description": description},
                "banner": self._extras.banner,
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events, each `{"kind", "payload"}` as in `sandbox.telegram`'s `Event`."""
        user = self._known(_number(request.match_info["user"]))
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        # Subscribed before the headers leave: what happens after the page saw them is not missed.
        queue = self._telegram.subscribe()
        try:
            await response.prepare(request)
            # A task of its own, so that close() ends the stream but not the request's handler.
            stream = asyncio.create_task(_write_events(response, queue, user))
            self._streams.add(stream)
            try:
                await asyncio.wait({stream})
            finally:
                stream.cancel()
                self._streams.discard(stream)
        finally:
            self._telegram.unsubscribe(queue)
        return response

    async def say(self, request: web.Request) -> web.Response:
        said = Say.model_validate_json(await request.read())
        user = self._known(said.user)
        with _refusals():
            message_id = self._telegram.say(user, said.text)
        return web.json_response({"message_id": message_id})

    async def tap(self, request: web.Request) -> web.Response:
        tapped = Tap.model_validate_json(await request.read())
        user = self._known(tapped.user)
        try:
            query_id = self._telegram.tap(user, tapped.message_id, tapped.data)
        except KeyError:
            raise _not_found("That button is no longer there.") from None
        return web.json_response({"query_id": query_id})

    async def upload(self, request: web.Request) -> web.Response:
        upload = await read_upload(request, limit=UPLOAD_LIMIT)
        user = self._known(upload.user)
        with _refusals():
            message_id = self._telegram.send_file(
                user,
                upload.name,
                upload.data,
                upload.mime,
                caption=upload.caption,
                as_photo=upload.as_photo,
                album=upload.album,
            )
        return web.json_response({"message_id": message_id})

    async def file(self, request: web.Request) -> web.Response:
        try:
            name, data = self._telegram.file_bytes(request.match_info["file_id"])
        except KeyError:
            raise _not_found("There is no such file.") from None
        return file_response(request, name, data)

    async def samples(self, _request: web.Request) -> web.Response:
        return web.json_response(
            [
                {"name": sample.name, "label": sample.label, "description": sample.description}
                for sample in self._extras.samples()
            ]
        )

    async def send_sample(self, request: web.Request) -> web.Response:
        wanted = SendSample.model_validate_json(await request.read())
        user = self._known(wanted.user)
        samples = {sample.name: sample for sample in self._extras.samples()}
        sample = samples.get(wanted.name)
        if sample is None:
            raise _not_found("There is no such sample.")
        with _refusals():
            message_id = self._telegram.send_file(user, sample.filename, sample.data, sample.mime)
        return web.json_response({"message_id": message_id})

    async def links(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(link) for link in self._extras.links()])

    async def notes(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(note) for note in self._extras.notes()])

    async def pages(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(page) for page in self._extras.pages()])

    async def bad_days(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(day) for day in self._extras.bad_days()])

    async def switch_bad_day(self, request: web.Request) -> web.Response:
        """Answers with the whole list: one bad day may end another."""
        switch = Switch.model_validate_json(await request.read())
        if switch.name not in {day.name for day in self._extras.bad_days()}:
            raise _not_found("There is no such bad day.")
        self._extras.switch(switch.name, switch.on)
        return await self.bad_days(request)

    def _known(self, user: int) -> int:
        if user not in self._telegram.people.persons:
            raise _not_found("There is no such person.")
        return user


async def _write_events(
    response: web.StreamResponse, queue: asyncio.Queue[Event], user: int
) -> None:
    """Passes one chat's events on until the page goes away or the task is cancelled."""
    with contextlib.suppress(ConnectionResetError):
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    event = await queue.get()
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if event.chat_id == user:
                data = json.dumps({"kind": event.kind, "payload": event.payload})
                await response.write(f"data: {data}\n\n".encode())


@web.middleware
async def _errors_as_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return web.json_response({"error": f"{where}: {first['msg']}"}, status=400)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return web.json_response({"error": error.text or error.reason}, status=error.status)


@web.middleware
async def _own_page_only(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuses what another site's page sends here: a browser lets it, and says so in `Origin`."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="Only the chat page itself may do this.")
    return await handler(request)


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    # The page changes with the code; without this, browsers mix old scripts with new ones.
    response.headers.setdefault("Cache-Control", "no-cache")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise web.HTTPBadRequest(text="A person's id is a number.") from None


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What Telegram does not take from a person (ValueError) is answered with 400."""
    try:
        yield
    except ValueError as refusal:
        raise web.HTTPBadRequest(text=str(refusal)) from None


def _not_found(sentence: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=sentence)
