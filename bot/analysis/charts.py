"""What is drawn above a card: the figures of an analysis as services.media.charts takes them. Pure;
every word in a picture is written here.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.analysis import words
from bot.cards import count
from bot.numbers import signed_percent
from services.analysis.figures import Tier
from services.analysis.looking import Sight
from services.analysis.measure import MIN_GROUP, seen
from services.analysis.rhythm import week
from services.analysis.trend import NoTrend, Trend
from services.media.charts import (
    Cell,
    Chart,
    Colour,
    Dot,
    Edge,
    Key,
    Tick,
    TrendChart,
    ViewsChart,
    WeekChart,
    calendar_ticks,
)

COLOURS = {
    Tier.BREAKOUT: Colour.GOLD,
    Tier.STRONG: Colour.GREEN,
    Tier.TYPICAL: Colour.BLUE,
    Tier.WEAK: Colour.GREY,
}
HOURS = 3  # of a cell


def views(sight: Sight, zone: str) -> Chart | None:
    """Each reel by when it was posted and how often it was seen; None where no views are told."""
    figures = sight.figures
    if not sight.places or figures.median_views.value is None:
        return None
    return ViewsChart(
        title=f"@{sight.profile.username}",
        subtitle=_subtitle(sight, zone),
        dots=_dots(sight),
        ticks=_ticks(sight, zone),
        median=figures.median_views.value,
        median_label=f"median {words.number(figures.median_views.value)} views",
        legend=tuple(Key(COLOURS[tier], f"{tier} {figures.tiers[tier]}") for tier in Tier),
    )


def trend(sight: Sight, zone: str) -> Chart | None:
    """The line through them with its band; without a trend the dots alone."""
    found = sight.figures.trend
    if isinstance(found, NoTrend):
        return views(sight, zone)
    return TrendChart(
        title=f"@{sight.profile.username}: {words.DIRECTIONS[found.direction]}",
        subtitle=_subtitle(sight, zone),
        dots=_dots(sight),
        ticks=_ticks(sight, zone),
        line=tuple(_edge(found, at) for at in range(len(found.corners))),
        line_label=f"{signed_percent(found.change)} a month",
        band_label=f"95 % sure: {signed_percent(found.low)} to {signed_percent(found.high)}",
    )


def when(sight: Sight, zone: str) -> Chart | None:
    """Weekdays and hours of the person who looks."""
    typical = sight.figures.median_views.value
    if not typical:
        return views(sight, zone)
    told = seen(sight.reels, sight.figures.measure)
    return WeekChart(
        title=f"@{sight.profile.username}: when",
        subtitle=f"median views by weekday and hour, {zone}",
        rows=words.DAYS,
        columns=tuple(f"{hour}" for hour in range(0, 24, HOURS)),
        cells=tuple(
            tuple(Cell(one.value, one.n) for one in row)
            for row in week(told, ZoneInfo(zone), HOURS)
        ),
        typical=typical,
        enough=MIN_GROUP,
        less="less",
        more="more",
        note=f"fewer than {MIN_GROUP} reels",
    )


def _subtitle(sight: Sight, zone: str) -> str:
    figures = sight.figures
    assert figures.first is not None
    assert figures.last is not None, "there are reels"
    return f"{count(figures.reels, 'reel')}, {words.dates(figures.first, figures.last, zone)}"


def _dots(sight: Sight) -> tuple[Dot, ...]:
    return tuple(
        Dot(one.reel.taken_at.timestamp(), one.views, COLOURS[one.tier]) for one in sight.places
    )


def _ticks(sight: Sight, zone: str) -> tuple[Tick, ...]:
    """With their year where there is more than one."""
    moments = [one.reel.taken_at for one in sight.places]
    ticks = calendar_ticks(min(moments), max(moments), ZoneInfo(zone))
    form = "%-d %b" if len({tick.year for tick in ticks}) < 2 else "%b %Y"
    return tuple(Tick(tick.timestamp(), f"{tick:{form}}") for tick in ticks)


def _edge(found: Trend, place: int) -> Edge:
    at = found.corners[place]
    low, likely, high = found.views_at(at)
    return Edge(at.timestamp(), low, likely, high)
