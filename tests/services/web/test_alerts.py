"""What counts as ill, and that the leaders hear of it once, and once more when it is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.errors import GalleryDlFailed, RateLimited, SessionRefused, UpstreamChanged
from services.web.alerts import Alerts, Figures, Incident, ill
from services.web.health import Health
from storage import import_items, importing, insights, meta_accounts, notices, pace, syncs
from storage import people as people_rows
from storage.database import Database
from storage.pace import Call
from tests.services.web.conftest import Process
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, ZOE, an_import, person

WELL = Figures(
    failing=[],
    hour={},
    gallery={},
    minute={},
    unstored=[],
    dead_loops=[],
    bad_checks=set(),
    unread=[],
    unsynced=[],
)
REFUSED, RATE = SessionRefused.__name__, RateLimited.__name__
BROKEN, CHANGED = GalleryDlFailed.__name__, UpstreamChanged.__name__


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, set()),
        # over 20 % of an import's posts fail, of at least 10
        ({"failing": [(1, 2, 10)]}, set()),
        ({"failing": [(1, 3, 10)]}, {("import_failing", "import 1")}),
        ({"failing": [(1, 9, 9)]}, set()),
        ({"failing": [(1, 100, 500), (2, 101, 500)]}, {("import_failing", "import 2")}),
        # over 10 refused sessions an hour
        ({"hour": {REFUSED: 10}}, set()),
        ({"hour": {REFUSED: 11}}, {("sessions_refused", "")}),
        # over 5 rate limits a minute
        ({"minute": {RATE: 5}}, set()),
        ({"minute": {RATE: 6}}, {("rate_limits", "")}),
        ({"hour": {RATE: 60}}, set()),
        # gallery-dl fails in over half of its calls, of at least 4
        ({"gallery": {BROKEN: 3}}, set()),
        ({"gallery": {BROKEN: 2, "ok": 2}}, set()),
        ({"gallery": {BROKEN: 3, "ok": 2}}, {("gallery_dl", "")}),
        ({"gallery": {BROKEN: 2, CHANGED: 2}}, {("gallery_dl", "")}),
        ({"unstored": [4, 5]}, {("storage", "import 4"), ("storage", "import 5")}),
        ({"dead_loops": ["notices", "sweep"]}, {("loop", "notices"), ("loop", "sweep")}),
        ({"bad_checks": {"disk"}}, {("disk", "")}),
        ({"unread": ["@mia"]}, {("feed_stale", "@mia")}),
        ({"unsynced": ["@mia"]}, {("sync_stale", "@mia")}),
        # these need no alert: nobody could deliver it, or it is one of the above
        ({"bad_checks": {"database", "telegram", "loops"}}, set()),
    ],
)
def test_what_is_ill(change: dict[str, object], expected: set[Incident]) -> None:
    assert ill(replace(WELL, **change)) == expected  # type: ignore[arg-type]


@pytest.fixture
async def alerts(database: Database, health: Health, clock: StillClock) -> Alerts:
    await person(database, MIA, role="owner")
    await person(database, LEO, role="admin")
    await person(database, ZOE)
    return Alerts(database, health, clock)


async def told(database: Database, clock: StillClock) -> list[tuple[int, str, str, str]]:
    """(who, kind, alert, subject) since the last time."""
    async with database.write() as db:
        due = await notices.due(db, clock())
        for notice in due:
            await notices.delivered(db, notice.id, clock())
    return [(one.user_id, one.kind, one.data["alert"], one.data["subject"]) for one in due]


async def test_an_incident_is_told_once_and_once_more_when_it_is_over(
    alerts: Alerts, database: Database, clock: StillClock
) -> None:
    async with database.write() as db:
        for _ in range(6):
            await pace.log(db, Call("1000", "import", clock(), 1, 0.1, RATE))
    for _ in range(3):
        await alerts.check()
    assert await told(database, clock) == [
        (MIA, "alert", "rate_limits", ""),
        (LEO, "alert", "rate_limits", ""),
    ]
    clock.advance(minutes=2)
    for _ in range(3):
        await alerts.check()
    assert [one for one in await told(database, clock) if one[2] == "rate_limits"] == [
        (MIA, "alert_over", "rate_limits", ""),
        (LEO, "alert_over", "rate_limits", ""),
    ]


async def test_each_dead_loop_is_its_own_incident(
    alerts: Alerts, database: Database, process: Process, clock: StillClock
) -> None:
    """A second loop that dies does not end the first one's incident."""
    async with database.write() as db:
        await people_rows.change(db, LEO, status="blocked")
    process.loops.every(process.loops.loops["reconcile"].every * 10, "sweep", process._tick)
    process.loops.every(process.loops.loops["reconcile"].every, "lively", process._tick)
    clock.advance(minutes=3)
    await process.loops.tick("lively")
    await alerts.check()
    assert await told(database, clock) == [(MIA, "alert", "loop", "reconcile")]
    for _ in range(5):
        clock.advance(minutes=4)
        await process.loops.tick("lively")
    await alerts.check()
    assert await told(database, clock) == [(MIA, "alert", "loop", "sweep")]
    with capture_logs():
        await process.loops.tick("reconcile")
    await alerts.check()
    assert await told(database, clock) == [(MIA, "alert_over", "loop", "reconcile")]


async def test_an_account_that_was_never_read_is_ill_from_its_third_day_on(
    alerts: Alerts, database: Database, clock: StillClock
) -> None:
    words: dict[str, Any] = dict.fromkeys(("flavour", "account_type"), "x")
    async with database.write() as db:
        meta = await meta_accounts.keep(
            db, ZOE, "1", clock(), username="zoe", scopes=[], issued_at=clock(), unlimited=True,
            **words,
        )  # fmt: skip
        account = await insights.keep(db, ZOE, meta, clock())
    clock.advance(days=2)
    await alerts.check()
    assert ("sync_stale", "@zoe") not in [one[2:] for one in await told(database, clock)]
    clock.advance(seconds=1)
    await alerts.check()
    assert (MIA, "alert", "sync_stale", "@zoe") in await told(database, clock)
    async with database.write() as db:
        made = await syncs.start(db, account.id, clock().date(), None, clock())
        assert made
        await syncs.move(
            db, made[0], clock(), from_states=["pending"], state="done", ended_at=clock()
        )
    await alerts.check()
    assert (MIA, "alert_over", "sync_stale", "@zoe") in await told(database, clock)


async def test_the_figures_are_those_of_the_rows(
    alerts: Alerts, database: Database, clock: StillClock
) -> None:
    made = await an_import(database, MIA, count=10)
    stopped = await an_import(database, MIA, key="named:2", state="paused")
    async with database.write() as db:
        for n, item in enumerate(made.items):
            await import_items.settle(db, item, "failed" if n < 3 else "saved", clock())
        await importing.move(db, stopped.id, clock(), from_states=["paused"], reason="storage")
        for _ in range(11):
            await pace.log(db, Call("1000", "import", clock(), 1, 0.1, REFUSED))
    await alerts.check()
    assert {(alert, subject) for _, _, alert, subject in await told(database, clock)} == {
        ("import_failing", f"import {made.id}"),
        ("storage", f"import {stopped.id}"),
        ("sessions_refused", ""),
    }
