"""The result beside the chat: begun when its notice is due, taken when it is drawn.

Reading thousands of reels and drawing take a second or more, in which no other notice may wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.analysis import charts, result_cards
from bot.cards import Card
from bot.drawing import Drawing
from services.analysis.looking import Looking
from services.clock import Now
from storage.people import User


@dataclass(frozen=True, slots=True)
class Result:
    """`picture`: a PNG; None if there is none."""

    card: Card
    picture: bytes | None


class Results:
    def __init__(self, looking: Looking, drawing: Drawing, now: Now) -> None:
        self._looking = looking
        self._drawing = drawing
        self._now = now
        self._under_way: dict[int, asyncio.Task[Result]] = {}

    def take(self, user: User, analysis_id: int) -> Result | None:
        """None: it is under way, ask again in a second. Errors: as Looking.look."""
        task = self._under_way.get(analysis_id)
        if task is None:
            self._under_way[analysis_id] = asyncio.create_task(self._make(user, analysis_id))
            return None
        if not task.done():
            return None
        del self._under_way[analysis_id]
        return task.result()

    async def _make(self, user: User, analysis_id: int) -> Result:
        sight = await self._looking.look(user.id, analysis_id, ZoneInfo(user.zone))
        card = result_cards.result(sight, user, self._now())
        async with self._drawing.drawn(charts.views(sight, user.zone), user) as path:
            return Result(card, await asyncio.to_thread(path.read_bytes) if path else None)

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()))
