"""A bot that asks for few figures of few days, so that a sync is a dozen requests; charts are not
drawn, which costs a process each."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.world import World
from services.insights import portion, posts
from services.insights.metrics import BY_KEY
from services.media.runner import MediaRunner
from tests.support.harness import Harness


@pytest.fixture
async def harness(tmp_path: Path, templates: Path, world: World) -> AsyncIterator[Harness]:
    async with Harness(
        tmp_path / "data", world, templates=templates, INSIGHTS_HISTORY_DAYS="0"
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no posts."""
    keys = ("followers_count", "reach", "reach.days_28", "follower_count", "likes")
    monkeypatch.setattr(portion, "METRICS", tuple(BY_KEY[key] for key in keys))
    monkeypatch.setattr(posts, "MEDIA_METRICS", {})


@pytest.fixture(autouse=True)
def charts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was asked to be drawn, with its theme."""
    asked: list[dict[str, Any]] = []

    async def run(
        _self: MediaRunner, task: str, arguments: Mapping[str, Any], *, limit_seconds: float = 60
    ) -> dict[str, Any]:
        assert task == "chart"
        asked.append({**arguments["chart"], "theme": arguments["theme"]})
        content = io.BytesIO()
        Image.new("RGB", (90, 72), "white").save(content, "PNG")
        Path(arguments["target"]).write_bytes(content.getvalue())  # noqa: ASYNC240 - 90 pixels
        return {"bytes": len(content.getvalue())}

    monkeypatch.setattr(MediaRunner, "run", run)
    return asked
