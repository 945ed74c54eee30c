"""A reel as a line of a table, and what stands above such a table; pure.

Called by services.analysis.exports; services.sheets writes the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from services.analysis.figures import engagement_of, tier_of, times_of
from services.analysis.measure import Measure, views_of
from services.errors import BadInput
from services.instagram.profiles import Profile, Reel
from services.sheets import About, Value


@dataclass(frozen=True, slots=True)
class Line:
    """One reel; the names of its fields are the heads of the columns.

    `likes` is empty where `likes_hidden`; other counts are empty where they are not told.
    `engagement`: (likes + comments) / what counts as views. `medians`: those views in medians of
    the analysis, and `tier` what that makes it. `duration` in seconds.
    """

    shortcode: str
    url: str
    posted_at_utc: datetime
    posted_at_local: datetime
    caption: str
    plays: int | None
    views: int | None
    likes: int | None
    likes_hidden: bool
    comments: int | None
    engagement: float | None
    medians: float | None
    tier: str | None
    duration: float | None
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    audio_title: str | None
    audio_artist: str | None
    audio_original: bool | None
    thumbnail: str
    platform_id: str


COLUMNS = tuple(field.name for field in fields(Line))


@dataclass(frozen=True, slots=True)
class Scale:
    """What the reels of one analysis are measured by. `typical`: their median views."""

    measure: Measure
    typical: float | None
    zone: ZoneInfo


def line(reel: Reel, scale: Scale) -> Line:
    views = views_of(reel, scale.measure)
    rate = engagement_of(reel, views)
    known = views is not None and scale.typical is not None
    times = times_of(views or 0, scale.typical or 0) if known else None
    audio = reel.audio
    return Line(
        shortcode=reel.shortcode,
        url=reel.url,
        posted_at_utc=reel.taken_at.astimezone(UTC),
        posted_at_local=reel.taken_at.astimezone(scale.zone),
        caption=reel.caption,
        plays=reel.plays,
        views=reel.views,
        likes=reel.likes,
        likes_hidden=reel.likes is None,
        comments=reel.comments,
        engagement=None if rate is None else round(rate, 6),
        medians=round(times, 3) if times is not None and isfinite(times) else None,
        tier=tier_of(views or 0, scale.typical or 0).value if known else None,
        duration=reel.seconds,
        hashtags=reel.hashtags,
        mentions=reel.mentions,
        audio_title=audio.title if audio else None,
        audio_artist=audio.artist if audio else None,
        audio_original=audio.is_original if audio else None,
        thumbnail=reel.thumbnail,
        platform_id=reel.platform_id,
    )


def values(one: Line, columns: Sequence[str]) -> list[Value]:
    return [getattr(one, name) for name in columns]


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """These columns, in the order of COLUMNS; all if none is named. Errors: BadInput."""
    if strange := set(names) - set(COLUMNS):
        raise BadInput(
            f"There is no column {sorted(strange)[0]!r}.", "Choose from those that are offered."
        )
    return tuple(name for name in COLUMNS if name in names) or COLUMNS


def about(profile: Profile, scale: Scale, reels: int, looked_at: datetime) -> About:
    """The profile and the analysis, for above the table. `looked_at`: aware."""
    return (
        ("profile", f"https://www.instagram.com/{profile.username}/"),
        ("username", profile.username),
        ("full_name", profile.full_name),
        ("platform_id", profile.platform_id),
        ("followers", profile.followers),
        ("following", profile.following),
        ("posts", profile.media_count),
        ("verified", profile.is_verified),
        ("looked_at_utc", looked_at.astimezone(UTC)),
        ("reels", reels),
        ("views_are", scale.measure.value),
        ("median_views", scale.typical),
        ("local_zone", scale.zone.key),
    )


def file_name(username: str, at: datetime, ending: str) -> str:
    """ "reelay-neonloops-20261120T1200Z.csv": letters that every file system takes."""
    who = re.sub(r"[^A-Za-z0-9._]+", "-", username).strip(".-")[:40] or "profile"
    return f"reelay-{who}-{at.astimezone(UTC):%Y%m%dT%H%MZ}.{ending}"
