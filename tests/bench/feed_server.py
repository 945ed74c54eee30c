"""The side server with a feed, and bare handlers beside it, in a process of their own.

Started by tests/bench/feed.py: `python -m tests.bench.feed_server FOLDER`; ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

from aiohttp import ClientSession, web

from services.clock import utc_now
from services.feed.serving import Serving
from services.feed.visits import Allowance, Visits
from services.jobs.clock import Clock
from services.web.downloads import Downloads
from services.web.feeds import FeedRoutes
from services.web.health import Health
from services.web.server import SideServer
from storage.database import Database, sqlite_url
from storage.objects import LocalObjects

BASE = "http://bench.example"
CONDITIONS = ("Accept-Encoding", "If-None-Match")
BY_THE_SERVER = {"Date", "Server", "Content-Length"}
NO_LIMIT = Allowance(burst=1_000_000_000, every=timedelta(microseconds=1))


async def serve(folder: Path) -> None:
    database = Database(sqlite_url(folder / "reelay.db"))
    objects = LocalObjects(folder / "media")
    serving, visits = Serving(database, utc_now), Visits(database, NO_LIMIT)
    server = SideServer(
        database,
        Health(database, objects, Clock(utc_now), utc_now, lambda: None),
        Downloads(database, objects, utc_now),
        feeds=FeedRoutes(serving, visits, objects, utc_now, public_url=BASE),
    )
    port = await server.start("127.0.0.1", 0)
    bare_port, runner = await _bare(port)
    print(json.dumps({"port": port, "bare": bare_port}), flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
    await server.stop()
    await database.close()


async def _bare(port: int) -> tuple[int, web.AppRunner]:
    """/LABEL/path: a handler that decides nothing. It asks the side server once for /path, and then
    gives the same status, headers and bytes for ever."""
    kept: dict[str, tuple[int, dict[str, str], bytes]] = {}

    async def answer(request: web.Request) -> web.Response:
        found = kept.get(request.path)
        if found is None:
            sent = {name: request.headers.get(name, "") for name in CONDITIONS}
            url = f"http://127.0.0.1:{port}/" + request.path.split("/", 2)[2]
            async with (
                ClientSession(auto_decompress=False) as http,
                http.get(url, headers=sent) as given,
            ):
                headers = {k: v for k, v in given.headers.items() if k not in BY_THE_SERVER}
                found = kept[request.path] = given.status, headers, await given.read()
        status, headers, body = found
        return web.Response(status=status, headers=headers, body=body)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1]), runner


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
