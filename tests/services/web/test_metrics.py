"""/metrics: readable by Prometheus, and right after a real import."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.errors import GalleryDlFailed, RateLimited, SessionRefused, UpstreamChanged
from services.web import metrics
from storage import (
    import_items,
    importing,
    insights,
    meta_accounts,
    pace,
    stories,
    story_accounts,
    story_items,
    syncs,
)
from storage.database import Database
from storage.pace import Call
from tests.support.harness import Harness
from tests.support.rows import MIA, NOW, an_import, at, person

NAMES = {
    "reelay_imports_started",
    "reelay_imports_ended",
    "reelay_posts",
    "reelay_import_seconds",
    "reelay_cookies_refused",
    "reelay_rate_limits",
    "reelay_gallery_dl_failures",
    "reelay_refunds",
    "reelay_instagram_requests",
    "reelay_feed_accounts",
    "reelay_feed_last_good_poll_seconds",
    "reelay_feed_polls",
    "reelay_feed_posts",
    "reelay_feed_ads_skipped",
    "reelay_feed_unparsed",
    "reelay_feed_gaps",
    "reelay_feed_fetches",
    "reelay_feed_not_modified",
    "reelay_webhook_deliveries",
    "reelay_stories",
    "reelay_stories_ended",
    "reelay_stories_failed",
    "reelay_story_troubles",
    "reelay_meta_accounts",
    "reelay_syncs",
    "reelay_sync_last_good_seconds",
}
Samples = dict[tuple[str, str], float]


def samples(text: str) -> Samples:
    """{(name, value of its label): number}"""
    families = list(text_string_to_metric_families(text))
    assert {family.name for family in families} == NAMES
    assert all(family.documentation for family in families)
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


async def test_an_empty_database_has_all_of_them(database: Database) -> None:
    found = samples((await metrics.render(database)).decode())
    assert found["reelay_imports_started_total", ""] == 0
    assert found["reelay_import_seconds_count", ""] == 0


async def test_figures_of_rows(database: Database) -> None:
    await person(database, MIA)
    made = await an_import(database, count=3)
    await an_import(database, key="named:2")
    async with database.write() as db:
        await import_items.settle(db, made.items[0], "saved", NOW)
        await import_items.settle(db, made.items[1], "failed", NOW, error="short")
        await importing.move(
            db,
            made.id,
            at(1),
            from_states=["running"],
            state="done",
            started_at=NOW,
            ended_at=at(1),
        )
        for purpose, outcome in (
            ("import", SessionRefused),
            ("connect", SessionRefused),
            ("import", RateLimited),
            ("connect", RateLimited),
            ("import", GalleryDlFailed),
            ("import", UpstreamChanged),
        ):
            await pace.log(db, Call("1000", purpose, NOW, 2, 0.1, outcome.__name__))
    found = samples((await metrics.render(database)).decode())
    ours = ("reelay_feed", "reelay_webhook", "reelay_stor", "reelay_meta", "reelay_sync")
    assert {
        key: found[key] for key in found if "_bucket" not in key[0] and not key[0].startswith(ours)
    } == {
        ("reelay_imports_started_total", ""): 2,
        ("reelay_imports_ended_total", "done"): 1,
        ("reelay_posts_total", "saved"): 1,
        ("reelay_posts_total", "failed"): 1,  # what is pending has no outcome yet
        ("reelay_import_seconds_count", ""): 1,
        ("reelay_import_seconds_sum", ""): 60,
        ("reelay_cookies_refused_total", ""): 1,  # in mid-import
        ("reelay_rate_limits_total", ""): 2,
        ("reelay_gallery_dl_failures_total", ""): 2,
        ("reelay_refunds_total", ""): 0,
        ("reelay_instagram_requests_total", "1000"): 12,
    }
    buckets = {key[1]: value for key, value in found.items() if "_bucket" in key[0]}
    assert (buckets["30"], buckets["60"], buckets["+Inf"]) == (0, 1, 1)


async def test_figures_of_stories(database: Database) -> None:
    await person(database, MIA)
    async with database.write() as db:
        place = await story_accounts.add(db, MIA, "mia", "UTC", NOW)
        file = dict.fromkeys(("kind", "source", "name", "sha256", "original_key"), "x")
        item = await story_items.add(db, place, NOW, **file)
        for state, detail in (
            ("published", ""),
            ("posted", "Meta refused"),
            ("posted", ""),
            ("skipped", ""),
            ("by_hand", "Meta refused"),
            ("unknown", ""),
        ):
            story = await stories.make(
                db, place, item, NOW, state=state, mode="ask", due_at=NOW, next_at=NOW
            )
            assert story
            await stories.move(db, story, NOW, from_states=[state], detail=detail)
            if detail:
                await stories.note(db, story, "trouble", NOW, detail=detail)
        for identity, problem in (("1", None), ("2", "The log-in has run out."), ("3", None)):
            told: dict[str, Any] = dict.fromkeys(("username", "flavour", "account_type"), "x")
            await meta_accounts.keep(
                db, MIA, identity, NOW, scopes=[], issued_at=NOW, unlimited=True, problem=problem,
                **told,
            )  # fmt: skip
    found = samples((await metrics.render(database)).decode())
    ours = ("reelay_stor", "reelay_meta")
    assert {key: value for key, value in found.items() if key[0].startswith(ours)} == {
        ("reelay_stories", "by_hand"): 1,
        ("reelay_stories", "unknown"): 1,
        ("reelay_stories_ended_total", "api"): 1,
        ("reelay_stories_ended_total", "manual"): 2,
        ("reelay_stories_ended_total", "skipped"): 1,
        ("reelay_stories_failed", ""): 1,
        ("reelay_story_troubles_total", ""): 2,
        ("reelay_meta_accounts", "working"): 2,
        ("reelay_meta_accounts", "refused"): 1,
    }


async def test_figures_of_syncs(database: Database) -> None:
    """The account that has waited longest; those whose log-in does not work are not counted."""
    await person(database, MIA)
    async with database.write() as db:
        for identity, problem, ended in (
            ("1", None, [at(-90), at(-30)]),
            ("2", None, [at(-60)]),
            ("3", "The log-in has run out.", [at(-999)]),
        ):
            told: dict[str, Any] = dict.fromkeys(("username", "flavour", "account_type"), "x")
            meta = await meta_accounts.keep(
                db, MIA, identity, NOW, scopes=[], issued_at=NOW, unlimited=True, problem=problem,
                **told,
            )  # fmt: skip
            account = await insights.keep(db, MIA, meta, at(-9999))
            for when in ended:
                made = await syncs.start(db, account.id, NOW.date(), None, when)
                assert made
                await syncs.move(
                    db, made[0], when, from_states=["pending"], state="done", ended_at=when
                )
        await syncs.start(db, account.id, NOW.date(), None, NOW)
    found = samples((await metrics.render(database)).decode())
    assert {key: value for key, value in found.items() if key[0].startswith("reelay_sync")} == {
        ("reelay_syncs", "done"): 4,
        ("reelay_syncs", "pending"): 1,
        ("reelay_sync_last_good_seconds", ""): at(-60).timestamp(),
    }


async def test_after_a_real_import_they_agree_with_instagrams_own_count(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say(harness.sandbox.world.collection_url("mia", "beats"))
    await mia.tap("Import all")
    await mia.sees("✅ Done")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{harness.app.web_port}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    assert found["reelay_imports_ended_total", "done"] == 1
    assert found["reelay_posts_total", "saved"] == 24
    assert found["reelay_refunds_total", ""] == 0
    assert found["reelay_import_seconds_count", ""] == 1
    requests = {
        key[1]: n for key, n in found.items() if key[0] == "reelay_instagram_requests_total"
    }
    assert list(requests.values()) == [harness.sandbox.instagram.api_requests()]
