"""An account's own figures as the cards' tests need them: nothing of it was ever read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

from services.insights.best import Ranking, Top
from services.insights.days import end_of
from services.insights.figures import Figure, figure, span_of
from services.insights.looking import Sight
from services.insights.metrics import BY_KEY
from services.insights.service import SyncView
from storage.insight_reads import Value
from storage.insights import InsightAccount
from storage.syncs import Sync, SyncResult
from tests.bot.factories import NOW

LAST = date(2026, 11, 19)  # the last day that is over
_NOTHING: dict[str, Any] = dict.fromkeys(one.name for one in fields(Sync))


def account(**changes: Any) -> InsightAccount:
    base: dict[str, Any] = {
        "id": 4,
        "user_id": 1001,
        "identity": "178",
        "username": "mia",
        "meta_id": 3,
        "synced_day": LAST,
        "digest": False,
        "digested_week": None,
        "created_at": NOW,
    }
    return InsightAccount(**(base | changes))


def value(key: str, days_ago: int, told: float | None, **changes: Any) -> Value:
    """`days_ago`: before LAST. `told` None: Meta has no data, or `reason`."""
    metric, day = BY_KEY[key], LAST - timedelta(days_ago)
    base: dict[str, Any] = {
        "metric": metric.name,
        "period": metric.period,
        "end_time": end_of(day),
        "breakdown": "",
        "day": day,
        "value": told,
        "reason": None if told is not None else "no_data",
        "said": "",
        "revision": 0,
        "read_at": NOW,
    }
    return Value(**(base | changes))


def days(key: str, told: Iterable[float | None]) -> list[Value]:
    """Newest first."""
    return [value(key, ago, one) for ago, one in enumerate(told)]


def figure_of(key: str, rows: list[Value], count: int = 28) -> Figure:
    metric = BY_KEY[key]
    return figure(metric, rows, span_of(metric, LAST, count, NOW), NOW)


def sight(
    key: str, rows: list[Value], count: int = 28, *, of: InsightAccount | None = None,
    revisions: int = 0, last: Sync | None = None,
) -> Sight:  # fmt: skip
    return Sight(of or account(), count, figure_of(key, rows, count), revisions, last)


def sync(**changes: Any) -> Sync:
    """One that ended a moment ago, asked for by Mia."""
    usual: dict[str, Any] = {
        "id": 9,
        "account_id": 4,
        "day": LAST,
        "asked_by": 1001,
        "state": "done",
        "run": 1,
        "idle_runs": 0,
        "tries": 0,
        "message": "",
        "next_step": "",
        "requests": 40,
        "to_ask": 80,
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Sync(**(_NOTHING | usual | changes))


def view(*results: SyncResult, of: InsightAccount | None = None, **changes: Any) -> SyncView:
    return SyncView(sync(**changes), of or account(), list(results))


def top(text: str, *, permalink: str = "", kind: str = "REELS", place: int = 1) -> Top:
    return Top(
        place=place,
        id=1,
        kind=kind,
        text=text,
        permalink=permalink or "https://www.instagram.com/reel/C1/",
        posted_at=NOW,
        reach=1_000_000_000,
        views=1_000_000_000,
        interactions=None,
        may_grow=True,
    )


def ranking(*found: Top, of: int | None = None) -> Ranking:
    return Ranking(found, len(found), len(found) if of is None else of)
