"""The figures of a profile, each with the number of reels that it was computed from; pure.

Called by the analysis when its reels are stored, and by whoever shows them: the chat, the report
page. Nothing here is text for people: what can't be said is None, or NoTrend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import floor
from zoneinfo import ZoneInfo

from services.analysis import rhythm as rhythms
from services.analysis import tags
from services.analysis import trend as trends
from services.analysis.measure import (
    MIN_REELS,
    Figure,
    Measure,
    Seen,
    measure_of,
    middle,
    ratio,
    seen,
    views_of,
)
from services.analysis.rhythm import Rhythm, Times
from services.analysis.tags import Tag
from services.analysis.trend import NoTrend, Trend
from services.instagram.profiles import Profile, Reel

TOP = 5
BREAKOUT, STRONG, WEAK = 5.0, 2.0, 0.5  # times the median


class Tier(StrEnum):
    """In medians: breakout from 5 on, strong from 2 on, weak below 0.5, typical between."""

    BREAKOUT = "breakout"
    STRONG = "strong"
    TYPICAL = "typical"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Placed:
    """A reel among the others. `times`: its views in medians. `growing`: younger than three days
    when it was looked at, so both will rise."""

    reel: Reel
    views: int
    times: float
    tier: Tier
    growing: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """`reels` were looked at, posted between `first` and `last` (aware UTC).

    `median_views`: of what `measure` says. `view_ratio`: median views per follower.
    `engagement`: the median, over reels that tell all three, of (likes + comments) / views; it
    leaves out the `hidden_likes`. `tiers`: reels in each; `top`: the most viewed first.
    """

    reels: int
    first: datetime | None
    last: datetime | None
    followers: int | None
    measure: Measure
    median_views: Figure
    view_ratio: Figure
    engagement: Figure
    hidden_likes: int
    growing: int
    rhythm: Rhythm
    times: Times
    tiers: Mapping[Tier, int]
    trend: Trend | NoTrend
    top: tuple[Placed, ...]
    hashtags: tuple[Tag, ...]
    mentions: tuple[Tag, ...]

    @property
    def few(self) -> bool:
        """Too few to say more than what was counted."""
        return self.reels < MIN_REELS


def figures(profile: Profile, reels: Sequence[Reel], zone: ZoneInfo, now: datetime) -> Figures:
    """`zone`: of who looks; `now`: when the reels were looked at (aware)."""
    measure = measure_of(reels)
    told = seen(reels, measure)
    views = middle([one.views for one in told])
    places = placed(told, now)
    moments = sorted(reel.taken_at for reel in reels)
    counts = Counter(one.tier for one in places)
    return Figures(
        reels=len(reels),
        first=moments[0] if moments else None,
        last=moments[-1] if moments else None,
        followers=profile.followers,
        measure=measure,
        median_views=views,
        view_ratio=Figure(ratio(views.value, profile.followers), views.n),
        engagement=_engagement(reels, measure),
        hidden_likes=sum(reel.likes is None for reel in reels),
        growing=sum(now - moment < trends.GROWING for moment in moments),
        rhythm=rhythms.rhythm(reels),
        times=rhythms.times(told, zone),
        tiers={tier: counts[tier] for tier in Tier},
        trend=trends.trend(told, now),
        top=tuple(places[:TOP]),
        hashtags=tags.hashtags(reels, told),
        mentions=tags.mentions(reels, told),
    )


def placed(told: Sequence[Seen], now: datetime) -> list[Placed]:
    """The most viewed first; of equal ones the newer."""
    typical = middle([one.views for one in told]).value
    if typical is None:
        return []
    ordered = sorted(told, key=lambda one: (one.views, one.reel.taken_at), reverse=True)
    return [
        Placed(
            reel=one.reel,
            views=one.views,
            times=times_of(one.views, typical),
            tier=tier_of(one.views, typical),
            growing=now - one.reel.taken_at < trends.GROWING,
        )
        for one in ordered
    ]


def times_of(views: float, typical: float) -> float:
    """In medians. Where the median is nothing, nothing is typical of it, and the rest is beyond."""
    if typical:
        return views / typical
    return float("inf") if views else 1.0


def tier_of(views: float, typical: float) -> Tier:
    times = times_of(views, typical)
    if times >= BREAKOUT:
        return Tier.BREAKOUT
    if times >= STRONG:
        return Tier.STRONG
    return Tier.WEAK if times < WEAK else Tier.TYPICAL


def tenths(times: float) -> float:
    """Medians as they are shown: rounded, but not into the tier above, so 1.97 is 1.9."""
    rounded = round(times, 1)
    return rounded if tier_of(rounded, 1) is tier_of(times, 1) else floor(times * 10) / 10


def engagement_of(reel: Reel, views: int | None) -> float | None:
    """(likes + comments) / views; None where one of them is hidden or not told."""
    if reel.likes is None or reel.comments is None:
        return None
    return ratio(reel.likes + reel.comments, views)


def _engagement(reels: Sequence[Reel], measure: Measure) -> Figure:
    rates = (engagement_of(reel, views_of(reel, measure)) for reel in reels)
    return middle([rate for rate in rates if rate is not None])
