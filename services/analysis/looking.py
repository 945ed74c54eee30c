"""An analysis with all that can be said of it: read, and computed off the event loop.

Called by bot/analysis; what is computed is pure and stands in figures and compare.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.analysis.compare import Changes, SideBySide, Snapshot, changes, side_by_side
from services.analysis.figures import Figures, Placed, figures, placed
from services.analysis.measure import seen
from services.analysis.service import Analysing
from services.analysis.views import View
from services.errors import BadInput
from services.instagram.profiles import Profile, Reel
from storage.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Sight:
    """`reels` newest first; `places`: those that tell their views, the most viewed first."""

    view: View
    profile: Profile
    reels: list[Reel]
    figures: Figures
    places: list[Placed]

    @property
    def at(self) -> datetime:
        """When it was looked at."""
        return looked_at(self.view.item)


@dataclass(frozen=True, slots=True)
class Since:
    """What has changed since `before`, which ended then (aware UTC)."""

    before: Analysis
    changes: Changes

    @property
    def at(self) -> datetime:
        return looked_at(self.before)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two profiles beside each other."""

    left: Sight
    right: Sight
    side_by_side: SideBySide


def looked_at(item: Analysis) -> datetime:
    return item.ended_at or item.changed_at


class Looking:
    def __init__(self, analysing: Analysing) -> None:
        self._analysing = analysing

    async def look(self, user_id: int, analysis_id: int, zone: ZoneInfo) -> Sight:
        """`zone`: of weekdays and hours. Errors: NotAllowed; BadInput where nothing was read."""
        view = await self._analysing.view(user_id, analysis_id)
        reels = await self._analysing.all_reels(user_id, analysis_id)
        if view.profile is None or not reels:
            raise BadInput(
                "Nothing of that profile was read.", "Open /reports, or send /analyze again."
            )
        profile, at = view.profile, looked_at(view.item)
        said = await asyncio.to_thread(figures, profile, reels, zone, at)
        return Sight(view, profile, reels, said, placed(seen(reels, said.measure), at))

    async def since_last(self, user_id: int, analysis_id: int) -> Since | None:
        """None: it is the first completed one of this profile. Errors: NotAllowed."""
        before = await self._analysing.previous(user_id, analysis_id)
        if before is None:
            return None
        then = await self._snapshot(user_id, before)
        now = await self._snapshot(user_id, await self._analysing.view(user_id, analysis_id))
        return Since(before.item, await asyncio.to_thread(changes, then, now))

    async def beside(self, user_id: int, left: int, right: int, zone: ZoneInfo) -> Pair:
        """Errors: as `look`."""
        one = await self.look(user_id, left, zone)
        other = await self.look(user_id, right, zone)
        return Pair(one, other, side_by_side(one.figures, other.figures))

    async def _snapshot(self, user_id: int, view: View) -> Snapshot:
        item = view.item
        assert view.profile is not None, "it has reels, so it has its profile"
        reels = await self._analysing.all_reels(user_id, item.id)
        whole = item.state == "completed" and not item.more
        return Snapshot(view.profile, reels, looked_at(item), whole)
