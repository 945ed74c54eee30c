"""Sessions: sent, proved, kept, refused, renewed, forgotten, announced before they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from sandbox.world import World
from services.accounts.connecting import Connecting, warning_due
from services.errors import (
    Checkpoint,
    NotAllowed,
    RateLimited,
    SessionRefused,
    StorageFailed,
    Unavailable,
)
from services.instagram.cookies import InstagramCookies, read_cookies
from services.instagram.pace import Pacer, Policy
from services.jobs.engine import Job
from storage import audit, connections, notices
from storage.connections import Connection
from storage.database import Database
from storage.notices import Notice
from storage.vault import Vault
from tests.services.accounts.conftest import Queue
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW, person

DAY = timedelta(days=1)


@dataclass
class Gallery:
    """Where gallery-dl stands: answers with a name, or raises what it is told."""

    errors: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def whoami(self, user_id: str, cookies: str) -> str:
        self.asked.append(cookies)
        if self.errors:
            raise self.errors.pop(0)
        return "mia"


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture
async def pacer(database: Database, clock: StillClock) -> Pacer:
    async def no_sleep(seconds: float) -> None:
        clock.advance(seconds=seconds)

    return Pacer(database, clock, Policy(), sleep=no_sleep)


@pytest.fixture
async def connecting(
    database: Database,
    vault: Vault,
    queue: Queue,
    pacer: Pacer,
    gallery: Gallery,
    clock: StillClock,
) -> Connecting:
    await person(database, MIA)
    await person(database, LEO)
    return Connecting(database, vault, queue, pacer, gallery, clock)  # type: ignore[arg-type]


@pytest.fixture
def cookies(world: World) -> Callable[..., InstagramCookies]:
    """Mia's cookies; the n-th session of hers."""

    def make(session: str = "first") -> InstagramCookies:
        return read_cookies(
            f"sessionid=1000:{session}:27:x; ds_user_id=1000; csrftoken=abc".encode(), NOW
        )

    return make


Cookies = Callable[..., InstagramCookies]


async def run(connecting: Connecting, queue: Queue) -> None:
    """What the engine does with what was enqueued: a job, and its successors."""
    job: Job | None = queue.jobs.pop(0)
    while job:
        job = job.successor if await connecting.work(job) else None


async def only(database: Database, user_id: int = MIA) -> Connection:
    async with database.read() as db:
        found = await connections.find(db, user_id, "instagram", "1000")
    assert found
    return found


async def said(database: Database, clock: StillClock) -> list[Notice]:
    async with database.write() as db:
        due = await notices.due(db, clock())
        for notice in due:
            await notices.delivered(db, notice.id, clock())
    return due


class TestProof:
    async def test_cookies_that_work_become_the_session(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        sent = cookies()
        await connecting.submit(MIA, sent)
        assert await connecting.of_user(MIA) == []  # not before the proof
        await run(connecting, queue)
        (mine,) = await connecting.of_user(MIA)
        assert (mine.label, mine.status, mine.fingerprint) == ("@mia", "active", sent.fingerprint)
        _, secret = await connecting.open(mine.id)
        assert secret.reveal() == sent.netscape() == gallery.asked[0]
        assert [notice.kind for notice in await said(database, clock)] == ["connected"]
        async with database.read() as db:
            (entry,) = await audit.page(db, 5)
        assert (entry.actor_id, entry.action, entry.subject) == (MIA, "connected", "@mia")

    @pytest.mark.parametrize("error", [SessionRefused(), Checkpoint(), RateLimited()])
    async def test_cookies_that_are_refused_are_not_kept(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
        error: Exception,
    ) -> None:
        gallery.errors = [error]
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        async with database.read() as db:
            assert await connections.find(db, MIA, "instagram", "1000") is None
        (notice,) = await said(database, clock)
        assert notice.kind == "connect_failed"
        assert notice.data["message"] == error.message  # type: ignore[attr-defined]
        assert len(gallery.asked) == 1

    async def test_after_a_checkpoint_new_cookies_are_looked_at(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        """Nothing else of an account that was never connected could tell that its owner acted."""
        gallery.errors = [Checkpoint()]
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        (notice,) = await said(database, clock)
        assert "send your cookies again" in notice.data["next_step"]
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        assert [one.kind for one in await said(database, clock)] == ["connected"]

    async def test_the_network_gets_three_tries(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        gallery.errors = [Unavailable(), Unavailable()]
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        assert (await only(database)).status == "active"

        gallery.errors = [Unavailable()] * 9
        await connecting.submit(MIA, cookies("second"))
        await run(connecting, queue)
        assert [one.kind for one in await said(database, clock)] == ["connected", "connect_failed"]
        assert len(gallery.asked) == 6

    @pytest.mark.parametrize("status", ["active", "expired", "blocked"])
    async def test_a_failed_proof_leaves_the_older_session_as_it_was(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
        status: str,
    ) -> None:
        await connecting.submit(MIA, first := cookies())
        await run(connecting, queue)
        async with database.write() as db:
            await connections.change(db, (await only(database)).id, clock(), status=status)
        gallery.errors = [SessionRefused()]
        await connecting.submit(MIA, cookies("second"))
        during = await only(database)
        assert during.status == status
        await run(connecting, queue)
        after = await only(database)
        assert (after.status, after.fingerprint) == (status, first.fingerprint)
        assert after.candidate_fingerprint is None
        if status == "active":
            _, secret = await connecting.open(after.id)
            assert secret.reveal() == first.netscape()

    async def test_new_cookies_renew_an_expired_session(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        await connecting.submit(MIA, cookies())
        await run(connecting, queue)
        mine = await only(database)
        async with database.write() as db:
            await connecting.refused(db, mine.id, SessionRefused(), clock())
        await connecting.submit(MIA, second := cookies("second"))
        await run(connecting, queue)
        _, secret = await connecting.open(mine.id)
        assert secret.reveal() == second.netscape()

    async def test_the_newest_cookies_win(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        await connecting.submit(MIA, cookies("first"))
        await connecting.submit(MIA, second := cookies("second"))
        await run(connecting, queue)
        await run(connecting, queue)
        assert gallery.asked == [second.netscape()]
        assert (await only(database)).fingerprint == second.fingerprint
        assert len(await said(database, clock)) == 1

    async def test_the_same_account_of_two_people_is_two_connections(
        self, connecting: Connecting, database: Database, queue: Queue, cookies: Cookies
    ) -> None:
        await connecting.submit(MIA, cookies())
        await connecting.submit(LEO, cookies())
        await run(connecting, queue)
        await run(connecting, queue)
        assert (await only(database, MIA)).id != (await only(database, LEO)).id


class TestRestart:
    async def test_a_check_that_nobody_is_at_begins_again(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        await connecting.submit(MIA, cookies())
        clock.advance(seconds=11)
        (job,) = await connecting.stranded(clock() - timedelta(seconds=10))
        again = await connecting.restart(job)
        assert again is not None
        assert (again.run, again.account) == (2, "1000")
        assert await connecting.stranded(clock()) == []
        assert not await connecting.work(job)  # the older run does nothing
        queue.jobs = [again]
        await run(connecting, queue)
        assert (await only(database)).status == "active"

    async def test_a_check_that_never_ends_is_given_up_and_said(
        self,
        connecting: Connecting,
        database: Database,
        queue: Queue,
        gallery: Gallery,
        cookies: Cookies,
        clock: StillClock,
    ) -> None:
        gallery.errors = [StorageFailed() for _ in range(9)]
        await connecting.submit(MIA, cookies())
        job: Job | None = queue.jobs.pop()
        runs = 0
        while job:
            runs += 1
            with pytest.raises(StorageFailed):
                await connecting.work(job)
            clock.advance(minutes=1)
            (stranded,) = await connecting.stranded(clock())
            job = await connecting.restart(stranded)
        assert runs == 3
        assert await connecting.stranded(clock() + DAY) == []
        assert [one.kind for one in await said(database, clock)] == ["connect_failed"]


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
