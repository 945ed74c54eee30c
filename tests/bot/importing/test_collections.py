"""The screens of collections, tapped by their owner and by somebody who is not."""

from __future__ import annotations

import pytest

from bot.importing import collection_cards
from bot.outbox import is_silent
from storage import importing
from storage.importing import Collection
from tests.bot.factories import NOW, collection, collection_view, connection, imported, user
from tests.bot.seeds import seed_import, state_of
from tests.support.harness import Harness, PumpedVisitor

FORGED = (
    "one:1 daily:1 now:1 filters:1 video:1 everything:1 range:1 merge:1 join:1-2 join:2-1 "
    "unmerge:1 one:99 join:1 one"
)


async def kept(harness: Harness, visitor: PumpedVisitor) -> list[Collection]:
    async with harness.app.database.read() as db:
        return await importing.collections_of(db, visitor.user_id, 9)


async def with_a_collection(harness: Harness, **seed: object) -> PumpedVisitor:
    """Mia, who has an import of "Reels ideas" that is done."""
    mia = await harness.connected()
    wanted = {"state": "done", "ended_at": harness.clock(), **seed}
    await seed_import(harness, mia, 1, **wanted)  # type: ignore[arg-type]
    return mia


async def opened(harness: Harness, **seed: object) -> PumpedVisitor:
    mia = await with_a_collection(harness, **seed)
    mia.forge("v1:col:list")
    await mia.tap("Reels ideas")
    await mia.sees("🗂 Reels ideas · 0 posts in your library")
    return mia


async def test_before_the_first_import_the_screen_says_what_it_is_for(harness: Harness) -> None:
    mia = await harness.connected()
    mia.forge("v1:col:list")
    await mia.sees("None yet. Import one: then you choose here how it keeps itself fresh")
    await mia.tap("📥 Import")
    await mia.sees("Paste the link")


async def test_a_result_leads_to_its_collection_and_refresh_is_switched(harness: Harness) -> None:
    mia = await with_a_collection(harness)
    mia.say("/jobs")
    await mia.tap("Reels ideas")
    await mia.tap("🗂 Collection")
    card = await mia.sees("Refresh: off")
    assert mia.labels(card)[:3] == ["✓ Off", "Daily", "Weekly"]
    await mia.tap("Daily")
    card = await mia.sees("Refresh: daily, next ")
    assert mia.labels(card)[:3] == ["Off", "✓ Daily", "Weekly"]
    await mia.tap("✓ Daily")
    await mia.toast("It is so already")
    await mia.tap("Off")
    await mia.sees("Refresh: off")
    assert [one.refresh for one in await kept(harness, mia)] == ["never"]


async def test_filters_are_chosen_typed_and_taken_off(harness: Harness) -> None:
    mia = await opened(harness)
    await mia.tap("🧹 Filters")
    await mia.sees("import everything")
    await mia.tap("🎬 Films")
    await mia.sees("import films")
    await mia.tap("1 month")
    await mia.sees("import films, the last month")
    await mia.tap("📅 From … to")
    await mia.sees("Send the first and the last day")
    mia.say("last summer")
    await mia.sees("I can't read those dates. Nothing was changed")
    mia.say("2026-06-01 … 2026-08-31")
    await mia.sees("import films, 2026-06-01 … 2026-08-31")
    await mia.tap("# Hashtags")
    await mia.sees("Send the hashtags")
    mia.say("#Beats lofi")
    await mia.sees("#beats or #lofi")
    (one,) = await kept(harness, mia)
    assert one.filters == {
        "kind": "video", "since": "2026-06-01", "until": "2026-08-31", "tags": ["beats", "lofi"]
    }  # fmt: skip
    await mia.tap("Everything")
    await mia.sees("import everything")
    assert [one.filters for one in await kept(harness, mia)] == [{}]


async def test_filters_from_the_question_before_an_import_and_back(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say(harness.sandbox.world.collection_url("mia", "beats"))
    await mia.tap("🧹 Filters")
    await mia.sees("Beats: import everything")
    await mia.tap("🖼 Photos")
    await mia.sees("Beats: import photos")
    await mia.tap("‹ The import")
    await mia.sees("filtered out \\(photos\\): free")
    assert await state_of(harness, 1) == "offered"


async def test_refresh_now_shows_the_import(harness: Harness) -> None:
    mia = await harness.connected()
    empty = harness.sandbox.world.collection_url("mia", "empty")
    mia.say(empty)
    await mia.sees("Empty is empty")
    async with harness.app.database.write() as db:
        await importing.move(
            db, 1, harness.clock(), from_states=["offered"], state="done", ended_at=harness.clock()
        )
    mia.forge("v1:col:one:1")
    await mia.tap("🔄 Refresh now")
    await mia.sees("🔄 Refreshed: Empty\nNothing new.")


async def test_merging_and_undoing_it(harness: Harness) -> None:
    mia = await opened(harness)
    await mia.tap("🔗 Merge…")
    await mia.sees("needs another collection")
    await seed_import(harness, mia, 1, state="done", key="collection:2", ended_at=harness.clock())
    await mia.tap("‹ Back")
    await mia.tap("🔗 Merge…")
    await mia.sees("Which one shall be shown as part of Reels ideas")
    await mia.tap("🗂 Reels ideas")
    await mia.sees("With Reels ideas")
    assert sorted((one.id, one.merged_into) for one in await kept(harness, mia)) == [
        (1, None),
        (2, 1),
    ]
    mia.forge("v1:col:join:1-2")  # the same tap, late
    await mia.toast("It is so already")
    await mia.tap("Unmerge Reels ideas")
    await mia.answered()
    assert [one.merged_into for one in await kept(harness, mia)] == [None, None]


async def test_failed_posts_are_tried_again_from_the_collection(harness: Harness) -> None:
    mia = await opened(harness, items=2, error="http_404")
    await mia.tap("Retry 2 failed")
    await mia.until(lambda: "⏬ Reels ideas" in mia.transcript or None, "the import again")


async def test_somebody_elses_collection_is_not_touched(harness: Harness) -> None:
    mia = await with_a_collection(harness)
    leo = await harness.member()
    await harness.connect(leo, "leo")
    await seed_import(harness, leo, 2, state="done", key="collection:2")
    before = await kept(harness, mia), await kept(harness, leo)
    for data in FORGED.split():
        leo.forge(f"v1:col:{data}")
        await leo.answered()
        assert "not yours" in harness.telegram.toasts(leo.user_id)[-1]["text"], data
    assert (await kept(harness, mia), await kept(harness, leo)) == before


# ---------------------------------------------------------------- cards


def test_a_refused_account_is_said_with_what_to_do() -> None:
    daily = collection(refresh="daily", refresh_at=NOW)
    for account, says in (
        (connection(status="expired"), "asks @mia to log in again"),
        (connection(status="blocked"), "check that @mia is you"),
        (None, "waits until its account is connected again"),
    ):
        text = collection_cards.card(collection_view(daily, account=account), "UTC", NOW).text
        assert says in text
        assert "goes on by itself" in " ".join(text.split())
    well = collection_cards.card(collection_view(daily), "UTC", NOW).text
    assert "waits" not in well
    assert "due now" in well


@pytest.mark.parametrize("state", ["offered", "running", "paused"])
def test_an_unfinished_import_takes_the_place_of_refresh_now(state: str) -> None:
    shown = collection_view(unfinished=imported(state=state), failed=(12, 3))
    labels = [key.label for row in collection_cards.card(shown, "UTC", NOW).rows for key in row]
    assert "⏱ Show the import" in labels
    assert not {"🔄 Refresh now", "🔁 Retry 3 failed"} & set(labels)


def test_a_refresh_never_rings() -> None:
    assert is_silent(user(), "refreshed", NOW)
    assert not is_silent(user(), "import_ended", NOW)
