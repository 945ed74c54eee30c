"""/analyze in the chat: from a name to figures, files and a page, and each way it can fail."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest

from services.analysis.exports import AnalysisExports
from services.errors import NotAllowed
from services.media.runner import MediaFailed, MediaRunner
from storage import analysis, notices
from storage.analysis import Analysis
from storage.database import Database
from tests.support import analyses
from tests.support.harness import Harness, PumpedVisitor
from tests.support.rows import NOW

Asked = list[tuple[str, str]]


def some(count: int = 20, **changes: Any) -> list[Any]:
    """Reels as they are stored, one a day."""
    return [
        analyses.new(n, plays=1_000 + n, taken_at=NOW - timedelta(days=n + 4), **changes)
        for n in range(count)
    ]


async def analysed(
    harness: Harness, visitor: PumpedVisitor, name: str = "rosa", number: str = "30", **to: Any
) -> Analysis:
    """An analysis that ended a moment ago."""
    to = {"state": "completed", "at": harness.clock(), "media_count": 20} | to
    return await analyses.analysed(
        harness.app.database, some(), visitor.user_id, asked=name, platform_id=number, **to
    )


async def tell(database: Database, item: Analysis, kind: str) -> None:
    async with database.write() as db:
        await notices.add(db, item.user_id, kind, item.changed_at, analysis_id=item.id)


async def item_of(harness: Harness, analysis_id: int = 1) -> Analysis:
    async with harness.app.database.read() as db:
        item = await analysis.get(db, analysis_id)
    assert item is not None
    return item


def photos(visitor: PumpedVisitor) -> list[Any]:
    return [message for message in visitor.messages() if "photo" in message]


# ---------------------------------------------------------------- from a name to figures


async def test_from_a_name_to_a_picture_with_figures(harness: Harness) -> None:
    """The chart is really drawn; the progress is silent, and the result rings in its place."""
    mia = await harness.connected()
    mia.say("/analyze")
    await mia.sees("Whose reels")
    mia.say("https://www.instagram.com/rosa.reels/?hl=en")
    result = await mia.sees("Median views")
    assert result["photo"][-1]["width"] == 1080
    assert "72 reels, 5 May – 31 Oct 2026" in result["caption"]
    assert "8 reels hide likes" in result["caption"]
    said = [call for call in harness.telegram.calls if call.method in ("sendMessage", "sendPhoto")]
    assert [call.args["disable_notification"] for call in said[-2:]] == ["true", "false"]
    await mia.answered()
    await harness.turn()
    assert [one for one in mia.messages() if "reading the profile" in str(one)] == []
    async with harness.app.database.read() as db:
        assert await analysis.CARDS.of(db, 1) is None


async def test_the_archive_is_offered_and_a_day_has_a_limit(
    harness: Harness, no_charts: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia = await harness.connected()
    await analysed(harness, mia)
    mia.say("/analyze @Rosa")
    await mia.sees("I looked at @rosa at .*: 20 reels")
    await mia.tap("Show it")
    await mia.sees("Median views 1")
    monkeypatch.setattr(harness.app.analysis.service, "_per_day", 1)
    mia.say("/analyze nobody.there")
    await mia.sees("nobody of that name")
    await mia.tap("Analyse another")
    await mia.tap("@rosa")
    await mia.tap("Analyse anew")
    await mia.sees("You have begun 1 analyses within a day.*free at")


async def test_one_that_runs_is_shown_and_not_begun_again(
    harness: Harness, no_charts: Asked
) -> None:
    mia = await harness.connected()
    await analysed(harness, mia, state="paused", error="StorageFailed", message="Disk full.")
    mia.say("/analyze rosa")
    await mia.sees("Disk full")
    await mia.tap("Cancel")
    await mia.sees("stopped after 20 reels, which can be looked at")
    await mia.tap("Show the figures")
    await mia.sees("stopped before its end, so older reels are missing")


async def test_the_link_of_a_collection_is_imported_whatever_was_asked(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say("/analyze")
    await mia.sees("Whose reels")
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty")


# ---------------------------------------------------------------- what goes wrong


async def test_each_failure_has_its_own_sentence(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/analyze rosa.reels")
    await mia.sees("no account is connected.* Nothing was started")
    await harness.connect(mia, "mia")
    for name, sentence in (
        ("nobody.there", "@nobody.there: Instagram knows nobody of that name"),
        ("locked.diary", "@locked.diary: That profile is private"),
        ("midnight.still", "@midnight.still: Instagram shows that profile to people of a certain"),
        ("https://www.instagram.com/reel/C1/", "does not say whose it is"),
        ("two words", "one profile at a time"),
    ):
        mia.say(f"/analyze {name}")
        await mia.sees(sentence)


async def test_a_429_waits_says_until_when_and_goes_on(harness: Harness, no_charts: Asked) -> None:
    harness.sandbox.instagram.bad_days.switch("reels-throttled", True)
    harness.sandbox.instagram.bad_days.switch("odd-reels", True)
    mia = await harness.connected()
    mia.say("/analyze rosa.reels")
    await mia.sees("@rosa.reels · ")
    await reaches(harness, "waiting")
    harness.clock.advance(seconds=4)
    await mia.sees("so far\nInstagram asks to slow down. I go on by myself at")
    harness.clock.advance(minutes=6)
    result = await mia.sees("Median views")
    assert re.search(r"\d reels could not be read", result["caption"])


async def reaches(harness: Harness, state: str) -> None:
    async with asyncio.timeout(60):
        while (await item_of(harness)).state != state:
            await harness.turn()


async def test_a_pause_rings_in_place_of_the_card_and_is_the_card(harness: Harness) -> None:
    mia = await harness.connected()
    item = await analysed(harness, mia, state="processing")
    mia.say("/reports")
    await mia.tap("@rosa")
    card = await mia.sees("20 reels so far")
    await mia.answered()
    async with harness.app.database.write() as db:
        await analysis.move(
            db,
            item.id,
            harness.clock(),
            from_states=["processing"],
            state="paused",
            error="SessionRefused",
            message="Log in again.",
            next_step="Send cookies.",
        )
    await tell(harness.app.database, item, "analysis_paused")
    paused = await mia.sees("Log in again. Send cookies")
    assert paused["message_id"] != card["message_id"]
    assert mia.labels(paused)[0] == "🍪 Send new cookies"
    await harness.turn()
    assert [one for one in mia.messages() if one["message_id"] == card["message_id"]] == []
    async with harness.app.database.read() as db:
        kept = await analysis.CARDS.of(db, item.id)
    assert kept is not None
    assert kept.message_id == paused["message_id"]


async def test_trying_again_what_is_being_analysed_shows_that(harness: Harness) -> None:
    mia = await harness.connected()
    failed = await analysed(harness, mia, state="failed", message="It failed.")
    await analysed(harness, mia, state="paused", message="Log in again.")
    mia.forge(f"v1:ana:resume:{failed.id}")
    await mia.toast("being analysed already")
    await mia.sees("Log in again")


async def test_notices_of_what_was_deleted_say_nothing(harness: Harness) -> None:
    mia = await harness.connected()
    item = await analysed(harness, mia)
    await harness.app.analysis.service.delete(mia.user_id, item.id)
    before = len(mia.messages())
    await tell(harness.app.database, item, "analysis_ended")
    async with harness.app.database.write() as db:
        await notices.add(db, mia.user_id, "joined", item.changed_at, name="Leo")
    await mia.sees("Leo has joined")
    assert len(mia.messages()) == before + 1


async def test_without_its_chart_a_card_says_the_same(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise MediaFailed("crashed")

    monkeypatch.setattr(MediaRunner, "run", fails)
    mia = await harness.connected()
    await analysed(harness, mia)
    mia.say("/reports")
    await mia.tap("@rosa")
    assert "text" in await mia.sees("Median views")


# ---------------------------------------------------------------- one message, many cards


async def test_each_button_edits_the_same_message(harness: Harness, no_charts: Asked) -> None:
    mia = await harness.connected()
    await analysed(harness, mia)
    await tell(harness.app.database, await item_of(harness), "analysis_ended")
    shown = await mia.sees("Median views")
    for label, text, width in (
        ("Top", "Top 5 of", 90),
        ("Tiers", "Tiers of", 90),
        ("Trend", "Trend of", 92),
        ("When", "do best", 94),
        ("Hashtags", "Hashtags of", 90),
        ("Mentions", "None of the reels has any", 90),
        ("Overview", "Median views", 90),
    ):
        await mia.tap(label)
        card = await mia.sees(text)
        assert card["message_id"] == shown["message_id"]
        assert card["photo"][-1]["width"] == width
    await mia.tap("With last time")
    await mia.toast("no earlier analysis")
    await mia.tap("Dark chart")
    await mia.sees_button("Light chart")
    assert no_charts[-1] == ("ViewsChart", "dark")
    assert len(photos(mia)) == 1


async def test_comparing_with_the_last_time_and_with_another(
    harness: Harness, no_charts: Asked
) -> None:
    mia = await harness.connected()
    await analysed(harness, mia, followers=100)
    harness.clock.advance(hours=30)
    await analysed(harness, mia, followers=110)
    await analysed(harness, mia, "kaede", "40", followers=5_000)
    mia.say("/reports")
    await mia.sees("Reports, the newest first\n.*kaede.*\n.*rosa.*\n.*rosa")
    await mia.tap("@kaede")
    await mia.sees("5.k followers")
    await mia.tap("With @other")
    await mia.sees("Compare @kaede with another profile")
    await mia.tap("@rosa")
    await mia.sees("Followers: 5.k · 110, 45.5×")
    await mia.tap("Dark chart")
    await mia.sees_button("Light chart")
    await mia.sees("Followers: 5.k · 110, 45.5×")
    await mia.tap("With @other")
    await mia.sees("Choose whom, or send a name")
    await mia.answered()
    mia.say("kaede")
    await mia.sees("That is the same profile")
    mia.say("@nobody")
    await mia.sees("I have no analysis of @nobody yet")
    await mia.answered()
    mia.forge("v1:ana:open:2")
    await mia.sees("^📊 @rosa")
    await mia.tap("With last time")
    await mia.sees("Followers: 100 → 110, \\+10 \\(\\+10.%\\)")
    mia.forge(f"v1:ana:beside:2-{'9' * 25}")
    await mia.toast("That analysis is gone")


# ---------------------------------------------------------------- taking it along


async def test_a_file_that_fails_says_so_in_place_of_what_announced_it(
    harness: Harness, no_charts: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> int:
        raise NotAllowed

    monkeypatch.setattr(AnalysisExports, "_build", fails)
    mia = await harness.connected()
    await analysed(harness, mia)
    mia.say("/reports")
    await mia.tap("@rosa")
    await mia.tap("CSV")
    await mia.sees("The file could not be built")
    await harness.turn()
    assert [one for one in mia.messages() if "Building" in one.get("text", "")] == []


async def test_files_with_chosen_fields_arrive_and_can_be_had_again(
    harness: Harness, no_charts: Asked
) -> None:
    mia = await harness.connected()
    await analysed(harness, mia)
    mia.say("/reports")
    await mia.tap("@rosa")
    await mia.tap("Fields")
    await mia.sees("What shall stand in the file of @rosa")
    for label in ("✓ Link", "✓ Profile on top"):
        await mia.tap(label)
        await mia.sees_button(label.replace("✓", "—"))
    await mia.tap("CSV")
    await mia.sees("20 reels as CSV")
    table = (await mia.receives(".csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert len(rows) == 20
    assert "shortcode" not in rows[0]
    assert rows[0]["plays"] == "1000"
    await mia.tap("Exports")
    await mia.sees("CSV of @rosa: .* kB, made")
    before = len([one for one in mia.messages() if "document" in one])
    await mia.tap("⬇️ CSV @rosa")
    await mia.until(
        lambda: len([one for one in mia.messages() if "document" in one]) > before or None,
        "the file again",
    )


async def test_an_address_of_its_page_is_made_and_revoked(
    harness: Harness, no_charts: Asked
) -> None:
    mia = await harness.connected()
    await analysed(harness, mia)
    mia.say("/reports")
    await mia.tap("@rosa")
    await mia.tap("Web report")
    said = await mia.sees("The report as a page")
    found = re.search(rf"http://127\.0\.0\.1:{harness.app.web_port}/reports/(\S+)", said["text"])
    assert found
    reports = harness.app.analysis.reports
    assert await reports.open(found[1])
    await mia.answered()
    await mia.tap("Web report")
    await mia.sees("has 1 address as a page")
    await mia.tap("New address")
    await mia.sees("1 older one still works")
    await mia.tap("Revoke…")
    await mia.sees("Revoke\\? All 2 addresses of @rosa will open nothing")
    await mia.tap("🚫 Revoke")
    await mia.toast("Revoked")
    assert await reports.open(found[1]) is None


async def test_deleting_takes_two_taps(harness: Harness, no_charts: Asked) -> None:
    mia = await harness.connected()
    item = await analysed(harness, mia)
    mia.say("/reports")
    await mia.tap("@rosa")
    await mia.tap("Delete…")
    await mia.sees("Delete the analysis of @rosa\\? Its 20 reels")
    await mia.tap("Keep it")
    await mia.sees("Median views")
    await mia.tap("Delete…")
    await mia.sees("Delete the analysis of @rosa\\? Its 20 reels")
    await mia.tap("🗑 Delete")
    await mia.sees("The analysis of @rosa is deleted")
    mia.say("/reports")
    await mia.sees("No reports yet")
    mia.say("/start")
    await mia.sees("this is Reelay")
    mia.forge(f"v1:ana:open:{item.id}")
    await mia.toast("That analysis is gone")


async def test_nobody_touches_what_is_not_theirs(harness: Harness) -> None:
    mia = await harness.connected()
    item = await analysed(harness, mia)
    leo = await harness.member()
    verbs = "open again anew theme cancel resume acted delete delete_yes last other top tiers"
    files = "csv json xlsx fields page page_new page_off page_off_yes"
    buttons = [("ana", verb) for verb in verbs.split()] + [("rep", verb) for verb in files.split()]
    for area, verb in buttons:
        ref = f"{item.id}-open" if verb == "theme" else item.id
        leo.forge(f"v1:{area}:{verb}:{ref}")
        await leo.answered()
    assert {one["text"] for one in harness.telegram.toasts(leo.user_id)} == {
        "That analysis is gone."
    }
    assert await item_of(harness) == item


async def test_asking_for_deletion_stops_what_is_being_analysed(harness: Harness) -> None:
    mia = await harness.connected()
    item = await analysed(harness, mia, state="paused")
    mia.say("/privacy")
    await mia.tap("Delete everything…")
    await mia.sees("Type DELETE")
    await mia.answered()
    mia.say("DELETE")
    await mia.sees("Everything of yours is deleted at")
    await asyncio.sleep(0)
    assert (await item_of(harness, item.id)).state == "canceled"
