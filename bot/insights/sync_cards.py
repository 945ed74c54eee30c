"""The one card of a sync and how it ended; the log of those before. Pure functions.

Shown by bot/insights/syncing.py, kept up to date by bot/insights/progress.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.cards import Button, Card, bar, button, caption, clock_time, count, esc, time_or_day
from bot.insights import words
from bot.insights.cards import OF_LOGIN, SHOWN
from bot.insights.places import Place
from bot.insights.words import CONNECT, LOGINS, MENU, account_link
from bot.numbers import THIN
from services.insights.metrics import METRICS
from services.insights.service import SyncView
from storage.insights import InsightAccount
from storage.people import User
from storage.syncs import UNFINISHED, Sync, SyncResult

SIGNS = {
    "pending": "🔄",
    "running": "🔄",
    "waiting": "⏳",
    "done": "✅",
    "failed": "❌",
    "canceled": "⏹",
}
TOLD = 6  # metrics that failed, on the card
RECONNECT = "Connect it again: the days that are missing are filled then."
SLOW = ("MetaRateLimited",)
AS_EXPECTED = ("RequestRefused", "NotMeasured")  # errors of a metric that nobody can mend
PAGE = 6  # syncs of one page of the log


def rings(sync: Sync, user_id: int) -> bool:
    """For this person a notice takes the place of its card, as services.insights.job writes one: it
    failed, or took longer than a look at it."""
    long = sync.state == "done" and sync.run > 1
    return sync.asked_by == user_id and (long or sync.state == "failed")


def card(view: SyncView, user: User, now: datetime) -> Card:
    """As it is now."""
    match view.sync.state:
        case "waiting":
            return waiting(view, user, now)
        case "done":
            return done(view)
        case "failed":
            return failed(view)
        case "canceled":
            return canceled(view)
    return running(view)


# ---------------------------------------------------------------- its way


def running(view: SyncView) -> Card:
    sync = view.sync
    head = f"🔄 {account_link(view.account)}: reading the figures"
    if not sync.requests:
        return Card(f"{head}…", ((_cancel(sync),),))
    share = sync.percent
    return Card(
        f"{head} {bar(share, 100)} {share}{THIN}%\n"
        f"{count(len(view.results), 'figure')} of {len(METRICS) + 1} begun · {_so_far(view)} · "
        f"{count(sync.requests, 'request')}",
        ((_cancel(sync),),),
    )


def _so_far(view: SyncView) -> str:
    fetched = sum(one.fetched for one in view.results)
    return f"{count(fetched, 'value')} told" if fetched else "nothing told yet"


def _cancel(sync: Sync) -> Button:
    return button("⏹ Cancel", "sync", "cancel", sync.id)


def waiting(view: SyncView, user: User, now: datetime) -> Card:
    sync = view.sync
    until = clock_time(sync.wait_until, user.zone, now) if sync.wait_until else "soon"
    if sync.error in SLOW:
        why = f"Meta asks for fewer calls. I go on by myself at <b>{until}</b>."
    else:
        why = f"{esc(sync.message, 200)} I try again at <b>{until}</b>."
    return Card(
        f"⏳ {account_link(view.account)} · {_so_far(view)}\n{why}\nWhat was read is kept.",
        ((_cancel(sync),),),
    )


# ---------------------------------------------------------------- how it ended


def done(view: SyncView) -> Card:
    sync = view.sync
    lines = [
        f"{sign(view)} {account_link(view.account)}: {_outcome(view)}",
        _brought(view),
        *_left_out(view),
    ]
    if sync.message:
        lines.append(esc(sync.message, 300))
    return Card(caption(lines), _keys(view))


def sign(view: SyncView) -> str:
    """Of how it stands; that it came to its end is no success if figures are missing."""
    return "⚠️" if view.sync.state == "done" and _troubled(view) else SIGNS[view.sync.state]


def _troubled(view: SyncView) -> list[SyncResult]:
    return [one for one in view.results if one.error and one.error not in AS_EXPECTED]


def _outcome(view: SyncView) -> str:
    last = f"{view.sync.day:%a %-d %b}"
    troubled = _troubled(view)
    if not troubled:
        return f"figures up to {last} are read."
    if len(troubled) == len(view.results):
        return "no figure could be read. What was read before is kept."
    return f"only some figures could be read, up to {last}. What was read before is kept."


def _brought(view: SyncView) -> str:
    written = sum(one.written for one in view.results)
    revised = sum(one.revised for one in view.results)
    skipped = sum(one.skipped for one in view.results)
    said = [count(written, "new value") if written else "nothing new"]
    if revised:
        said.append(f"{count(revised, 'value')} corrected by Meta")
    if skipped:
        said.append(f"{count(skipped, 'value')} not told")
    return " · ".join(said).capitalize() + f" · {count(view.sync.requests, 'request')}"


def _left_out(view: SyncView) -> Iterator[str]:
    """Each metric with an error, in plain words; those with the same together."""
    by_reason: dict[str, list[str]] = {}
    for one in view.results:
        if one.error:
            by_reason.setdefault(words.because(one), []).append(words.title(one.metric))
    for reason, names in list(by_reason.items())[:TOLD]:
        more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
        yield f"▫️ {esc(', '.join(names[:TOLD]), 200)}{more}: {reason}."


def failed(view: SyncView) -> Card:
    """What is stored of a dead log-in speaks of stories, too; here it is about figures."""
    sync = view.sync
    step = RECONNECT if sync.error in OF_LOGIN else esc(sync.next_step, 400)
    return Card(
        f"❌ {account_link(view.account)}: {esc(sync.message, 400)}\n{_kept(view)}. {step}",
        _keys(view),
    )


def _kept(view: SyncView) -> str:
    fetched = any(one.fetched for one in view.results)
    return f"What was read is kept ({_so_far(view)})" if fetched else "What was read before is kept"


def canceled(view: SyncView) -> Card:
    return Card(
        f"⏹ {account_link(view.account)}: stopped. {_kept(view)}; the next daily sync fills what "
        "is missing.",
        _keys(view),
    )


def _keys(view: SyncView) -> tuple[tuple[Button, ...], ...]:
    sync, account = view.sync, view.account
    again = button("🔄 Read again", "sync", "now", account.id)
    if sync.error in OF_LOGIN:
        way: tuple[Button, ...] = (CONNECT,)
    elif any(one.error in OF_LOGIN for one in view.results):
        way = (CONNECT, again)  # the log-in is good for all else: nobody sees when it is mended
    else:
        way = (again,)
    return (
        (Place(account.id).to("📈 Figures"), button("🔎 Details", "sync", "detail", sync.id)),
        (*way, button("🧾 Sync log", "sync", "log", account.id)),
        (MENU,),
    )


def detail(view: SyncView, user: User, now: datetime) -> Card:
    """What it did about each metric."""
    sync = view.sync
    lines = [f"🔎 {account_link(view.account)} · {sign(view)} {_when(sync, user, now)}"]
    quiet = []
    for one in view.results:
        told = [f"{one.written:,} new"] if one.written else []
        told += [f"{one.revised:,} corrected"] if one.revised else []
        told += [f"{one.skipped:,} not told"] if one.skipped else []
        told += [words.because(one)] if one.error else []
        name = esc(words.title(one.metric), 40)
        if told:
            lines.append(f"<b>{name}</b>: {', '.join(told)}")
        else:
            quiet.append(name)
    if quiet:
        lines.append(f"<i>Nothing new</i>: {', '.join(quiet)}")
    if not view.results:
        lines.append("Nothing was asked.")
    back = button("‹ Back", "sync", "open", sync.id)
    return Card(
        caption(lines, 4000), ((back, button("🧾 Sync log", "sync", "log", sync.account_id)),)
    )


# ---------------------------------------------------------------- the log


def log(
    account: InsightAccount,
    views: Sequence[SyncView],
    page: int,
    user: User,
    now: datetime,
    *,
    more: bool,
) -> Card:
    """`page` from 0; `more`: there is another one."""
    place = Place(account.id)
    rows: list[tuple[Button, ...]] = []
    lines = [f"🧾 {account_link(account)} · <b>syncs</b>, the newest first"]
    for view in views:
        sync = view.sync
        when = _when(sync, user, now)
        lines.append(f"{sign(view)} {when} · {_line(view)}")
        rows.append((button(f"{sign(view)} {when}", "sync", "open", sync.id),))
    if not views:
        lines.append("None yet. The first one begins by itself.")
    turn = [button("‹ Newer", "sync", "log", f"{account.id}-{page - 1}")] if page else []
    if more:
        turn.append(button("Older ›", "sync", "log", f"{account.id}-{page + 1}"))
    forget = button("🗑 Forget the history…", "sync", "forget", account.id)
    last = (forget,) if account.user_id == user.id else ()
    return Card(
        "\n".join(lines),
        (*rows, tuple(turn), (place.to("📈 Figures"), MENU), last),
    )


def _when(sync: Sync, user: User, now: datetime) -> str:
    return time_or_day(sync.created_at, user.zone, now)


def _line(view: SyncView) -> str:
    sync = view.sync
    by = "daily" if sync.asked_by is None else "asked for"
    if sync.state == "failed":
        return f"{by}, failed: {esc(sync.message, 80)}"
    if sync.state in UNFINISHED:
        return f"{by}, {sync.percent}{THIN}%"
    written = sum(one.written for one in view.results)
    errors = sum(one.error is not None for one in view.results)
    wrong = f", {count(errors, 'figure')} left out" if errors else ""
    return f"{by}, {f'{written:,}' if written else 'nothing'} new{wrong}"


def choose(found: Sequence[InsightAccount]) -> Card:
    """Which account to read now."""
    rows = tuple((button(f"@{one.username[:40]}", "sync", "now", one.id),) for one in found[:SHOWN])
    return Card("🔄 <b>Whose figures shall be read now?</b>", (*rows, (MENU,)))


def not_connected(message: str) -> Card:
    return Card(
        f"<b>{esc(message, 400)}</b> What was read is kept.\n{RECONNECT}",
        ((CONNECT,), (MENU,)),
    )


# ---------------------------------------------------------------- the end of all


def forget_sure(account: InsightAccount) -> Card:
    keep = button("Keep it", "sync", "log", account.id)
    if account.meta_id is not None:
        return Card(
            f"{account_link(account)} is still connected at Meta: what I delete now would be read "
            "again tomorrow. Forget its log-in first, then its history.",
            ((LOGINS,), (keep,)),
        )
    return Card(
        f"🗑 Forget the history of {account_link(account)}? Every figure, its corrections, the "
        "sync log and the addresses of its pages go at once, for good. Meta does not tell most of "
        "them again. Export them first if you want to keep them.",
        ((button("🗑 Forget it", "sync", "forget_yes", account.id), keep),),
    )


def forgotten(account: InsightAccount) -> Card:
    return Card(
        f"🗑 The history of {account_link(account)} is deleted.",
        ((CONNECT, MENU),),
    )


def permission(account: InsightAccount) -> Card:
    """Of the account's person, once."""
    return Card(
        f"🔒 The log-in of {account_link(account)} may not read insights. Figures that are there "
        "stay, no new ones come.\nConnect the account again and leave every box ticked.",
        ((CONNECT,), (MENU,)),
    )
