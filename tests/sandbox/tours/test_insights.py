"""The tour of insights: six days of few figures through the whole house."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.tours import insights, told
from sandbox.tours.insights import Script, Visit
from sandbox.world import World
from services.insights import portion, posts
from services.insights.metrics import BY_KEY
from services.media.runner import MediaRunner
from tests.support.harness import Harness

HISTORY = 3
FEW = Script(days=6, late=1, ill=2, revised=3, killed=4, down=1, digest=6)
LOOPS = ("daily syncs", "weekly digests")  # besides those that the harness turns


class Machine:
    """The product in this process, whose loops turn while it is there."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._is_there = True
        self._turns = asyncio.create_task(self._turn())

    async def passes(self, by: timedelta) -> None:
        self._harness.clock.advance(seconds=by.total_seconds())

    async def kill(self) -> None:
        """It can't be killed here; its jobs are ended where they are."""
        await self.stand_still()
        await self._harness.app.stop()

    async def start(self) -> None:
        await self._harness.start_bot()
        self._is_there = True
        self._turns = asyncio.create_task(self._turn())

    async def stand_still(self) -> None:
        self._is_there = False
        await self._turns

    async def _turn(self) -> None:
        while self._is_there:
            if await self._harness.turn_if_changed():
                for name in LOOPS:
                    await self._harness.tick(name)
            await asyncio.sleep(0.1)


@pytest.fixture
async def harness(tmp_path: Path, templates: Path, world: World) -> AsyncIterator[Harness]:
    history = str(HISTORY)
    async with Harness(
        tmp_path / "data", world, templates=templates, INSIGHTS_HISTORY_DAYS=history
    ) as running:
        yield running


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One figure of each kind is asked for and compared, and no posts."""
    levels = ("followers_count", "follows_count", "media_count")  # with one request
    keys = (*levels, "reach", "reach.days_28", "follower_count", "views", "likes")
    monkeypatch.setattr(portion, "METRICS", tuple(BY_KEY[key] for key in keys))
    monkeypatch.setattr(posts, "MEDIA_METRICS", {})
    monkeypatch.setattr(told, "SERIES", [one for one in told.SERIES if one[1] != "week"])
    monkeypatch.setattr(told, "TOTALS", {name: told.TOTALS[name] for name in ("views", "likes")})
    monkeypatch.setattr(told, "AUDIENCES", ())


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would cost a process."""

    async def run(
        _self: MediaRunner, _task: str, arguments: Mapping[str, Any], **_limits: float
    ) -> dict[str, Any]:
        Image.new("RGB", (90, 72)).save(arguments["target"], "PNG")
        return {"bytes": 1}

    monkeypatch.setattr(MediaRunner, "run", run)


async def test_the_tour(
    harness: Harness, few: None, no_charts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights, "CUT_SHORT", 3)
    monkeypatch.setattr(insights, "QUIET", 0.2)
    out = io.StringIO()
    mia, machine = await harness.owner(), Machine(harness)
    facts = await Visit(mia, harness.sandbox, machine, out, FEW, HISTORY).play()
    await machine.stand_still()
    assert list(facts) == [
        "days",
        "values_expected",
        "values_equal",
        "states_wrong",
        "wrong_zeros",
        "gaps_left",
        "revisions",
        "duplicates",
    ]
    expected, revisions = facts.pop("values_expected"), facts.pop("revisions")
    assert isinstance(expected, int)
    assert isinstance(revisions, int)
    assert expected > 50
    assert revisions >= 3  # those that were ordered: a series, a total, and one with its parts
    assert facts == {
        "days": FEW.days,
        "values_equal": expected,
        "states_wrong": 0,
        "wrong_zeros": 0,
        "gaps_left": 0,
        "duplicates": 0,
    }, out.getvalue()
