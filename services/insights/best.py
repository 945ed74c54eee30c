"""The best posts and stories of a span, and of whom the audience is. Pure.

Called by services.insights.looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.insights.figures import Number, tidy
from services.insights.metrics import MEASURED_FOR, Metric
from services.insights.states import Reason, State, state_of
from storage.insight_reads import LiveStory, Post, Value

TOP = 5
TOLD = REACH, VIEWS, INTERACTIONS = "reach", "views", "total_interactions"  # of posts and stories
STORY = "STORY"
STORY_ENDS = timedelta(hours=24)  # then Meta forgets its figures


@dataclass(frozen=True, slots=True)
class Top:
    """`place`: from 1, equal ones share it. `kind`: REELS | FEED | STORY. `text`: the beginning of
    the caption, or the name of the story's file; foreign. Views and interactions are None where
    Meta tells none. `may_grow`: it is still read."""

    place: int
    id: int
    kind: str
    text: str
    permalink: str
    posted_at: datetime
    reach: Number
    views: Number | None
    interactions: Number | None
    may_grow: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """`top`: the first few, by reach; of equal ones the newer first. `known` of `of` tell their
    reach."""

    top: tuple[Top, ...]
    known: int
    of: int


def best_posts(posts: Iterable[Post], now: datetime, most: int = TOP) -> Ranking:
    """`now`: aware."""
    return _ranking([_post(post, now) for post in posts], most)


def best_stories(stories: Iterable[LiveStory], now: datetime, most: int = TOP) -> Ranking:
    """`now`: aware."""
    return _ranking([_story(story, now) for story in stories], most)


def _post(post: Post, now: datetime) -> Top | None:
    return _top(post, post.product, post.caption, now < post.posted_at + MEASURED_FOR)


def _story(story: LiveStory, now: datetime) -> Top | None:
    return _top(story, STORY, story.name, now < story.posted_at + STORY_ENDS)


def _top(of: Post | LiveStory, kind: str, text: str, may_grow: bool) -> Top | None:
    """None: Meta tells no reach of it."""
    told = {name: tidy(value) for name, value in of.told.items()}
    if REACH not in told:
        return None
    return Top(
        place=0,
        id=of.id,
        kind=kind,
        text=text,
        permalink=of.permalink,
        posted_at=of.posted_at,
        reach=told[REACH],
        views=told.get(VIEWS),
        interactions=told.get(INTERACTIONS),
        may_grow=may_grow,
    )


def _ranking(found: Sequence[Top | None], most: int) -> Ranking:
    known = [one for one in found if one is not None]
    ordered = sorted(known, key=lambda one: (one.reach, one.posted_at, one.id), reverse=True)
    placed: list[Top] = []
    for number, one in enumerate(ordered[:most], 1):
        above = placed[-1] if placed else None
        equal = above is not None and above.reach == one.reach
        placed.append(replace(one, place=above.place if above and equal else number))
    return Ranking(tuple(placed), len(known), len(found))


# ---------------------------------------------------------------- the audience


@dataclass(frozen=True, slots=True)
class Share:
    """`name`: "25-34", "F", "DE", "Berlin, Berlin"; foreign. `share`: of all that Meta told; of
    places it tells the first 45 only."""

    name: str
    value: Number
    share: float


@dataclass(frozen=True, slots=True)
class Board:
    """The newest reading of one of metrics.AUDIENCES. `entries`: the largest; of none, `reason`
    says why, and where that is None too, nobody has asked yet. `said`: Meta's words, foreign.
    `total`: of all `of` entries."""

    metric: Metric
    entries: tuple[Share, ...]
    total: Number
    of: int
    day: date | None
    state: State
    reason: Reason | None
    said: str
    read_at: datetime | None


def board(metric: Metric, rows: Sequence[Value], most: int = TOP) -> Board:
    """`rows`: the newest reading that has numbers, and the newest reason; other breakdowns' among
    them are passed over."""
    rows = [row for row in rows if row.breakdown.partition("=")[0] == metric.breakdown]
    told = [(_name(row), row.value) for row in rows if row.value is not None and row.breakdown]
    total = sum(value for _, value in told)
    ordered = sorted(told, key=lambda one: (-one[1], one[0]))
    entries = [
        Share(name, tidy(value), value / total if total > 0 else 0.0)
        for name, value in ordered[:most]
    ]
    why = next((row for row in rows if row.reason is not None), None) if not told else None
    reason = Reason(why.reason) if why and why.reason else None
    unread = not told and reason is None
    read = [row for row in rows if row.value is not None] or rows
    newest = max(read, key=lambda row: row.read_at, default=None)
    return Board(
        metric=metric,
        entries=tuple(entries),
        total=tidy(total),
        of=len(told),
        day=newest.day if newest else None,
        state=State.NOT_YET if unread else state_of(reason),
        reason=reason,
        said=why.said if why else "",
        read_at=newest.read_at if newest else None,
    )


def _name(row: Value) -> str:
    """ "age=25-34" is "25-34"."""
    return row.breakdown.partition("=")[2]
