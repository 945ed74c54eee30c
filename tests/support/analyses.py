"""Factories of analyses and their reels; each in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from storage import analysis, reels
from storage.analysis import Analysis
from storage.database import Database
from storage.reels import NewReel
from tests.support.rows import MIA, NOW

HUGE = 5_000_000_000  # beyond 32 bits


def new(number: int, **changes: Any) -> NewReel:
    """A reel as it is stored; two of them each hour, back from NOW."""
    values: dict[str, Any] = {
        "platform_id": str(number),
        "shortcode": f"C{number}",
        "thumbnail": "https://x/1.jpg",
        "caption": "Ünïcode 🌹",
        "likes": None,
        "comments": 0,
        "views": None,
        "plays": HUGE,
        "taken_at": NOW - timedelta(hours=number // 2),
        "seconds": 9.5,
        "hashtags": ["a", "ä"],
        "mentions": [],
        "audio_id": "7",
        "audio_title": "T",
        "audio_artist": "",
        "audio_original": True,
        "raw": {"pk": number, "odd": "\ud83d"},
    }
    return NewReel(**(values | changes))


async def analysed(
    database: Database,
    found: Sequence[NewReel],
    user_id: int = MIA,
    *,
    asked: str = "rosa",
    platform_id: str = "30",
    state: str = "pending",
    at: datetime = NOW,
    **columns: Any,
) -> Analysis:
    """An analysis in this state with these reels; `columns` of the profile as it was then."""
    async with database.write() as db:
        made = await analysis.start(
            db, user_id, asked, at, wanted=5000, source="app", identity="1000"
        )
        assert made is not None, "one of this name is unfinished"
        analysis_id = made[0]
        stored, _ = await reels.add(db, analysis_id, found, len(found))
        to: dict[str, Any] = {"stored": stored, "listed": stored, "state": state}
        if state != "pending":
            profile_id = await analysis.keep_profile(db, "instagram", platform_id, asked, at)
            to |= {"profile_id": profile_id, "username": asked, "started_at": at}
        if state in ("completed", "failed", "canceled"):
            to |= {"ended_at": at, "more": False}
        await analysis.move(db, analysis_id, at, from_states=["pending"], **to, **columns)
        item = await analysis.get(db, analysis_id)
    assert item is not None
    return item
