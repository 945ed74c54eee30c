"""Draws a chart in the media process, as a file for as long as somebody shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from services.media.charts import Chart, Theme, arguments
from services.media.runner import MediaFailed, MediaRunner
from storage.objects import ObjectStore
from storage.people import User

log = structlog.get_logger()

LIMIT_SECONDS = 20


class Drawing:
    def __init__(self, objects: ObjectStore, runner: MediaRunner) -> None:
        self._objects = objects
        self._runner = runner

    @asynccontextmanager
    async def drawn(self, chart: Chart | None, user: User) -> AsyncIterator[Path | None]:
        """A PNG in the person's theme. None: there is nothing to draw, or it failed; the card says
        what there is to say without it."""
        if chart is None:
            yield None
            return
        theme = Theme.DARK if user.dark_charts else Theme.LIGHT
        incoming = await self._objects.folder()  # what a kill leaves there is swept
        with TemporaryDirectory(dir=incoming, prefix="chart-") as folder:
            target = Path(folder) / "chart.png"
            try:
                await self._runner.run(
                    "chart", arguments(chart, theme, target), limit_seconds=LIMIT_SECONDS
                )
            except MediaFailed as error:
                log.warning("chart not drawn", reason=error.reason)
                yield None
                return
            yield target
