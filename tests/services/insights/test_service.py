"""Whose figures they are, when they are read, and what a person can do about it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from services.errors import BadInput, NotAllowed, TokenRefused
from services.insights.service import AlreadySyncing
from storage import people, syncs
from storage.insights import NewFigure, write
from storage.syncs import SyncResult
from tests.services.insights.stage import Stage
from tests.support.clock import StillClock
from tests.support.databases import waits_for_a_lock
from tests.support.rows import LEO, MIA, ZOE, person

DAY = date(2026, 11, 19)


async def test_what_is_connected_has_its_account_and_the_team_sees_it(stage: Stage) -> None:
    await person(stage.database, LEO, role="admin")
    await person(stage.database, ZOE)
    await stage.connect("leo", LEO)
    mine = await stage.service.accounts(MIA)
    assert [(one.username, one.user_id) for one in mine] == [("mia", MIA), ("leo", LEO)]
    assert await stage.service.accounts(LEO) == mine
    assert await stage.service.accounts(ZOE) == []
    assert (await stage.service.one(MIA, mine[1].id)).username == "leo"
    for account_id in (0, mine[0].id):
        with pytest.raises(NotAllowed):
            await stage.service.one(ZOE, account_id)


async def test_an_account_outlives_its_log_in(stage: Stage) -> None:
    account = await stage.account()
    await stage.logins.forget(MIA, account.meta_id or 0)
    left = await stage.account()
    assert (left.id, left.meta_id) == (account.id, None)
    with pytest.raises(TokenRefused):
        await stage.service.begin(MIA, account.id)
    assert await stage.tick() == 0
    await stage.connect()
    again = await stage.account()
    assert again.id == account.id
    assert again.meta_id is not None


async def test_a_day_begins_on_the_persons_clock_and_once(stage: Stage, clock: StillClock) -> None:
    await stage.zone("America/Los_Angeles")
    assert await stage.tick() == 1
    assert (await stage.account()).synced_day == DAY
    assert await stage.service.cancel(MIA, (await stage.last()).sync.id)
    clock.advance(hours=12)  # 16:00 there, midnight of Meta's
    assert await stage.tick() == 0
    clock.advance(hours=8, minutes=4)  # 00:04 there
    assert await stage.tick() == 0
    clock.advance(minutes=1)
    assert await stage.tick() == 1
    assert await stage.tick() == 0  # the one that has begun is not at its end
    assert (await stage.account()).synced_day == DAY + timedelta(1)


async def test_who_is_blocked_or_refused_is_not_read(stage: Stage) -> None:
    async with stage.database.write() as db:
        await people.change(db, MIA, status="blocked")
    assert await stage.tick() == 0
    async with stage.database.write() as db:
        await people.change(db, MIA, status="active")
    stage.meta.revoke("mia")
    assert (await stage.day()).sync.error == "TokenRefused"
    assert await stage.tick() == 0
    with pytest.raises(TokenRefused):
        await stage.service.begin(MIA, 0)


async def test_by_hand_there_is_one_at_a_time(stage: Stage) -> None:
    first = await stage.service.begin(MIA, 0)
    with pytest.raises(AlreadySyncing) as refused:
        await stage.service.begin(MIA, 0)
    assert refused.value.sync_id == first
    assert await stage.tick() == 0  # nor does the clock begin another
    assert (await stage.account()).synced_day is None
    assert await stage.service.cancel(MIA, first)
    assert await stage.tick() == 1


async def test_others_do_not_see_or_stop_it(stage: Stage) -> None:
    await person(stage.database, ZOE)
    sync_id = await stage.service.begin(MIA, 0)
    account = await stage.account()
    for refused in (
        stage.service.view(ZOE, sync_id),
        stage.service.cancel(ZOE, sync_id),
        stage.service.log(ZOE, account.id),
        stage.service.begin(ZOE, account.id),
        stage.service.set_digest(ZOE, account.id, True),
        stage.service.forget(ZOE, account.id),
        stage.service.view(MIA, sync_id + 1),
    ):
        with pytest.raises(NotAllowed):
            await refused


async def test_the_log_is_in_the_order_of_the_metrics(stage: Stage) -> None:
    sync_id = await stage.service.begin(MIA, 0)
    async with stage.database.write() as db:
        for key in ("posts", "likes", "reach", "followers_count"):
            await syncs.note(db, sync_id, SyncResult(key))
    [view] = await stage.service.log(MIA, 0)
    assert view == await stage.service.view(MIA, sync_id)
    assert [one.metric for one in view.results] == ["followers_count", "reach", "likes", "posts"]


async def test_the_log_is_kept_for_90_days(stage: Stage, clock: StillClock) -> None:
    await stage.service.cancel(MIA, await stage.service.begin(MIA, 0))
    clock.advance(days=90)
    assert await stage.service.sweep() == 0
    clock.advance(days=1)
    assert await stage.service.sweep() == 1
    assert await stage.service.log(MIA, 0) == []


async def test_a_new_log_in_reads_at_once_what_the_old_one_might_not(
    stage: Stage, clock: StillClock
) -> None:
    stage.meta.bad_days.switch("meta-no-insights-permission", True)
    await stage.day()
    stage.meta.bad_days.switch("meta-no-insights-permission", False)
    assert await stage.tick() == 0
    clock.advance(minutes=1)
    await stage.connect()
    await stage.service.log_in_changed(MIA)
    view = await stage.day()
    assert {one.error for one in view.results} == {None}
    await stage.service.log_in_changed(MIA)  # nothing was refused
    assert await stage.tick() == 0


async def test_a_digest_is_switched(stage: Stage) -> None:
    account = await stage.account()
    await stage.service.set_digest(MIA, account.id, True)
    assert (await stage.account()).digest
    await stage.service.set_digest(MIA, account.id, False)
    await person(stage.database, LEO, role="admin")  # sees the figures, but gets no digest
    with pytest.raises(NotAllowed):
        await stage.service.set_digest(LEO, account.id, True)
    assert not (await stage.account()).digest


async def test_figures_are_deleted_once_nothing_would_bring_them_back(stage: Stage) -> None:
    account = await stage.account()
    async with stage.database.write() as db:
        told = [NewFigure(stage.clock(), "", DAY, 5)]
        await write(db, account.id, "reach", "day", told, [], stage.clock())
    with pytest.raises(BadInput):
        await stage.service.forget(MIA, account.id)
    assert await stage.values("reach") == {DAY: 5}
    await stage.logins.forget(MIA, account.meta_id or 0)
    assert (await stage.service.forget(MIA, account.id)).username == "mia"
    assert await stage.values("reach") == {}
    with pytest.raises(NotAllowed):
        await stage.account()


@pytest.mark.parametrize("database_url", ["postgres_url"], indirect=True)
async def test_they_go_while_a_sync_still_writes(stage: Stage) -> None:
    """Its log-in went a moment ago; neither waits for the other for ever."""
    account = await stage.account()
    sync_id = await stage.service.begin(MIA, account.id)
    await stage.logins.forget(MIA, account.meta_id or 0)
    told = [NewFigure(stage.clock(), "", DAY, 5)]
    async with stage.database.write() as db:
        sync = await syncs.get(db, sync_id)
        assert sync is not None
        assert await syncs.fence(db, sync, stage.clock())
        going = asyncio.create_task(stage.service.forget(MIA, account.id))
        await waits_for_a_lock(stage.database)
        await write(db, account.id, "reach", "day", told, [], stage.clock())
    await going
    assert await stage.service.accounts(MIA) == []
    assert await stage.values("reach") == {}


async def test_only_its_own_person_deletes_them(stage: Stage) -> None:
    await person(stage.database, LEO, role="admin")
    account = await stage.account()
    with pytest.raises(NotAllowed):
        await stage.service.forget(LEO, account.id)
