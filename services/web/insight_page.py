"""An account's own figures as a page: what its template is given. Pure; called by
services.web.insights. Its words stand in services.web.insight_words.

One document holds all of it and no script, so it can be saved and sent on; nothing in it points to
another host but the links to Instagram that a person presses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.feed.render.text import excerpt
from services.insights.best import Board, Ranking, Top
from services.insights.figures import Point
from services.insights.looking import DAYS, Audience, Best, Sight
from services.insights.metrics import Adds
from services.web import insight_words as words
from services.web import pages
from services.web.answers import Headers
from services.web.insight_charts import LEFT, LinePicture, line_picture
from services.web.numbers import moment, percent
from storage.insights import InsightAccount

TEXT = 120  # characters of a caption
SAID = 300  # of Meta's words
_INSTAGRAM = ("instagram.com", "www.instagram.com")

_STYLE = pages.source("figures.css") + pages.source("insights.css")

HEADERS: Headers = pages.headers(style_src=pages.digest(_STYLE), form_action="'none'")
LOOK = pages.look(_STYLE, pages.source("insights.html"))


@dataclass(frozen=True, slots=True)
class Content:
    """All that a page shows. `sights`: of each of words.LABELS, of `days` days. `zone`: of the
    account's person; `until`: the address works (aware)."""

    account: InsightAccount
    days: int
    sights: Sequence[Sight]
    best: Best
    audiences: Sequence[Audience]
    zone: ZoneInfo
    until: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """A line of the table below a chart."""

    day: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A metric in words. `value` "": nothing is known. `gaps`: why days have no number; `said`:
    Meta's own words about that, foreign. `open`: part of it may still change."""

    label: str
    value: str
    what: str
    change: str
    against: str
    direction: str
    parts: str
    gaps: tuple[str, ...]
    said: str
    open: bool
    known: str
    picture: LinePicture | None
    table: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A post or a story. `url` "": there is no link to it."""

    place: int
    kind: str
    text: str
    url: str
    posted: str
    figures: str
    open: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """`entries`: (name, per cent wide, per cent in words). `note`: why there are none, or of how
    many they are the first."""

    label: str
    entries: tuple[tuple[str, float, str], ...]
    note: str


def page(content: Content) -> str:
    """HTML."""
    span, sights = content.best.span, content.sights
    read = [
        point.read_at for sight in sights for point in sight.figure.series.points if point.read_at
    ]
    return pages.environment.get_template("insights.html").render(
        account=content.account,
        days=content.days,
        choices=DAYS,
        span=f"{words.day(span.first)} to {span.last:%-d %b %Y}",
        read=moment(max(read), content.zone) if read else "",
        status=words.status(sights[0].sync if sights else None),
        panels=[panel(sight) for sight in sights],
        rankings=(
            ("Best posts", "posts", content.best.posts, _lines(content.best.posts, content.zone)),
            (
                "Best stories",
                "stories",
                content.best.stories,
                _lines(content.best.stories, content.zone),
            ),
        ),
        audiences=[
            (words.AUDIENCES[one.who], [bars(board) for board in one.boards], _read_on(one))
            for one in content.audiences
        ],
        until=moment(content.until, content.zone),
        zone=content.zone.key,
        left=LEFT,
        style=_STYLE,
    )


# ---------------------------------------------------------------- a metric


def panel(sight: Sight) -> Panel:
    figure = sight.figure
    head, points = figure.headline, figure.series.points
    is_net = figure.follows is not None
    value = "" if head.value is None else (words.plus if is_net else words.number)(head.value)
    change, against = words.change(figure)
    return Panel(
        label=words.LABELS[figure.metric.key],
        value=value,
        what=words.what(head, figure.span.days) if value else "",
        change=change,
        against=against,
        direction=words.direction(figure),
        parts=words.parts(figure),
        gaps=tuple(words.gap(gap) for gap in figure.daily.gaps),
        said=_said(points),
        open=head.may_change or figure.daily.may_change,
        known=f"{figure.daily.known} of {words.days(figure.daily.of)} known",
        picture=line_picture(points, from_zero=figure.metric.adds is not Adds.LAST),
        table=tuple(_day(point) for point in reversed(points)),
    )


def _said(points: Sequence[Point]) -> str:
    """The newest that Meta said about a day without a number."""
    said = next((point.said for point in reversed(points) if point.said), "")
    return excerpt(said.strip(), SAID)


def _day(point: Point) -> Day:
    if point.value is None:
        return Day(words.day(point.day), "–", words.why(point.reason))
    notes = ["may still change"] if point.may_change else []
    if point.revision:
        times = "once" if point.revision == 1 else f"{point.revision} times"
        notes.append(f"Meta has changed it {times}")
    return Day(words.day(point.day), words.number(point.value), "; ".join(notes))


# ---------------------------------------------------------------- posts, stories, the audience


def _lines(ranking: Ranking, zone: ZoneInfo) -> list[Line]:
    return [_line(top, zone) for top in ranking.top]


def _line(top: Top, zone: ZoneInfo) -> Line:
    told = (("reach", top.reach), ("views", top.views), ("interactions", top.interactions))
    return Line(
        place=top.place,
        kind=words.KINDS.get(top.kind, "Post"),
        text=excerpt(" ".join(top.text.split()), TEXT),
        url=top.permalink if _is_safe(top.permalink) else "",
        posted=moment(top.posted_at, zone),
        figures=" · ".join(
            f"{words.number(value)} {name}" for name, value in told if value is not None
        ),
        open=top.may_grow,
    )


def _is_safe(url: str) -> bool:
    """Meta gave it, but a page that is sent on leads to Instagram only."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and parts.netloc in _INSTAGRAM


def bars(board: Board) -> Bars:
    dimension = board.metric.breakdown
    if not board.entries:
        return Bars(words.DIMENSIONS[dimension], (), f"Not known: {words.why(board.reason)}.")
    entries = tuple(
        (words.share_name(dimension, one.name), round(one.share * 100, 1), percent(one.share))
        for one in board.entries
    )
    cut = len(entries) < board.of
    note = f"The first {len(entries)} of {board.of} that Meta tells." if cut else ""
    return Bars(words.DIMENSIONS[dimension], entries, note)


def _read_on(audience: Audience) -> str:
    days = [board.day for board in audience.boards if board.day and board.entries]
    return f"As of {max(days):%-d %b %Y}" if days else ""
