"""Outcomes of an import when Instagram asks to slow down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.instagram.answers import Refusal
from tests.services.importing.stage import LISTS, Stage


@pytest.mark.parametrize("refusal", [Refusal.RATE_LIMIT, Refusal.FEEDBACK])
async def test_it_waits_by_itself_and_says_until_when(stage: Stage, refusal: Refusal) -> None:
    stage.instagram.refuse_next(LISTS, refusal, skip=1)
    await stage.run()
    view = await stage.reaches("waiting", reason="rate")
    assert view.item.wait_until
    assert timedelta(minutes=4) < view.item.wait_until - stage.clock() <= timedelta(minutes=5)
    assert (view.tally.held, view.balance) == (0, 500)
    stage.clock.advance(seconds=5)  # the card is edited at most every 3 s
    until = f"{view.item.wait_until:%H:%M}"
    await stage.mia.sees(f"slow down. I go on by myself at {until}")

    asked = stage.instagram.api_requests()
    stage.clock.advance(minutes=4)
    await stage.quiet()
    assert stage.instagram.api_requests() == asked
    stage.clock.advance(minutes=1)
    view = await stage.reaches("done")
    assert (view.tally.saved, view.balance) == (8, 492)
    assert len(stage.listed) == 3


async def test_a_second_strike_freezes_longer_and_all_imports_of_the_identity(
    stage: Stage,
) -> None:
    await stage.offer("studio")
    await stage.offer("beats")
    stage.instagram.refuse_next(LISTS, Refusal.RATE_LIMIT, times=2)
    await stage.mia.tap("Import all")  # of the newest, "beats"
    await stage.reaches("waiting", 2, reason="rate")

    asked = stage.instagram.api_requests()
    await stage.app.importing.service.choose(stage.mia.user_id, 1, "newest")
    other = await stage.reaches("waiting", 1, reason="rate")
    assert other.item.wait_until == (await stage.view(2)).item.wait_until
    assert stage.instagram.api_requests() == asked

    await stage.app.importing.service.cancel(stage.mia.user_id, 1)
    stage.clock.advance(minutes=5)
    await stage.reaches("running", 2)
    view = await stage.reaches("waiting", 2, reason="rate")
    assert view.item.wait_until
    assert timedelta(minutes=14) < view.item.wait_until - stage.clock() <= timedelta(minutes=15)
    stage.clock.advance(minutes=15)
    assert (await stage.reaches("done", 2)).tally.saved == 8


async def test_a_freeze_outlives_a_restart(stage: Stage) -> None:
    stage.instagram.refuse_next(LISTS, Refusal.RATE_LIMIT, skip=1)
    await stage.run()
    await stage.reaches("waiting", reason="rate")
    asked = stage.instagram.api_requests()
    await stage.restart()
    await stage.quiet()
    await stage.reaches("waiting", reason="rate")
    assert stage.instagram.api_requests() == asked
    stage.clock.advance(minutes=5)
    assert (await stage.reaches("done")).tally.saved == 8
