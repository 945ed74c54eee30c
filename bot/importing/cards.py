"""The cards of an import, as pure functions of what services.importing shows.

One card per import lives in the chat: preview, progress, pauses and the end are its states.
"""

from __future__ import annotations

from datetime import datetime

from bot.cards import Button, Card, bar, button, clock_time, count, esc, verb
from bot.importing.preview_cards import preview
from bot.importing.words import by, title
from services.importing.decisions import Reason, worth_telling
from services.importing.service import View
from storage.connections import Connection
from storage.import_items import Outcome
from storage.people import User

ERRORS = {  # the words that items fail with
    "gone": "deleted or private",
    "unreadable": "a form this version can't read",
    "http_403": "Instagram's server refused the file",
    "http_404": "the file is not there",
    "http_5xx": "Instagram's server had an error",
    "short": "the file came incomplete",
    "wrong_type": "the file is not a picture or film",
    "too_large": "the file is too large",
    "timeout": "the file came too slowly",
    "network": "the connection broke",
    "host": "the file's address is not Instagram's",
}
STATES = {
    "previewing": "🔎",
    "offered": "❓",
    "running": "⏬",
    "waiting": "⏳",
    "paused": "⏸",
    "cancelled": "⏹",
    "failed": "❌",
    "done": "✅",
}
MENU = button("Menu", "menu", "home")
LIBRARY = button("🎧 Library", "lib", "show")
NEW_COOKIES = button("🍪 Send new cookies", "con", "renew")


def card(view: View, user: User, now: datetime, gap: float) -> Card:
    """`gap`: seconds between two requests to Instagram, for the estimate."""
    match view.item.state:
        case "previewing":
            return Card(
                f"🔎 Looking at <b>{title(view)}</b>…",
                ((button("Cancel", "imp", "cancel_yes", view.item.id),),),
            )
        case "offered":
            return preview(view, gap)
        case "running":
            return progress(view, now)
        case "waiting":
            return waiting(view, user, now)
        case "paused":
            return paused(view)
        case "failed":
            return failed(view, user, now)
    return result(view)


def rings(view: View) -> bool:
    """Whether a new message takes the place of the card in this state (bot/outbox.py)."""
    item = view.item
    if item.state == "done":
        return worth_telling(item.by_clock, view.tally)
    return item.state == "failed" or (item.state == "paused" and item.reason != Reason.USER)


# ---------------------------------------------------------------- while it runs


def figures(view: View) -> str:
    tally = view.tally
    parts = [count(tally.saved, "saved", "saved")]
    if tally.skipped:
        parts.append(f"{tally.skipped} here already")
    if tally.filtered:
        parts.append(f"{tally.filtered} filtered out")
    if tally.gone:
        parts.append(f"{tally.gone} gone")
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if view.refunded:
        parts.append(f"{view.refunded} refunded")
    return " · ".join(parts)


def progress(view: View, now: datetime) -> Card:
    item, tally = view.item, view.tally
    total = f"{tally.listed}{'+' if item.more and tally.wanted < item.post_limit else ''}"
    stands = f"{tally.settled}/{total}" if tally.listed else "· looking for posts…"
    text = f"⏬ <b>{title(view)}</b> {stands}\n"
    if tally.listed:
        share = 100 * tally.settled // tally.listed
        text += f"{bar(tally.settled, tally.listed)} {share} %\n{figures(view)}"
    left = _minutes_left(view, now)
    if left:
        text += f"\nabout {left} min left"
    return Card(
        text.rstrip(),
        (
            (
                button("⏸ Pause", "imp", "pause", item.id),
                button("⏹ Cancel…", "imp", "cancel", item.id),
            ),
        ),
    )


def _minutes_left(view: View, now: datetime) -> int:
    """From the rate so far; 0 while there is too little to tell."""
    tally, started = view.tally, view.item.started_at
    if started is None or tally.settled < 10:
        return 0
    rate = tally.settled / max(1.0, (now - started).total_seconds())
    return max(1, round((tally.listed - tally.settled) / rate / 60))


def waiting(view: View, user: User, now: datetime) -> Card:
    item = view.item
    until = clock_time(item.wait_until, user.zone, now) if item.wait_until else "soon"
    if item.reason == Reason.RATE:
        why = f"Instagram asks to slow down. I go on by myself at <b>{until}</b>."
    else:
        why = f"Instagram did not answer as it should. I try again at <b>{until}</b>."
    keys = [
        button("⏸ Pause", "imp", "pause", item.id),
        button("⏹ Cancel…", "imp", "cancel", item.id),
    ]
    if item.reason != Reason.RATE:
        keys.insert(0, button("Try now", "imp", "resume", item.id))
    return Card(
        f"⏳ <b>{title(view)}</b>\n{why}\nNothing is lost.\n{figures(view)}", (tuple(keys),)
    )


# ---------------------------------------------------------------- a person's turn


def pause_reason(view: View) -> str:
    item = view.item
    match item.reason:
        case Reason.COOKIES if item.connection_id is None:
            return (
                "The account it was started with was forgotten. Stop it, connect the account again "
                "and paste the link once more: what is saved stays, and is free."
            )
        case Reason.COOKIES:
            return (
                f"Instagram asks {esc(view.account, 40)} to log in again. Send new cookies and it "
                "goes on where it stopped."
            )
        case Reason.CHECKPOINT:
            return (
                f"Instagram wants to check that {esc(view.account, 40)} is you. Open Instagram, "
                "confirm, then press Resume. Everything else with this account waits too."
            )
        case Reason.CREDITS:
            missing = int(item.detail) if item.detail.isdecimal() else 0
            return (
                f"Out of credits: {count(missing, 'more credit')} {verb(missing, 'is', 'are')} "
                "needed for the posts listed so far. Ask whoever runs this bot for them, then "
                "press Resume."
            )
        case Reason.UPSTREAM:
            return (
                "Instagram answered in a way that gallery-dl can't read, three times "
                f"(<code>{esc(item.detail)}</code>). Whoever runs this bot should upgrade it:\n"
                "<code>pip install --upgrade gallery-dl</code>\nthen press Resume."
            )
        case Reason.STORAGE:
            return (
                "The server can't store files right now. Its owners have been told; press Resume "
                "once they say that it is well again."
            )
    return "Paused by you."


def paused(view: View) -> Card:
    item = view.item
    resume = button("▶️ Resume", "imp", "resume", item.id)
    stop = button("⏹ Stop…", "imp", "cancel", item.id)
    rows: tuple[tuple[Button, ...], ...]
    match item.reason:
        case Reason.COOKIES if item.connection_id is None:
            rows = ((button("🔗 Connect", "con", "renew"), stop),)
        case Reason.COOKIES:
            rows = ((NEW_COOKIES,), (resume, stop))
        case _:
            rows = ((resume, stop),)
    rest = view.tally.listed - view.tally.settled
    left = f" · {rest} waiting" if rest else ""
    return Card(
        f"⏸ <b>{title(view)}</b>\n{pause_reason(view)}\nNothing is lost.\n{figures(view)}{left}",
        rows,
    )


def needs_cookies(account: Connection) -> Card:
    """Instead of an import that would only pause: it is logged in as the app is, and no more."""
    checking = " or the check is not over" if account.candidate_fingerprint else ""
    return Card(
        f"<b>{esc(account.label)}</b> is logged in with a password, and instagram.com did not take "
        f"that session{checking}. Imports need the cookies of your browser.",
        ((button("🍪 Send cookies", "con", "begin"), MENU),),
    )


def stop_question(view: View) -> Card:
    item, tally = view.item, view.tally
    stay = f"{count(tally.saved, 'saved post')} {verb(tally.saved, 'stays', 'stay')}"
    back = f"{count(tally.held, 'credit')} {verb(tally.held, 'comes', 'come')} back"
    return Card(
        f"Stop importing <b>{title(view)}</b> now?\n{stay}{'; ' + back if tally.held else ''}.",
        (
            (
                button("⏹ Stop", "imp", "cancel_yes", item.id),
                button("Go on", "imp", "show", item.id),
            ),
        ),
    )


# ---------------------------------------------------------------- the end


def failed(view: View, user: User, now: datetime) -> Card:
    item = view.item
    match item.reason:
        case Reason.COOKIES:
            text = (
                f"Instagram asks {esc(view.account, 40)} to log in again. Send new cookies, then "
                "paste the link once more."
            )
            return Card(_nothing(view, text), ((NEW_COOKIES,), (MENU,)))
        case Reason.CHECKPOINT:
            text = (
                f"Instagram wants to check that {esc(view.account, 40)} is you. Open Instagram, "
                "confirm, then press the button and paste the link once more."
            )
            keys = (button("✅ I confirmed", "imp", "acted", item.id), MENU)
            return Card(_nothing(view, text), (keys,))
        case Reason.RATE:
            until = item.wait_until
            after = f"after <b>{clock_time(until, user.zone, now)}</b>" if until else "later"
            text = f"Instagram asks to slow down. Paste the link again {after}."
        case Reason.NOT_FOUND:
            text = (
                f"Instagram knows no such collection for {esc(view.account, 40)}. Is it saved in "
                "another account? Open it in your browser and copy its address again."
            )
            if item.by_clock:
                text += " It does not refresh itself any more."
        case Reason.GONE:
            text = "That post was deleted, or is private."
        case Reason.UPSTREAM:
            text = (
                "Instagram did not answer in a way that I can read "
                f"(<code>{esc(item.detail or 'no answer')}</code>). Try again later; if it stays, "
                "gallery-dl needs an upgrade."
            )
        case Reason.STORAGE:
            text = (
                "The server can't store anything right now. Its owners have been told; paste the "
                "link again later."
            )
        case Reason.NO_PROGRESS:
            text = (
                "It stopped three times without getting further, so I gave up. What was saved "
                "stays; paste the link again for the rest."
            )
        case _:
            text = "It could not be done. Paste the link again to try once more."
    retry = (_retry(view),) if view.tally.failed else ()
    return Card(_nothing(view, text), ((*retry, MENU),))


def _nothing(view: View, text: str) -> str:
    held = view.charged - view.refunded
    money = (
        "Nothing was charged." if not held else f"{count(held, 'credit')} paid for what is saved."
    )
    return f"❌ <b>{title(view)}</b>\n{text}\n{money}"


def result(view: View) -> Card:
    item, tally = view.item, view.tally
    if item.state == "cancelled":
        head = f"⏹ Stopped: <b>{title(view)}</b>"
    elif item.by_clock:
        head = f"🔄 Refreshed: <b>{title(view)}</b>"
    else:
        head = f"✅ Done: <b>{title(view)}</b>"
    if item.state == "done" and not worth_telling(item.by_clock, tally):
        return Card(f"{head}\nNothing new.", _ways_on(view))
    lines = [head, f"{count(tally.saved, 'post')} saved"]
    if tally.skipped:
        lines.append(f"{tally.skipped} {verb(tally.skipped, 'was', 'were')} here already, free")
    if tally.filtered:
        lines.append(f"{tally.filtered} filtered out{by(view)}, free")
    if tally.gone:
        lines.append(f"{tally.gone} gone: deleted or private")
    lines += [
        f"{number} failed: {esc(ERRORS.get(word, word), 60)}"
        for word, number in view.failures.items()
    ]
    if tally.dropped:
        lines.append(f"{tally.dropped} not started")
    lines.append(
        f"{count(view.charged - view.refunded, 'credit')} paid, {view.refunded} refunded, "
        f"{view.balance:,} left"
    )
    if item.state == "done" and item.more and tally.wanted >= item.post_limit:
        lines.append(
            f"The collection has more: paste its link again for the next {item.post_limit}."
        )
    keys: list[Button] = []
    if tally.gone or tally.failed:
        keys.append(button("Show failures", "imp", "failures", item.id))
    if tally.failed:
        keys.append(_retry(view))
    rows = (tuple(keys),) if keys else ()
    report = button("📄 CSV report", "imp", "csv", item.id)
    on, last = _ways_on(view)
    return Card("\n".join(lines), (*rows, on, (report, *last)))


def _retry(view: View) -> Button:
    return button(f"🔁 Retry {view.tally.failed}", "imp", "retry", view.item.id)


def _ways_on(view: View) -> tuple[tuple[Button, ...], tuple[Button, ...]]:
    """First to what was saved; the menu stands in a row of its own, for more to join."""
    collection = button("🗂 Collection", "col", "one", view.item.collection_id)
    return (LIBRARY, *(() if view.item.single else (collection,))), (MENU,)


FAILURES_SHOWN = 15


def failures(view: View, outcomes: list[Outcome]) -> Card:
    lines = [
        f"{_post(one)} · {_reason(one.error or 'unknown')}" for one in outcomes[:FAILURES_SHOWN]
    ]
    if view.tally.gone + view.tally.failed > FAILURES_SHOWN:
        lines.append("… all of them are in the CSV report.")
    keys = [button("‹ Result", "imp", "result", view.item.id)]
    if view.tally.failed:
        keys.append(_retry(view))
    return Card(
        f"<b>{title(view)}</b>: not saved, and refunded\n" + "\n".join(lines), (tuple(keys),)
    )


def _reason(word: str) -> str:
    return esc(ERRORS.get(word, word), 60)


def _post(one: Outcome) -> str:
    code = esc(one.shortcode, 40)
    address = f"https://www.instagram.com/p/{code}/"
    return f'<a href="{address}">{code}</a>' if code else "unknown post"


def jobs(views: list[View]) -> Card:
    if not views:
        return Card(
            "No imports yet. Paste the link of a saved collection to start the first one.",
            ((button("📥 Import", "imp", "ask"), MENU),),
        )
    lines = [f"{STATES[view.item.state]} <b>{title(view)}</b> · {figures(view)}" for view in views]
    rows = [
        (button(f"{STATES[view.item.state]} {view.item.title[:40]}", "imp", "open", view.item.id),)
        for view in views
    ]
    return Card("<b>Imports</b>, the newest first\n\n" + "\n".join(lines), (*rows, (MENU,)))
