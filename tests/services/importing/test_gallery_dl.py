"""Outcomes of an import when gallery-dl fails, or Instagram answers what it can't read."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from sandbox.instagram.answers import Refusal
from services.importing.service import View
from services.instagram import gallery_dl
from tests.services.importing.conftest import Launch
from tests.services.importing.stage import LISTS, Stage

BACKOFF = (timedelta(seconds=10), timedelta(seconds=60))
PROGRAMS = {
    "crashes": "import os; os.abort()",
    "hangs": "import time; time.sleep(600)",
    "prints garbage": "print('\\x00\\xff Traceback ' * 999); raise SystemExit(1)",
}


async def three_tries_then_paused(stage: Stage) -> View:
    for tries, wait in enumerate(BACKOFF, 1):
        view = await stage.reaches("waiting", reason="upstream", tries=tries)
        assert view.item.wait_until
        left = view.item.wait_until - stage.clock()
        assert wait - timedelta(seconds=5) < left <= wait
        assert (view.tally.held, view.balance) == (0, 500)
        stage.clock.advance(seconds=wait.total_seconds())
    return await stage.reaches("paused", reason="upstream")


def no_secret(stage: Stage, text: str) -> None:
    for line in stage.world.cookies_txt("mia").splitlines():
        if line.count("\t") == 6:
            assert line.rsplit("\t", 1)[1] not in text


@pytest.mark.parametrize("failure", PROGRAMS)
async def test_three_tries_then_a_card_with_the_version(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    hangs = failure == "hangs"
    stage = await launch(**({"GALLERY_DL_TIMEOUT_SECONDS": "0.5"} if hangs else {}))
    with monkeypatch.context() as patch:
        patch.setattr(stage.app.ground.gallery, "_timeout_seconds", 60)
        await stage.offer()
    asked = stage.instagram.api_requests()
    with monkeypatch.context() as patch:
        patch.setattr(gallery_dl, "_PROGRAM", (sys.executable, "-c", PROGRAMS[failure]))
        await stage.mia.tap("Import all")
        view = await three_tries_then_paused(stage)
    version = stage.app.ground.gallery.version()
    card = await stage.mia.sees("pip install --upgrade gallery-dl")
    assert f"gallery-dl {version}" in card["text"]
    assert view.item.detail in card["text"]
    kept = sorted((stage.harness.data / "reports").iterdir())
    assert len(kept) == 3
    assert kept[-1].name in view.item.detail
    no_secret(stage, "".join(one.read_text() for one in kept))
    assert await stage.notices("import_paused") == 1
    assert stage.instagram.api_requests() == asked

    monkeypatch.setattr(stage.app.ground.gallery, "_timeout_seconds", 60)
    await stage.mia.tap("Resume")
    assert (await stage.reaches("done")).tally.saved == 24


@pytest.mark.parametrize("refusal", [Refusal.UNKNOWN_SHAPE, Refusal.HTML])
async def test_a_changed_answer_is_kept_for_the_report(stage: Stage, refusal: Refusal) -> None:
    stage.instagram.refuse_next(LISTS, refusal, skip=1, times=3)
    await stage.run()
    await three_tries_then_paused(stage)
    kept = sorted((stage.harness.data / "reports").iterdir())
    assert len(kept) == 3
    text = kept[-1].read_text()
    no_secret(stage, text)
    assert stage.app.ground.gallery.version() in text
    if refusal is Refusal.UNKNOWN_SHAPE:
        assert "xdt_saved_v2" in text
    await stage.mia.tap("Resume")
    assert (await stage.reaches("done")).tally.saved == 24


async def test_one_bad_answer_is_survived_in_silence(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.SERVER_ERROR, skip=1)
    await stage.run()
    await stage.reaches("waiting", reason="upstream")
    stage.clock.advance(seconds=10)
    view = await stage.reaches("done")
    assert (view.tally.saved, view.item.tries) == (24, 0)
    assert await stage.notices("import_paused") == 0


async def test_a_bad_answer_at_the_start_is_said(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.UNKNOWN_SHAPE)
    stage.mia.say(stage.world.collection_url("mia", "beats"))
    view = await stage.reaches("failed", reason="upstream")
    await stage.mia.sees("Nothing was charged")
    assert view.charged == 0
