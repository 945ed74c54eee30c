"""The sync where Meta refuses or is unwell: each refusal has its outcome and harms nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.graph import Call, Fault, Meta, documented
from sandbox.graph.bad_days import Trouble
from services.errors import MetaRateLimited
from services.graph.refusals import RULES
from services.insights import portion, posts
from services.insights.job import SLOWLY, limited_until
from services.insights.metrics import BY_KEY
from services.insights.metrics import NOW as SNAPSHOT
from services.insights.plan import RECENT
from tests.services.insights.brief import (
    ASKED,
    DAY,
    LAST,
    TRIES,
    asked,
    days,
    few,
    settled,
    year,
)
from tests.services.insights.stage import Stage
from tests.support.clock import StillClock

__all__ = ["few", "year"]


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
