"""What the page of an account's figures calls things, and how it says what is not known. Pure.

Used by services.web.insight_page. Everything is plain text: the template escapes it.
"""

from __future__ import annotations

from datetime import date

from services.insights.figures import Change, Figure, Gap, Number, Part, Summary, What, Why
from services.insights.looking import ENGAGED, FOLLOWERS
from services.insights.metrics import Adds
from services.insights.states import Reason
from services.web.numbers import percent, signed
from storage.syncs import Sync

LABELS = {
    "reach": "Reach",
    "views": "Views",
    "followers_count": "Followers",
    "follows_and_unfollows": "Follows, net",
    "accounts_engaged": "Accounts engaged",
    "total_interactions": "Interactions",
    "profile_views": "Profile views",
    "profile_links_taps": "Link taps",
    "follower_count": "New followers",
    "likes": "Likes",
    "comments": "Comments",
    "shares": "Shares",
    "saves": "Saves",
    "replies": "Replies",
    "reposts": "Reposts",
    "follows_count": "Following",
    "media_count": "Posts",
}
"""Of each key of looking.CHARTED, in the order of the page."""

KINDS = {"REELS": "Reel", "FEED": "Post", "STORY": "Story"}
AUDIENCES = {FOLLOWERS: "Followers", ENGAGED: "Who engaged, in a month"}
DIMENSIONS = {"age": "Age", "gender": "Gender", "country": "Country", "city": "City"}
_GENDERS = {"F": "Women", "M": "Men", "U": "Not told"}
_PARTS = {
    "FOLLOWER": "followers",
    "NON_FOLLOWER": "others",
    "BOOK_NOW": "book now",
    "CALL": "call",
    "DIRECTION": "directions",
    "EMAIL": "e-mail",
    "INSTANT_EXPERIENCE": "instant experience",
    "TEXT": "text message",
}
_REASONS = {
    None: "not asked for yet",
    Reason.NOT_YET: "not there yet; Meta takes up to 48 hours",
    Reason.NO_DATA: "Meta has no figure",
    Reason.TOO_FEW: "too few people: Meta tells it from 100 on",
    Reason.REMOVED: "Meta refuses this figure",
    Reason.NO_PERMISSION: "the log-in at Meta may not read it",
    Reason.NOT_READ: "not read in time, and Meta keeps no history of it",
    Reason.FAILED: "asked for in vain",
}
_STOPPED = {
    "pending": "The figures are about to be read.",
    "running": "The figures are being read just now: what is new is here already.",
    "waiting": "The reading waits for Meta and goes on by itself. What was read is here.",
    "failed": "The last reading did not come to its end. What was read is here.",
    "canceled": "The last reading was stopped. What was read is here.",
}


def status(sync: Sync | None) -> str:
    """ "" where the last reading came to its end; never whose log-in it was."""
    return "Nothing was read yet." if sync is None else _STOPPED.get(sync.state, "")


def number(value: Number) -> str:
    """ "1,234", "−12"; means below 100 with a digit: "12.4"."""
    digits = 0 if isinstance(value, int) or abs(value) >= 100 else 1
    return f"{value:,.{digits}f}".replace("-", "−")


def plus(value: Number) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def day(value: date) -> str:
    return f"{value:%-d %b}"


def why(reason: Reason | None) -> str:
    return _REASONS[reason]


def gap(one: Gap) -> str:
    """ "3 days: Meta has no figure"."""
    return f"{days(one.days)}: {why(one.reason)}"


def what(one: Summary, span: int) -> str:
    """What the one figure is, and of how many days."""
    known = days(one.known) if one.whole else f"{one.known} of {one.of} days"
    match one.what:
        case What.SUM:
            return f"in {known}"
        case What.MEAN:
            return f"a day, the mean of {known}"
        case What.LAST:
            return f"on {day(one.day)}" if one.day else ""
        case What.UNIQUE:
            until = f", until {day(one.day)}" if one.day else ""
            return f"accounts in {days(span)}, each counted once{until}"


def change(figure: Figure) -> tuple[str, str]:
    """(the change, what it is against); either may be ""."""
    one, before = figure.change, f"the {days(figure.span.days)} before"
    match one.why:
        case Why.NOTHING_NOW:
            return "", ""
        case Why.NOTHING_BEFORE:
            return "", f"nothing is known of {before}"
        case Why.GAPS:
            return "", f"too many days are missing to compare it with {before}"
    per_day = figure.headline.what is What.SUM and one.by is What.MEAN
    return _told(one), f"{'per known day, ' if per_day else ''}against {before}"


def _told(one: Change) -> str:
    if one.ratio is not None:
        return signed(one.ratio)
    return plus(one.difference) if one.difference is not None else ""


def direction(figure: Figure) -> str:
    """How a change is coloured: "up", "down", or "" where it is neither good nor bad."""
    told = _told(figure.change)
    neutral = figure.metric.adds is Adds.LAST and figure.metric.name != "followers_count"
    if neutral or told in ("", "0", "0 %"):
        return ""
    return "down" if told.startswith("−") else "up"


def parts(figure: Figure) -> str:
    """ "62.0 % followers, 38.0 % others"; "" where it is not told in parts."""
    if figure.follows is not None:
        gained, lost = figure.follows.gained.value, figure.follows.lost.value
        told = [("followed", gained), ("stopped", lost)]
        return ", ".join(f"{number(value)} {name}" for name, value in told if value is not None)
    total = sum(one.summary.value or 0 for one in figure.parts)
    if len(figure.parts) < 2 or total <= 0:  # one alone is the whole
        return ""
    return ", ".join(
        f"{percent((one.summary.value or 0) / total)} {_part(one)}" for one in figure.parts
    )


def _part(one: Part) -> str:
    name = one.name.partition("=")[2]
    return _PARTS.get(name, name.replace("_", " ").lower())


def share_name(dimension: str, name: str) -> str:
    return _GENDERS.get(name, name) if dimension == "gender" else name
