"""Outcomes of an import when the link or the session is not good."""

from __future__ import annotations

import pytest

from sandbox.instagram import bad_days
from sandbox.instagram.answers import Refusal
from tests.services.importing.conftest import Launch
from tests.services.importing.stage import LISTS, PAGE, SINGLES, Stage


async def nothing_happened(stage: Stage) -> None:
    assert stage.requests("/api/") == []
    assert await stage.imports() == 0


async def test_a_wrong_link_is_said_at_once(stage: Stage) -> None:
    stage.mia.say("https://www.instagram.com/mia/")
    await stage.mia.sees("That is the profile of mia")
    await nothing_happened(stage)


async def test_without_cookies_it_asks_for_them(launch: Launch) -> None:
    stage = await launch(connected=False)
    stage.mia.say(stage.world.collection_url("mia", "beats"))
    await stage.mia.sees("First connect the Instagram account")
    await nothing_happened(stage)


async def test_a_collection_of_somebody_else_is_not_found(stage: Stage) -> None:
    stage.mia.say(stage.world.collection_url("leo", "recipes"))
    view = await stage.reaches("failed", reason="not_found")
    card = await stage.mia.sees("knows no such collection")
    assert "Nothing was charged" in card["text"]
    assert (view.charged, view.balance) == (0, 500)


@pytest.mark.parametrize("refusal", [Refusal.LOGIN, Refusal.LOGIN_REQUIRED])
async def test_dead_cookies_at_the_start(stage: Stage, refusal: Refusal) -> None:
    stage.instagram.refuse_next(LISTS, refusal)
    stage.mia.say(stage.world.collection_url("mia", "beats"))
    view = await stage.reaches("failed", reason="cookies")
    card = await stage.mia.sees("asks @mia to log in again")
    assert "Nothing was charged" in card["text"]
    assert (view.charged, view.balance) == (0, 500)
    assert len(stage.listed) == 1

    # the dead session is used no more
    stage.mia.say(stage.world.collection_url("mia", "studio"))
    await stage.reaches("failed", 2, reason="cookies")
    assert len(stage.listed) == 1


@pytest.mark.usefixtures("small_batches")
async def test_cookies_die_in_mid_import(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bad_days, "FATAL_POST", PAGE)  # with the first page
    stage.instagram.bad_days.switch("cookies-die", on=True)
    await stage.run()
    view = await stage.reaches("paused", reason="cookies")
    assert (view.tally.saved, view.tally.held, view.balance) == (4, 0, 496)
    first, second = stage.listed
    assert (first, bool(second)) == ("", True)
    card = await stage.mia.sees("log in again. Send new cookies")
    labels = [key["text"] for row in card["reply_markup"]["inline_keyboard"] for key in row]
    assert ["🍪" in labels[0], "Resume" in labels[1], "Stop" in labels[2]] == [True] * 3

    # cookies that are dead too change nothing: still paused, no second notice
    await stage.harness.send_cookies(stage.mia, stage.world.cookies_txt("mia", "dead"))
    await stage.mia.sees("Not connected")
    await stage.quiet()
    view = await stage.reaches("paused", reason="cookies")
    assert len(stage.listed) == 3  # the check of the cookies, and nothing of the import
    assert await stage.notices("import_paused") == 1

    await stage.harness.send_cookies(stage.mia, stage.world.cookies_txt("mia", "new"))
    await stage.mia.sees("Connected as .*\nImports that waited for this go on")
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (8, 492)
    assert stage.listed[-1] == second  # by itself, at the stored cursor, and only that page
    assert stage.listed.count("") == 3  # the import's first page, and the two checks
    assert await stage.notices("import_paused") == 1


async def test_forgetting_the_account_pauses_its_import(stage: Stage) -> None:
    await stage.offer()
    connection = (await stage.app.connecting.of_user(stage.mia.user_id))[0]
    await stage.app.connecting.forget(stage.mia.user_id, connection.id)
    await stage.mia.tap("Import all")
    view = await stage.reaches("paused", reason="cookies")
    assert (view.charged, view.account) == (0, "a forgotten account")
    await stage.app.importing.service.cancel(stage.mia.user_id, 1)


async def test_a_checkpoint_waits_for_its_owner(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.CHECKPOINT, skip=1)
    await stage.run()
    view = await stage.reaches("paused", reason="checkpoint")
    assert (view.tally.held, view.balance) == (0, 500)
    await stage.mia.sees("wants to check that @mia is you")

    # nobody of this identity goes on, however long it takes
    asked = stage.instagram.api_requests()
    stage.clock.advance(days=2)
    await stage.quiet()
    stage.mia.say(stage.world.collection("mia", "studio").posts[0].url)
    await stage.reaches("failed", 2, reason="checkpoint")
    await stage.reaches("paused", reason="checkpoint")
    assert stage.instagram.api_requests() == asked

    await stage.mia.tap("Resume")
    view = await stage.reaches("done")
    assert view.tally.saved == 8
    assert len(stage.requests(SINGLES)) == 0
    assert len(stage.listed) == 3
