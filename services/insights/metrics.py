"""What is asked of Meta, by configuration: each metric's type, period, breakdown and limits.

Pure. A metric that Meta adds or takes away is a line here. Source: Meta's pages on insights (v25.0)
and its API specification. A bad metric fails the whole request, so each goes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

DAY, WEEK, DAYS_28, LIFETIME = "day", "week", "days_28", "lifetime"
NOW = "now"  # our own: as it stood when it was read; Meta keeps no history of it


class Kind(StrEnum):
    """How Meta tells it."""

    SERIES = "series"  # `values`, each with its end_time, for up to 30 days at once
    TOTAL = "total"  # one `total_value` for the window that was asked for: a request for each day
    AUDIENCE = "audience"  # of whom the audience is: no window, a `timeframe` and a breakdown
    SNAPSHOT = "snapshot"  # a field of the account


class Adds(StrEnum):
    """What several days of it are together."""

    SUM = "sum"
    NEVER = "never"  # unique accounts: the same person counts on each day
    LAST = "last"  # a level, not a count


@dataclass(frozen=True, slots=True)
class Metric:
    """`breakdown`: asked for with it, "" for none. `oldest`: days before today that Meta answers
    for. `followers`: that Meta wants before it tells. `every`: days between two readings."""

    name: str
    kind: Kind
    adds: Adds
    period: str = DAY
    breakdown: str = ""
    oldest: int = 729  # "within 2 years"
    followers: int = 0
    every: int = 1

    @property
    def key(self) -> str:
        """In the log of a sync, in buttons and in files."""
        parts = [self.name]
        if self.period in (WEEK, DAYS_28):
            parts.append(self.period)
        if self.kind is Kind.AUDIENCE:
            parts.append(self.breakdown)
        return ".".join(parts)


def _totals(*names: str) -> list[Metric]:
    return [Metric(name, Kind.TOTAL, Adds.SUM) for name in names]


FOLLOWERS = 100  # below it Meta tells nothing of these
AUDIENCES = ("age", "gender", "country", "city")

# in the order in which they are asked
METRICS: tuple[Metric, ...] = (
    *(
        Metric(name, Kind.SNAPSHOT, Adds.LAST, NOW)
        for name in ("followers_count", "follows_count", "media_count")
    ),
    Metric("reach", Kind.SERIES, Adds.NEVER),
    Metric("follower_count", Kind.SERIES, Adds.SUM, oldest=30, followers=FOLLOWERS),
    Metric("profile_views", Kind.TOTAL, Adds.SUM),  # off Meta's pages since v21, still answering
    Metric("accounts_engaged", Kind.TOTAL, Adds.NEVER),
    Metric("reach", Kind.SERIES, Adds.NEVER, WEEK),
    Metric("reach", Kind.SERIES, Adds.NEVER, DAYS_28),
    Metric("views", Kind.TOTAL, Adds.SUM, breakdown="follow_type"),
    *_totals("total_interactions", "likes", "comments", "shares", "saves", "replies", "reposts"),
    Metric("profile_links_taps", Kind.TOTAL, Adds.SUM, breakdown="contact_button_type"),
    Metric(
        "follows_and_unfollows",
        Kind.TOTAL,
        Adds.SUM,
        breakdown="follow_type",  # without it Meta answers with nothing, or refuses
        followers=FOLLOWERS,
    ),
    *(
        Metric(
            name,
            Kind.AUDIENCE,
            Adds.NEVER,
            LIFETIME,
            breakdown=who,
            followers=FOLLOWERS,
            every=7,
        )
        for name in ("follower_demographics", "engaged_audience_demographics")
        for who in AUDIENCES
    ),
)
BY_KEY = {metric.key: metric for metric in METRICS}
_OLDEST = {(metric.name, metric.period): metric.oldest for metric in METRICS}


def is_forgotten(name: str, period: str, day: date, now: datetime) -> bool:
    """Meta does not tell it of a day so long ago. `now`: aware UTC."""
    oldest = _OLDEST.get((name, period))
    return oldest is not None and day < now.date() - timedelta(days=oldest)


MEASURED_FOR = timedelta(days=30)  # each own post, after it was posted
_OF_ALL = ("reach", "views", "likes", "comments", "saved", "shares", "total_interactions")
# of each own post; children of albums have none
MEDIA_METRICS: dict[str, tuple[str, ...]] = {
    "REELS": (
        *_OF_ALL,
        "reposts",
        "ig_reels_avg_watch_time",
        "ig_reels_video_view_total_time",
        "reels_skip_rate",
    ),
    "FEED": (*_OF_ALL, "reposts", "follows", "profile_visits"),
}
