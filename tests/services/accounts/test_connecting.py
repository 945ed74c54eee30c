"""Sessions: sent, proved by a real call, kept or not, also across a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.accounts.connecting import Connecting
from services.errors import (
    Checkpoint,
    RateLimited,
    SessionRefused,
    StorageFailed,
    Unavailable,
)
from services.jobs.engine import Job
from storage import audit, connections
from storage.database import Database
from tests.services.accounts.conftest import Cookies, Gallery, Queue, only, run, said
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA


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
        assert await connecting.stranded(clock() + timedelta(days=1)) == []
        assert [one.kind for one in await said(database, clock)] == ["connect_failed"]
