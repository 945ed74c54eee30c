"""The pre-flight beside the chat: begun when its card is wanted, done before it is shown.

Looking at Meta and at a public address takes seconds, in which no other notice may wait. What was
found is kept in memory; after a restart it is simply looked at again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from services.stories.preflight import Line, Preflight
from storage.stories import Story

log = structlog.get_logger()

MOST = 200


class Checks:
    def __init__(self, preflight: Preflight) -> None:
        self._preflight = preflight
        self._found: OrderedDict[int, tuple[int, Sequence[Line]]] = OrderedDict()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def known(self, story: Story) -> Sequence[Line]:
        """As it was last looked at; () if it was not."""
        return self._found.get(story.id, (0, ()))[1]

    def look(self, story: Story) -> Sequence[Line] | None:
        """Of this very run of the story; None: it is under way, ask again in a second."""
        run, lines = self._found.get(story.id, (-1, ()))
        if run == story.run:
            return lines
        if story.id not in self._under_way:
            task = asyncio.create_task(self._look(story))
            self._under_way[story.id] = task
            task.add_done_callback(lambda _: self._under_way.pop(story.id, None))
        return None

    async def _look(self, story: Story) -> None:
        lines: Sequence[Line] = ()
        try:
            lines = await self._preflight.check(story.id)
        except Exception:
            # the edge of one look: without its lines the card still comes, and people decide
            log.exception("pre-flight failed", story=story.id)
        self._found[story.id] = (story.run, lines)
        while len(self._found) > MOST:
            self._found.popitem(last=False)

    async def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()))
