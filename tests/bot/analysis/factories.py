"""Analyses as the chat's tests need them: rows that were never read, figures of reels that were
never posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.analysis.figures import figures, placed
from services.analysis.looking import Sight, looked_at
from services.analysis.measure import seen
from services.analysis.views import View, profile_of
from services.instagram.profiles import Reel
from storage.analysis import Analysis
from tests.bot.factories import NOW

_NOTHING: dict[str, Any] = dict.fromkeys(field.name for field in fields(Analysis))
_USUAL: dict[str, Any] = {
    "id": 12,
    "user_id": 1001,
    "asked": "rosa.reels",
    "profile_id": 3,
    "source": "app",
    "connection_id": 3,
    "identity": "70000000001",
    "state": "completed",
    "run": 1,
    "idle_runs": 0,
    "tries": 0,
    "message": "",
    "next_step": "",
    "wanted": 500,
    "more": False,
    "pages": 3,
    "requests": 4,
    "listed": 30,
    "stored": 30,
    "unread": 0,
    "username": "rosa.reels",
    "full_name": "Rosa",
    "biography": "",
    "followers": 10_000,
    "following": 10,
    "media_count": 40,
    "is_private": False,
    "is_verified": True,
    "picture": "",
    "platform_id": "30",
    "created_at": NOW,
    "started_at": NOW,
    "changed_at": NOW,
}


def analysis(**changes: Any) -> Analysis:
    """A completed one of 30 reels, that has just ended."""
    ended = (
        NOW if changes.get("state", "completed") in ("completed", "failed", "canceled") else None
    )
    return Analysis(**{**_NOTHING, **_USUAL, "ended_at": ended, **changes})


def view(account: str = "@mia", **changes: Any) -> View:
    item = analysis(**changes)
    return View(item, profile_of(item), account)


def reel(number: int, **changes: Any) -> Reel:
    """One every two days back from a week ago; the smaller the number, the newer."""
    base = Reel(
        platform_id=str(number),
        shortcode=f"C{number}",
        thumbnail="",
        caption=f"Step {number}",
        likes=100,
        comments=10,
        views=None,
        plays=1_000 + number,
        taken_at=NOW - timedelta(days=7 + 2 * number),
        seconds=9.5,
        hashtags=("salsa",),
        mentions=("kaede.moves",),
        audio=None,
        raw={},
    )
    return replace(base, **changes)


def sight(
    found: Sequence[Reel] | None = None, *, shown: View | None = None, zone: str = "UTC"
) -> Sight:
    """Of 30 usual reels, one of them seen nine times as often, if none are given."""
    usual = [reel(number) for number in range(30)]
    usual[4] = reel(4, plays=9_000)
    reels = usual if found is None else list(found)
    one = shown or view(stored=len(reels))
    assert one.profile is not None
    at = looked_at(one.item)
    said = figures(one.profile, reels, ZoneInfo(zone), at)
    return Sight(one, one.profile, reels, said, placed(seen(reels, said.measure), at))
