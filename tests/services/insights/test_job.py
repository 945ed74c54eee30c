"""The sync through the real adapter: every figure once, and each refusal has its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from sandbox.graph import Call, Fault, Meta, documented
from sandbox.graph.bad_days import Trouble
from services.errors import MetaRateLimited
from services.graph.refusals import RULES
from services.insights import portion, posts
from services.insights.job import SLOWLY, limited_until
from services.insights.metrics import BY_KEY, METRICS, Kind
from services.insights.metrics import NOW as SNAPSHOT
from services.insights.plan import RECENT
from storage import insights
from storage.database import Database
from storage.insights import NotWritten
from storage.tables import insight_values
from tests.contracts.check_graph import check_request
from tests.services.insights import stage as stages
from tests.services.insights.stage import Stage
from tests.support.clock import StillClock
from tests.support.rows import MIA

DAY = date(2026, 11, 19)  # the last one that is over
TRIES = 3  # of one request to a Meta that is not well
LAST = RECENT[Kind.TOTAL]
# requests for figures that a day takes here: reach, follower_count, then profile_views and views,
# each day of them, then of whom
ASKED = 2 + 2 * LAST + 1
KEYS = [
    *("followers_count", "follows_count", "media_count"),
    *("reach", "follower_count", "profile_views", "views", "follower_demographics.age"),
]


@pytest.fixture(autouse=True)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One metric of each kind, and no posts, unless a test is about all."""
    if "all_metrics" not in request.fixturenames:
        monkeypatch.setattr(portion, "METRICS", tuple(BY_KEY[key] for key in KEYS))
        monkeypatch.setattr(posts, "MEDIA_METRICS", {})


@pytest.fixture
def all_metrics() -> None:
    pass


@pytest.fixture
async def year(stage: Stage) -> AsyncIterator[Stage]:
    """With ten days of history."""
    async with stages.opened(stage.database, stage.meta, stage.clock, history_days=10) as made:
        made.logins = stage.logins
        made.service._logins = made.job._logins = stage.logins
        yield made


def days(count: int, last: date = DAY) -> list[date]:
    return [last - timedelta(n) for n in range(count)]


def asked(meta: Meta) -> int:
    return sum(request.call is Call.ACCOUNT_INSIGHTS for request in meta.requests)


def truth(stage: Stage, metric: str, day: date) -> int | None:
    """What Meta tells of it now."""
    [mia] = [one for one in stage.meta.people.accounts.values() if one.username == "mia"]
    is_total = metric not in ("reach", "follower_count")
    return stage.meta.truth.told_at(mia, metric, day, stage.clock(), is_total=is_total)


async def settled(stage: Stage, metric: str, wanted: list[date]) -> None:
    """Of these days the number is stored that Meta tells, or why there is none."""
    values = await stage.values(metric)
    for day in wanted:
        told = truth(stage, metric, day)
        assert values[day] == told if told is not None else values[day] in ("no_data", "not_yet")


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


# ------------------------------------------------------------------ what goes wrong with one metric


@pytest.mark.parametrize(
    ("trouble", "reason", "error"),
    [
        (documented(100), "removed", "RequestRefused"),
        (documented(10), "no_permission", "PermissionMissing"),
        (documented(-1, 2207086), "too_few", "NotMeasured"),
        (Fault.GARBAGE, "failed", "MetaChanged"),
    ],
)
async def test_one_metric_that_fails_stops_no_other(
    stage: Stage, meta: Meta, trouble: Trouble, reason: str, error: str
) -> None:
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, trouble, skip=2)
    view = await stage.day()
    assert view.sync.state == "done"
    assert {one.metric: one.error for one in view.results if one.error} == {"profile_views": error}
    assert await stage.values("profile_views") == dict.fromkeys(days(LAST), reason)
    assert asked(meta) == ASKED - (LAST - 1)  # it is not asked for again in this sync
    await settled(stage, "views", days(LAST))
    result = await stage.result("profile_views")
    assert (result.fetched, result.written, result.skipped) == (0, 0, LAST)
    permission = error == "PermissionMissing"
    assert await stage.told() == (["insights_permission"] if permission else [])


async def test_a_refusal_is_of_one_sync(stage: Stage, meta: Meta, clock: StillClock) -> None:
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, documented(100), skip=2)
    await stage.day()
    clock.advance(days=1)
    await stage.day()
    await settled(stage, "profile_views", days(LAST, DAY + timedelta(1)))


async def test_a_permission_that_stays_away_is_said_once(stage: Stage, clock: StillClock) -> None:
    stage.meta.bad_days.switch("meta-no-insights-permission", True)
    await stage.day()
    clock.advance(days=1)
    await stage.day()
    assert await stage.told() == ["insights_permission"]
    assert (await stage.values("followers_count", SNAPSHOT)).keys() == {
        *days(2, DAY + timedelta(2))
    }
    stage.meta.bad_days.switch("meta-no-insights-permission", False)
    clock.advance(days=1)
    await stage.day()
    await settled(stage, "views", days(5, DAY + timedelta(2)))  # what was closed is filled
    stage.meta.bad_days.switch("meta-no-insights-permission", True)
    clock.advance(days=1)
    await stage.day()
    assert await stage.told() == ["insights_permission"] * 2


async def test_a_number_stays_where_meta_refuses_later(stage: Stage, clock: StillClock) -> None:
    await stage.day()
    before = await stage.values("profile_views")
    stage.meta.bad_days.switch("meta-insights-removed", True)
    clock.advance(days=1)
    await stage.day()
    after = await stage.values("profile_views")
    numbers = {day: value for day, value in before.items() if not isinstance(value, str)}
    assert numbers
    assert numbers.items() <= after.items()
    assert after[DAY + timedelta(1)] == "removed"


async def test_what_meta_changed_while_it_refused_is_read_when_it_answers_again(
    stage: Stage, clock: StillClock
) -> None:
    await stage.day()
    [mia] = [one for one in stage.meta.people.accounts.values() if one.username == "mia"]
    stage.meta.truth.correct(mia, "profile_views", DAY, 7, clock() + timedelta(hours=6))
    stage.meta.bad_days.switch("meta-insights-removed", True)
    for _ in range(LAST):
        clock.advance(days=1)
        await stage.day()
    assert (await stage.values("profile_views"))[DAY] != 7
    stage.meta.bad_days.switch("meta-insights-removed", False)
    clock.advance(days=1)
    await stage.day()
    assert (await stage.values("profile_views"))[DAY] == 7


async def test_a_meta_that_is_unwell_later_hides_no_refusal(
    stage: Stage, meta: Meta, clock: StillClock
) -> None:
    await stage.day()
    clock.advance(days=1)
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, documented(100), skip=2)
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, Fault.DOWN, skip=3, times=1000)
    view = await stage.day()
    while view.sync.state == "waiting":
        clock.advance(minutes=15)
        view = await stage.day()
    errors = {one.metric: one.error for one in view.results if one.error}
    assert errors["profile_views"] == "RequestRefused"
    assert "MetaUnavailable" in errors.values()


def test_every_error_of_the_map_has_its_outcome_here() -> None:
    """Those that are not of publishing; the table above, the tests below and the pure ones of
    `judge` name them."""
    named = {
        *("RequestRefused", "PermissionMissing", "NotMeasured", "PublishingBlocked"),
        *("MetaNotFound", "TokenRefused", "MetaRateLimited", "MetaUnavailable"),
    }
    of_publishing = {
        *("QuotaUsed", "ContainerNotReady", "ContainerInDoubt", "ContainerFailed"),
        *("MediaNotFetched", "MediaUnfit"),
    }
    assert {rule.error.__name__ for rule in RULES} == named | of_publishing


# ------------------------------------------------------------------ what goes wrong with Meta


async def test_what_meta_was_unwell_for_is_asked_in_another_round(
    stage: Stage, meta: Meta, clock: StillClock
) -> None:
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, documented(2), skip=2, times=TRIES)
    view = await stage.day()
    assert (view.sync.state, view.sync.error) == ("waiting", "MetaUnavailable")
    assert view.sync.wait_until == clock() + timedelta(minutes=1)
    assert (await stage.result("profile_views")).error == "MetaUnavailable"
    assert await stage.values("profile_views") == {}
    await settled(stage, "views", days(LAST))  # the others have gone on
    assert await stage.tick() == 0
    clock.advance(minutes=1)
    view = await stage.day()
    assert (view.sync.state, view.sync.error, view.sync.message) == ("done", None, "")
    await settled(stage, "profile_views", days(LAST))
    assert (await stage.result("profile_views")).error is None


async def test_a_post_that_cannot_be_read_makes_nobody_wait(
    stage: Stage, meta: Meta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meta says the same when it is not well."""
    monkeypatch.setattr(posts, "MEDIA_METRICS", {"FEED": ("reach",), "REELS": ("reach",)})
    monkeypatch.setattr(portion, "REQUESTS", 8)
    meta.trouble_next(Call.MEDIA_INSIGHTS, documented(100, 33))
    view = await stage.day()
    assert (view.sync.state, view.sync.run) == ("done", 1)
    assert (await stage.result(portion.POSTS)).error == "MetaNotFound"


async def test_a_meta_that_stays_unwell_is_given_up_and_the_gaps_are_filled_later(
    stage: Stage, meta: Meta, clock: StillClock
) -> None:
    meta.bad_days.switch("meta-down", True)
    view = await stage.by_hand()
    waits = []
    while view.sync.state == "waiting":
        assert view.sync.wait_until is not None
        waits.append((view.sync.wait_until - clock()).total_seconds() / 60)
        clock.advance(minutes=waits[-1])
        view = await stage.day()
    assert (view.sync.state, waits) == ("done", [1, 5, 15])
    assert {one.error for one in view.results} == {"MetaUnavailable"}
    for metric in ("views", "reach"):
        last = RECENT[BY_KEY[metric].kind]
        assert await stage.values(metric) == dict.fromkeys(days(last), "failed")
    assert await stage.told() == ["sync_ended"]  # a person has asked for it
    meta.bad_days.switch("meta-down", False)
    clock.advance(minutes=1)
    view = await stage.day()
    assert view.sync.asked_by is None
    assert {one.error for one in view.results} == {None}
    for metric in ("views", "reach"):
        await settled(stage, metric, days(LAST))


async def test_a_limit_is_waited_for(stage: Stage, meta: Meta, clock: StillClock) -> None:
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, documented(80002), skip=4)
    view = await stage.day()
    assert (view.sync.state, view.sync.error) == ("waiting", "MetaRateLimited")
    assert view.sync.wait_until is not None
    assert clock() < view.sync.wait_until <= clock() + timedelta(hours=24)
    assert asked(meta) == 5  # and nothing else
    clock.advance(seconds=(view.sync.wait_until - clock()).total_seconds())
    view = await stage.day()
    assert view.sync.state == "done"
    assert asked(meta) == ASKED + 1
    for metric in ("views", "profile_views"):
        await settled(stage, metric, days(LAST))


def test_how_long_a_limit_lasts_where_meta_does_not_say(clock: StillClock) -> None:
    now = clock()
    waits = [limited_until(MetaRateLimited(), tries, now) - now for tries in range(6)]
    assert [wait.total_seconds() / 3600 for wait in waits] == [0.25, 1, 4, 12, 24, 24]
    error = MetaRateLimited()
    for hours, expected in ((3, 3), (99, 24)):
        error.until = now + timedelta(hours=hours)
        assert limited_until(error, 0, now) == now + timedelta(hours=expected)


async def test_a_dead_token_ends_it_and_a_new_one_begins_it(stage: Stage, meta: Meta) -> None:
    meta.trouble_next(Call.ACCOUNT_INSIGHTS, documented(190, 463), skip=3)
    view = await stage.day()
    assert (view.sync.state, view.sync.error) == ("failed", "TokenRefused")
    assert "/connect" in view.sync.next_step
    assert await stage.told() == ["meta_refused"]  # once, by the log-ins
    assert await stage.tick() == 0
    await stage.connect()
    view = await stage.day()
    assert view.sync.state == "done"
    for metric in ("views", "profile_views"):
        await settled(stage, metric, days(LAST))


async def test_nearly_used_up_means_the_last_days_only(
    year: Stage, meta: Meta, clock: StillClock
) -> None:
    meta.bad_days.switch("meta-busy", True)
    view = await year.day()
    assert (view.sync.state, view.sync.message) == ("done", SLOWLY)
    assert sorted(await year.values("views")) == sorted(days(LAST))
    meta.bad_days.switch("meta-busy", False)
    clock.advance(days=1)
    view = await year.day()
    assert view.sync.message == ""
    await settled(year, "views", days(10, DAY + timedelta(1)))


@pytest.mark.parametrize(("percent", "minutes", "wait"), [(95, 0, 60), (100, 7, 7)])
async def test_used_up_means_wait(
    stage: Stage, meta: Meta, clock: StillClock, percent: int, minutes: int, wait: int
) -> None:
    meta.usage.told = (percent, minutes)
    view = await stage.day()
    assert (view.sync.state, view.sync.error) == ("waiting", "MetaRateLimited")
    assert view.sync.wait_until == clock() + timedelta(minutes=wait)
    assert len(await stage.values("followers_count", SNAPSHOT)) == 1  # what was told is stored
    meta.usage.told = None
    clock.advance(minutes=wait)
    assert (await stage.day()).sync.state == "done"
    await settled(stage, "views", days(LAST))


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
