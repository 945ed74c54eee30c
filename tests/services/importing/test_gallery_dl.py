"""Outcomes of an import when gallery-dl fails, or Instagram answers what it can't read."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from sandbox.instagram.answers import Refusal
from services.importing.service import View
from services.instagram import gallery_dl
from tests.services.importing.stage import LISTS, Stage

BACKOFF = (timedelta(seconds=10), timedelta(seconds=60))
CRASHES = "print('\\x00\\xff Traceback ' * 999); raise SystemExit(1)"
# what else can go wrong with the program: tests/services/instagram/test_gallery_dl.py


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


async def test_three_tries_then_a_card_with_the_version(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.offer()
    asked = stage.instagram.api_requests()
    with monkeypatch.context() as patch:
        patch.setattr(gallery_dl, "_PROGRAM", (sys.executable, "-c", CRASHES))
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

    await stage.mia.tap("Resume")
    assert (await stage.reaches("done")).tally.saved == 8


async def test_a_changed_answer_is_kept_for_the_report(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.UNKNOWN_SHAPE, skip=1, times=3)
    await stage.run()
    await three_tries_then_paused(stage)
    kept = sorted((stage.harness.data / "reports").iterdir())
    assert len(kept) == 3
    text = kept[-1].read_text()
    no_secret(stage, text)
    assert stage.app.ground.gallery.version() in text
    assert "xdt_saved_v2" in text
    await stage.mia.tap("Resume")
    assert (await stage.reaches("done")).tally.saved == 8


async def test_one_bad_answer_is_survived_in_silence(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.SERVER_ERROR, skip=1)
    await stage.run()
    await stage.reaches("waiting", reason="upstream")
    stage.clock.advance(seconds=10)
    view = await stage.reaches("done")
    assert (view.tally.saved, view.item.tries) == (8, 0)
    assert await stage.notices("import_paused") == 0


async def test_a_bad_answer_at_the_start_is_said(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.UNKNOWN_SHAPE)
    stage.mia.say(stage.world.collection_url("mia", "beats"))
    view = await stage.reaches("failed", reason="upstream")
    await stage.mia.sees("Nothing was charged")
    assert view.charged == 0
