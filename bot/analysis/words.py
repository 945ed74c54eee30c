"""The words and numbers that several cards of the analysis share. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from bot.cards import Button, button, count, day, esc
from bot.numbers import MINUS, THIN, short, signed_percent
from services.analysis.figures import Tier
from services.analysis.measure import Figure, Measure
from services.analysis.trend import Direction, NoTrend, Trend, Why
from services.instagram.profiles import Profile, Reel
from storage.analysis import META, Analysis

SITE = "https://www.instagram.com"
MENU = button("Menu", "menu", "home")
REPORTS = button("🗂 Reports", "rep", "list")
ANOTHER = button("📊 Analyse another", "ana", "ask")
CONNECT = (button("🔗 Connect Instagram", "con", "begin"), button("🔗 Meta", "meta", "show"))
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TIERS = {Tier.BREAKOUT: "🥇", Tier.STRONG: "🟢", Tier.TYPICAL: "🔵", Tier.WEAK: "⚪️"}
FEW = "too few to say"
ALIKE = "none stands out"


# ---------------------------------------------------------------- numbers


def number(value: float | None) -> str:
    """ "987", "19.2 k", "1.5 M"."""
    return "not told" if value is None else short(value)


def percent(share: float | None) -> str:
    """Of a rate: "6.1 %", "0.42 %"."""
    if share is None:
        return "not told"
    value = share * 100
    if not value:
        return f"0{THIN}%"
    digits = 2 if abs(value) < 1 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}{THIN}%"


def difference(value: float) -> str:
    """ "+8.4 k"."""
    return (MINUS if value < 0 else "+") + number(abs(value))


def times(value: float | None) -> str:
    """ "9.8×", "1/104×", "0×"; "" where the median is nothing."""
    if value is None or not math.isfinite(value):
        return ""
    if value < 0.095:
        return f"1/{1 / value:,.0f}×" if value else "0×"
    return f"{value:.1f}×" if value < 99.95 else f"{value:,.0f}×"


def of(n: int) -> str:
    """Of how many reels a figure is."""
    return f"n{THIN}={THIN}{n:,}"


def told(figure: Figure) -> str:
    """A count with its n."""
    return f"{number(figure.value)} ({of(figure.n)})"


def span(gap: timedelta | None) -> str:
    """ "2 d 7 h", "40 min"."""
    if gap is None:
        return FEW
    hours = round(gap / timedelta(hours=1))
    if hours < 1:
        return f"{max(1, round(gap / timedelta(minutes=1)))} min"
    if hours < 48:
        return f"{hours} h"
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if rest and days < 10 else f"{days} d"


def dates(first: datetime, last: datetime, zone: str) -> str:
    """ "3 Jun – 1 Nov 2026"."""
    begin, end = day(first, zone), day(last, zone)
    if begin == end:
        return begin
    if begin[-4:] == end[-4:]:
        begin = begin[:-5]
    return f"{begin} – {end}"


# ---------------------------------------------------------------- people and reels


def link(username: str) -> str:
    """To the profile: a bare "@name" would lead to somebody of Telegram."""
    name = esc(username, 40)
    return f'<a href="{SITE}/{name}/">@{name}</a>'


def title(item: Analysis) -> str:
    return f"<b>{link(item.name)}</b>"


def person(profile: Profile) -> str:
    """The head of a card; the full name is kept apart, for Arabic and Hebrew would draw what stands
    behind it to their other side."""
    sign = " ✓" if profile.is_verified else ""
    name = " ".join(profile.full_name.split())
    apart = f" · \u2068{esc(name, 40)}\u2069" if name else ""
    return f"<b>{link(profile.username)}</b>{sign}{apart}"


def reel_link(reel: Reel, text: str) -> str:
    """`text` is HTML already."""
    return f'<a href="{SITE}/reel/{esc(reel.shortcode, 40)}/">{text}</a>'


def excerpt(caption: str, limit: int) -> str:
    """The beginning of what stands below a reel, in one line, as HTML."""
    return f"\u2068{esc(' '.join(caption.split()), limit)}\u2069" if caption.strip() else ""


# ---------------------------------------------------------------- sentences


DIRECTIONS = {
    Direction.RISING: "rising",
    Direction.FALLING: "falling",
    Direction.UNCLEAR: "no clear direction",
}


def trend(found: Trend | NoTrend) -> str:
    """A sentence without its full stop, with n."""
    if isinstance(found, NoTrend):
        older = f"{count(found.n, 'reel')} older than three days"
        if found.why is Why.FEW:
            return f"{FEW} ({older})"
        return f"{FEW}: all within two weeks ({of(found.n)})"
    words = DIRECTIONS[found.direction]
    sure = f"{signed_percent(found.low)} … {signed_percent(found.high)}"
    return f"{words}: {signed_percent(found.change)} a month (95{THIN}%: {sure}; {of(found.n)})"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def arrow(found: Trend | NoTrend) -> str:
    if isinstance(found, NoTrend):
        return "➖"
    return {Direction.RISING: "📈", Direction.FALLING: "📉", Direction.UNCLEAR: "➡️"}[
        found.direction
    ]


def views_are(measure: Measure) -> str:
    if measure is Measure.PLAYS:
        return "views are plays, as the app shows them"
    return "views are those that Meta tells"


def source(item: Analysis, account: str) -> str:
    """Who told this, and as whom it was asked."""
    asked_as = f" as {whose(account)}" if account else ""
    if item.source == META:
        return f"from Meta's business discovery{asked_as}"
    why = {
        "not_found": "; Meta knows no such professional account",
        "refused": "; Meta refused its log-in",
    }.get(item.not_by_meta or "", "")
    return f"seen in the app{asked_as}{why}"


def whose(account: str) -> str:
    """As View tells the account that asks."""
    return link(account[1:]) if account.startswith("@") else esc(account, 40)


def left_out(item: Analysis) -> list[str]:
    """What the figures don't know, if anything."""
    said = []
    if item.state in ("failed", "canceled"):
        said.append("stopped before its end, so older reels are missing")
    elif item.is_cut:
        said.append(f"the newest {item.stored:,} reels only")
    elif item.state != "completed":
        said.append("still being read")
    if item.unread:
        said.append(f"{count(item.unread, 'reel')} could not be read")
    if item.renamed:
        said.append(f"asked for as {link(item.asked)}")
    return said


def back(analysis_id: int) -> Button:
    return button("‹ Overview", "ana", "open", analysis_id)
