"""Reads an account's home feed and stories through Instagram's mobile API, by way of instagrapi.

Called by the feed and by /connect. One client and one thread for each account; every request goes
through the shared pace. The caller keeps `MobileSession.settings` sealed, for ever: they are the
phone that Instagram knows the account by.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.clock import Now
from services.instagram.mobile_session import Limits, MobileSession, Way
from services.instagram.mobile_wire import Transport
from services.instagram.pace import Pacer


class Mobile:
    """The adapter; `close` it at the end.

    transport: "curl" is what the app's connection looks like, over HTTP/2; "requests" speaks
    HTTP/1.1, for a proxy that opens TLS. `reports` gets the answers that nobody could read.
    """

    def __init__(
        self,
        pacer: Pacer,
        now: Now,
        *,
        reports: Path,
        proxy: str | None = None,
        ca_file: Path | None = None,
        transport: Transport = "curl",
        limits: Limits | None = None,
    ) -> None:
        self._way = Way(pacer, now, reports, limits or Limits(), proxy, ca_file, transport)
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._sessions: dict[str, MobileSession] = {}
        self._making = asyncio.Lock()

    async def session(self, identity: str, settings: str = "") -> MobileSession:
        """The session of this account; sends nothing.

        `identity`: whose pace it is. `settings`: as the session gave them last, "" for a new
        phone: keep its settings before anything else, so that a crash does not make another one.
        """
        async with self._making:
            known = self._sessions.get(identity)
            if known is not None and settings and known.settings == settings:
                return known
            if identity not in self._threads:
                self._threads[identity] = ThreadPoolExecutor(1, "instagrapi")
            session = MobileSession(identity, self._way, self._threads[identity])
            await session.load(settings)
            self._sessions[identity] = session
            return session

    def forget(self, identity: str) -> None:
        """The account is gone, and what was known of it with it."""
        if session := self._sessions.pop(identity, None):
            session.stop()
        if thread := self._threads.pop(identity, None):
            thread.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Calls under way send nothing further; their threads end within Limits.answer seconds."""
        for identity in tuple(self._threads):
            self.forget(identity)
