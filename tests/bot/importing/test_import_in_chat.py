"""An import as a person sees it, from the link to the report."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bot.importing.handlers import report
from sandbox.world import World
from storage import importing
from storage.tables import cards
from tests.bot.factories import outcome
from tests.bot.seeds import URL, seed_import, state_of
from tests.support.harness import Harness


async def test_a_collection_is_imported_from_link_to_report(
    tmp_path: Path, templates: Path, world: World
) -> None:
    """Four of 24 posts: what an import may bring at most is a setting."""
    async with Harness(
        tmp_path / "data", world, templates=templates, IMPORT_POST_LIMIT="4"
    ) as harness:
        mia = await harness.connected()
        mia.say(world.collection_url("mia", "beats"))
        preview = await mia.sees(
            "Beats · 4 posts so far, and there are more\nCosts 1 credit a post"
        )
        assert mia.labels(preview) == ["📥 Import all", "Newest 50", "🧹 Filters", "Cancel"]
        await mia.tap("Import all")
        result = await mia.sees("✅ Done: Beats\n4 posts saved")
        assert "4 credits paid, 0 refunded, 496 left" in result["text"]
        assert "paste its link again for the next 4" in result["text"]
        await mia.tap("CSV report")
        rows = list(csv.DictReader(io.StringIO((await mia.receives(".csv")).decode("utf-8-sig"))))
        assert [row["outcome"] for row in rows] == ["saved"] * 4
        mia.say("/import")
        await mia.tap("🔁 Beats")
        await mia.sees("4 of them are here already: free")


async def test_a_single_post_needs_no_question(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say("look at " + harness.sandbox.world.collection("mia", "beats").posts[0].url)
    await mia.sees("✅ Done: Post ")
    assert "1 credit paid, 0 refunded, 499 left" in mia.transcript


async def test_an_empty_collection_is_closed_with_one_tap(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty: there is nothing to import yet")
    await mia.tap("Close")
    await mia.sees("Closed. Nothing was charged.")
    assert await state_of(harness, 1) == "cancelled"


async def test_a_preview_is_shown_without_waiting_for_a_turn_of_the_throttle(
    harness: Harness,
) -> None:
    """The card "Looking at…" is new, not edited: the preview need not keep a distance to it."""
    mia = await harness.connected()
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty")
    edits = [call.at for call in harness.telegram.calls if call.method == "editMessageText"]
    said = [call.at for call in harness.telegram.calls if call.method == "sendMessage"]
    assert len([call for call in edits if call > said[-1]]) <= 2


async def test_the_same_link_again_replaces_an_unanswered_preview(harness: Harness) -> None:
    mia = await harness.connected()
    first = await seed_import(harness, mia, 1, state="offered")
    mia.say(URL)
    await mia.until(lambda: "Looking at" in mia.transcript or None, "a new look")
    assert await state_of(harness, first) == "cancelled"
    assert "imported already" not in mia.transcript


async def test_the_same_link_while_it_runs_shows_that_import(harness: Harness) -> None:
    mia = await harness.connected()
    first = await seed_import(harness, mia, 1, state="paused", reason="user", items=4)
    mia.say(URL)
    await mia.sees("That collection is being imported already. Here is the import")
    await mia.sees("Paused by you")
    assert await state_of(harness, first) == "paused"


async def test_without_an_account_the_link_leads_to_connecting(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say(URL)
    await mia.sees("First connect the Instagram account that saved it")
    await mia.tap("Connect Instagram")
    await mia.sees("Send your cookies.txt")


async def test_import_asks_for_a_link_and_explains_what_is_none(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say("/import")
    card = await mia.sees("Paste the link of a saved collection")
    assert mia.labels(card) == ["Cancel"]
    mia.say("https://www.tiktok.com/@someone/video/1")
    answer = await mia.sees("That is a TikTok link.* Nothing was changed.")
    assert "Send the link of a saved collection" in answer["text"]
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))  # the question is still open
    await mia.sees("Empty is empty")


async def test_import_takes_its_link_along(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say("/import " + harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty")


async def test_of_several_accounts_the_owner_of_the_list_is_taken(harness: Harness) -> None:
    mia = await harness.connected()
    await harness.connect(mia, "leo")
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty")


async def test_of_several_accounts_one_is_chosen_where_the_link_does_not_tell(
    harness: Harness,
) -> None:
    mia = await harness.connected()
    await harness.connect(mia, "leo")
    post = harness.sandbox.world.collection("leo", "recipes").posts[0]
    mia.say(post.url)
    card = await mia.sees("Which account saved Post ")
    assert mia.labels(card) == ["@mia", "@leo", "Cancel"]
    await mia.tap("@leo")
    await mia.answered()
    async with harness.app.database.read() as db:
        (item,) = await importing.latest(db, mia.user_id, 5)
    assert item.connection_id == 2


async def test_a_choice_that_is_not_asked_any_more_says_so(harness: Harness) -> None:
    mia = await harness.connected()
    mia.forge("v1:imp:with:1")
    await mia.sees("That question is too old.")


async def test_somebody_elses_account_can_not_be_chosen(harness: Harness) -> None:
    await harness.connected()
    leo = await harness.member()
    await harness.connect(leo, "leo")
    await harness.connect(leo, "zoe")
    leo.say("https://www.instagram.com/p/C1a2b3c4d5e/")
    await leo.sees("Which account")
    leo.forge("v1:imp:with:1")
    await leo.toast("not yours to change")


async def test_stopping_asks_first(harness: Harness) -> None:
    mia = await harness.connected()
    import_id = await seed_import(harness, mia, 1, state="waiting", reason="rate", items=4)
    mia.say("/jobs")
    await mia.tap("Reels ideas")
    await mia.tap("Cancel…")
    await mia.sees("Stop importing Reels ideas now?")
    assert await state_of(harness, import_id) == "waiting"
    await mia.tap("⏹ Stop")
    result = await mia.sees("⏹ Stopped: Reels ideas")
    assert "4 not started" in result["text"]
    assert await state_of(harness, import_id) == "cancelled"


async def test_failures_and_the_way_back_to_the_result(harness: Harness) -> None:
    mia = await harness.connected()
    await seed_import(harness, mia, 1, state="done", items=2, error="http_404")
    mia.say("/jobs")
    await mia.tap("Reels ideas")
    await mia.tap("Show failures")
    await mia.sees("C00000 · the file is not there\nC00001 · the file is not there")
    await mia.tap("‹ Result")
    await mia.sees("✅ Done: Reels ideas")


async def test_a_result_tapped_while_it_runs_again_follows_it(harness: Harness) -> None:
    mia = await harness.connected()
    import_id = await seed_import(harness, mia, 1, state="paused", reason="user", items=2)
    mia.say("/help")
    await mia.sees("What I can do")
    mia.forge(f"v1:imp:result:{import_id}")  # from the card of its first end
    await mia.sees("⏸ Reels ideas")
    await mia.answered()
    async with harness.app.database.read() as db:
        row = (await db.execute(cards.select())).one()
    assert row.message_id == mia.messages()[-1]["message_id"]


async def test_jobs_of_a_newcomer_offer_the_first_import(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/jobs")
    await mia.sees("No imports yet")
    await mia.tap("📥 Import")
    await mia.sees("Paste the link")


@pytest.mark.parametrize("shortcode", ["-Abc", "=Abc"])
def test_a_report_can_not_carry_a_formula(shortcode: str) -> None:
    listed = [outcome(shortcode=shortcode), outcome(shortcode="", error=None, settled_at=None)]
    rows = list(csv.DictReader(io.StringIO(report(listed).decode("utf-8-sig"))))
    assert rows[0]["shortcode"] == f"'{shortcode}"
    assert rows[1]["url"] == ""
    assert rows[0]["at_utc"] == "2026-11-20 14:05:00"
