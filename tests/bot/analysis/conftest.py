"""Charts are not drawn, which costs a process each, but where a test wants them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.media.runner import MediaRunner

SIZES = {"ViewsChart": (90, 72), "TrendChart": (92, 72), "WeekChart": (94, 72)}


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(kind, theme) of each that was asked for; the pictures are told apart by their width."""
    asked: list[tuple[str, str]] = []

    async def run(
        _self: MediaRunner, task: str, arguments: Mapping[str, Any], *, limit_seconds: float = 60
    ) -> dict[str, Any]:
        assert task == "chart"
        asked.append((arguments["kind"], arguments["theme"]))
        content = io.BytesIO()
        Image.new("RGB", SIZES[arguments["kind"]], "white").save(content, "PNG")
        Path(arguments["target"]).write_bytes(content.getvalue())  # noqa: ASYNC240 - 90 pixels
        return {"bytes": len(content.getvalue())}

    monkeypatch.setattr(MediaRunner, "run", run)
    return asked
