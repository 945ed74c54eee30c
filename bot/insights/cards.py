"""The card below the chart of one metric, what it is chosen by, and what is said while there is no
chart. Pure functions, shown by bot/insights/screen.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from bot.cards import Button, Card, button, caption, count, esc, time_or_day, verb
from bot.insights import words
from bot.insights.places import Place
from bot.insights.words import CONNECT, MENU, account_link
from bot.numbers import THIN
from services.insights.figures import Figure, What
from services.insights.looking import DAYS, Sight
from services.insights.states import Reason
from storage.insights import InsightAccount
from storage.people import User
from storage.syncs import UNFINISHED

FIRST = 8  # metrics of the first page
SHOWN = 20  # accounts
TABS = (("📋 Overview", "overview"), ("🏆 Best", "best"), ("👥 Audience", "audience"))
OF_LOGIN = ("TokenRefused", "PermissionMissing")


# ---------------------------------------------------------------- before there is a chart


def nothing_connected() -> Card:
    return Card(
        "📈 <b>Your own figures</b>: reach, views, followers and more, day by day.\n\n"
        "No professional Instagram account is connected at Meta yet. Connect one, and Reelay reads "
        "its figures every day and keeps them; Meta itself forgets most of them. A Creator account "
        "will do.",
        ((CONNECT,), (MENU,)),
    )


def nothing_read(account: InsightAccount) -> Card:
    """Connected a moment ago."""
    return Card(
        f"📈 {account_link(account)} is connected, and nothing has been read yet. The first "
        "reading begins by itself within a minute or two and goes back as far as Meta tells; "
        "after that it is read every day.",
        ((button("🔄 Read now", "sync", "now", account.id),), (MENU,)),
    )


# ---------------------------------------------------------------- below the chart


def chart(sight: Sight, user: User, now: datetime, *, several: bool) -> Card:
    """`several`: there are accounts to choose from."""
    place = place_of(sight)
    return Card(caption(_lines(sight, user, now)), _keys(sight, place, user, several=several))


def place_of(sight: Sight) -> Place:
    return Place(sight.account.id, sight.days, sight.metric.key)


def _lines(sight: Sight, user: User, now: datetime) -> Iterator[str]:
    figure = sight.figure
    name = words.NAMES[sight.metric.key]
    yield (
        f"📈 {account_link(sight.account)} · <b>{name.title}</b>, {sight.days} days to "
        f"{figure.span.last:%-d %b %Y}"
    )
    yield _headline(figure)
    yield from _beside(figure)
    yield f"<i>{name.title}: {name.about}.</i>"
    yield from _lacking(figure)
    if changing := [point.day for point in figure.series.known if point.may_change]:
        yield _may_change(changing)
    if sight.revisions:
        yield f"Meta has corrected {count(sight.revisions, 'day')} since it first told them."
    yield from _said(figure)
    yield _read(sight, user, now)


def _headline(figure: Figure) -> str:
    """With what there is to say of the days before."""
    told, compared = words.headline(figure), words.change(figure)
    if not figure.daily.known and len(figure.daily.gaps) == 1:
        return f"{told}: {words.why(figure.daily.gaps[0].reason, figure.metric)}."
    if not compared:
        return f"{told}."
    if figure.change.difference is None:
        return f"{told}. {compared[:1].upper()}{compared[1:]}."
    return f"{told}: {compared}."


def _beside(figure: Figure) -> Iterator[str]:
    """What goes with the figure: of the days, of its parts."""
    known = figure.series.known
    if figure.follows is not None:
        gained, lost = figure.follows.gained, figure.follows.lost
        if gained.value is not None and lost.value is not None:
            told = words.number
            yield f"<b>{told(gained.value)}</b> followed, <b>{told(lost.value)}</b> left."
    if figure.headline.what is What.LAST or len(known) < 2:
        return
    best = max(known, key=lambda point: (point.value or 0, point.day))
    mean = sum(point.value or 0 for point in known) / len(known)
    told = words.signed if figure.follows else words.number
    top = f"{words.weekday(best.day)}: <b>{told(best.value or 0)}</b>"
    if figure.headline.what is What.MEAN:
        yield f"Best day {top}."
    else:
        each = told(round(mean, 1) if abs(mean) < 10 else round(mean))
        yield f"<b>{each}</b> on an average day, best {top}."


def _lacking(figure: Figure) -> Iterator[str]:
    """Which days have no number, and why; where that is the whole answer, the headline says it."""
    one = figure.daily
    if one.whole or (not one.known and len(one.gaps) == 1):
        return
    if one.known:
        is_are = verb(one.known, "is", "are")
        yield (
            f"{one.known} of {one.of} days {is_are} known; a gap in the line is a gap, not a zero:"
        )
    yield "\n".join(f"▫️ {line}" for line in words.gaps(figure))


def _may_change(days: Sequence[date]) -> str:
    """Meta's 48 hours are not over."""
    since = words.weekday(min(days))
    if len(days) == 1:
        return f"Meta may still change {since} (the hollow dot)."
    return f"Meta may still change the days from {since} on (hollow dots)."


def _said(figure: Figure) -> Iterator[str]:
    """Meta's own words where it refuses."""
    for point in reversed(figure.series.points):
        if point.said and point.reason in (Reason.REMOVED, Reason.TOO_FEW, Reason.NO_PERMISSION):
            yield f"Meta says: “{esc(point.said, 120)}”"
            return


def _read(sight: Sight, user: User, now: datetime) -> str:
    sync = sight.sync
    if sight.account.meta_id is None:
        return "⚠️ Not connected to Meta any more: what was read stays, later days are missing."
    if sync is None:
        return "Not read yet."
    if sync.state == "waiting" and sync.wait_until:
        until = time_or_day(sync.wait_until, user.zone, now)
        return f"⏳ The reading is at {sync.percent}{THIN}% and goes on at {until}."
    if sync.state in UNFINISHED:
        return f"🔄 Being read now, {sync.percent}{THIN}%."
    if sync.state == "failed":
        return f"⚠️ The last reading failed: {esc(sync.message, 120)}"
    ended = time_or_day(sync.ended_at or sync.changed_at, user.zone, now)
    if sight.missed and sight.figure.daily.known:  # else it is said above
        return f"⚠️ Read {ended}, but not this figure: {words.because(sight.missed)}."
    return (
        f"The last reading was stopped {ended}." if sync.state == "canceled" else f"Read {ended}."
    )


# ---------------------------------------------------------------- buttons


def spans(place: Place, verb: str = "show") -> tuple[Button, ...]:
    """The chosen one is marked."""
    return tuple(
        place.to(f"• {days} d" if days == place.days else f"{days} d", verb, days=days)
        for days in DAYS
    )


def tabs(place: Place, shown: str = "") -> tuple[Button, ...]:
    """`shown`: the one that is open has a dot in place of its picture."""
    return tuple(
        place.to(f"• {label.partition(' ')[2]}" if verb == shown else label, verb)
        for label, verb in TABS
    )


def _keys(
    sight: Sight, place: Place, user: User, *, several: bool
) -> tuple[tuple[Button, ...], ...]:
    account = sight.account
    choose = [place.to(f"📊 {words.NAMES[place.metric].title} ▾", "pick")]
    if several:
        choose.append(place.to(f"👤 @{account.username[:20]} ▾", "accounts"))
    forms = (("📤 CSV", "csv"), ("JSON", "json"), ("XLSX", "xlsx"))
    return (
        spans(place),
        tuple(choose),
        tabs(place),
        tuple(place.to(label, verb) for label, verb in forms),
        (place.to("🌐 Page", "page"), *_digest(place, account, user)),
        (*read_now(sight), button("🧾 Sync log", "sync", "log", account.id)),
        (place.to("☀️ Light chart" if user.dark_charts else "🌙 Dark chart", "theme"), MENU),
    )


def read_now(sight: Sight) -> tuple[Button, ...]:
    """Or what is to be done before that; both where it may have been done."""
    account, sync = sight.account, sight.sync
    failed = sync is not None and sync.state == "failed" and sync.error in OF_LOGIN
    if account.meta_id is None or failed:
        return (CONNECT,)
    refused = sight.missed is not None and sight.missed.error in OF_LOGIN
    again = button("🔄 Read now", "sync", "now", account.id)
    return (CONNECT, again) if refused else (again,)


def _digest(place: Place, account: InsightAccount, user: User) -> tuple[Button, ...]:
    """It goes to whose account it is."""
    if account.user_id != user.id:
        return ()
    if account.digest:
        return (place.to("📬 Weekly digest: on", "digest_off"),)
    return (place.to("📪 Weekly digest: off", "digest_on"),)


def back(place: Place) -> Button:
    return place.to("‹ Chart")


# ---------------------------------------------------------------- what it is chosen by


def metrics(place: Place, *, more: bool) -> Card:
    """`more`: those behind the headlines."""
    names = list(words.NAMES)
    shown = names[FIRST:] if more else names[:FIRST]
    keys = [
        place.to(("• " if key == place.metric else "") + words.NAMES[key].title, metric=key)
        for key in shown
    ]
    rows = tuple(tuple(keys[at : at + 2]) for at in range(0, len(keys), 2))
    turn = place.to("‹ Headlines", "pick") if more else place.to("More ›", "pick_more")
    lines = ["📊 <b>Which figure?</b>"]
    lines += [f"<b>{words.NAMES[key].title}</b>: {words.NAMES[key].about}" for key in shown]
    return Card(caption(lines), (*rows, (turn, back(place))))


def accounts(place: Place, found: Sequence[InsightAccount], user: User) -> Card:
    """The person's own and the team's."""
    rows = tuple(
        (
            place.to(
                ("• " if one.id == place.account_id else "")
                + f"@{one.username[:40]}"
                + ("" if one.user_id == user.id else " (team)")
                + ("" if one.meta_id is not None else " ⚠️"),
                account_id=one.id,
            ),
        )
        for one in found[:SHOWN]
    )
    apart = any(one.meta_id is None for one in found)
    note = "\n⚠️: not connected any more; what was read is there." if apart else ""
    return Card(f"👤 <b>Whose figures?</b>{note}", (*rows, (back(place),)))
