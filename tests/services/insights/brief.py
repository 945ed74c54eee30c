"""A sync of one metric of each kind, so that a test of it takes a moment; with what Meta tells, and
whether that is what was stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from sandbox.graph import Call, Meta
from services.insights import portion, posts
from services.insights.metrics import BY_KEY, Kind
from services.insights.plan import RECENT
from tests.services.insights import stage as stages
from tests.services.insights.stage import Stage

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
