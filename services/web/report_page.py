"""A report as a page: its words, and what the template is given. Pure; called by
services.web.reports.

One document holds all of it, so it can be saved and sent on; nothing in it points to another host
but the links to Instagram that a person presses. Without scripts its heads sort the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.analysis import figures as analysing
from services.analysis import tables_out
from services.analysis.figures import Figures, Placed, tenths
from services.analysis.looking import looked_at
from services.analysis.measure import MIN_REELS, Figure, Measure, Seen, seen, views_of
from services.analysis.rhythm import Slot, week
from services.analysis.tables_out import Line, Scale
from services.analysis.trend import Direction, NoTrend, Trend, Why
from services.analysis.views import View
from services.feed.render.text import excerpt
from services.instagram.profiles import Reel
from services.web import pages
from services.web.answers import Headers
from services.web.numbers import moment, percent, short, signed
from services.web.report_charts import HOURS, Cell, tier_spans, views_picture, week_cells
from storage.analysis import LIVE, UNFINISHED, Analysis

CAPTION = 2200  # characters, as many as Instagram takes
EVERY, RARELY = 6, 30  # seconds between two looks while it runs; the second, of a large page
LARGE = 1000  # reels
TAGS = 12  # hashtags that are listed

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TOO_FEW = "Too few to say"
ALIKE = "None stands out"
STOPPED = {
    "waiting": "It waits for Instagram, and goes on by itself.",
    "paused": "It has stopped for now; whoever began it can let it go on.",
    "failed": "It ended before all reels were read. What was read is here.",
    "canceled": "It was stopped before all reels were read. What was read is here.",
}
HEADS = {
    "posted": "Posted",
    "views": "Views",
    "likes": "Likes",
    "comments": "Comments",
    "engagement": "Engagement",
    "length": "Length",
}
"""The columns that sort, in their order; also the names in the address."""

_STYLE = pages.source("figures.css") + pages.source("report.css")
_SCRIPT = pages.source("report.js")

HEADERS: Headers = pages.headers(
    img_src="'self'",
    style_src=pages.digest(_STYLE),
    script_src=pages.digest(_SCRIPT),
    connect_src="'self'",
    form_action="'none'",
)
LOOK = pages.look(_STYLE, _SCRIPT, pages.source("report.html"))


@dataclass(frozen=True, slots=True)
class Order:
    """`by`: a key of HEADS; what is not told comes last either way."""

    by: str = "views"
    up: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """All that a page shows. `zone`: of who made the report; `until`: the address works (aware)."""

    view: View
    reels: Sequence[Reel]
    zone: ZoneInfo
    until: datetime


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure. `n`: reels that it was computed from; None where nothing was computed."""

    label: str
    value: str
    note: str = ""
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A reel, in the words of the table. `keys`: what each of HEADS sorts by; `told`: the same for
    the script, with dashes where nothing is told. `tier`: "none" where there is none."""

    keys: tuple[float | None, ...]
    told: str
    tier: str
    url: str
    caption: str
    sound: str
    stamp: str
    day: str
    time: str
    views: str
    place: str
    likes: str
    comments: str
    engagement: str
    length: str


def page(content: Content, order: Order) -> str:
    """HTML. Takes up to a second for ten thousand reels: not for the event loop."""
    item, profile = content.view.item, content.view.profile
    at = looked_at(item)
    found = numbers = None
    rows: list[Row] = []
    if profile is not None:
        found = analysing.figures(profile, content.reels, content.zone, at)
        told = seen(content.reels, found.measure)
        placed = analysing.placed(told, at)
        rows = _rows(content, found, placed, order)
        numbers = {
            "views": views_picture(placed, found, content.zone),
            "week": _week(found, told, content.zone),
            "tiers": tier_spans(found),
        }
    return pages.environment.get_template("report.html").render(
        item=item,
        profile=profile,
        found=found,
        charts=numbers,
        rows=rows,
        tiles=tiles(found, profile.media_count) if found and profile else (),
        order=order,
        heads=HEADS,
        status=status(item),
        live=item.state in UNFINISHED,
        every=RARELY if len(rows) > LARGE else EVERY,
        refresh=2 * RARELY,
        moment=lambda value: moment(value, content.zone),
        looked_at=at,
        until=content.until,
        zone=content.zone.key,
        tags=found.hashtags[:TAGS] if found else (),
        all_tags=found.hashtags if found else (),
        enough=MIN_REELS,
        days=DAYS,
        hours=[f"{hour:02}" for hour in range(0, 24, HOURS)],
        short=short,
        style=_STYLE,
        script=_SCRIPT,
    )


def _rows(content: Content, found: Figures, placed: Sequence[Placed], order: Order) -> list[Row]:
    scale = Scale(found.measure, found.median_views.value, content.zone)
    growing = {one.reel.platform_id for one in placed if one.growing}
    rows = [
        _row(
            tables_out.line(reel, scale), views_of(reel, found.measure), reel.platform_id in growing
        )
        for reel in content.reels
    ]
    column = list(HEADS).index(order.by)

    def key(row: Row) -> tuple[bool, float]:
        value = row.keys[column]
        return value is None, (value or 0) * (1 if order.up else -1)

    return sorted(rows, key=key)


def _row(line: Line, views: int | None, growing: bool) -> Row:
    keys = (
        line.posted_at_utc.timestamp(),
        views,
        line.likes,
        line.comments,
        line.engagement,
        line.duration,
    )
    local = line.posted_at_local
    times = "" if line.medians is None else f"{tenths(line.medians):.1f}× {line.tier}"
    return Row(
        keys=keys,
        told=" ".join("-" if key is None else f"{key:.10g}" for key in keys),
        tier=line.tier or "none",
        url=line.url,
        caption=excerpt(line.caption.strip(), CAPTION),
        sound=" – ".join(filter(None, (line.audio_title, line.audio_artist))),
        stamp=f"{local:%Y-%m-%dT%H:%M%z}",
        day=f"{local:%-d %b %Y}",
        time=f"{local:%H:%M}",
        views=_count(views),
        place=f"{times}, growing" if times and growing else times,
        likes="hidden" if line.likes_hidden else _count(line.likes),
        comments=_count(line.comments),
        engagement="–" if line.engagement is None else f"{line.engagement * 100:.1f} %",
        length="–" if line.duration is None else length(line.duration),
    )


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _week(found: Figures, told: Sequence[Seen], zone: ZoneInfo) -> list[list[Cell]] | None:
    typical = found.median_views.value
    if len(told) < MIN_REELS or not typical:
        return None
    return week_cells(week(told, zone, HOURS), typical)


# ---------------------------------------------------------------- words


def status(item: Analysis) -> str:
    """How far it is, for people who may not know whose account looks; "" if nothing is missing."""
    if item.state in LIVE:
        return (
            f"Reading: {item.stored:,} reels so far, {item.percent} %. This page fills by itself."
        )
    if item.state in STOPPED:
        return f"{item.stored:,} reels were read. {STOPPED[item.state]}"
    said = []
    if item.is_cut:
        said.append(f"These are the newest {item.stored:,}; there are more.")
    if item.unread:
        said.append(f"{item.unread:,} more could not be read.")
    return " ".join(said)


def tiles(found: Figures, posts: int | None) -> tuple[Tile, ...]:
    """Each figure with how many reels it is of."""
    times, rhythm = found.times, found.rhythm
    followers = "not told" if found.followers is None else f"{found.followers:,}"
    hidden = f"; {found.hidden_likes:,} hide their likes" if found.hidden_likes else ""
    plays = found.measure is Measure.PLAYS
    views = "plays, as the app shows them" if plays else "views, as Meta tells them"
    rate = "" if rhythm.per_week is None else f"{rhythm.per_week:.1f} a week"
    gap = "" if rhythm.longest_gap is None else f"longest gap: {_days(rhythm.longest_gap)}"
    return (
        Tile("Followers", followers, "" if posts is None else f"{posts:,} posts"),
        _figure("Median views", found.median_views, short, views),
        _figure(
            "Views per follower", found.view_ratio, "{:.2f}".format, "median views / followers"
        ),
        _figure("Engagement", found.engagement, percent, f"(likes + comments) / views{hidden}"),
        Tile("Rhythm", rate or TOO_FEW, gap, rhythm.n),
        _best("Best weekday", times.best_weekday, times.n, lambda at: DAYS[at]),
        _best(
            "Best hour", times.best_hour, times.n, lambda at: f"{at:02}:00–{(at + 1) % 24:02}:00"
        ),
        _trend(found.trend),
    )


def _figure(label: str, figure: Figure, form: Callable[[float], str], note: str) -> Tile:
    if figure.value is None:
        return Tile(label, "not told", "", figure.n)
    few = f"{TOO_FEW.lower()} more; " if figure.n < MIN_REELS else ""
    return Tile(label, form(figure.value), few + note, figure.n)


def _best(label: str, slot: Slot | None, n: int, name: Callable[[int], str]) -> Tile:
    if slot is None or slot.times is None:
        return Tile(label, TOO_FEW if n < MIN_REELS else ALIKE, "", n)
    of = slot.median_views.n
    return Tile(label, name(slot.at), f"{slot.times:.1f}× the median, over {of} reels", n)


def _trend(trend: Trend | NoTrend) -> Tile:
    if isinstance(trend, NoTrend):
        said = ["all within two weeks"] if trend.why is Why.SHORT else []
        if trend.growing:
            said.append(f"{trend.growing} younger than three days left out")
        return Tile("Trend", TOO_FEW, "; ".join(said), trend.n)
    between = f"between {signed(trend.low)} and {signed(trend.high)} with 95 % confidence"
    likely = f"{signed(trend.change)} a month"
    if trend.direction is Direction.UNCLEAR:
        return Tile("Trend", "No clear direction", f"{likely}, {between}", trend.n)
    return Tile("Trend", likely, between, trend.n)


def length(seconds: float) -> str:
    """ "0:09", "1:30"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _days(gap: timedelta) -> str:
    days = round(gap / timedelta(days=1))
    return "1 day" if days == 1 else f"{days:,} days" if days else "less than a day"
