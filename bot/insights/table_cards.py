"""Several figures at once: the headlines, the best posts and stories, the audience, the week's
digest. Pure functions; most stand below a chart, so at most 1,024 units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from bot.cards import Button, Card, bar, caption, count, esc
from bot.insights import words
from bot.insights.cards import back, spans, tabs
from bot.insights.places import Place
from bot.insights.words import MENU, account_link
from bot.numbers import THIN, signed_percent
from services.insights.best import Board, Ranking, Share, Top
from services.insights.digest import Digest
from services.insights.figures import Figure, What
from services.insights.looking import FOLLOWERS, Audience, Best, Overview
from storage.people import User

EXCERPT = 40  # characters of what stands below a post
PER_DAY = "/d"
WIDE, CHANGE = 28, 6  # characters of a table, and of its last column
SHORT = {"accounts_engaged": "Engaged"}  # in a table
SIGNS = {"REELS": "🎬", "FEED": "🖼", "STORY": "📸"}
KINDS = {"REELS": "Reel", "STORY": "Story"}  # all others: "Post"
BOARDS = {"age": "Age", "gender": "Gender", "country": "Countries", "city": "Cities"}
GENDERS = {"F": "women", "M": "men", "U": "not told"}


# ---------------------------------------------------------------- the headlines


def overview(found: Overview, place: Place) -> Card:
    lines = [
        f"📋 {account_link(found.account)} · {found.days} days to {found.span.last:%-d %b %Y}",
        _table(found.figures),
        *_below(found.figures, found.days),
    ]
    return Card(
        caption(lines), (spans(place, "overview"), tabs(place, "overview"), (back(place), MENU))
    )


def _table(figures: Iterable[Figure]) -> str:
    """At most WIDE characters, which a phone of 360 pixels shows without breaking lines."""
    rows = []
    for one in figures:
        key, change = one.metric.key, _change(one)
        name = SHORT.get(key, words.NAMES[key].title)
        value = _value(one, WIDE - CHANGE - 2 - len(name))
        rows.append(f"{name}{value:>{WIDE - CHANGE - 1 - len(name)}} {change:>{CHANGE}}".rstrip())
    return "<pre>" + esc("\n".join(rows), 1000) + "</pre>"


def _value(figure: Figure, room: int) -> str:
    """Shortened where it is too long for that many characters."""
    one = figure.headline
    if one.value is None:
        return "–"
    mean = one.what is What.MEAN
    value = round(one.value) if mean and one.value >= 10 else one.value
    told = words.signed(value) if figure.follows else words.number(value)
    unit = PER_DAY if mean else ""
    return (told if len(told + unit) <= room else words.compact(value)) + unit


def _change(figure: Figure) -> str:
    found = figure.change
    if found.ratio is not None:
        told = signed_percent(found.ratio).replace(THIN, "")
        return told if found.ratio < 10 else f"×{min(1 + found.ratio, 99_999):.0f}"
    if not found.difference:
        return ""
    told = words.signed(found.difference)
    return told if len(told) <= CHANGE else words.compact(found.difference)


def _below(figures: Iterable[Figure], days: int) -> Iterator[str]:
    """How the table is meant, and why something is missing from it."""
    yield f"Right: against the {days} days before."
    shown = list(figures)
    if any(one.headline.what is What.MEAN and one.headline.value is not None for one in shown):
        yield (  # as code: else Telegram makes a command of it
            f"<code>{PER_DAY}</code>: different accounts on an average day; days of them are never "
            "added up."
        )
    partly = [one for one in shown if _is_partly_known(one)]
    if partly:
        names = ", ".join(
            f"{words.NAMES[one.metric.key].title} {one.daily.known}" for one in partly
        )
        yield f"Known of {days} days: {names}. The other days are left out, they are no zeros."
    unknown: dict[str, list[str]] = {}
    for one in shown:
        if one.headline.value is None and one.daily.gaps:
            reason = words.why(one.daily.gaps[0].reason, one.metric)
            unknown.setdefault(reason, []).append(words.NAMES[one.metric.key].title)
    for reason, names_of in unknown.items():
        yield f"▫️ {', '.join(names_of)}: {reason}."


def _is_partly_known(one: Figure) -> bool:
    """A level is that of its day, whatever is known of the others."""
    return one.headline.what is not What.LAST and bool(one.daily.known) and not one.daily.whole


# ---------------------------------------------------------------- the best


def best(found: Best, place: Place, user: User) -> Card:
    lines = [f"🏆 {account_link(found.account)} · posted {words.dates(found.span)}"]
    lines += _ranking("Posts and reels", found.posts, user)
    lines += _ranking("Stories", found.stories, user)
    lines.append("<i>By reach, as of the last reading; ↗ may still grow.</i>")
    return Card(caption(lines), (spans(place, "best"), tabs(place, "best"), (back(place), MENU)))


def _ranking(name: str, found: Ranking, user: User) -> Iterator[str]:
    if not found.of:
        yield f"\n<b>{name}</b>: none in these days."
        return
    unknown = found.of - found.known
    if not found.top:
        yield f"\n<b>{name}</b>: Meta told the reach of none of {found.of} yet."
        return
    more = f", {unknown} without a figure" if unknown else ""
    yield f"\n<b>{name}</b>, {len(found.top)} of {found.of}{more}"
    for one in found.top:
        yield f"{one.place}. {_top(one, user)}"


def _top(one: Top, user: User) -> str:
    # with a log-in at Instagram, Meta tells no caption
    text = " ".join(one.text.split()) or KINDS.get(one.kind, "Post")
    label = f"{SIGNS.get(one.kind, '')} \u2068{esc(text, EXCERPT)}\u2069".strip()
    when = words.short_day(one.posted_at.astimezone(ZoneInfo(user.zone)).date())
    views = f", views {words.number(one.views)}" if one.views is not None else ""
    grows = " ↗" if one.may_grow else ""
    reach = f"reach <b>{words.number(one.reach)}</b>{views}{grows}"
    return f"{_linked(label, one.permalink)} · {when} · {reach}"


def _linked(label: str, address: str) -> str:
    """`label` is HTML already; the address is Meta's, and foreign."""
    if not address.startswith(words.SITE + "/") or len(address) > 200:
        return label
    return f'<a href="{esc(address)}">{label}</a>'


# ---------------------------------------------------------------- the audience


def audience(found: Audience, place: Place) -> Card:
    who = "Followers" if found.who == FOLLOWERS else "Engaged accounts"
    lines = [f"👥 {account_link(found.account)} · <b>{who}</b>"]
    days = [one.day for one in found.boards if one.day is not None and one.entries]
    if days:
        lines[0] += f", as of {words.short_day(max(days))}"
    reasons = {one.reason for one in found.boards if not one.entries}
    if not days and len(reasons) == 1:
        lines.append(f"\n{words.why(reasons.pop(), found.boards[0].metric).capitalize()}.")
    else:
        lines += [line for one in found.boards for line in _board(one)]
    if found.who == FOLLOWERS:
        other = place.to("💬 Of those who engage", "engaged")
    else:
        other = place.to("👥 Of the followers", "audience")
    return Card(caption(lines), ((other,), tabs(place, "audience"), (back(place), MENU)))


def _board(one: Board) -> Iterator[str]:
    name = BOARDS.get(one.metric.breakdown, one.metric.breakdown)
    if not one.entries:
        yield f"\n<b>{name}</b>: {words.why(one.reason, one.metric)}"
        return
    more = f", {len(one.entries)} of {one.of}" if one.of > len(one.entries) else ""
    yield f"\n<b>{name}</b>{more}"
    most = max(share.share for share in one.entries)
    for share in one.entries:
        wide = round(8 * share.share / most) if most else 0
        yield (
            f"<code>{bar(wide, 8, 8)}</code> {share.share:.0%} {_who(one.metric.breakdown, share)}"
        )


def _who(breakdown: str, share: Share) -> str:
    name = " ".join(share.name.split())
    if breakdown == "gender":
        return GENDERS.get(name) or esc(name, 30)
    if breakdown == "country" and len(name) == 2 and name.isascii() and name.isalpha():
        flag = "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in name.upper())
        return f"{flag} {esc(name)}"
    return esc(name.replace("-", "–") if breakdown == "age" else name, 30)


# ---------------------------------------------------------------- the week


def digest(found: Digest, user: User) -> Card:
    """A message of its own: at most 4,096 units."""
    account, week = found.account, found.week
    lines = [
        f"📬 {account_link(account)} · <b>the week of {words.dates(week)}</b>",
        _table(found.figures),
        *_below(found.figures, week.days),
    ]
    for one, what, number in (
        (found.post, "post", found.posts),
        (found.story, "story", found.stories),
    ):
        many = "stories" if what == "story" else "posts"
        if one is not None:
            lines.append(f"🏆 Best {what} of {number}: {_top(one, user)}")
        elif number:
            lines.append(f"{count(number, what, many)}; Meta told the reach of none yet.")
        else:
            lines.append(f"No {what} in this week.")
    place = Place(account.id, 7)
    keys: tuple[Button, ...] = (place.to("📈 Open"), place.to("📪 No more digests", "digest_off"))
    return Card(caption(lines, 4000), (keys, (MENU,)))
