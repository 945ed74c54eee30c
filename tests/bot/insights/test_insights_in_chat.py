"""/insights and /sync in the chat: from nothing to a chart, and each way it can be otherwise."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from services.insights.days import last_day
from services.insights.service import zone_of
from services.media.runner import MediaFailed, MediaRunner
from storage import insights, meta_accounts, notices, people, syncs
from storage.insights import InsightAccount
from storage.syncs import UNFINISHED, Sync
from tests.services.insights import kept
from tests.support.harness import Harness, PumpedVisitor

DAYS = 60


async def connected(harness: Harness) -> PumpedVisitor:
    """Mia with a professional account at Meta, of which nothing was read."""
    mia = await harness.owner()
    token = harness.sandbox.meta.instagram_token("mia")
    await harness.app.meta.logins.paste(mia.user_id, token)
    return mia


async def read(harness: Harness) -> tuple[PumpedVisitor, InsightAccount]:
    """The same after sixty days, as syncs leave them behind."""
    mia = await connected(harness)
    account = await harness.app.insights.service.one(mia.user_id)
    last = await last_of(harness, account)
    days = [last - timedelta(n) for n in range(DAYS)]
    database = harness.app.database
    reach = [(day, 800.0 + n if n != 2 else None) for n, day in enumerate(days)]
    await kept.figures(database, account.id, "reach", reach)
    await kept.figures(
        database, account.id, "reach.days_28", [(last, 12_340), (last - timedelta(28), 9_255)]
    )
    await kept.figures(database, account.id, "likes", [(day, 10) for day in days])
    posted = harness.clock() - timedelta(days=5)
    await kept.post(database, account.id, "C1", posted, last, reach=700, views=900)
    return mia, account


async def last_of(harness: Harness, account: InsightAccount) -> date:
    async with harness.app.database.read() as db:
        return last_day(harness.clock(), await zone_of(db, account))


async def only_sync(harness: Harness, account_id: int = 1) -> Sync:
    async with harness.app.database.read() as db:
        (found,) = await syncs.latest(db, account_id, 2)
    return found


async def ends(harness: Harness, account_id: int = 1) -> None:
    """The sync does, and its card may be edited again."""
    async with asyncio.timeout(60):
        while (await only_sync(harness, account_id)).state in UNFINISHED:
            await harness.turn()
    harness.clock.advance(seconds=4)


async def reaches(harness: Harness, state: str) -> None:
    async with asyncio.timeout(60):
        while (await only_sync(harness)).state != state:
            await harness.turn()


# ---------------------------------------------------------------- from nothing to a chart


async def test_from_nothing_to_a_chart(harness: Harness, charts: list[dict[str, Any]]) -> None:
    """One card of the sync, edited in place, which ends as its log."""
    mia = await harness.owner()
    mia.say("/insights")
    await mia.sees("No professional Instagram account.*Creator account will do")
    assert mia.labels() == ["🔗 Connect Meta", "Menu"]
    mia.say("/sync")
    await mia.until(lambda: str(mia.messages()).count("No professional") == 2 or None, "the same")

    await harness.app.meta.logins.paste(mia.user_id, harness.sandbox.meta.instagram_token("mia"))
    mia.say("/insights")
    card = await mia.sees("nothing has been read yet")
    await mia.tap("Read now")
    await mia.answered()
    await ends(harness)
    done = await mia.sees("figures up to .* are read")
    assert done["message_id"] == card["message_id"]
    assert re.search(r"\d+ new values · .*\d+ requests", done["text"])
    await mia.tap("Details")
    await mia.sees("Reach: \\d new")
    await mia.tap("Sync log")
    await mia.sees("syncs, the newest first\n✅ .*asked for, \\d+ new")

    await mia.tap("Figures")
    shown = await mia.sees("@mia · Reach, 28 days to")
    assert "photo" in shown
    known = re.search(r"(\d) of 28 days are known; a gap .* is a gap, not a zero", shown["caption"])
    assert known is not None
    assert charts[-1]["values"].count(None) == 28 - int(known[1])
    mia.say("/start")
    await mia.tap("📈 Insights")
    await mia.sees("@mia · Reach, 28 days to")


async def test_each_button_edits_the_same_message(
    harness: Harness, charts: list[dict[str, Any]]
) -> None:
    mia, _ = await read(harness)
    mia.say("/insights")
    shown = await mia.sees("12,340 different accounts in 28 days, as Meta counts them")
    for sentence in (
        "a third more than in the 28 days before (+33\u202f%)",
        "27 of 28 days are known",
        "Wed 18 Nov: Meta has no data",
    ):
        assert sentence in shown["caption"]
    assert charts[-1]["figure"] == "12,340"
    for label, text in (
        ("7 d", "803 different accounts on an average day"),
        ("90 d", "on an average day\\. Nothing is known of the 90 days before"),
        ("Overview", "Reach .*/d"),
        ("28 d", "Reach +12,340 +\\+33"),
        ("Best", "🎬 ⁨=1\\+1⁩ · .* · reach 700, views 900"),
        ("‹ Chart", "12,340"),
        ("Audience", "Not asked for so far"),
        ("Of those who engage", "Engaged accounts"),
        ("‹ Chart", "12,340"),
        ("Reach ▾", "Which figure"),
        ("More ›", "Likes: on everything"),
        ("Likes", "280 likes in 28 days: about as many as in the 28 days before"),
        ("Dark chart", "280 likes"),
    ):
        await mia.tap(label)
        card = await mia.sees(text)
        assert card["message_id"] == shown["message_id"]
        await mia.answered()
    assert [chart["theme"] for chart in charts[-2:]] == ["light", "dark"]
    assert "☀️ Light chart" in mia.labels()
    assert len(mia.messages()) == 2, "the menu and the chart"


async def test_without_its_picture_a_card_says_the_same(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise MediaFailed("crashed")

    mia, _ = await read(harness)
    monkeypatch.setattr(MediaRunner, "run", fails)
    mia.say("/insights")
    assert "text" in await mia.sees("12,340 different accounts")


# ---------------------------------------------------------------- taken along


async def test_files_and_a_page(harness: Harness) -> None:
    mia, _ = await read(harness)
    mia.say("/insights")
    await mia.sees("12,340")
    await mia.tap("JSON")
    await mia.sees("122 values as JSON")
    await mia.sees("How each post and reel stood")
    files = [one["document"] for one in mia.messages() if "document" in one]
    assert [re.sub(r"-\d.*", "", one["file_name"]) for one in files] == [
        "reelay-mia-insights",
        "reelay-mia-posts",
    ]
    stored = harness.telegram.files.find(files[0]["file_id"])
    assert stored is not None
    content = json.loads(stored.data)
    assert {row["state"] for row in content["values"]} == {"number", "not_available"}

    await mia.tap("🌐 Page")
    address = re.search(r"http\S+", (await mia.sees("The figures as a page"))["text"])
    assert address is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        assert "12,340" in (await client.get(address[0])).text
        await mia.tap("Revoke…")
        await mia.sees("Revoke\\? The address")
        await mia.tap("🚫 Revoke", below=mia.messages()[-1])
        await mia.sees("No address of @mia opens anything any more")
        assert (await client.get(address[0])).status_code == 404


async def test_a_file_that_is_too_large_is_never_left_out_in_silence(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.insights.taking.UPLOAD", 100)
    mia, _ = await read(harness)
    mia.say("/insights")
    await mia.sees("12,340")
    await mia.tap("CSV")
    await mia.sees("The figures are larger as CSV")
    await mia.sees("The days of the posts and reels are larger as CSV")
    await mia.tap("XLSX", below=mia.messages()[-1])
    said = await mia.sees("The days of the posts and reels are larger as XLSX")
    assert "much smaller" not in said["text"]
    assert "🌐 Page" in mia.labels(said)
    assert not [one for one in mia.messages() if "document" in one]


async def test_the_weekly_digest(harness: Harness) -> None:
    mia, account = await read(harness)
    mia.say("/insights")
    await mia.tap("Weekly digest: off")
    await mia.toast("Each Monday")
    await mia.sees_button("Weekly digest: on")
    last = await last_of(harness, account)
    week = last - timedelta(last.weekday() + 7)
    async with harness.app.database.write() as db:
        await notices.add(
            db,
            mia.user_id,
            "insights_digest",
            harness.clock(),
            account_id=account.id,
            week=week.isoformat(),
        )
    told = await mia.sees(f"the week of {week:%-d %b}")
    assert "Right: against the 7 days before" in told["text"]
    await mia.tap("No more digests")
    await mia.sees_button("Weekly digest: off")


# ---------------------------------------------------------------- a sync


async def test_one_that_waits_says_until_when_and_is_not_begun_again(harness: Harness) -> None:
    mia = await connected(harness)
    harness.sandbox.meta.bad_days.switch("meta-rate-limit", True)
    mia.say("/sync")
    waits = await mia.sees("Meta asks for fewer calls. I go on by myself at")
    assert mia.labels(waits) == ["⏹ Cancel"]
    mia.say("/sync")
    again = await mia.until(
        lambda: next((one for one in mia.messages()[-1:] if one != waits), None), "its card"
    )
    assert "I go on by myself at" in again["text"]
    harness.sandbox.meta.bad_days.switch("meta-rate-limit", False)
    harness.clock.advance(hours=25)
    ended = await mia.sees("figures up to .* are read")
    assert ended["message_id"] not in (waits["message_id"], again["message_id"]), "it rings"
    await mia.until(
        lambda: again["message_id"] not in [one["message_id"] for one in mia.messages()] or None,
        "the end of its card",
    )


async def test_one_that_the_clock_began_is_followed_too(harness: Harness) -> None:
    mia = await connected(harness)
    harness.sandbox.meta.bad_days.switch("meta-rate-limit", True)
    await harness.tick("daily syncs")
    mia.say("/sync")
    card = await mia.sees("@mia")
    await reaches(harness, "waiting")
    harness.sandbox.meta.bad_days.switch("meta-rate-limit", False)
    harness.clock.advance(hours=25)
    await harness.turn()
    await ends(harness)
    await harness.turn()
    shown = next(one for one in mia.messages() if one["message_id"] == card["message_id"])
    assert "are read" in shown["text"]


async def test_canceled_keeps_what_was_read(harness: Harness) -> None:
    mia = await connected(harness)
    harness.sandbox.meta.bad_days.switch("meta-rate-limit", True)
    mia.say("/sync")
    await mia.sees("I go on by myself at")
    await mia.tap("Cancel")
    await mia.sees("stopped. What was read")
    assert (await only_sync(harness)).state == "canceled"


async def test_a_missing_permission_is_said_with_the_next_step(harness: Harness) -> None:
    mia = await connected(harness)
    harness.sandbox.meta.bad_days.switch("meta-no-insights-permission", True)
    mia.say("/sync")
    await mia.sees("reading the figures")
    await ends(harness)
    done = await mia.sees("▫️ .*Reach.*: the log-in may not read it")
    assert "🔗 Connect Meta" in mia.labels(done)
    told = await mia.sees("log-in of @mia may not read insights(.|\n)*leave every box ticked")
    assert mia.labels(told)[0] == "🔗 Connect Meta"


async def test_a_dead_log_in_leads_to_connect(harness: Harness) -> None:
    mia, account = await read(harness)
    assert account.meta_id is not None
    async with harness.app.database.write() as db:
        await meta_accounts.change(db, account.meta_id, problem="Meta says <no>.")
    mia.say("/sync")
    card = await mia.sees("Meta says <no>. What was read is kept")
    assert mia.labels(card)[0] == "🔗 Connect Meta"


# ---------------------------------------------------------------- whose it is


async def test_nobody_elses_figures(harness: Harness) -> None:
    """Leo is no part of the team: a button with the number of Mia's account does nothing."""
    mia, account = await read(harness)
    await harness.app.insights.service.begin(mia.user_id, account.id)
    sync = await only_sync(harness)
    leo = await harness.member()
    leo.say("/insights")
    await leo.sees("No professional")
    before = len(leo.messages())
    place = f"{account.id}-28-reach"
    looks = ("show", "theme", "overview", "best", "audience", "csv", "page", "page_new", "page_off")
    taps = [f"v1:ins:{verb}:{place}" for verb in (*looks, "page_off_yes", "digest_on")]
    taps += [f"v1:sync:{verb}:{account.id}" for verb in ("now", "log", "forget", "forget_yes")]
    taps += [f"v1:sync:{verb}:{sync.id}" for verb in ("open", "cancel", "detail")]
    for data in taps:
        leo.forge(data)
        await leo.answered()
        toast = harness.telegram.toasts(leo.user_id)[-1]["text"]
        assert re.search("No professional|is gone", toast), data
    assert "@mia" not in str(leo.messages())
    assert len(leo.messages()) == before
    async with harness.app.database.read() as db:
        kept_as = await insights.get(db, account.id)
    assert kept_as is not None
    assert not kept_as.digest
    assert await harness.app.insights.pages.working(mia.user_id, account.id) == []


async def test_a_button_of_another_version_says_so(harness: Harness) -> None:
    mia, account = await read(harness)
    for data in (
        f"v1:ins:show:{account.id}-29-reach",
        f"v1:ins:show:{account.id}-28-nothing",
        "v1:ins:show",
        f"v1:ins:nothing:{account.id}-28-reach",
        "v1:sync:nothing:1",
    ):
        mia.forge(data)
        await mia.answered()
        toast = harness.telegram.toasts(mia.user_id)[-1]["text"]
        assert toast == "That button is from another version.", data


async def test_an_admin_sees_the_owners_account_but_its_digest_and_its_end(
    harness: Harness,
) -> None:
    _, account = await read(harness)
    leo = await harness.member()
    async with harness.app.database.write() as db:
        await people.change(db, leo.user_id, role="admin")
    leo.say("/insights")
    shown = await leo.sees("12,340")
    assert "digest" not in str(leo.labels(shown))
    await leo.tap("Sync log")
    assert "Forget" not in str(leo.labels(await leo.sees("None yet")))
    leo.forge(f"v1:sync:forget_yes:{account.id}")
    await leo.toast("Only who connected")


async def test_of_several_accounts_one_is_chosen(harness: Harness) -> None:
    """Leo's own has 61 followers, of which Meta does not tell everything."""
    await read(harness)
    leo = await harness.member()
    async with harness.app.database.write() as db:
        await people.change(db, leo.user_id, role="admin")
    token = harness.sandbox.meta.instagram_token("leo")
    await harness.app.meta.logins.paste(leo.user_id, token)
    leo.say("/sync")
    await leo.sees("Whose figures shall be read now")
    await leo.tap("@leo")
    await leo.sees("@leo: reading the figures")
    await ends(harness, 2)
    await leo.sees("@leo: figures up to .* are read")
    leo.say("/insights")
    shown = await leo.sees("@leo · Reach")
    await leo.tap("Reach ▾")
    await leo.tap("More ›")
    await leo.tap("New followers")
    await leo.sees("@leo · New followers(.|\n)*Meta does not tell below 100 followers")
    await leo.tap("👤 @leo ▾")
    await leo.tap("@mia (team)")
    card = await leo.sees("@mia · New followers")
    assert card["message_id"] == shown["message_id"]


async def test_the_history_goes_in_two_steps(harness: Harness) -> None:
    """And only once nothing would bring it back."""
    mia, account = await read(harness)
    mia.say("/insights")
    await mia.tap("Sync log")
    await mia.tap("Forget the history")
    await mia.sees("still connected at Meta")
    assert account.meta_id is not None
    await harness.app.meta.logins.forget(mia.user_id, account.meta_id)
    mia.say("/insights")
    shown = await mia.sees("Not connected to Meta any more: what was read stays")
    await mia.tap("Sync log", below=shown)
    await mia.tap("Forget the history")
    await mia.sees("Forget the history of @mia\\?")
    await mia.tap("🗑 Forget it")
    await mia.sees("is deleted")
    mia.say("/insights")
    await mia.sees("No professional")
