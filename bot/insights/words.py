"""What metrics, figures, changes and gaps are called in the chat. Pure; shared by the cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.cards import button, count, esc, verb
from bot.numbers import MINUS, short, signed_percent
from services.insights.figures import Figure, Gap, Number, Span, Summary, What, Why
from services.insights.metrics import Kind, Metric
from services.insights.states import Reason
from storage.insights import InsightAccount
from storage.syncs import SyncResult

SITE = "https://www.instagram.com"
MENU = button("Menu", "menu", "home")
CONNECT = button("🔗 Connect Meta", "meta", "show")
LOGINS = button("🔗 Meta accounts", "meta", "show")


@dataclass(frozen=True, slots=True)
class Name:
    """`unit`: one and many of what is counted. `about`: what Meta means by it."""

    title: str
    unit: tuple[str, str]
    about: str


# those with a chart, in the order in which they are offered: the headlines first
NAMES = {
    "reach": Name("Reach", ("account", "accounts"), "different accounts that saw you"),
    "views": Name("Views", ("view", "views"), "how often posts, reels and stories were seen"),
    "follows_and_unfollows": Name(
        "Follows, net", ("follower", "followers"), "accounts that followed, less those that left"
    ),
    "followers_count": Name("Followers", ("follower", "followers"), "as they stood each morning"),
    "profile_views": Name("Profile views", ("view", "views"), "how often the profile was opened"),
    "accounts_engaged": Name(
        "Accounts engaged", ("account", "accounts"), "different accounts that interacted"
    ),
    "total_interactions": Name(
        "Interactions", ("interaction", "interactions"), "likes, comments, shares, saves, replies"
    ),
    "profile_links_taps": Name("Link taps", ("tap", "taps"), "taps on the profile's buttons"),
    "likes": Name("Likes", ("like", "likes"), "on everything, less those taken back"),
    "comments": Name("Comments", ("comment", "comments"), "on everything, less those deleted"),
    "shares": Name("Shares", ("share", "shares"), "of everything"),
    "saves": Name("Saves", ("save", "saves"), "of everything, less those taken back"),
    "replies": Name("Replies", ("reply", "replies"), "to stories"),
    "reposts": Name("Reposts", ("repost", "reposts"), "of everything"),
    "follower_count": Name(
        "New followers", ("follower", "followers"), "of each day, without those that left"
    ),
    "follows_count": Name("Following", ("account", "accounts"), "whom the account follows"),
    "media_count": Name("Posts", ("post", "posts"), "on the profile"),
}
OTHERS = {
    "reach.week": "Reach of 7 days",
    "reach.days_28": "Reach of 28 days",
    "follower_demographics": "Followers by",
    "engaged_audience_demographics": "Engaged by",
    "posts": "Posts and reels",
}
# of a metric in a sync: error class -> words; what is not in here is told as it was stored
BECAUSE = {
    "RequestRefused": "Meta does not tell it any more",
    "PermissionMissing": "the log-in may not read it",
    "NotMeasured": "Meta does not tell it below 100 followers",
    "MetaUnavailable": "Meta did not answer; the next sync tries again",
    "MetaChanged": "Meta answered in a shape that I don't know; look for a newer Reelay",
}
NEITHER = ("follows_count", "media_count")  # more of it is neither good nor bad

WHY = {
    None: "not asked for so far",
    Reason.NOT_YET: "not told by Meta yet, which may take 48 hours",
    Reason.NO_DATA: "Meta has no data",
    Reason.TOO_FEW: "Meta does not tell below 100 followers",
    Reason.REMOVED: "Meta does not tell it any more",
    Reason.NO_PERMISSION: "the log-in may not read insights",
    Reason.NOT_READ: "not read in time",
    Reason.FAILED: "could not be read; the next sync tries again",
}


def title(key: str) -> str:
    """Of a metric as the sync's log names it: "Followers by city"."""
    if key in NAMES:
        return NAMES[key].title
    name, _, of = key.partition(".")
    return OTHERS.get(key) or f"{OTHERS.get(name, name)} {of}".strip()


def because(one: SyncResult) -> str:
    """Why a sync could not read a metric."""
    return BECAUSE.get(one.error or "") or esc(one.message.rstrip("."), 200)


def link(username: str) -> str:
    """To the profile: a bare "@name" would lead to somebody of Telegram."""
    name = esc(username, 40)
    return f'<b><a href="{SITE}/{name}/">@{name}</a></b>'


def account_link(account: InsightAccount) -> str:
    return link(account.username)


# ---------------------------------------------------------------- numbers


def number(value: Number) -> str:
    """Exact: "12,340", "−35"; of means, "820.5"."""
    if float(value).is_integer():
        digits = f"{abs(value):,.0f}"
    else:
        digits = f"{abs(value):,.{1 if abs(value) < 100 else 0}f}"
    return (MINUS if value < 0 else "") + digits


def signed(value: Number) -> str:
    return ("+" if value > 0 else "") + number(value)


def compact(value: Number) -> str:
    """Three digits: "98.8 M", "−1.2 k"; below a thousand as it is."""
    return short(value) if abs(value) >= 999.5 else number(value)


def known_days(one: Summary) -> str:
    """ "the 1 day that is known"."""
    return f"the {count(one.known, 'day')} that {verb(one.known, 'is', 'are')} known"


# ---------------------------------------------------------------- days


def short_day(one: date) -> str:
    return f"{one:%-d %b}"


def weekday(one: date) -> str:
    """ "Sun 8 Nov"."""
    return f"{one:%a} {short_day(one)}"


def dates(span: Span) -> str:
    """ "3 Jan – 1 Nov 2026"."""
    first = short_day(span.first)
    if span.first.year != span.last.year:
        first += f" {span.first.year}"
    return f"{first} – {span.last:%-d %b %Y}"


# ---------------------------------------------------------------- sentences

_SHARES = (  # of it -> more, fewer
    (1 / 10, "a tenth more than", "a tenth fewer than"),
    (1 / 5, "a fifth more than", "a fifth fewer than"),
    (1 / 4, "a quarter more than", "a quarter fewer than"),
    (1 / 3, "a third more than", "a third fewer than"),
    (1 / 2, "half as many again as", "half as many as"),
    (2 / 3, "two thirds more than", "two thirds fewer than"),
    (3 / 4, "three quarters more than", "three quarters fewer than"),
)
_ALIKE, _LITTLE, _MUCH = 0.02, 0.08, 0.9


def than_before(ratio: float) -> str:
    """ "about as many as", "a third more than", "2.4 times as many as"."""
    if abs(ratio) < _ALIKE:
        return "about as many as"
    if ratio > _MUCH:
        times = 1 + ratio
        told = "twice" if abs(times - 2) <= 0.1 else f"{times:,.{1 if times < 10 else 0}f} times"
        return f"{told} as many as"
    if ratio < -_MUCH:
        return "less than a tenth of what there were"
    if abs(ratio) < _LITTLE:
        return "a little more than" if ratio > 0 else "a little fewer than"
    _, more, fewer = min(_SHARES, key=lambda one: abs(one[0] - abs(ratio)))
    return more if ratio > 0 else fewer


def change(figure: Figure) -> str:
    """A sentence without its full stop; "" where there is nothing to compare."""
    found, days = figure.change, figure.span.days
    before = f"in the {days} days before"
    if found.why is Why.NOTHING_NOW:
        return ""
    if found.why is Why.NOTHING_BEFORE:
        return f"nothing is known of the {days} days before"
    if found.why is Why.GAPS:
        return f"too many days are missing to compare with the {days} days before"
    assert found.difference is not None, "both are known"
    if figure.follows:  # "9 more" of a loss would be read as a greater loss
        each = "on an average day " if found.by is What.MEAN else ""
        return f"{each}{signed(found.difference)} against the {days} days before"
    if found.by is What.LAST:
        share = f" ({signed_percent(found.ratio)})" if found.ratio is not None else ""
        return f"{_more(found.difference)} {days} days before{share}"
    if found.ratio is None:
        return f"{_more(found.difference)} {before}"
    mean = found.by is What.MEAN and figure.headline.what is not What.MEAN
    each = "on an average day " if mean else ""
    return f"{each}{than_before(found.ratio)} {before} ({signed_percent(found.ratio)})"


def _more(difference: Number) -> str:
    if not difference:
        return "as many as"
    return f"{number(abs(difference))} {'more' if difference > 0 else 'fewer'} than"


def headline(figure: Figure) -> str:
    """ "<b>12,340</b> different accounts in 28 days, as Meta counts them"."""
    one, span = figure.headline, figure.span
    if one.value is None:
        return f"Nothing is known of these {span.days} days"
    told = signed(one.value) if figure.follows else number(one.value)
    value = f"<b>{told}</b>"
    single, many = NAMES[figure.metric.key].unit
    unit = single if one.value == 1 else many
    match one.what:
        case What.UNIQUE:
            assert one.day is not None, "Meta's own figure ends with a day"
            end = "" if one.day == span.last else f" until {short_day(one.day)}"
            return f"{value} different {unit} in {span.days} days{end}, as Meta counts them"
        case What.MEAN:
            return f"{value} different {unit} on an average day"
        case What.LAST:
            assert one.day is not None, "a level is of a day"
            return f"{value} {unit} on {short_day(one.day)}"
        case What.SUM:
            known = f"in {span.days} days" if one.whole else f"on {known_days(one)}"
            return f"{value} {unit} {known}"


def gaps(figure: Figure) -> list[str]:
    """ "2 days: Meta has no data"; a single one is named: "Sun 8 Nov: Meta has no data"."""
    return [f"{_which(gap, figure)}: {why(gap.reason, figure.metric)}" for gap in figure.daily.gaps]


def _which(gap: Gap, figure: Figure) -> str:
    if gap.days != 1:
        return count(gap.days, "day")
    points = figure.series.points
    one = next(one.day for one in points if one.value is None and one.reason is gap.reason)
    return weekday(one)


def why(reason: Reason | None, metric: Metric) -> str:
    if reason is Reason.NOT_READ:
        if metric.kind is Kind.SNAPSHOT:
            return "not read then, and Meta keeps no history of it"
        return f"older than the {metric.oldest} days that Meta tells"
    if reason is Reason.NOT_YET and metric.kind is Kind.SNAPSHOT:
        return "not read yet today"
    return WHY[reason]
