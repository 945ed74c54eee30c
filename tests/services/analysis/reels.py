"""Profiles and reels that were never posted, for the tests of the figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from services.instagram.profiles import Profile, Reel

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def profile(followers: int | None = 1_000, **told: Any) -> Profile:
    usual: dict[str, Any] = {
        "platform_id": "7",
        "username": "neonloops",
        "full_name": "Neon Loops",
        "biography": "",
        "following": 10,
        "media_count": 20,
        "is_private": False,
        "is_verified": False,
        "picture": "",
        "raw": {},
    }
    return Profile(followers=followers, **{**usual, **told})


def reel(name: str | int = 1, days_ago: float = 10, plays: int | None = 1_000, **told: Any) -> Reel:
    usual: dict[str, Any] = {
        "platform_id": str(name),
        "shortcode": f"C{name}",
        "thumbnail": "",
        "caption": "",
        "likes": 50,
        "comments": 10,
        "views": None,
        "taken_at": NOW - timedelta(days=days_ago),
        "seconds": 12.5,
        "hashtags": (),
        "mentions": (),
        "audio": None,
        "raw": {},
    }
    return Reel(plays=plays, **{**usual, **told})


counts = st.none() | st.integers(0, 10**9)
names = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True).map(tuple)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 20, 12), timezones=st.just(UTC))  # noqa: DTZ001
any_reels = st.lists(
    st.builds(
        reel,
        name=st.integers(0, 10**12),
        plays=counts,
        views=counts,
        likes=counts,
        comments=counts,
        taken_at=moments,
        hashtags=names,
        mentions=names,
    ),
    max_size=24,
    unique_by=lambda one: one.platform_id,
)
