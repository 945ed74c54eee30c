"""The card of stories: whose are archived, and how that goes. Pure, shown by bot/feed/screen.py."""

from __future__ import annotations

from datetime import datetime

from bot.cards import Button, Card, button, clock_time, esc
from bot.feed.cards import BACK, FAILED, SHOWN, size
from services.feed.status import FeedStatus, Stories
from storage.feed_status import Account


def stories(view: Stories, zone: str, now: datetime) -> Card:
    shown = [account for account in view.accounts if account.on or account.stories_at][:SHOWN]
    lines = [
        "<b>Stories</b>\n\nThe stories of those whom an account follows can be archived, too, "
        "before they vanish after a day. They come into a feed of their own, with a reader of its "
        "own. Those of muted accounts are left out."
    ]
    if view.status:
        lines.append(_held(view.status))
    lines += [_account(account, zone, now) for account in shown]
    if not shown:
        lines.append("No account is read yet. Press Read under /feed first.")
    rows = [(_switch(account),) for account in shown]
    if view.status:
        rows.append((button("➕ New reader of stories", "feed", "new", view.status.feed.id),))
    return Card("\n\n".join(lines), (*rows, BACK))


def _held(status: FeedStatus) -> str:
    held, tally = status.holdings, status.stories
    seen = tally and (tally.alive or tally.gone or tally.unreadable)
    if not (held.posts or held.waiting or seen):
        return "None has come yet."
    parts = [
        f"{held.posts:,} archived",
        f"{tally.alive:,} still on Instagram" if tally else "",
        size(held.bytes),
        f"{held.missing:,} without pictures" if held.missing else "",
        f"{held.waiting:,} on the way" if held.waiting else "",
        f"{tally.gone:,} gone before they were read" if tally and tally.gone else "",
        f"{tally.unreadable:,} unreadable" if tally and tally.unreadable else "",
    ]
    return " · ".join(part for part in parts if part)


def _account(account: Account, zone: str, now: datetime) -> str:
    name = f"<b>{esc(account.label, 40)}</b>"
    if account.stories_at is None:
        return f"⚪ {name} · off"
    if not account.on:
        return f"⚪ {name} · on, but the account is not read. Press Read under /feed."
    if account.ill:
        return f"🔴 {name} · on, but the account can't be read. /feed says why."
    if account.stories_error is None:
        return f"🟢 {name} · on, read together with the posts"
    what = FAILED.get(account.stories_error, "something went wrong")
    until = clock_time(account.stories_at, zone, now)
    return f"🟡 {name} · {what}. Stories rest until {until}; posts come as ever."


def _switch(account: Account) -> Button:
    name, ref = account.label[:12], account.connection_id
    if account.stories_at is None:
        return button(f"▶ Stories on · {name}", "feed", "stories_on", ref)
    return button(f"⏸ Stories off · {name}", "feed", "stories_off", ref)
