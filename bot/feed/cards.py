"""The cards of /feed: how it is, and its readers. Pure functions, shown by bot/feed/screen.py.

Those of the webhook and of what is kept are in bot/feed/settings_cards.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.cards import Button, Card, address_keys, button, can_open, clock_time, count, day, esc
from bot.notices import feed_ill
from services.feed.readers import Opened
from services.feed.status import Overview, trouble
from storage.feed_status import Account, Holdings
from storage.feeds import Feed
from storage.readers import Reader

SHOWN = 8  # accounts, and readers on one page
ENOUGH = 20  # fetches, before a reader's manners are judged
POOR = 0.2  # share of "nothing new"; a reader that remembers what it has is far above
BACK = (button("‹ Feed", "feed", "show"), button("Menu", "menu", "home"))

# why a reading failed, or stories rest -> what happened
FAILED = {
    "RateLimited": "Instagram asked to slow down",
    "SessionRefused": "Instagram asked to log in again",
    "Checkpoint": "Instagram wanted to check that it is you",
    "Unavailable": "Instagram did not answer",
    "UpstreamChanged": "Instagram's answer could not be read",
    "NotFound": "Instagram did not know what was asked",
}

NO_ACCOUNT = Card(
    "<b>Your feed</b>\n\nRead Instagram in any feed reader, with pictures that never expire. It is "
    "made from the home feed of an account, so first connect one.",
    (
        (button("🔗 Connect Instagram", "con", "begin"),),
        (button("‹ Menu", "menu", "home"),),
    ),
)


# ---------------------------------------------------------------- how it is


def overview(view: Overview, zone: str, now: datetime) -> Card:
    if not view.accounts:
        return NO_ACCOUNT
    shown = view.accounts[:SHOWN]
    lines = ["<b>Your feed</b>"]
    if view.holdings:
        lines.append(_holdings(view.holdings))
    else:
        lines.append(
            "Nothing is read yet. Press Read, and new posts of that account's home feed are "
            "archived every ten minutes or so."
        )
    lines += [_account(account, zone, now) for account in shown]
    if len(view.accounts) > SHOWN:
        lines.append(f"and {count(len(view.accounts) - SHOWN, 'account')} more")
    if view.feeds and not view.readers:
        lines.append("No reader has an address yet. Press New reader to get one.")
    lines += [
        f"⚠️ The webhook to {esc(hook.host, 60)} fails." for hook in view.webhooks if hook.last_error
    ]
    rows: list[tuple[Button, ...]] = [_switches(account) for account in shown]
    if view.feeds:
        known = f"👥 Readers · {len(view.readers)}"
        rows += [
            (button("➕ New reader", "feed", "new"), button(known, "feed", "readers")),
            (button("🪝 Webhook", "feed", "hook"), button("🗄 What is kept", "feed", "keep")),
        ]
        rows.append((button("📖 Followed stories", "feed", "stories"),))
    rows.append((button("🔄 Refresh", "feed", "show"), button("‹ Menu", "menu", "home")))
    return Card("\n\n".join(lines), tuple(rows))


def _holdings(held: Holdings) -> str:
    if not held.posts and not held.waiting:
        return "Nothing has come yet."
    parts = [count(held.posts, "post"), count(held.files, "file"), size(held.bytes)]
    if held.missing:
        parts.append(f"{held.missing:,} without pictures")
    if held.waiting:
        parts.append(f"{held.waiting:,} on the way")
    return " · ".join(parts)


def _account(account: Account, zone: str, now: datetime) -> str:
    counted = [
        count(account.found, "post") + " found",
        count(account.ads_skipped, "ad") + " skipped",
        f"{account.unparsed:,} unreadable",
        count(account.gaps, "gap"),
    ]
    line = f"{_lamp(account, now)} <b>{esc(account.label, 40)}</b> · {_reading(account, zone, now)}"
    return f"{line}\n<i>{' · '.join(counted)}</i>" if account.polled or account.found else line


def _lamp(account: Account, now: datetime) -> str:
    if not account.on:
        return "⚪"
    if trouble(account, now):
        return "🔴"
    return "🟡" if account.state == "waiting" else "🟢"


def _reading(account: Account, zone: str, now: datetime) -> str:
    if not account.on:
        return "not read"
    last = (
        f"last read {clock_time(account.last_good_at, zone, now)}"
        if account.last_good_at
        else "not read yet"
    )
    if wrong := trouble(account, now):
        what, next_step = feed_ill(wrong, account.last_error or "")
        since = f" Since {clock_time(account.ill_since, zone, now)}." if account.ill_since else ""
        return f"{last}. <b>{what}</b>{since} {next_step}"
    if account.state == "running":
        return f"{last}, reading now"
    following = clock_time(account.next_at, zone, now) if account.next_at else "soon"
    tried = ""
    if account.state == "waiting":
        tried = f". {FAILED.get(account.last_error or '', 'The last try failed')}"
    return f"{last}, next about {following}{tried}"


def _switches(account: Account) -> tuple[Button, ...]:
    """At most two, so that each keeps its name on a phone."""
    name, ref = account.label[:12], account.connection_id
    if not account.on:
        return (button(f"▶ Read {name}", "feed", "on", ref),)
    off = button(f"⏸ Stop {name}", "feed", "off", ref)
    if account.ill == "checkpoint":
        return (button("✅ I confirmed", "feed", "confirmed", ref), off)
    if account.ill == "session_dead" or account.status == "expired":
        return (button("🔄 Reconnect", "con", "begin"), off)
    return (button("⚡ Read now", "feed", "now", ref), off)


# ---------------------------------------------------------------- a new reader


def choose(feeds: Sequence[Feed], verb: str, question: str) -> Card:
    """Which feed is meant; `verb` gets its number."""
    rows = [
        (button(feed.title[:40].strip() or "Feed", "feed", verb, feed.id),) for feed in feeds[:50]
    ]
    return Card(f"<b>{question}</b>", (*rows, BACK))


def ask_name(feed: Feed) -> Card:
    return Card(
        f"<b>New reader of {esc(feed.title, 60)}</b>\n\nWhat reads it? Send a name, such as Feedly "
        "or Phone. Each reader gets an address of its own, so that you see which one asks, and can "
        "take one away without the others.",
        ((button("Cancel", "feed", "cancel"),),),
    )


def opened(made: Opened, feed: str, *, public: bool) -> Card:
    """The only time that the address is shown. `public`: it works from everywhere."""
    token = made.archive.rstrip("/").rpartition("/")[2]
    where = (
        ""
        if public
        else "\n\n⚠️ PUBLIC_URL is not set, so this address works only on the machine that Reelay "
        "runs on. Set it, and put its host in front instead; the rest stays the same."
    )
    text = (
        f"📰 <b>{esc(made.reader.name, 60)}</b> reads <b>{esc(feed, 60)}</b> here:\n\n"
        f"<code>{esc(made.address, 500)}</code>\n\n"
        "Put it into the reader now: I keep no copy, and it is not shown again. Whoever has it "
        "reads the feed. In place of <code>feed.xml</code>, <code>atom.xml</code> and "
        "<code>feed.json</code> work too, and without it you get the archive as a page." + where
    )
    first = (*address_keys(made.address), button("🔳 QR code", "feed", "qr", token))
    opens = public and can_open(made.archive)
    page = (Button("🗂 Open the archive", url=made.archive),) if opens else ()
    return Card(text, (first, page, (button("Readers", "feed", "readers"), *BACK)))


def qr(made: Opened) -> Card:
    return Card(
        f"The address of <b>{esc(made.reader.name, 60)}</b>. Delete this picture when it was read: "
        "whoever has it reads the feed.",
        (BACK,),
    )


# ---------------------------------------------------------------- readers


def readers(known: Sequence[Reader], page: int, zone: str, now: datetime) -> Card:
    """`page` from 0."""
    pages = max(1, -(-len(known) // SHOWN))
    page = max(0, min(page, pages - 1))
    shown = known[page * SHOWN : (page + 1) * SHOWN]
    lines = [_reader_line(one, zone, now) for one in shown]
    if not lines:
        lines = ["None yet. Each reader gets an address of its own."]
    rows = [(button(one.name[:30].strip() or "Reader", "feed", "reader", one.id),) for one in shown]
    turn = [button("‹", "feed", "readers", page - 1)] if page else []
    if page + 1 < pages:
        turn.append(button("›", "feed", "readers", page + 1))
    return Card(
        "<b>Readers</b>\n\n" + "\n".join(lines),
        (*rows, tuple(turn), (button("➕ New reader", "feed", "new"),), BACK),
    )


def _reader_line(one: Reader, zone: str, now: datetime) -> str:
    if one.last_fetch_at is None:
        return f"<b>{esc(one.name, 40)}</b> · has not asked yet"
    slow = " · 🐌 asks too often" if one.warned_at else ""
    return (
        f"<b>{esc(one.name, 40)}</b> · {clock_time(one.last_fetch_at, zone, now)} · "
        f"{_share(one):.0%} unchanged{slow}"
    )


def _share(one: Reader) -> float:
    return one.not_modified / one.fetches if one.fetches else 0.0


def reader(one: Reader, feed: str, zone: str, now: datetime) -> Card:
    lines = [
        f"<b>{esc(one.name, 60)}</b> reads <b>{esc(feed, 60)}</b>",
        f"Since {day(one.created_at, zone)}",
    ]
    if one.last_fetch_at:
        lines.append(
            f"Asked {count(one.fetches, 'time')}, last {clock_time(one.last_fetch_at, zone, now)}; "
            f"{_share(one):.0%} of the answers were “nothing new” (304)"
        )
        if one.fetches >= ENOUGH and _share(one) < POOR:
            lines.append("It fetches everything each time: it does not remember what it has.")
    else:
        lines.append("It has not asked yet.")
    if one.warned_at:
        lines.append("🐌 It asks too often and is slowed down. Every ten minutes is enough.")
    return Card(
        "\n".join(lines),
        (
            (
                button("🔁 Rotate…", "feed", "rotate", one.id),
                button("🗑 Revoke…", "feed", "revoke", one.id),
            ),
            (button("‹ Readers", "feed", "readers"), *BACK),
        ),
    )


def sure(one: Reader, verb: str) -> Card:
    """`verb`: rotate or revoke."""
    name = esc(one.name, 60)
    text, yes = {
        "rotate": (
            f"Give <b>{name}</b> a new address? The old one stops at once, with the pictures in "
            "what was read by it.",
            "Rotate",
        ),
        "revoke": (
            f"Take the address of <b>{name}</b> away? It stops at once and can't be brought back. "
            "The archive and the other readers stay as they are.",
            "Revoke",
        ),
    }[verb]
    return Card(
        text,
        (
            (
                button(yes, "feed", f"{verb}_yes", one.id),
                button("Keep", "feed", "reader", one.id),
            ),
        ),
    )


def revoked() -> Card:
    return Card(
        "Revoked. That address opens nothing any more.",
        ((button("Readers", "feed", "readers"), *BACK),),
    )


def size(number: int) -> str:
    """ "0 kB", "12 MB", "3.4 GB"."""
    if number < 10**6:
        return f"{number / 10**3:,.0f} kB"
    return f"{number / 10**6:,.0f} MB" if number < 10**9 else f"{number / 10**9:,.1f} GB"
