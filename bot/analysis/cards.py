"""The cards of an analysis that are texts: the question, its way, how it ended. Pure functions.

Those with a chart are in result_cards and compare_cards. Shown by bot/analysis/screen.py, kept up
to date by bot/analysis/progress.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.analysis import words
from bot.analysis.words import ANOTHER, CONNECT, MENU, REPORTS, title
from bot.cards import Button, Card, bar, button, clock_time, count, esc, time_or_day
from bot.numbers import THIN
from services.analysis.decisions import OF_LOGIN
from services.analysis.service import TooManyToday
from services.analysis.views import View
from services.errors import ReelayError
from storage.analysis import META, Analysis
from storage.people import User

KNOWN = 6  # profiles that are offered
SIGNS = {
    "pending": "🔎",
    "processing": "📊",
    "waiting": "⏳",
    "paused": "⏸",
    "completed": "✅",
    "failed": "❌",
    "canceled": "⏹",
}
CHECKS = ("Checkpoint", "ConsentWanted", "Suspended")
SLOW = ("RateLimited", "MetaRateLimited")
# over, but another try may bring it; what is read is kept
TRY_AGAIN = {
    "Unavailable": "Press Try again later: it goes on at the page where it stopped.",
    "UpstreamChanged": "Press Try again; if it stays, look for a newer Reelay.",
    "MetaUnavailable": "Press Try again later: it goes on at the page where it stopped.",
    "MetaChanged": "Press Try again; if it stays, look for a newer Reelay.",
    "NoProgress": "Press Try again; if it stays, tell whoever runs this bot.",
    "MetaError": "Press Try again later.",
    "RequestRefused": "Tell whoever runs this bot: Meta did not understand what was asked.",
}


# ---------------------------------------------------------------- the question


def ask(known: Sequence[View]) -> Card:
    """`known`: analyses of before, each profile once."""
    rows = [(button(f"🔁 @{one.item.name[:30]}", "ana", "again", one.item.id),) for one in known]
    text = (
        "<b>Analyse a profile</b>\nWhose reels? Send a name such as <code>@neonloops</code>, or "
        "the address of a profile. Public profiles only."
    )
    if known:
        text += "\nOr one that you know:"
    return Card(text, (*rows[:KNOWN], (button("Cancel", "menu", "home"),)))


def offer(view: View, user: User, now: datetime) -> Card:
    """There is one of the last 24 hours."""
    item = view.item
    at = time_or_day(item.ended_at or item.changed_at, user.zone, now)
    return Card(
        f"🗂 I looked at {title(item)} at <b>{at}</b>: {count(item.stored, 'reel')}. Show that, or "
        "look again? Another look counts towards your daily limit.",
        (
            (
                button("📊 Show it", "ana", "open", item.id),
                button("🔄 Analyse anew", "ana", "anew", item.id),
            ),
            (MENU,),
        ),
    )


def too_many(error: TooManyToday, user: User, now: datetime) -> Card:
    free = clock_time(error.free_at, user.zone, now)
    return Card(
        f"<b>{esc(error.message)}</b> Nothing was started. The next one is free at <b>{free}</b>; "
        "those that you have are in /reports.",
        ((REPORTS, MENU),),
    )


def no_account(error: ReelayError) -> Card:
    return Card(
        f"<b>{esc(error.message)}</b> Nothing was started.\n{esc(error.next_step)}",
        (CONNECT, (MENU,)),
    )


# ---------------------------------------------------------------- its way


def card(view: View, user: User, now: datetime) -> Card:
    """As it is now, as a text."""
    match view.item.state:
        case "waiting":
            return waiting(view, user, now)
        case "paused":
            return paused(view)
        case "failed":
            return failed(view)
        case "canceled":
            return canceled(view)
        case "completed":
            return completed(view)
    return progress(view, now)


def rings(item: Analysis) -> bool:
    """Whether a new message takes the place of the card in this state (bot/analysis/notices.py)."""
    return item.state in ("paused", "completed", "failed")


def progress(view: View, now: datetime) -> Card:
    """Nobody tells how many reels there are; posts are their upper bound."""
    item = view.item
    share = item.percent
    if item.username is None:
        what = "reading the profile…"
    else:
        what = f"{count(item.stored, 'reel')} so far · {count(_posts(item), 'post')} at most"
    left = _minutes_left(item, now)
    lines = [
        f"📊 {title(item)} · {what}",
        f"{bar(share, 100)} {share}{THIN}%{f' · at most {left} min left' if left else ''}",
        f"<i>{words.source(item, view.account)}</i>",
    ]
    if item.unread:
        lines.append(f"{count(item.unread, 'reel')} could not be read")
    return Card("\n".join(lines), ((_cancel(item),),))


def _posts(item: Analysis) -> int:
    return item.wanted if item.media_count is None else min(item.wanted, item.media_count)


def _minutes_left(item: Analysis, now: datetime) -> int:
    """From the rate so far; 0 while there is too little to tell."""
    if item.started_at is None or item.pages < 2:
        return 0
    seen = item.listed if item.source == META else item.stored + item.unread
    rate = seen / max(1.0, (now - item.started_at).total_seconds())
    rest = max(0, _posts(item) - seen)
    return max(1, round(rest / rate / 60)) if rate and rest else 0


def waiting(view: View, user: User, now: datetime) -> Card:
    item = view.item
    until = clock_time(item.wait_until, user.zone, now) if item.wait_until else "soon"
    who = "Meta" if item.error and item.error.startswith("Meta") else "Instagram"
    if item.error in SLOW:
        why = f"{who} asks to slow down. I go on by myself at <b>{until}</b>."
        keys: tuple[Button, ...] = (_cancel(item),)
    else:
        why = f"{who} did not answer as it should. I try again at <b>{until}</b>."
        keys = (button("Try now", "ana", "resume", item.id), _cancel(item))
    return Card(f"⏳ {title(item)} · {_so_far(item)}\n{why}\nNothing is lost.", (keys,))


def paused(view: View) -> Card:
    item = view.item
    resume = button("▶️ Resume", "ana", "resume", item.id)
    first: tuple[tuple[Button, ...], ...] = ()
    if item.error == "SessionRefused":
        first = ((button("🍪 Send new cookies", "con", "renew"),),)
    elif item.error in OF_LOGIN:
        first = ((button("🔗 Connect Meta", "meta", "show"),),)
    elif item.error in CHECKS:
        resume = button("✅ I did, go on", "ana", "acted", item.id)
    who = f" ({words.whose(view.account)})" if view.account else ""
    return Card(
        f"⏸ {title(item)} · {_so_far(item)}\n<b>{esc(item.message, 300)}</b>{who} "
        f"{esc(item.next_step, 300)}\nNothing is lost.",
        (*first, (resume, _cancel(item))),
    )


def _so_far(item: Analysis) -> str:
    if item.username is None:
        return "the profile was not read yet"
    return f"{count(item.stored, 'reel')} so far"


def _cancel(item: Analysis) -> Button:
    return button("⏹ Cancel", "ana", "cancel", item.id)


# ---------------------------------------------------------------- the end


def completed(view: View) -> Card:
    """Where no chart can be drawn, or not yet."""
    item = view.item
    return Card(
        f"✅ {title(item)}: {count(item.stored, 'reel')}.",
        ((_show(item),), (REPORTS, MENU)),
    )


def failed(view: View) -> Card:
    item = view.item
    next_step = TRY_AGAIN.get(item.error or "", item.next_step)
    lines = [f"❌ {title(item)}: {esc(item.message, 400)}", esc(next_step, 400)]
    keys: list[Button] = []
    if item.error in TRY_AGAIN:
        keys.append(button("🔁 Try again", "ana", "resume", item.id))
    if item.stored:
        lines.append(f"{count(item.stored, 'reel')} were read, and can be looked at.")
        keys.append(_show(item))
    first = (tuple(keys),) if keys else ()
    more = (CONNECT,) if item.error == "MetaNotFound" else ()
    return Card("\n".join(line for line in lines if line), (*first, *more, (ANOTHER, MENU)))


def canceled(view: View) -> Card:
    item = view.item
    if not item.stored:
        return Card(f"⏹ {title(item)}: stopped. No reel was read yet.", ((ANOTHER, MENU),))
    return Card(
        f"⏹ {title(item)}: stopped after {count(item.stored, 'reel')}, which can be looked at.",
        ((_show(item), button("🔄 Analyse anew", "ana", "anew", item.id)), (REPORTS, MENU)),
    )


def _show(item: Analysis) -> Button:
    return button("📊 Show the figures", "ana", "open", item.id)


# ---------------------------------------------------------------- the list


def reports(views: Sequence[View], page: int, user: User, now: datetime, *, more: bool) -> Card:
    """`page` from 0; `more`: there is another one."""
    files = button("📤 Exports", "rep", "files")
    if not views and not page:
        return Card(
            "🗂 No reports yet. Analyse a profile, and it is kept here.",
            ((ANOTHER,), (files, MENU)),
        )
    lines = ["🗂 <b>Reports</b>, the newest first"]
    rows = []
    for view in views:
        item = view.item
        at = time_or_day(item.ended_at or item.created_at, user.zone, now)
        sign = SIGNS[item.state]
        read = count(item.stored, "reel") if item.stored else "nothing read"
        lines.append(f"{sign} {title(item)} · {read} · {at}")
        rows.append((button(f"{sign} @{item.name[:30]}", "ana", "open", item.id),))
    turn = [button("‹ Newer", "rep", "list", page - 1)] if page else []
    if more:
        turn.append(button("Older ›", "rep", "list", page + 1))
    return Card("\n".join(lines), (*rows, tuple(turn), (ANOTHER, files), (MENU,)))


def delete_sure(view: View, pages: int) -> Card:
    """`pages`: addresses of it that work."""
    item = view.item
    address = f" and {count(pages, 'page address', 'page addresses')}" if pages else ""
    return Card(
        f"🗑 Delete the analysis of {title(item)}? Its {count(item.stored, 'reel')} with their "
        f"figures{address} go at once, for good. Files that were exported stay for their day.",
        (
            (
                button("🗑 Delete", "ana", "delete_yes", item.id),
                button("Keep it", "ana", "open", item.id),
            ),
        ),
    )


def deleted(name: str) -> Card:
    return Card(
        f"🗑 The analysis of <b>{words.link(name)}</b> is deleted. It still counts towards your "
        "daily limit.",
        ((REPORTS, ANOTHER), (MENU,)),
    )
