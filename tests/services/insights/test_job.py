"""The sync through the real adapter: every figure once, also where it is cut short."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sandbox.graph import Call, Meta
from services.insights import posts
from services.insights.metrics import METRICS
from services.insights.metrics import NOW as SNAPSHOT
from storage import insights
from storage.database import Database
from storage.insights import NotWritten
from storage.tables import insight_values
from tests.contracts.check_graph import check_request
from tests.services.insights.brief import (
    DAY,
    LAST,
    all_metrics,
    asked,
    days,
    few,
    settled,
    year,
)
from tests.services.insights.stage import Stage
from tests.support.clock import StillClock
from tests.support.rows import MIA

__all__ = ["all_metrics", "few", "year"]


# ------------------------------------------------------------------ all is well


@pytest.mark.usefixtures("all_metrics")
async def test_a_day_of_every_metric(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "MEDIA_METRICS", {"REELS": ("reach",)})
    view = await stage.day()
    assert (view.sync.state, view.sync.day, view.sync.error) == ("done", DAY, None)
    assert [one.metric for one in view.results] == [*(one.key for one in METRICS), "posts"]
    assert {one.error for one in view.results} == {None}
    for metric in ("reach", "views"):
        await settled(stage, metric, days(LAST))
    async with stage.database.read() as db:
        told = sa.select(sa.func.count()).where(insight_values.c.value.is_not(None))
        figures = (await db.execute(told)).scalar()
    assert sum(one.written for one in view.results if one.metric != "posts") == figures
    for request in stage.meta.requests:
        if request.call is Call.ACCOUNT_INSIGHTS:
            params = {name: str(value) for name, value in request.params.items()}
            assert check_request("GET /{ig-user-id}/insights", params, request.host) == []
    assert await stage.told() == []  # a daily sync is silent
    assert await stage.tick() == 0  # and once a day


async def test_the_next_day_reads_the_last_three_again(
    stage: Stage, clock: StillClock, meta: Meta
) -> None:
    await stage.day()
    before = (await stage.values("views"))[DAY]
    [mia] = [one for one in meta.people.accounts.values() if one.username == "mia"]
    meta.truth.correct(mia, "views", DAY, 7_777, clock())
    clock.advance(days=1)
    view = await stage.day()
    assert (await stage.values("views"))[DAY] == 7_777 != before
    await settled(stage, "views", days(4, DAY + timedelta(1)))
    result = next(one for one in view.results if one.metric == "views")
    assert result.revised >= 1
    assert await stage.revisions() >= result.revised
    counts = await stage.values("followers_count", SNAPSHOT)
    assert sorted(counts) == [DAY + timedelta(1), DAY + timedelta(2)]


async def test_days_without_a_sync_are_filled(stage: Stage, clock: StillClock) -> None:
    await stage.day()
    clock.advance(days=12)
    await stage.day()
    wanted = days(15, DAY + timedelta(12))
    for metric in ("reach", "views"):
        await settled(stage, metric, wanted)
    counts = await stage.values("followers_count", SNAPSHOT)
    assert len(counts) == 2  # of these Meta keeps no history


async def test_the_first_sync_reaches_back(year: Stage) -> None:
    view = await year.day()
    for metric in ("reach", "views"):
        await settled(year, metric, days(10))
    assert (view.sync.to_ask, view.sync.percent) == (asked(year.meta) + 1, 100)  # and the account
    assert DAY - timedelta(10) not in await year.values("views")


async def test_figures_that_are_late_come_later(stage: Stage, clock: StillClock) -> None:
    stage.meta.bad_days.switch("meta-insights-late", True)
    await stage.day()
    assert (await stage.values("views"))[DAY] == "not_yet"
    stage.meta.bad_days.switch("meta-insights-late", False)
    clock.advance(days=1)
    await stage.day()
    await settled(stage, "views", days(LAST, DAY + timedelta(1)))


async def test_no_data_is_never_0_and_has_its_reason(stage: Stage, clock: StillClock) -> None:
    stage.meta.bad_days.switch("meta-insights-empty", True)
    await stage.day()
    assert await stage.values("views") == {
        DAY: "not_yet",
        DAY - timedelta(1): "not_yet",
        DAY - timedelta(2): "no_data",
        DAY - timedelta(3): "no_data",
    }
    clock.advance(days=2)
    await stage.day()
    assert set((await stage.values("views")).values()) == {"not_yet", "no_data"}
    assert (await stage.values("views"))[DAY] == "no_data"


async def test_too_few_followers(database: Database, stage: Stage, clock: StillClock) -> None:
    await stage.connect("leo")
    assert await stage.tick() == 2
    await stage.rest()
    accounts = await stage.service.accounts(MIA)
    leo = next(one for one in accounts if one.username == "leo")
    async with database.read() as db:
        held = await insights.held(db, leo.id, DAY - timedelta(5), ["age"])
    few = {one.metric for one in held if one.reason == "too_few"}
    assert few == {"follower_count", "follower_demographics"}
    assert {one.reason for one in held if one.metric == "views"} <= {None, "not_yet", "no_data"}


# ------------------------------------------------------------------ stop and go


async def test_cut_short_anywhere_it_goes_on_and_the_log_is_true(
    year: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction but a few is killed before it is committed."""
    write, calls = insights.write, 0

    async def killed(*args: object, **how: object) -> object:
        nonlocal calls
        calls += 1
        written = await write(*args, **how)  # type: ignore[arg-type]
        if calls % 7 == 0:
            raise asyncio.CancelledError
        return written

    monkeypatch.setattr(insights, "write", killed)
    await year.tick()
    for _ in range(40):
        try:
            await year.rest()
            break
        except asyncio.CancelledError:
            year.jobs.waiting.clear()
            await year.reconcile()
    view = await year.last()
    assert (view.sync.state, view.sync.run > 3) == ("done", True)
    for metric in ("reach", "views", "profile_views"):
        await settled(year, metric, days(10))
    v = insight_values.c
    async with year.database.read() as db:
        rows = sa.select(v.metric, sa.func.count(v.value)).group_by(v.metric)
        stored = {metric: count for metric, count in await db.execute(rows)}
    told = {one.metric.split(".")[0]: one.written for one in view.results if one.metric != "posts"}
    assert told == stored


async def test_three_runs_that_bring_nothing_are_the_end(stage: Stage) -> None:
    await stage.service.begin(MIA, 0)
    for _ in range(3):
        stage.jobs.waiting.clear()
        await stage.reconcile()
    sync = await stage.sync()
    assert (sync.state, sync.error) == ("failed", "NoProgress")
    assert await stage.told() == ["sync_ended"]


async def test_a_database_that_does_not_write_is_tried_again(
    stage: Stage, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_args: object, **_how: object) -> None:
        raise NotWritten("1 of 1 rows of followers_count")

    with monkeypatch.context() as broken:
        broken.setattr(insights, "write", nothing)
        view = await stage.day()
    assert (view.sync.state, view.sync.error) == ("waiting", "StorageFailed")
    assert (view.sync.requests, view.results) == (0, [])
    clock.advance(minutes=1)
    assert (await stage.day()).sync.state == "done"


async def test_canceled_means_at_once(stage: Stage, meta: Meta) -> None:
    sync_id = await stage.service.begin(MIA, 0)
    assert await stage.service.cancel(MIA, sync_id)
    assert not await stage.service.cancel(MIA, sync_id)
    await stage.rest()
    assert ((await stage.sync()).state, asked(meta)) == ("canceled", 0)
    assert await stage.told() == []


@pytest.mark.parametrize("database_url", ["sqlite_url", "postgres_url"], indirect=True)
async def test_two_at_once_leave_nothing_twice(stage: Stage) -> None:
    jobs = [
        job
        for found in await asyncio.gather(*(stage.service.due() for _ in range(2)))
        for job in found
    ]
    assert len(jobs) == 1
    ended = await asyncio.gather(*(stage.job.work(jobs[0]) for _ in range(2)))
    assert ended == [False, False]
    assert (await stage.sync()).state == "done"
    for metric in ("reach", "views"):
        await settled(stage, metric, days(LAST))
    assert await stage.revisions() == 0
