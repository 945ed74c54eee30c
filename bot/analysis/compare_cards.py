"""One profile at two times, and two profiles beside each other. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.analysis import result_cards, words
from bot.cards import Card, button, caption, count, day, time_or_day
from bot.numbers import signed_percent
from services.analysis.compare import Change, Grown, Side, What
from services.analysis.looking import Pair, Sight, Since
from services.analysis.views import View
from services.instagram.profiles import Reel
from storage.people import User

SHOWN = 3
KNOWN = 8  # profiles that are offered
NAMES = {
    What.FOLLOWERS: "Followers",
    What.MEDIAN_VIEWS: "Median views",
    What.VIEW_RATIO: "Views per follower",
    What.ENGAGEMENT: "Engagement",
    What.PER_WEEK: "Reels a week",
    What.BREAKOUTS: "Breakouts",
}


# ---------------------------------------------------------------- with last time


def since(sight: Sight, found: Since, user: User, now: datetime) -> Card:
    changes = found.changes
    at = time_or_day(found.at, user.zone, now)
    lines = [f"↔️ {words.link(sight.profile.username)} since <b>{at}</b>"]
    if changes.renamed_from:
        lines.append(f"Was called {words.link(changes.renamed_from)} then.")
    lines += [
        f"Followers: {_changed(changes.followers)}",
        f"Median views of the {count(changes.in_both, 'reel')} in both: "
        f"{_changed(changes.median_views)}",
        f"New reels: <b>{len(changes.new):,}</b>{_some(changes.new, user.zone)}",
        f"Gone: <b>{len(changes.gone):,}</b>{_some(changes.gone, user.zone)}",
    ]
    if changes.grown:
        lines.append(f"Views changed on {count(len(changes.grown), 'reel')}, most on:")
        lines += [_grown(one, user.zone) for one in changes.grown[:SHOWN]]
    lines.append("<i>New and gone are told only as far back as both times have looked.</i>")
    return Card(caption(lines), result_cards.tab_keys(sight.view.item.id, user, "last"))


def _changed(one: Change) -> str:
    if one.by is None:
        return "not told"
    if not one.by:
        return f"<b>{words.number(one.now)}</b>, unchanged"
    share = f" ({signed_percent(one.share)})" if one.share is not None else ""
    went = f"{words.number(one.before)} → <b>{words.number(one.now)}</b>"
    return f"{went}, {words.difference(one.by)}{share}"


def _some(reels: Sequence[Reel], zone: str) -> str:
    if not reels:
        return ""
    named = ", ".join(words.reel_link(reel, day(reel.taken_at, zone)) for reel in reels[:SHOWN])
    return f" · {named}" + (" …" if len(reels) > SHOWN else "")


def _grown(one: Grown, zone: str) -> str:
    taken = words.reel_link(one.reel, day(one.reel.taken_at, zone))
    return f"{taken}: {words.difference(one.by)} to {words.number(one.now)}"


# ---------------------------------------------------------------- with another


def ask(view: View, known: Sequence[View]) -> Card:
    """`known`: analyses of others, the newest of each."""
    item = view.item
    rows = [
        (button(f"@{one.item.name[:30]}", "ana", "beside", f"{item.id}-{one.item.id}"),)
        for one in known[:KNOWN]
    ]
    first = "Choose whom, or send a name:" if known else "Send a name that you have analysed:"
    return Card(
        f"⚖️ Compare {words.title(item)} with another profile. {first}",
        (*rows, (words.back(item.id),)),
    )


def not_there(name: str, view: View) -> Card:
    """Instead of a comparison: nobody of that name was analysed."""
    return Card(
        f"I have no analysis of <b>{words.link(name)}</b> yet. Analyse it first; then compare "
        f"{words.title(view.item)} with it.",
        (
            (button("📊 Analyse it", "ana", "named", name),),
            (words.back(view.item.id),),
        ),
    )


def beside(pair: Pair, user: User) -> Card:
    left, right = pair.left, pair.right
    lines = [f"⚖️ {words.link(left.profile.username)} · {words.link(right.profile.username)}"]
    lines += [_side(side) for side in pair.side_by_side.sides]
    lines.append("<i>×: the first in terms of the second.</i>")
    if not pair.side_by_side.same_measure:
        lines.append(
            "⚠️ Views of one are plays in the app, those of the other are what Meta tells: what has "
            "views in it says little."
        )
    lines += [
        f"<i>{words.link(one.profile.username)}: {count(one.figures.reels, 'reel')}, "
        f"{day(one.at, user.zone)}; {words.source(one.view.item, one.view.account)}</i>"
        for one in (left, right)
    ]
    again = f"beside-{right.view.item.id}"
    return Card(caption(lines), result_cards.tab_keys(left.view.item.id, user, "other", again))


def _side(side: Side) -> str:
    shown = {
        What.VIEW_RATIO: _ratio,
        What.ENGAGEMENT: words.percent,
        What.PER_WEEK: _rate,
        What.BREAKOUTS: words.percent,
    }.get(side.what, words.number)
    counted = f" ({words.of(side.left.n)} · {side.right.n:,})"
    n = "" if side.what is What.FOLLOWERS else counted
    times = words.times(side.times)
    return (
        f"{NAMES[side.what]}: <b>{shown(side.left.value)}</b> · "
        f"<b>{shown(side.right.value)}</b>" + (f", {times}" if times else "") + n
    )


def _ratio(value: float | None) -> str:
    return "not told" if value is None else f"{value:.2f}"


def _rate(value: float | None) -> str:
    return words.FEW if value is None else f"{value:.1f}"
