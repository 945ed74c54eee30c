"""The log-in with a password and its job, against Instagram's stand-in; with fixtures for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from sandbox.instagram import Instagram
from services.accounts.connecting import Connecting
from services.accounts.logging_in import LoggingIn
from services.accounts.login_job import LoginJob
from services.accounts.login_secrets import LoginSecrets
from services.accounts.mobile import MobileSessions
from services.instagram.gallery_dl import GalleryDl
from services.instagram.mobile import Mobile
from services.instagram.mobile_errors import Credentials
from services.instagram.pace import Pacer, Policy
from services.jobs.engine import Engine, Job
from storage import logins, mobile_sessions, notices
from storage.connections import Connection
from storage.database import Database
from storage.logins import Login
from storage.notices import Notice
from storage.tables import logins as logins_table
from storage.vault import Vault
from tests.services.accounts.conftest import Gallery, Queue
from tests.support.clock import MovableClock
from tests.support.rows import LEO, MIA, person

PASSWORDS = (
    "/api/v1/bloks/async_action/com.bloks.www.bloks.caa.login.async.send_login_request/",
    "/api/v1/accounts/login/",
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@dataclass
class Desk:
    """The service and its job, with what stands around them."""

    service: LoggingIn
    job: LoginJob
    connecting: Connecting
    sessions: MobileSessions
    mobile: Mobile
    queue: Queue
    gallery: Gallery
    database: Database
    vault: Vault
    instagram: Instagram
    clock: MovableClock

    async def run(self) -> None:
        """What the engine does with all that was enqueued."""
        while self.queue.jobs:
            job: Job = self.queue.jobs.pop(0)
            kind = self.job if job.kind == "login" else self.connecting
            if await kind.work(job):
                self.queue.jobs.append(job.successor)

    async def log_in(self, username: str, password: str = "", user: int = MIA) -> Login:
        given = password or self.instagram.doors.password(username)
        login = await self.service.begin(user, username, given)
        await self.run()
        return login

    async def code(self, login: Login, code: str) -> None:
        await self.service.give_code(login.user_id, login.id, code)
        await self.run()

    async def again(self, login: Login) -> None:
        await self.service.again(login.user_id, login.id)
        await self.run()

    async def said(self) -> list[Notice]:
        async with self.database.write() as db:
            due = await notices.due(db, self.clock())
            for notice in due:
                await notices.delivered(db, notice.id, self.clock())
        return due

    async def heard(self) -> list[str]:
        return [notice.kind for notice in await self.said()]

    async def state(self, login: Login) -> str:
        known = await self.service.get(login.user_id, login.id)
        assert known is not None
        return known.state

    async def connection(self, user: int = MIA) -> Connection:
        (found,) = await self.connecting.of_user(user)
        return found

    async def rows(self) -> list[dict[str, Any]]:
        async with self.database.read() as db:
            return [dict(row._mapping) for row in await db.execute(sa.select(logins_table))]

    async def phone(self) -> str:
        """The number of the phone that the account is known by, or was tried with."""
        for row in await self.rows():
            if row["phone"]:
                opened = self.vault.open(row["phone"], "logins", row["id"], "phone")
                return _phone_of(opened.reveal())
        account = await self.connection()
        async with self.database.read() as db:
            kept = await mobile_sessions.get(db, account.id)
        assert kept is not None
        opened = self.vault.open(kept.sealed, "mobile_sessions", account.id, "settings")
        return _phone_of(opened.reveal())

    @property
    def passwords_sent(self) -> int:
        return sum(request.path in PASSWORDS for request in self.instagram.requests)


Start = Callable[..., Desk]


@pytest.fixture
async def start(
    instagram: Instagram,
    database: Database,
    vault: Vault,
    clock: MovableClock,
    tmp_path: Path,
) -> AsyncIterator[Start]:
    """`start()` is what a start of the program makes; with credentials, those of its settings."""
    await person(database, MIA, role="owner", now=clock())
    await person(database, LEO, now=clock())
    started: list[Mobile] = []

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    def start(from_settings: Credentials | None = None) -> Desk:
        pacer = Pacer(database, clock, Policy(), sleep=at_once)
        mobile = Mobile(
            pacer,
            clock,
            reports=tmp_path / "reports",
            proxy=instagram.proxy_url,
            ca_file=instagram.ca_file,
            transport="requests",
        )
        started.append(mobile)
        queue, gallery = Queue(), Gallery()
        engine = cast(Engine, queue)
        connecting = Connecting(
            database,
            vault,
            engine,
            pacer,
            cast(GalleryDl, gallery),
            clock,
            forgotten=mobile.forget,
        )
        secrets = LoginSecrets(vault, from_settings)
        return Desk(
            LoggingIn(database, secrets, engine, pacer, clock),
            LoginJob(database, secrets, connecting, pacer, mobile, clock),
            connecting,
            MobileSessions(database, vault, connecting, mobile, clock),
            mobile,
            queue,
            gallery,
            database,
            vault,
            instagram,
            clock,
        )

    yield start
    for mobile in started:
        mobile.close()


@pytest.fixture
async def desk(start: Start) -> Desk:
    return start()


async def only(desk: Desk) -> Login:
    async with desk.database.read() as db:
        login = await logins.find(db, MIA, "mia")
    assert login is not None
    return login


def _phone_of(settings: str) -> str:
    return str(json.loads(settings)["client"]["uuids"]["phone_id"])
