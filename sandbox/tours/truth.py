"""What is true of a profile of the world: its figures, computed here from the posts themselves.

Used by the tour of analyses to check what the chat, the files and the page say. It shares no line
with the product, so a wrong formula there is seen here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from math import exp, log, sqrt
from statistics import median
from zoneinfo import ZoneInfo

from sandbox.world import Post

TIERS = {"breakout": 5.0, "strong": 2.0, "typical": 0.5, "weak": 0.0}  # from so many medians on
ENOUGH = 12  # reels, before a trend or a best time is told
IN_A_GROUP = 3  # reels of a weekday or an hour
GROWING = timedelta(days=3)
Z = 1.959964  # of 95 %


@dataclass(frozen=True, slots=True)
class Reel:
    """`likes`, `engagement` None: hidden. `times`: plays in medians."""

    code: str
    plays: int
    likes: int | None
    comments: int
    engagement: float | None
    times: float
    tier: str


@dataclass(frozen=True, slots=True)
class Truth:
    """`reels`: the most seen first. `trend`: (low, likely, high) change of 30 days, as shares;
    that and the best times are None where too few could tell."""

    reels: tuple[Reel, ...]
    followers: int
    median_views: float
    view_ratio: float
    engagement: float
    told_likes: int
    per_week: float
    tiers: dict[str, int]
    best_weekday: int | None
    best_hour: int | None
    trend: tuple[float, float, float] | None


def truth(posts: Sequence[Post], followers: int, zone: ZoneInfo, now: datetime) -> Truth:
    """Of a profile's reels, as they are at `now` (aware); at least two. `zone`: of the days."""
    middle = median(post.plays for post in posts)
    ordered = sorted(posts, key=lambda post: (post.plays, post.taken_at), reverse=True)
    reels = tuple(_reel(post, middle) for post in ordered)
    rates = [reel.engagement for reel in reels if reel.engagement is not None]
    moments = [post.taken_at.replace(microsecond=0) for post in posts]
    weeks = (max(moments) - min(moments)) / timedelta(weeks=1)
    local = [post.taken_at.astimezone(zone) for post in posts]
    plays = [post.plays for post in posts]
    return Truth(
        reels=reels,
        followers=followers,
        median_views=middle,
        view_ratio=middle / followers,
        engagement=median(rates),
        told_likes=len(rates),
        per_week=(len(posts) - 1) / weeks,
        tiers=Counter(reel.tier for reel in reels),
        best_weekday=_best([moment.weekday() for moment in local], plays),
        best_hour=_best([moment.hour for moment in local], plays),
        trend=_trend([post for post in posts if now - post.taken_at >= GROWING]),
    )


def _reel(post: Post, middle: float) -> Reel:
    times = post.plays / middle
    return Reel(
        code=post.code,
        plays=post.plays,
        likes=None if post.hides_likes else post.likes,
        comments=post.comments,
        engagement=None if post.hides_likes else (post.likes + post.comments) / post.plays,
        times=times,
        tier=next(tier for tier, least in TIERS.items() if times >= least),
    )


def _best(slots: Sequence[int], plays: Sequence[int]) -> int | None:
    """The slot of the highest median that is above the median of all."""
    groups: dict[int, list[int]] = defaultdict(list)
    for slot, seen in zip(slots, plays, strict=True):
        groups[slot].append(seen)
    large = {slot: median(seen) for slot, seen in groups.items() if len(seen) >= IN_A_GROUP}
    large = {slot: middle for slot, middle in large.items() if middle > median(plays)}
    if len(plays) < ENOUGH or not large:
        return None
    by_median: Callable[[int], float] = large.__getitem__
    return max(large, key=by_median)


def _trend(posts: Sequence[Post]) -> tuple[float, float, float] | None:
    """Theil and Sen's slope of the logarithm, with Sen's interval, as scipy.stats.theilslopes takes
    it; without equal days or plays the variance of Kendall's S is n (n - 1) (2 n + 5) / 18."""
    points = [(post.taken_at.timestamp() / 86_400, log(1 + post.plays)) for post in posts]
    n = len(points)
    if n < ENOUGH:
        return None
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2))
    reach = Z * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = slopes[round((len(slopes) - reach) / 2) - 1]
    high = slopes[round((len(slopes) + reach) / 2)]
    return _monthly(low), _monthly(median(slopes)), _monthly(high)


def _monthly(slope: float) -> float:
    return exp(30 * slope) - 1
