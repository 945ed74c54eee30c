"""The captions below the charts of an analysis, and their buttons. Pure; each figure with its n.

One message shows them all in turn: the result, and what each button makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isfinite

from bot.analysis import words
from bot.analysis.words import MENU, REPORTS, TIERS
from bot.cards import Button, Card, button, caption, count, day, esc, time_or_day
from bot.numbers import THIN
from services.analysis.figures import (
    BREAKOUT,
    STRONG,
    TOP,
    WEAK,
    Figures,
    Placed,
    Tier,
    tenths,
)
from services.analysis.looking import Sight
from services.analysis.measure import MIN_GROUP, MIN_REELS
from services.analysis.rhythm import Slot
from services.analysis.tags import Tag
from services.analysis.trend import GROWING, NoTrend
from storage.people import User

SHOWN = 9  # hashtags or names of one card
EXCERPT = 60  # characters of what stands below a reel
TABS = (
    (("top", "🏆 Top"), ("tiers", "🎚 Tiers"), ("trend", "📈 Trend")),
    (("when", "🕒 When"), ("tags", "#️⃣ Hashtags"), ("names", "👥 Mentions")),
    (("last", "↔️ With last time"), ("other", "⚖️ With @other")),
)
RANGES = {
    Tier.BREAKOUT: f"at least {BREAKOUT:g}× the median",
    Tier.STRONG: f"at least {STRONG:g}×",
    Tier.TYPICAL: "between",
    Tier.WEAK: f"below {WEAK:g}×",
}


# ---------------------------------------------------------------- buttons


def tabs(analysis_id: int, shown: str) -> tuple[tuple[Button, ...], ...]:
    """`shown`: the one that is open, which is marked."""
    return tuple(
        tuple(
            button(_marked(label) if verb == shown else label, "ana", verb, analysis_id)
            for verb, label in row
        )
        for row in TABS
    )


def _marked(label: str) -> str:
    """A dot in place of its picture: there is no room for both."""
    return f"• {label.partition(' ')[2]}"


def result_keys(analysis_id: int, user: User) -> tuple[tuple[Button, ...], ...]:
    files = (("CSV", "csv"), ("JSON", "json"), ("XLSX", "xlsx"), ("☑️ Fields", "fields"))
    return (
        *tabs(analysis_id, ""),
        tuple(button(label, "rep", verb, analysis_id) for label, verb in files),
        (
            button("🌐 Web report", "rep", "page", analysis_id),
            button("🔄 Analyse anew", "ana", "anew", analysis_id),
        ),
        (
            _theme(analysis_id, user, "open"),
            button("🗑 Delete…", "ana", "delete", analysis_id),
        ),
        (REPORTS, MENU),
    )


def tab_keys(
    analysis_id: int, user: User, shown: str, again: str = ""
) -> tuple[tuple[Button, ...], ...]:
    """`again`: what shows this card once more, where its tab asks something first."""
    last = (words.back(analysis_id), _theme(analysis_id, user, again or shown))
    return (*tabs(analysis_id, shown), last)


def _theme(analysis_id: int, user: User, shown: str) -> Button:
    """Light or dark; then the same card again."""
    label = "☀️ Light chart" if user.dark_charts else "🌙 Dark chart"
    return button(label, "ana", "theme", f"{analysis_id}-{shown}")


# ---------------------------------------------------------------- the result


def result(sight: Sight, user: User, now: datetime) -> Card:
    lines = [*_result(sight, user, now), *_top(sight.figures, user.zone)]
    return Card(caption(lines), result_keys(sight.view.item.id, user))


def _result(sight: Sight, user: User, now: datetime) -> Iterator[str]:
    figures, zone = sight.figures, user.zone
    yield f"📊 {words.person(sight.profile)}"
    yield f"<b>{words.number(figures.followers)}</b> followers · {_looked_at(figures, zone)}"
    yield _views(figures)
    yield _engagement(figures)
    yield _rhythm(figures)
    if figures.few:
        yield f"Fewer than {MIN_REELS} reels: {words.FEW} when is best, or where it goes."
    else:
        yield _best(figures, zone)
    yield f"🎚 {_tiers(figures)}"
    if not figures.few:
        yield f"{words.arrow(figures.trend)} Trend: {words.trend(figures.trend)}"
    yield f"<i>{' · '.join(notes(sight, user, now))}</i>"


def _looked_at(figures: Figures, zone: str) -> str:
    assert figures.first is not None
    assert figures.last is not None, "there are reels"
    return f"{count(figures.reels, 'reel')}, {words.dates(figures.first, figures.last, zone)}"


def _views(figures: Figures) -> str:
    ratio = figures.view_ratio.value
    per = f" · <b>{ratio:.2f}</b> per follower" if ratio is not None else ""
    median = figures.median_views
    return f"👁 Median views <b>{words.number(median.value)}</b>{per} ({words.of(median.n)})"


def _engagement(figures: Figures) -> str:
    rate = figures.engagement
    return f"❤️ Engagement <b>{words.percent(rate.value)}</b> of views ({words.of(rate.n)})"


def _rhythm(figures: Figures) -> str:
    found = figures.rhythm
    if found.per_week is None:
        return f"🗓 Rhythm: {words.FEW} ({words.of(found.n)})"
    return (
        f"🗓 <b>{found.per_week:.1f}</b> a week, usually every {words.span(found.median_gap)} "
        f"({words.of(found.n)})"
    )


def _best(figures: Figures, zone: str) -> str:
    weekday, hour = figures.times.best_weekday, figures.times.best_hour
    on = f"<b>{words.DAYS[weekday.at]}</b>{_slot(weekday)}" if weekday else ""
    clock = f"<b>{hour.at}:00</b>{_slot(hour)}" if hour else ""
    said = " · ".join(one for one in (on, clock) if one)
    if not said:
        return f"🕒 Best time: {_no_best(figures)} ({words.of(figures.times.n)})"
    return f"🕒 Best {said}, {esc(zone, 40)}"


def _no_best(figures: Figures) -> str:
    return words.FEW if figures.times.n < MIN_REELS else words.ALIKE


def _slot(slot: Slot) -> str:
    times = words.times(slot.times)
    return f" ({times}, {words.of(slot.median_views.n)})"


def _tiers(figures: Figures) -> str:
    said = " · ".join(f"{TIERS[tier]} {figures.tiers[tier]:,} {tier}" for tier in Tier)
    return f"{said} ({words.of(figures.median_views.n)})"


def notes(sight: Sight, user: User, now: datetime) -> list[str]:
    """How it is known, and what is not."""
    figures, item = sight.figures, sight.view.item
    said = [words.source(item, sight.view.account), time_or_day(sight.at, user.zone, now)]
    said += words.left_out(item)
    if figures.hidden_likes:
        hide = "hides" if figures.hidden_likes == 1 else "hide"
        said.append(f"{count(figures.hidden_likes, 'reel')} {hide} likes")
    missing = figures.reels - figures.median_views.n
    if missing:
        said.append(f"{missing:,} without views")
    if figures.growing:
        said.append(f"{figures.growing:,} younger than {GROWING.days} days still gain views")
    said.append(words.views_are(figures.measure))
    return said


def _top(figures: Figures, zone: str) -> Iterator[str]:
    for place, one in enumerate(figures.top, 1):
        sign = "🏆 " if place == 1 else ""
        yield f"{sign}{place}. {_seen(one)} · {day(one.reel.taken_at, zone)}"


def _seen(one: Placed) -> str:
    times = words.times(tenths(one.times)) if isfinite(one.times) else ""
    return words.reel_link(one.reel, f"{words.number(one.views)} views") + (
        f" · {times}" if times else ""
    )


# ---------------------------------------------------------------- tabs


def top(sight: Sight, user: User) -> Card:
    figures = sight.figures
    who, number = words.link(sight.profile.username), min(TOP, len(figures.top))
    lines = [f"🏆 <b>Top {number}</b> of {who}, by views ({words.of(figures.median_views.n)})"]
    for place, one in enumerate(figures.top, 1):
        reel = one.reel
        likes = "likes hidden" if reel.likes is None else f"❤️ {words.number(reel.likes)}"
        comments = "" if reel.comments is None else f" · 💬 {words.number(reel.comments)}"
        growing = " · still growing" if one.growing else ""
        lines.append(
            f"{place}. {TIERS[one.tier]} {_seen(one)} · {likes}{comments} · "
            f"{day(reel.taken_at, user.zone)}{growing}"
        )
        if reel.caption.strip():
            lines.append(f"<i>{words.excerpt(reel.caption, EXCERPT)}</i>")
    if not figures.top:
        lines.append("No reel tells its views.")
    return _tab(sight, user, "top", lines)


def tiers(sight: Sight, user: User) -> Card:
    figures = sight.figures
    median = figures.median_views
    lines = [
        f"🎚 <b>Tiers</b> of {words.link(sight.profile.username)}: views, in medians of "
        f"{words.number(median.value)} ({words.of(median.n)})"
    ]
    for tier in Tier:
        mine = [one for one in sight.places if one.tier is tier]
        share = f" · {words.percent(len(mine) / median.n)}" if median.n else ""
        lines.append(f"{TIERS[tier]} <b>{tier}</b>, {RANGES[tier]}: {len(mine):,}{share}")
        if mine and tier in (Tier.BREAKOUT, Tier.STRONG):
            lines.append("   " + ", ".join(_seen(one) for one in mine[:3]))
    if figures.growing:
        lines.append(
            f"<i>{figures.growing:,} younger than {GROWING.days} days may still climb.</i>"
        )
    return _tab(sight, user, "tiers", lines)


def trend(sight: Sight, user: User) -> Card:
    found = sight.figures.trend
    lines = [
        f"{words.arrow(found)} <b>Trend</b> of {words.link(sight.profile.username)}",
        words.sentence(words.trend(found)),
    ]
    if isinstance(found, NoTrend):
        lines.append(f"I need {MIN_REELS} reels over at least two weeks, older than three days.")
    else:
        low, likely, high = found.views_at(found.last)
        lines += [
            f"A usual reel now: <b>{words.number(likely)}</b> views "
            f"({words.number(low)} … {words.number(high)})",
            f"From {words.dates(found.first, found.last, user.zone)}. The line is the median of "
            "the slopes between all pairs of reels, so single breakouts do not bend it; it lies in "
            f"the band with 95{THIN}% confidence.",
        ]
    if found.growing:
        lines.append(
            f"{count(found.growing, 'reel')} of the last {GROWING.days} days left out: their views "
            "still rise, which would look like a decline."
        )
    return _tab(sight, user, "trend", lines)


def when(sight: Sight, user: User) -> Card:
    times = sight.figures.times
    lines = [
        f"🕒 <b>When</b> the reels of {words.link(sight.profile.username)} do best: median views, "
        f"in {esc(user.zone, 40)} time ({words.of(times.n)})"
    ]
    if times.best_weekday is None and times.best_hour is None:
        lines.append(f"Which is best: {_no_best(sight.figures)}.")
    if times.best_weekday:
        weekday = words.DAYS[times.best_weekday.at]
        lines.append(f"Best weekday: <b>{weekday}</b> · {_typical(times.best_weekday)}")
    if times.best_hour:
        hour = times.best_hour.at
        lines.append(f"Best hour: <b>{hour}:00–{hour}:59</b> · {_typical(times.best_hour)}")
    lines += _ranking(times.weekdays)
    longest = sight.figures.rhythm
    if longest.longest_gap is not None and longest.longest_from is not None:
        lines.append(
            f"Longest break: {words.span(longest.longest_gap)} from "
            f"{day(longest.longest_from, user.zone)} ({words.of(longest.n)})"
        )
    lines.append(
        f"<i>Counted where there are {MIN_GROUP} reels or more. It says when reels did well, not "
        "that the hour made them.</i>"
    )
    return _tab(sight, user, "when", lines)


def _typical(slot: Slot) -> str:
    times = words.times(slot.times)
    return words.told(slot.median_views) + (f" · {times}" if times else "")


def _ranking(slots: Sequence[Slot]) -> Iterator[str]:
    for slot in slots:
        if slot.median_views.n:
            yield f"{words.DAYS[slot.at]}: {words.told(slot.median_views)}"


def hashtags(sight: Sight, user: User) -> Card:
    return _tags(sight, user, "tags", "#️⃣ <b>Hashtags</b>", "#", sight.figures.hashtags)


def mentions(sight: Sight, user: User) -> Card:
    return _tags(sight, user, "names", "👥 <b>Mentions</b>", "@", sight.figures.mentions)


def _tags(sight: Sight, user: User, shown: str, head: str, sign: str, found: Sequence[Tag]) -> Card:
    total = sight.figures.reels
    lines = [f"{head} of {words.link(sight.profile.username)} ({words.of(total)})"]
    for tag in found[:SHOWN]:
        name = words.link(tag.name) if sign == "@" else f"\u2068#{esc(tag.name, 40)}\u2069"
        lift = words.times(tag.lift)
        alone = "on nearly all of them" if total - tag.count < MIN_GROUP else words.FEW
        said = f"{lift} the others" if lift else alone
        lines.append(f"{name} · {count(tag.count, 'reel')} · {said}")
    if found:
        lines.append(
            f"<i>×: median views with it, in medians of the reels without it, from {MIN_GROUP} "
            "reels on either side. It says what goes together, not why.</i>"
        )
        if len(found) > SHOWN:
            lines.append(f"<i>and {len(found) - SHOWN:,} more, in the files</i>")
    else:
        lines.append("None of the reels has any.")
    return _tab(sight, user, shown, lines)


def _tab(sight: Sight, user: User, shown: str, lines: Sequence[str]) -> Card:
    return Card(caption(lines), tab_keys(sight.view.item.id, user, shown))
