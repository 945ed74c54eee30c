"""One profile at two times, and two profiles side by side; pure.

Called by the analysis when "compare" is pressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from services.analysis.figures import Figures, Tier
from services.analysis.measure import Figure, measure_of, middle, ratio, views_of
from services.instagram.profiles import Profile, Reel

PINNED = 3  # reels that a profile can keep at its top, however old they are

_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A profile as it was `at` (aware UTC). `complete`: these were all its reels, not the newest
    of them."""

    profile: Profile
    reels: Sequence[Reel]
    at: datetime
    complete: bool


@dataclass(frozen=True, slots=True)
class Change:
    """`by` and `share` (0.1: ten per cent more) are None where one of the two is not known."""

    before: float | None
    now: float | None

    @property
    def by(self) -> float | None:
        return None if self.before is None or self.now is None else self.now - self.before

    @property
    def share(self) -> float | None:
        return ratio(self.by, self.before)


@dataclass(frozen=True, slots=True)
class Grown:
    """A reel, as it is now, whose views have changed."""

    reel: Reel
    before: int
    now: int

    @property
    def by(self) -> int:
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class Changes:
    """`new` and `gone`: newest first, and only where both times looked; a reel that one of them did
    not reach is neither. `grown`: by most first. `median_views` is of the `in_both` reels."""

    new: tuple[Reel, ...]
    gone: tuple[Reel, ...]
    grown: tuple[Grown, ...]
    in_both: int
    followers: Change
    median_views: Change
    renamed_from: str | None


def changes(before: Snapshot, now: Snapshot) -> Changes:
    """Both of the same account; what it is called may differ."""
    old = {reel.platform_id: reel for reel in before.reels}
    fresh = {reel.platform_id: reel for reel in now.reels}
    both = [(old[name], reel) for name, reel in fresh.items() if name in old]
    measure = measure_of(reel for pair in both for reel in pair)
    pairs = [
        Grown(reel, was, views)
        for earlier, reel in both
        if (was := views_of(earlier, measure)) is not None
        and (views := views_of(reel, measure)) is not None
    ]
    added = [reel for name, reel in fresh.items() if name not in old]
    missing = [reel for name, reel in old.items() if name not in fresh]
    since_before, since_now = _reach(before), _reach(now)
    same_name = before.profile.username == now.profile.username
    return Changes(
        new=_newest_first(reel for reel in added if reel.taken_at >= since_before),
        gone=_newest_first(reel for reel in missing if reel.taken_at >= since_now),
        grown=tuple(
            sorted((one for one in pairs if one.by), key=lambda one: (-one.by, one.reel.shortcode))
        ),
        in_both=len(both),
        followers=Change(before.profile.followers, now.profile.followers),
        median_views=Change(
            middle([one.before for one in pairs]).value, middle([one.now for one in pairs]).value
        ),
        renamed_from=None if same_name else before.profile.username,
    )


def _reach(snapshot: Snapshot) -> datetime:
    """A reel from then on would have been met, had it been there. Who looks at the newest reels
    only gets as far as the oldest of them, pinned ones aside."""
    if snapshot.complete:
        return _EVER
    moments = sorted(reel.taken_at for reel in snapshot.reels)
    return moments[PINNED] if len(moments) > PINNED else _NEVER


def _newest_first(reels: Iterable[Reel]) -> tuple[Reel, ...]:
    return tuple(sorted(reels, key=lambda reel: (reel.taken_at, reel.shortcode), reverse=True))


# ---------------------------------------------------------------- two profiles


class What(StrEnum):
    FOLLOWERS = "followers"
    MEDIAN_VIEWS = "median_views"
    VIEW_RATIO = "view_ratio"
    ENGAGEMENT = "engagement"
    PER_WEEK = "per_week"
    BREAKOUTS = "breakouts"  # their share among reels whose views are told


@dataclass(frozen=True, slots=True)
class Side:
    """One figure of both, as in Figures; n of FOLLOWERS is the reels looked at. `times`: the left
    in the right one's."""

    what: What
    left: Figure
    right: Figure

    @property
    def times(self) -> float | None:
        return ratio(self.left.value, self.right.value)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """`same_measure` False: the views of one are plays, those of the other are not, so what has
    views in it says little."""

    sides: tuple[Side, ...]
    same_measure: bool


def side_by_side(left: Figures, right: Figures) -> SideBySide:
    of_left, of_right = _comparable(left), _comparable(right)
    return SideBySide(
        tuple(Side(what, of_left[what], of_right[what]) for what in What),
        left.measure is right.measure,
    )


def _comparable(of: Figures) -> dict[What, Figure]:
    told = of.median_views.n
    return {
        What.FOLLOWERS: Figure(of.followers, of.reels),
        What.MEDIAN_VIEWS: of.median_views,
        What.VIEW_RATIO: of.view_ratio,
        What.ENGAGEMENT: of.engagement,
        What.PER_WEEK: Figure(of.rhythm.per_week, of.rhythm.n),
        What.BREAKOUTS: Figure(ratio(of.tiers[Tier.BREAKOUT], told), told),
    }
