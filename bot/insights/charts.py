"""What is drawn above a card: a metric's days as services.media.charts takes them. Pure; every word
in a picture is written here.
"""

from __future__ import annotations

from bot.insights import words
from bot.numbers import signed_percent
from services.insights.figures import What
from services.insights.looking import Sight
from services.media.charts import LineChart

UNKNOWN = "nothing known"


def line(sight: Sight) -> LineChart:
    """The days, with a gap where nothing is known; the figure of all of them in large."""
    figure = sight.figure
    one = figure.headline
    name = words.NAMES[figure.metric.key].title
    told = words.signed if figure.follows else words.number
    return LineChart(
        title=f"{name} · @{sight.account.username}",
        subtitle=", ".join(part for part in (_what(sight), words.dates(figure.span)) if part),
        values=figure.series.values,
        labels=tuple(words.short_day(point.day) for point in figure.series.points),
        figure=UNKNOWN if one.value is None else told(one.value),
        change=_change(sight),
        better=_better(sight),
        may_change=figure.series.may_change,
    )


def _what(sight: Sight) -> str:
    one = sight.figure.headline
    if one.value is None:
        return ""
    match one.what:
        case What.UNIQUE:
            return f"different accounts in {sight.days} days"
        case What.MEAN:
            return "on an average day"
        case What.LAST:
            return "as it stood"
        case What.SUM if one.whole:
            return f"together in {sight.days} days"
        case What.SUM:
            return f"on {words.known_days(one)}"


def _change(sight: Sight) -> str:
    found = sight.figure.change
    if found.ratio is not None:
        return signed_percent(found.ratio)
    return words.signed(found.difference) if found.difference else ""


def _better(sight: Sight) -> bool | None:
    difference = sight.figure.change.difference
    if not difference or sight.metric.name in words.NEITHER:
        return None
    return difference > 0
