"""/status and /f/<token>/status: who may see them, and what /ready says of an ill feed."""

from __future__ import annotations

import json
from datetime import timedelta

from services.feed.serving import Serving
from services.feed.status import FeedStatuses
from services.feed.visits import Allowance, Visits
from services.web.feeds import FeedRoutes
from services.web.health import Health, feed_check
from storage import audit
from storage.database import Database
from tests.services.web.conftest import MakeClient, Process
from tests.support.clock import StillClock
from tests.support.feeds import TOKEN, WELL, a_feed, listed, reader, switched_on
from tests.support.rows import LEO, MIA, NOW, person

TOTALS = {"posts": 1, "media": 1, "bytes": 100, "unparsed": 1, "gaps": 1, "ads_skipped": 2}


async def test_operators_see_all_feeds_and_a_token_its_own(
    database: Database, clock: StillClock, process: Process, client: MakeClient
) -> None:
    for user_id in (MIA, LEO):
        await person(database, user_id)
    every = await a_feed(database, title="All accounts")
    await switched_on(database)
    await switched_on(database, LEO, "2000")
    await listed(database, every, "a")
    await reader(database, every)
    statuses = FeedStatuses(database, clock)
    visits = Visits(database, Allowance(burst=2, every=timedelta(seconds=10)))
    routes = FeedRoutes(
        Serving(database, clock), visits, process.objects, clock, statuses=statuses, public=True
    )
    web = await client(operator_token="secret", feeds=routes, statuses=statuses, now=clock)

    body = json.loads(await (await web.get("/status")).text())
    assert [one["feed"] for one in body["feeds"]] == ["All accounts", "Home", "Home"]
    outside = {"X-Forwarded-For": "203.0.113.9"}
    assert (await web.get("/status", headers=outside)).status == 404
    allowed = {**outside, "Authorization": "Bearer secret"}
    assert (await web.get("/status", headers=allowed)).status == 200

    answer = await web.get(f"/f/{TOKEN}/status", headers=outside)
    own = json.loads(await answer.text())
    assert {name: own[name] for name in TOTALS} == TOTALS
    assert (own["ill"], own["last_poll"]) == (False, None)
    assert [one["account"] for one in own["accounts"]] == ["@u1000"]  # and not Leo's
    assert (await web.get(f"/f/{TOKEN[::-1][:-1]}B/status")).status == 404
    await web.get(f"/f/{TOKEN}/status")
    assert (await web.get(f"/f/{TOKEN}/status")).status == 429


async def test_an_ill_feed_is_said_and_reelay_stays_ready(
    database: Database, health: Health, client: MakeClient
) -> None:
    await person(database, MIA)
    own = await switched_on(database)
    async with database.write() as db:
        await audit.open_incident(db, "session_dead", f"feed {own.id}", NOW)
    answer = await (await client()).get("/ready")
    body = await answer.json()
    assert (answer.status, body["ready"]) == (200, True)
    assert body["checks"]["feed"] == {
        "good": False,
        "text": "1 of 1 feeds can't be read: Instagram asks to log in again "
        "(since 2026-11-20 12:00 UTC)",
    }


def test_the_check_names_nobody() -> None:
    assert feed_check([], NOW).good
    well = feed_check([WELL], NOW)
    assert (well.good, well.text) == (True, "All 1 feeds are read")
    later = feed_check([WELL], NOW + timedelta(hours=3))
    assert not later.good
    assert "mia" not in later.text
    assert "no good poll for an hour (since 2026-11-20 11:55 UTC)" in later.text
