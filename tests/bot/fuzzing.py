"""The router with everything behind it and no network, fed with made-up updates.

Used by test_fuzz.py; `make faults` runs the same properties with many more cases.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from structlog.testing import capture_logs
from telegram import Update
from telegram.constants import ParseMode
from telegram.ext import Defaults, ExtBot
from telegram.request import BaseRequest, RequestData

from bot.app import App
from bot.settings import ROLES, Settings
from services.accounts.people import Visitor
from services.jobs.engine import Job
from services.web.outgoing import Outgoing
from storage import connections, credits, import_items, importing, migrate
from storage.import_items import NewItem
from storage.tables import import_items as item_table
from storage.tables import imports, users
from tests.support.clock import MovableClock

MIA, LEO, STRANGER, GROUP = 1001, 1002, 1003, -100200
TOKEN = "424242:" + "t" * 35
STATES: dict[str, dict[str, Any]] = {
    "previewing": {},
    "offered": {},
    "running": {},
    "waiting": {"reason": "rate"},
    "paused": {"reason": "cookies"},
    "cancelled": {},
    "failed": {"reason": "not_found"},
    "done": {},
}
BAD_EVENTS = {"handler failed", "telegram refused", "database unavailable"}


class Answers(BaseRequest):
    """Says yes to every call of the Bot API; a download brings `upload`."""

    upload = b""

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    @property
    def read_timeout(self) -> float:
        return 5

    async def do_request(  # type: ignore[override]
        self, url: str, method: str, request_data: RequestData | None = None, **_: Any
    ) -> tuple[int, bytes]:
        name = url.rpartition("/")[2]
        if "/file/" in url:
            return 200, self.upload
        message = {"message_id": 9, "date": 1, "chat": {"id": MIA, "type": "private"}, "text": "x"}
        results: dict[str, Any] = {
            "sendMessage": message,
            "editMessageText": message,
            "sendDocument": message,
            "getFile": {
                "file_id": "f",
                "file_unique_id": "u",
                "file_size": len(self.upload),
                "file_path": "documents/1",
            },
            "getMe": {"id": 424242, "is_bot": True, "first_name": "R", "username": "reelay_bot"},
        }
        return 200, json.dumps({"ok": True, "result": results.get(name, True)}).encode()


class Rig:
    """Build it inside a running loop; `case()` runs one update through the router."""

    def __init__(self, folder: Path) -> None:
        names = {"telegram_bot_token": TOKEN, "data_dir": folder, "start_credits": 500}
        self.app = App(Settings(_env_file=None, **names), ROLES, MovableClock())  # type: ignore[arg-type,call-arg]
        self.request = Answers()
        self.bot: ExtBot[None] = ExtBot(
            TOKEN,
            request=self.request,
            get_updates_request=Answers(),
            defaults=Defaults(parse_mode=ParseMode.HTML),
        )
        self.jobs: list[Job] = []
        self._cases = 0

    async def start(self) -> None:
        """Mia owns the bot, Leo was let in; Leo has an import in each state, Mia too."""
        migrate.upgrade(self.app.settings.database)

        async def enqueue(job: Job) -> None:
            self.jobs.append(job)

        async def nowhere(_host: str, _port: int) -> list[str]:
            return []

        self.app.engine.enqueue = enqueue  # type: ignore[method-assign]
        self.app.feed.webhooks._outgoing = Outgoing(resolve=nowhere)
        await self.bot.initialize()
        people = self.app.people
        await people.enter(Visitor(MIA, "Mia", "mia", "en"), people.claim_code)
        mia = await people.find(MIA)
        assert mia
        code, _ = await people.invite(mia)
        await people.enter(Visitor(LEO, "Leo", "leo", "en"), code)
        for user in (MIA, LEO):
            await self._seed(user)

    async def _seed(self, user: int) -> None:
        now = self.app.now()
        async with self.app.database.write() as db:
            made = await connections.add(db, user, "instagram", f"7{user}", now)
            sealed = self.app.ground.vault.seal("cookies", "connections", made.id, "cookies")
            await connections.change(db, made.id, now, candidate=b"x", candidate_fingerprint="7f")
            await connections.promote(db, made.id, made.run, sealed, f"user{user}", now)
            for number, (state, reason) in enumerate(STATES.items()):
                key = f"collection:{number}"
                collection = await importing.keep_collection(
                    db, user, platform="instagram", key=key, title=f"C{number}",
                    url=f"https://www.instagram.com/mia/saved/c/1790000000000{number}/", now=now,
                )  # fmt: skip
                import_id = await importing.start(
                    db, user_id=user, connection_id=made.id, collection_id=collection,
                    identity=made.identity, post_limit=500, now=now,
                )  # fmt: skip
                assert import_id
                items = [NewItem(f"{number}{n}", f"S{number}{n}", {}, None) for n in range(3)]
                await import_items.add_page(db, import_id, items, cursor=None, now=now)
                if state in ("cancelled", "failed", "done"):
                    await import_items.drop_pending(db, import_id, now)
                    reason = {**reason, "ended_at": now}
                if state == "waiting":
                    reason = {**reason, "wait_until": now}
                moved = {"state": state, **reason}
                await importing.move(db, import_id, now, from_states=["previewing"], **moved)

    async def stop(self) -> None:
        await self.check()
        await self.app.ground.http.aclose()
        await self.app.database.close()

    async def case(self, update: dict[str, Any], upload: bytes = b"") -> None:
        """Errors: AssertionError if a handler failed or left rows half-written."""
        self.request.upload = upload
        parsed = Update.de_json({"update_id": 1, **update}, self.bot)

        class Context:
            bot = self.bot

        with capture_logs() as logs:
            await self.app.router.handle(parsed, Context)  # type: ignore[arg-type]
        bad = [line for line in logs if line["event"] in BAD_EVENTS]
        assert not bad, bad
        self._cases += 1
        if self._cases % 50 == 0:
            await self.check()

    async def check(self) -> None:
        """Foreign keys, books, and the state of every import."""
        async with self.app.database.read() as db:
            assert not (await db.execute(sa.text("pragma foreign_key_check"))).all()
            for user in (await db.execute(sa.select(users.c.id))).scalars():
                audit = await credits.audit(db, user)
                assert audit.holds, audit
            for item in await importing.in_states(db, *STATES):
                ended = item.state in ("cancelled", "failed", "done")
                assert (item.ended_at is not None) == ended, item
                assert (item.wait_until is not None) == (item.state == "waiting"), item
                assert item.reason or item.state not in ("waiting", "paused"), item
            total = (await db.execute(sa.select(sa.func.count(imports.c.id)))).scalar_one()
            assert total == len(await importing.in_states(db, *STATES))
            held = sa.select(sa.func.count()).where(
                item_table.c.import_id == imports.c.id,
                item_table.c.charged.is_(sa.true()),
                item_table.c.state == "pending",
                imports.c.state != "running",
            )
            assert (await db.execute(held)).scalar_one() == 0


def person(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": "M", "language_code": "en"}


def chat(place: int) -> dict[str, Any]:
    if place < 0:
        return {"id": place, "type": "supergroup", "title": "Team"}
    return {"id": place, "type": "private", "first_name": "M"}


def message(user: int, place: int, **content: Any) -> dict[str, Any]:
    base = {"message_id": 7, "date": 1, "chat": chat(place), "from": person(user)}
    return {"message": {**base, **content}}


def tap(user: int, place: int, data: str) -> dict[str, Any]:
    card = {"message_id": 9, "date": 1, "chat": chat(place), "text": "card"}
    query = {"id": "1", "from": person(user), "chat_instance": "1", "data": data, "message": card}
    return {"callback_query": query}
