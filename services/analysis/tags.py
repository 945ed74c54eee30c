"""Which hashtags, and whose names, stand under reels that do well; pure.

Used by services.analysis.figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from services.analysis.measure import MIN_GROUP, Figure, Seen, middle
from services.instagram.profiles import Reel

MOST = 100  # tags that are given


@dataclass(frozen=True, slots=True)
class Tag:
    """`name` without # or @. `count` reels have it, also such whose views are not told.

    `lift`: the median views of reels with it, in medians of the reels without it, if MIN_GROUP
    reels are on either side; else None: too few to say. It says what goes together, not why.
    """

    name: str
    count: int
    median_views: Figure
    lift: float | None


def hashtags(reels: Iterable[Reel], told: Sequence[Seen]) -> tuple[Tag, ...]:
    """The most used first. `told`: those of the reels that tell their views."""
    return _tags(reels, told, lambda reel: reel.hashtags)


def mentions(reels: Iterable[Reel], told: Sequence[Seen]) -> tuple[Tag, ...]:
    return _tags(reels, told, lambda reel: reel.mentions)


def _tags(
    reels: Iterable[Reel], told: Sequence[Seen], names: Callable[[Reel], tuple[str, ...]]
) -> tuple[Tag, ...]:
    counts = Counter(name for reel in reels for name in set(names(reel)))
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    having: dict[str, list[int]] = defaultdict(list)  # places in `told`
    for place, one in enumerate(told):
        for name in set(names(one.reel)):
            having[name].append(place)
    views = [one.views for one in told]
    return tuple(
        Tag(
            name=name,
            count=count,
            median_views=middle([views[place] for place in having[name]]),
            lift=_lift(views, set(having[name])),
        )
        for name, count in most
    )


def _lift(views: Sequence[int], places: set[int]) -> float | None:
    if min(len(places), len(views) - len(places)) < MIN_GROUP:
        return None
    without = median(one for place, one in enumerate(views) if place not in places)
    return median(views[place] for place in places) / without if without else None
