"""The owner's log-in from the settings: once, and refused once."""

from __future__ import annotations

import json

import pytest

from sandbox.instagram import Instagram
from services.accounts.logging_in import MOST_TRIES
from services.errors import BadInput, NotAllowed
from services.instagram.mobile_errors import Credentials
from storage import connections, logins
from tests.services.accounts.desk import Start, clock, database_url, desk, start
from tests.support.rows import LEO, MIA

__all__ = ["clock", "database_url", "desk", "start"]


async def test_the_settings_log_the_owner_in_once(start: Start, instagram: Instagram) -> None:
    doors = instagram.doors
    known = Credentials("leo", doors.password("leo"), doors.totp_secret("leo"))
    desk = start(known)
    for _ in range(3):
        await desk.service.use_settings()
        await desk.run()
    assert (await desk.heard(), desk.passwords_sent) == (["connected"], 1)
    assert (await desk.connection(MIA)).status == "active"
    account = await desk.connection()
    async with desk.database.write() as db:  # a session that dies later is no reason either
        await connections.change(db, account.id, desk.clock(), status="expired")
    again = start(known)
    assert await again.service.use_settings() is None
    assert await again.service.in_settings(LEO) == ""
    with pytest.raises(NotAllowed):
        await again.service.use_settings(tapped_by=LEO)
    await again.service.use_settings(tapped_by=MIA)
    await again.run()
    assert (again.passwords_sent, (await again.connection()).status) == (2, "active")


async def test_refused_settings_are_said_once_until_they_change(
    start: Start, instagram: Instagram
) -> None:
    for _ in range(3):
        desk = start(Credentials("mia", "a wrong one"))
        await desk.service.use_settings()
        await desk.run()
    assert (await desk.heard(), desk.passwords_sent) == (["login_failed"], 1)
    desk = start(Credentials("mia", instagram.doors.password("mia")))
    await desk.service.use_settings()
    await desk.run()
    assert (await desk.heard(), desk.passwords_sent) == (["connected"], 2)


async def test_settings_wait_until_their_owner_may_log_in_again(
    start: Start, instagram: Instagram
) -> None:
    desk = start(Credentials("mia", instagram.doors.password("mia")))
    login = await desk.service.begin(MIA, "leo", "a wrong one")
    async with desk.database.write() as db:
        await logins.move(db, login, desk.clock(), from_states=["queued"], tries=MOST_TRIES)
    assert await desk.service.use_settings() is None
    with pytest.raises(BadInput):
        await desk.service.use_settings(tapped_by=MIA)
    desk.clock.advance(hours=1)
    assert await desk.service.use_settings()


async def test_settings_that_nobody_owns_or_needs_do_nothing(
    start: Start, instagram: Instagram
) -> None:
    desk = start(Credentials("mia", instagram.doors.password("mia")))
    await desk.log_in("mia")
    instagram.reset_log()
    assert await desk.service.use_settings() is None  # it is connected already
    await desk.run()
    assert len(instagram.requests) == 0
    assert b"password" not in json.dumps(await desk.rows(), default=str).encode()
