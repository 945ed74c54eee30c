"""Mobile sessions of connections: one phone for ever, logged in with the cookies that were sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from sandbox.instagram import Instagram
from sandbox.instagram.answers import Refusal
from sandbox.world import World
from sandbox.world.world import Cookies
from services.accounts.connecting import Connecting
from services.accounts.mobile import MobileSessions
from services.errors import InstagramError, RateLimited, SessionRefused
from services.instagram.cookies import read_cookies
from services.instagram.gallery_dl import GalleryDl
from services.instagram.mobile import Mobile
from services.instagram.mobile_session import Account, MobileSession
from services.instagram.pace import Pacer, Policy
from services.jobs.engine import Engine
from storage import connections, mobile_sessions
from storage.connections import Connection
from storage.database import Database
from storage.mobile_sessions import Kept
from storage.vault import Vault
from tests.services.accounts.conftest import Queue
from tests.support.clock import MovableClock
from tests.support.rows import MIA, connection, person


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@dataclass
class Desk:
    """The service, with what stands around it."""

    sessions: MobileSessions
    connecting: Connecting
    mobile: Mobile
    database: Database
    vault: Vault
    world: World
    instagram: Instagram
    account: Connection
    clock: MovableClock

    async def give_cookies(self, session: Cookies = "ok") -> None:
        """As /connect leaves them once they are proved."""
        text = self.world.cookies_txt("mia", session=session)
        cookies = read_cookies(text.encode(), self.clock())
        sealed = self.vault.seal(cookies.netscape(), "connections", self.account.id, "cookies")
        async with self.database.write() as db:
            await connections.change(
                db,
                self.account.id,
                self.clock(),
                secret=sealed,
                fingerprint=cookies.fingerprint,
                status="active",
            )

    async def ask(self) -> Account:
        return await self.sessions.ask(self.account.id, MobileSession.account)

    async def refusal(self) -> InstagramError:
        with pytest.raises(InstagramError) as caught:
            await self.ask()
        return caught.value

    async def kept(self) -> Kept:
        async with self.database.read() as db:
            kept = await mobile_sessions.get(db, self.account.id)
        assert kept is not None
        return kept

    async def settings(self) -> str:
        place = ("mobile_sessions", self.account.id, "settings")
        return self.vault.open((await self.kept()).sealed, *place).reveal()

    def asked(self, path: str = "/api/") -> int:
        return sum(one.path.startswith(path) for one in self.instagram.requests)


Start = Callable[[], Desk]


@pytest.fixture
async def start(
    world: World,
    instagram: Instagram,
    database: Database,
    vault: Vault,
    clock: MovableClock,
    tmp_path: Path,
) -> AsyncIterator[Start]:
    """`start()` is what a start of the program makes."""
    await person(database, MIA, now=clock())
    account = await connection(database, MIA, "70000000001", now=clock())
    started: list[Mobile] = []

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    def start() -> Desk:
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
        engine, gallery = cast(Engine, Queue()), cast(GalleryDl, None)
        connecting = Connecting(
            database, vault, engine, pacer, gallery, clock, forgotten=mobile.forget
        )
        sessions = MobileSessions(database, vault, connecting, mobile, clock)
        return Desk(sessions, connecting, mobile, database, vault, world, instagram, account, clock)

    yield start
    for mobile in started:
        mobile.close()


@pytest.fixture
async def desk(start: Start) -> Desk:
    desk = start()
    await desk.give_cookies()
    return desk


async def test_the_first_question_logs_in_and_the_others_do_not(desk: Desk, start: Start) -> None:
    assert (await desk.ask()).username == "mia"
    assert desk.asked() == 2  # whose session it is, and the question
    await desk.ask()
    phone = await desk.settings()
    await start().ask()  # after a restart too
    assert desk.asked() == 4
    assert _phone_of(await desk.settings()) == _phone_of(phone)
    assert b"sessionid" not in (await desk.kept()).sealed


async def test_new_cookies_are_used_with_the_same_phone(desk: Desk) -> None:
    await desk.ask()
    before = await desk.settings()
    await desk.give_cookies("new")
    await desk.ask()
    assert desk.asked() == 4
    after = await desk.settings()
    assert _phone_of(after) == _phone_of(before)
    assert after != before


async def test_a_phone_is_kept_before_it_is_used(desk: Desk) -> None:
    desk.instagram.refuse_next("/api/", Refusal.RATE_LIMIT)
    assert isinstance(await desk.refusal(), RateLimited)
    phone = _phone_of(await desk.settings())
    desk.clock.advance(minutes=6)
    await desk.ask()
    assert _phone_of(await desk.settings()) == phone


async def test_a_dead_session_is_not_asked_again_until_cookies_come(desk: Desk) -> None:
    await desk.ask()
    desk.instagram.refuse_next("/api/", Refusal.LOGIN_REQUIRED)
    error = await desk.refusal()
    assert isinstance(error, SessionRefused)
    async with desk.database.write() as db:
        await desk.sessions.refused(db, desk.account.id, error, desk.clock())
    asked = desk.asked()
    assert isinstance(await desk.refusal(), SessionRefused)
    assert desk.asked() == asked
    await desk.give_cookies()  # the very same ones: a person may know better
    assert (await desk.ask()).username == "mia"
    assert desk.asked() == asked + 2


async def test_cookies_that_the_app_does_not_take_are_tried_once_each_time(desk: Desk) -> None:
    desk.instagram.refuse_next("/api/", Refusal.LOGIN_REQUIRED)
    assert isinstance(await desk.refusal(), SessionRefused)
    assert desk.asked() == 1
    assert (await desk.kept()).made_from is None


async def test_somebody_elses_log_in_is_not_overwritten(desk: Desk) -> None:
    await desk.ask()
    newer = desk.vault.seal("{}", "mobile_sessions", desk.account.id, "settings")

    async def question(session: MobileSession) -> Account:
        account = await session.account()
        session._settings = {**session._settings, "changed": True}
        async with desk.database.write() as db:
            before = (await desk.kept()).sealed
            await mobile_sessions.keep(
                db, desk.account.id, before, newer, desk.clock(), made_from="abcd"
            )
        return account

    await desk.sessions.ask(desk.account.id, question)
    assert await desk.kept() == Kept(newer, "abcd")


async def test_forgetting_the_account_forgets_its_phone(desk: Desk) -> None:
    await desk.ask()
    await desk.connecting.forget(MIA, desk.account.id)
    async with desk.database.read() as db:
        assert await mobile_sessions.get(db, desk.account.id) is None
    assert not desk.mobile._sessions
    assert isinstance(await desk.refusal(), SessionRefused)


def _phone_of(settings: str) -> object:
    return json.loads(settings)["client"]["uuids"]["phone_id"]
