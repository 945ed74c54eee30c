"""Sessions that were proved: used, refused, forgotten, announced before they end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from services.accounts.connecting import Connecting, warning_due
from services.errors import (
    Checkpoint,
    NotAllowed,
    SessionRefused,
)
from services.instagram.pace import Pacer
from storage import audit, connections
from storage.database import Database
from storage.vault import Vault
from tests.services.accounts.conftest import Cookies, Gallery, Queue, only, run, said
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW

DAY = timedelta(days=1)


class TestUse:
    @pytest.mark.parametrize(
        ("error", "status", "raised"),
        [
            (SessionRefused(), "expired", SessionRefused),
            (Checkpoint(), "blocked", Checkpoint),
        ],
    )
    async def test_a_refused_session_is_used_by_nobody(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        cookies: Cookies,
        clock: StillClock,
        error: SessionRefused | Checkpoint,
        status: str,
        raised: type[Exception],
    ) -> None:
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        mine = await only(database)
        async with database.write() as db:
            await connecting.refused(db, mine.id, error, clock())
        assert (await only(database)).status == status
        with pytest.raises(raised):
            await connecting.open(mine.id)

    async def test_no_such_session(self, connecting: Connecting) -> None:
        with pytest.raises(SessionRefused):
            await connecting.open(404)

    async def test_a_session_whose_key_is_gone_asks_for_new_cookies(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        cookies: Cookies,
        pacer: Pacer,
        gallery: Gallery,
        clock: StillClock,
    ) -> None:
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        other = Vault([Fernet.generate_key().decode()])
        later = Connecting(database, other, queue, pacer, gallery, clock)  # type: ignore[arg-type]
        with pytest.raises(SessionRefused):
            await later.open((await only(database)).id)

    async def test_a_solved_checkpoint_thaws_the_account(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        pacer: Pacer,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        mine = await only(database)
        with pytest.raises(Checkpoint):
            async with pacer.turn("1000", "import"):
                raise Checkpoint
        async with database.write() as db:
            await connecting.refused(db, mine.id, Checkpoint(), clock())
        with pytest.raises(NotAllowed):
            await connecting.acted(LEO, mine.id)
        await connecting.acted(MIA, mine.id)
        assert await pacer.state("1000") is None
        assert (await only(database)).status == "active"
        async with database.write() as db:
            await connections.change(db, mine.id, clock(), status="expired")
        await connecting.acted(MIA, mine.id)  # it does not bring dead cookies back
        assert (await only(database)).status == "expired"

    async def test_forgetting_deletes_what_is_ones_own(
        self, connecting: Connecting, database: Database, queue: Queue, cookies: Cookies
    ) -> None:
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        mine = await only(database)
        with pytest.raises(NotAllowed):
            await connecting.forget(LEO, mine.id)
        assert (await connecting.forget(MIA, mine.id)).label == "@mia"
        async with database.read() as db:
            assert await connections.all_sealed(db) == []
            assert (await audit.page(db, 1))[0].action == "forgot"
        with pytest.raises(NotAllowed):
            await connecting.forget(MIA, mine.id)


@pytest.mark.parametrize(
    ("days_left", "warned", "due"),
    [
        (8, None, None),
        (7.001, None, None),
        (7, None, 7),
        (6, 7, None),
        (3.001, 7, None),
        (3, 7, 3),
        (3, None, 3),  # 7 was slept through
        (2, 3, None),
        (1, 3, 1),
        (1, 7, 1),
        (0.5, 1, None),
        (0.001, None, 1),
        (0, None, None),
        (-1, None, None),
    ],
)
def test_warnings_are_due_at_7_3_and_1_days(
    days_left: float, warned: int | None, due: int | None
) -> None:
    assert warning_due(NOW + days_left * DAY, warned, NOW) == due


async def test_each_warning_comes_once_and_anew_after_new_cookies(
    connecting: Connecting,
    database: Database,
    queue: Queue,
    cookies: Cookies,
    clock: StillClock,
) -> None:
    await connecting.submit(MIA, cookies())
    await run(connecting, queue)
    mine = await only(database)
    ends = clock() + 10 * DAY
    async with database.write() as db:
        await connections.change(db, mine.id, clock(), expires_at=ends)
    await said(database, clock)
    announced = []
    while clock() < ends + DAY:
        for _ in range(2):
            await connecting.warn_expiring()
        announced += [(notice.kind, notice.data["days"]) for notice in await said(database, clock)]
        clock.advance(hours=12)
    assert announced == [("cookies_expiring", days) for days in (7, 3, 1)]

    await connecting.submit(MIA, cookies("second"))
    await run(connecting, queue)
    await said(database, clock)
    async with database.write() as db:
        await connections.change(db, mine.id, clock(), expires_at=clock() + 2 * DAY)
    await connecting.warn_expiring()
    assert [notice.data["days"] for notice in await said(database, clock)] == [3]
