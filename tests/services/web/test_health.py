"""/health and /ready: what is red, and when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.jobs.clock import GRACE
from services.web.health import POLL_AGE, Health
from storage import audit
from storage.database import Database, sqlite_url
from tests.services.web.conftest import MINUTE, MakeClient, Process
from tests.support.clock import StillClock
from tests.support.rows import NOW

URLS = [sqlite_url(Path("/nowhere/reelay.db")), "postgresql+psycopg://x@127.0.0.1:1/x"]


async def red(health: Health) -> list[str]:
    ready, checks = await health.ready()
    bad = [check.name for check in checks if not check.good]
    assert ready == (not bad)
    return bad


async def test_all_is_well(health: Health, client: MakeClient) -> None:
    web = await client()
    answer = await web.get("/ready")
    body = await answer.json()
    assert (answer.status, body["ready"]) == (200, True)
    assert {name: check["good"] for name, check in body["checks"].items()} == {
        "database": True,
        "telegram": True,
        "loops": True,
        "disk": True,
        "feed": True,
    }
    alive = await web.get("/health")
    assert (alive.status, await alive.text()) == (200, "ok")


async def test_a_loop_that_dies_is_seen_within_two_intervals(
    health: Health, process: Process, clock: StillClock, client: MakeClient
) -> None:
    process.broken = True
    seen_after = timedelta(0)
    while not await red(health):
        clock.advance(seconds=5)
        seen_after += timedelta(seconds=5)
        process.last_poll = clock()
        with capture_logs():
            await process.loops.tick("reconcile")
    assert MINUTE < seen_after <= 2 * MINUTE + GRACE + timedelta(seconds=5)
    answer = await (await client()).get("/ready")
    body = await answer.json()
    assert answer.status == 503
    assert body["checks"]["loops"] == {"good": False, "text": "Loops that have stopped: reconcile"}
    process.broken = False
    await process.loops.tick("reconcile")
    assert await red(health) == []


async def test_telegram_must_have_answered_within_a_minute(
    health: Health, process: Process, clock: StillClock
) -> None:
    process.last_poll = clock() - POLL_AGE + timedelta(seconds=1)
    assert await red(health) == []
    process.last_poll = clock() - POLL_AGE
    assert await red(health) == ["telegram"]
    process.last_poll = None  # with a webhook, or without the chat role
    assert await red(health) == []


@pytest.mark.parametrize("url", URLS, ids=["sqlite", "postgresql"])
async def test_a_database_that_is_gone(process: Process, client: MakeClient, url: str) -> None:
    gone = Database(url)
    web = await client(gone, process.health(gone))
    ready = await web.get("/ready")
    assert ready.status == 503
    assert not (await ready.json())["checks"]["database"]["good"]
    assert (await web.get("/health")).status == 200  # the process itself lives
    assert (await web.get("/metrics")).status == 503
    await gone.close()


async def test_open_alerts_are_named_but_are_no_reason_to_restart(
    health: Health, database: Database
) -> None:
    async with database.write() as db:
        await audit.open_incident(db, "rate_limits", "", NOW)
    assert await red(health) == []
    checks = await health.report()
    assert "rate_limits" in checks[0].text


async def test_a_full_disk_and_an_unreadable_one(
    health: Health, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def free(share: float) -> float:
        return share

    monkeypatch.setattr(process.objects, "free_share", lambda: free(0.05))
    assert await red(health) == []
    monkeypatch.setattr(process.objects, "free_share", lambda: free(0.049))
    assert await red(health) == ["disk"]
    monkeypatch.undo()
    process.objects.root.parent.joinpath("media").write_text("a file where the folder should be")
    assert await red(health) == ["disk"]
