"""The real bot in this process against the stand-ins, driven by visitors of the chat.

`Harness` starts sandbox and bot on copies of migrated databases; `person()` gives a visitor who
taps and reads. Nothing waits for the clock: while a visitor waits for an answer, the loops are
turned.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from bot.app import App
from bot.settings import ROLES, Settings
from sandbox.demo import Sandbox
from sandbox.telegram import Telegram
from sandbox.tours.visitor import Visitor
from sandbox.world import World
from services.instagram.cookies import read_cookies
from storage import connections, tables
from storage.database import Unavailable
from tests.support.clock import MovableClock

Found = TypeVar("Found")
PUMPED = {  # loops, and the table of what each looks after
    "notices": tables.notices,
    "progress cards": tables.imports,
    "wake imports": tables.imports,
    "wake polls": tables.polls,
    "stories": tables.stories,
    "analysis cards": tables.analyses,
    "wake analyses": tables.analyses,
    "sync cards": tables.syncs,
    "wake syncs": tables.syncs,
}
_FILLED = sa.select(
    *(sa.exists(sa.select(sa.literal(1)).select_from(one)) for one in PUMPED.values())
)
NOT_BY_ITSELF = "daily syncs"  # its requests would come into every test that takes five seconds
GAP, LULL = 0.12, 0.4
FAST = {
    "INSTAGRAM_PACE_SECONDS": "0-0",
    "INSTAGRAM_REQUESTS_PER_MINUTE": "1000000",
    "FEED_POLL_MINUTES": "10",  # of the bot's time, which tests move
}


class PumpedVisitor(Visitor):
    """Turns the bot's loops while it waits, so that no test waits for a tick."""

    def __init__(self, harness: Harness, user_id: int) -> None:
        super().__init__(harness.telegram, user_id, io.StringIO())
        self._harness = harness
        self.user_id = user_id

    async def _next_event(self) -> Any:
        while True:
            try:
                async with asyncio.timeout(0.05):
                    return await super()._next_event()
            except TimeoutError:
                await self._harness.turn_if_changed()

    async def until(self, find: Callable[[], Found | None], what: str) -> Found:
        """Waits until `find` gives something; fails after a minute, saying what was awaited."""
        return await self._until(find, what)

    def messages(self) -> list[dict[str, Any]]:
        """What the bot has in the chat now, oldest first."""
        history = self._harness.telegram.history(self.user_id)
        return [message for message in history if message["from"]["is_bot"]]

    def labels(self, message: dict[str, Any] | None = None) -> list[str]:
        """The labels under a message, by default the newest one."""
        rows = (message or self.messages()[-1]).get("reply_markup", {}).get("inline_keyboard", [])
        return [key["text"] for row in rows for key in row]

    async def toast(self, pattern: str) -> str:
        """Waits for the short answer to a tap."""

        def find() -> str | None:
            for toast in reversed(self._harness.telegram.toasts(self.user_id)):
                if re.search(pattern, toast["text"]):
                    return str(toast["text"])
            return None

        return await self.until(find, f"a toast like {pattern!r}")

    async def answered(self) -> None:
        """Waits until the bot is through with all of this person's taps."""
        queries = self._harness.telegram._queries

        def none_left() -> bool | None:
            return None if any(one.user_id == self.user_id for one in queries.values()) else True

        await self.until(none_left, "the end of a tap")

    def forge(self, data: str) -> None:
        """Taps a button that no card of this bot has: puts it under the newest message."""
        message = self._harness.telegram.messages.find(
            self.user_id, self.messages()[-1]["message_id"]
        )
        assert message is not None
        key = {"text": "forged", "callback_data": data}
        message["reply_markup"] = {"inline_keyboard": [[key]]}
        self._harness.telegram.tap(self.user_id, message["message_id"], data)

    @property
    def transcript(self) -> str:
        assert isinstance(self._out, io.StringIO)
        return self._out.getvalue()


class Harness:
    """`settings` override those of the sandbox. `templates`: folder with migrated databases."""

    def __init__(
        self, data: Path, world: World, *, templates: Path | None = None, **settings: str
    ) -> None:
        self.data = data
        self.clock = MovableClock()
        self.sandbox = Sandbox(world, now=self.clock)
        self._templates = templates
        self._settings = settings
        self.app: App
        self._changes = 0  # rows written since the bot was started
        self._turned_at = (-1, 0.0)

    @property
    def telegram(self) -> Telegram:
        return self.sandbox.telegram

    async def __aenter__(self) -> Harness:
        await self.sandbox.__aenter__()
        self.telegram.updates.same_offset_hold = 0  # seconds that every stop would wait
        if self._templates:
            shutil.copytree(self._templates, self.data, dirs_exist_ok=True)
        await self.start_bot()
        return self

    async def __aexit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.app.stop()
        await self.sandbox.__aexit__(type_, error, trace)

    def settings(self) -> Settings:
        names = {**self.sandbox.settings(self.data), **FAST, **self._settings}
        return Settings(_env_file=None, **{name.lower(): value for name, value in names.items()})  # type: ignore[arg-type,call-arg]

    async def start_bot(self) -> None:
        """Also for a second start on the same data."""
        self.app = App(self.settings(), ROLES, self.clock)
        event.listen(self.app.database.engine.sync_engine, "after_cursor_execute", self._count)
        await self.app.start()
        self.app.clock._scheduler.remove_job(NOT_BY_ITSELF)
        self.app.clock.loops[NOT_BY_ITSELF].every = timedelta(days=1)  # or it would be found dead

    async def turn(self) -> None:
        """One turn of the loops that a person would wait for."""
        self._turned_at = (self._changes, time.monotonic())
        for name in await self._with_work():
            await self.app.clock.tick(name)

    async def _with_work(self) -> list[str]:
        """A loop whose table is empty has none."""
        try:
            async with self.app.database.read() as db:
                filled = (await db.execute(_FILLED)).one()
        except Unavailable:
            return list(PUMPED)
        return [name for name, any_row in zip(PUMPED, filled, strict=True) if any_row]

    async def turn_if_changed(self) -> bool:
        """For whoever waits: a turn costs 10 ms, so there is none within GAP seconds, and none
        within LULL seconds while no row has changed. Says whether there was one."""
        changes, at = self._turned_at
        since = time.monotonic() - at
        if since < GAP or (changes == self._changes and since < LULL):
            return False
        await self.turn()
        return True

    def _count(self, _db: Any, cursor: Any, _sql: str, _given: Any, context: Any, _: bool) -> None:
        if (context.isinsert or context.isupdate or context.isdelete) and cursor.rowcount:
            self._changes += 1

    async def tick(self, name: str) -> None:
        await self.app.clock.tick(name)

    # ------------------------------------------------------------ people

    def person(self, name: str = "mia") -> PumpedVisitor:
        """mia, leo or zoe at their phone."""
        return PumpedVisitor(self, self.sandbox.users[name])

    async def owner(self) -> PumpedVisitor:
        """Mia, who has claimed the bot."""
        mia = self.person()
        mia.say(f"/start {self.app.people.claim_code}")
        await mia.sees("this is Reelay")
        return mia

    async def member(self, name: str = "leo") -> PumpedVisitor:
        """Somebody whom the owner invited; call owner() first."""
        owner = next(user for user in await self.app.people.everyone() if user.role == "owner")
        code, _ = await self.app.people.invite(owner)
        visitor = self.person(name)
        visitor.say(f"/start {code}")
        await visitor.sees("this is Reelay")
        return visitor

    async def connected(self, name: str = "mia") -> PumpedVisitor:
        """Mia, who has claimed the bot and connected an Instagram account."""
        mia = await self.owner()
        await self.connect(mia, name)
        return mia

    async def connect(self, visitor: PumpedVisitor, name: str) -> int:
        """What /connect leaves behind, without the two calls that prove it. Returns the id."""
        cookies = read_cookies(self.sandbox.world.cookies_txt(name).encode(), self.clock())
        async with self.app.database.write() as db:
            row = await connections.add(
                db, visitor.user_id, "instagram", cookies.user_id, self.clock()
            )
            await connections.change(
                db,
                row.id,
                self.clock(),
                run=1,
                candidate=b"-",
                candidate_fingerprint=cookies.fingerprint,
                candidate_expires_at=cookies.expires_at,
            )
            sealed = self.app.ground.vault.seal(
                cookies.netscape(), "connections", row.id, "cookies"
            )
            await connections.promote(db, row.id, 1, sealed, name, self.clock())
        return row.id

    async def send_cookies(self, visitor: PumpedVisitor, text: str) -> None:
        visitor.say("/connect")
        await visitor.sees("Send your cookies.txt|Instagram accounts")
        visitor.send_file("cookies.txt", text.encode())
