"""The week's plan in the chat: the days ahead, slots, categories, days without stories, the
account's own settings. Pure; used by bot/stories/schedule.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from bot.cards import Button, Card, button, count, esc
from bot.stories import words
from bot.stories.times import WEEKDAYS
from services.stories.accounts import ASK_MINUTES, LOCK_DAYS, MAX_SHARE
from services.stories.planning import Week
from services.stories.schedule import WARN_DAYS, Turn
from storage.meta_accounts import MetaAccount
from storage.stories import Story
from storage.story_accounts import Blackout, Category, Slot, StoryAccount

MENU = button("Menu", "menu", "home")
DAYS = 7
PER_DAY = 6  # lines
SLOTS_SHOWN = 40
DAY_MINUTES = 24 * 60  # a tap names its slot by the minute of the week: cards get old
MODES = {"ask": "Ask me", "automatic": "Automatic", "manual": "By hand"}


def week(
    shown: Week, now: datetime, meta: MetaAccount | None, accounts: Sequence[StoryAccount] = ()
) -> Card:
    """The next 7 days on the account's clock, and how long each category lasts. `accounts`: among
    which there is a choice."""
    account = shown.account
    there = ZoneInfo(account.zone)
    head = f"📅 <b>The next 7 days</b> · {esc(account.name, 40)} · {esc(account.zone, 40)}"
    lines = [head]
    today = now.astimezone(there).date()
    told = [
        *((one.due_at, _story(one, there)) for one in shown.stories),
        *((one.at, _turn(one, there)) for one in shown.turns if one.item),
        *_empty(shown.turns, there),
    ]
    for day in (today + timedelta(days=ahead) for ahead in range(DAYS)):
        here = [line for at, line in sorted(told) if at.astimezone(there).date() == day]
        out = any(one.first <= day <= one.last for one in shown.blackouts)
        if here or out:
            lines.append(f"\n<b>{day:%a %-d %b}</b>{' · no stories' if out else ''}")
            lines += here[:PER_DAY]
            lines += [f"… {len(here) - PER_DAY} more"] if len(here) > PER_DAY else []
    if not shown.slots:
        lines.append("\nThere are no slots yet: add when stories shall go out.")
    lines += ["", *_runway(shown), _how(account, meta)]
    return Card(
        "\n".join(lines),
        (
            (
                button("🕐 Slots", "plan", "slots", account.id),
                button("🏷 Categories", "plan", "kinds", account.id),
            ),
            (
                button("🚫 Days off", "plan", "off", account.id),
                button("⚙️ More", "plan", "more", account.id),
            ),
            *words.choice(accounts, account, "plan", "show"),
            (button("‹ Stories", "story", "queue", account.id), MENU),
        ),
    )


def _story(story: Story, there: ZoneInfo) -> str:
    return f"{story.due_at.astimezone(there):%H:%M} {words.SIGNS[story.kind]} {esc(story.name, 18)}"


def _turn(turn: Turn, there: ZoneInfo) -> str:
    """What would go out by the plan as it is now."""
    what = esc(turn.item.name, 18) if turn.item else ""
    return f"{turn.at.astimezone(there):%H:%M} {esc(turn.category.name, 16)} · <i>{what}</i>"


def _empty(turns: Sequence[Turn], there: ZoneInfo) -> list[tuple[datetime, str]]:
    """Slots that nothing is left for, a line for all of a day: (the first one's time, the line)."""
    days: dict[date, list[datetime]] = {}
    for one in turns:
        if one.item is None:
            days.setdefault(one.at.astimezone(there).date(), []).append(one.at)
    return [
        (times[0], f"{' '.join(f'{at.astimezone(there):%H:%M}' for at in times)} · ⚠️ nothing left")
        for times in days.values()
    ]


def _runway(shown: Week) -> list[str]:
    lines = []
    for category in shown.categories:
        if category.id not in shown.runway:
            continue
        days = shown.runway[category.id]
        if days is None:
            lasts = "lasts over 90 days" if shown.slots else "no slots"
        else:
            before = takewhile(lambda turn: turn.item, shown.turns)  # the first that stays empty
            some = any(turn.category == category for turn in before)
            lasts = f"lasts {count(days, 'day')}" if days else "nothing left"
            lasts = "lasts less than a day" if some and not days else lasts
        sign = "⚠️" if days is not None and days <= WARN_DAYS else "🔋"
        lines.append(f"{sign} {esc(category.name, 24)}: {lasts} · {words.MODES[category.mode]}")
    return lines


def _how(account: StoryAccount, meta: MetaAccount | None) -> str:
    if meta is None:
        return "✋ Posted by hand: no account is connected at Meta (/connect)."
    if not account.by_api:
        return "✋ The API is switched off: posted by hand."
    return ""


# ---------------------------------------------------------------- slots


def slots(account: StoryAccount, known: Sequence[Slot]) -> Card:
    days: dict[int, list[str]] = {}
    for one in known:
        days.setdefault(one.weekday, []).append(f"{one.minute // 60:02}:{one.minute % 60:02}")
    lines = [f"{WEEKDAYS[day]} {' · '.join(times)}" for day, times in sorted(days.items())]
    taps = [
        button(
            f"✖️ {WEEKDAYS[one.weekday]} {one.minute // 60}:{one.minute % 60:02}",
            "plan",
            "unslot",
            f"{account.id}-{one.weekday * DAY_MINUTES + one.minute}",
        )
        for one in known[:SLOTS_SHOWN]
    ]
    return Card(
        f"🕐 <b>Slots</b> · {esc(account.zone, 40)}\n"
        + ("\n".join(lines) or "None yet.")
        + "\n\nSend more, such as <code>Mon 9:00 18:30</code>, <code>Mon-Fri 18:00</code> or "
        "<code>daily 12:00</code>. A tap takes one away.",
        (*_rows(taps, 3), _back(account)),
    )


# ---------------------------------------------------------------- categories


def categories(account: StoryAccount, known: Sequence[Category]) -> Card:
    total = sum(one.share for one in known)
    lines = [_category(one, total) for one in known]
    taps = [button(f"🏷 {one.name[:22]}", "plan", "kind", one.id) for one in known]
    return Card(
        "🏷 <b>Categories</b>\n"
        + ("\n".join(lines) or "None yet.")
        + "\n\nSend a name to add one. Its share says how many of the slots are its own.",
        (*_rows(taps, 2), _back(account)),
    )


def _category(one: Category, total: int) -> str:
    share = f"{100 * one.share // total} % of the slots" if one.share else "no slots"
    return f"{esc(one.name, 40)}: {share}, {words.MODES[one.mode]}"


def category(one: Category, account: StoryAccount) -> Card:
    modes = tuple(
        button(f"{'• ' if one.mode == mode else ''}{name}", "plan", "mode", f"{one.id}-{mode}")
        for mode, name in MODES.items()
    )
    share = (
        button("−", "plan", "share", f"{one.id}-{max(one.share - 1, 0)}"),
        button(f"Share {one.share}", "plan", "kind", one.id),
        button("+", "plan", "share", f"{one.id}-{min(one.share + 1, MAX_SHARE)}"),
    )
    return Card(
        f"🏷 <b>{esc(one.name, 40)}</b>\n"
        "<b>Ask me</b>: a preview comes before the slot. <b>Automatic</b>: it goes out by itself. "
        "<b>By hand</b>: you get the file and the steps.\n"
        "The share is relative to the other categories.",
        (
            modes,
            share,
            (
                button("🗑 Delete…", "plan", "drop", one.id),
                button("‹ Categories", "plan", "kinds", account.id),
            ),
        ),
    )


def drop_category(one: Category) -> Card:
    return Card(
        f"Delete the category <b>{esc(one.name, 40)}</b>? Its files stay in the library, without a "
        "category, and the plan leaves them alone.",
        (
            (
                button("Delete it", "plan", "drop_yes", one.id),
                button("Keep", "plan", "kind", one.id),
            ),
        ),
    )


# ---------------------------------------------------------------- days without stories


def days_off(account: StoryAccount, known: Sequence[Blackout]) -> Card:
    taps = [button(f"✖️ {_days(one)}", "plan", "on", f"{account.id}-{one.id}") for one in known[:20]]
    return Card(
        "🚫 <b>Days without stories</b>\n"
        + ("\n".join(_days(one) for one in known[:20]) or "None.")
        + "\n\nSend days, such as <code>24 Dec</code> or <code>24 Dec - 2 Jan</code>. What is in "
        "the queue by then already stays there.",
        (*_rows(taps, 1), _back(account)),
    )


def _days(one: Blackout) -> str:
    first = f"{one.first:%-d %b %Y}"
    return first if one.first == one.last else f"{first} – {one.last:%-d %b %Y}"


# ---------------------------------------------------------------- the account's own settings


def more(account: StoryAccount) -> Card:
    return Card(
        f"⚙️ <b>{esc(account.name, 40)}</b>\n"
        "The API posts stories by itself; switched off, you get each of them by hand. A file that "
        "was posted rests for a while before the plan takes it again.",
        (
            (button(f"🌍 Time zone · {account.zone[:30]}", "plan", "zone", account.id),),
            (button(f"🤖 API · {'on' if account.by_api else 'off'}", "plan", "api", account.id),),
            (button(f"🔒 Files rest · {account.lock_days} days", "plan", "rest", account.id),),
            (button(f"🔔 Asked · {account.ask_minutes} min before", "plan", "ask", account.id),),
            _back(account),
        ),
    )


def ask_zone(account: StoryAccount) -> Card:
    return Card(
        f"🌍 Now {esc(account.zone, 40)}. Send another, such as <code>Europe/Berlin</code> or "
        "<code>America/New_York</code>. The slots keep their times on the new clock.",
        ((button("‹ Back", "plan", "more", account.id),),),
    )


def choose_rest(account: StoryAccount) -> Card:
    taps = [button(f"{days}", "plan", "rest_set", f"{account.id}-{days}") for days in LOCK_DAYS]
    return Card(
        "🔒 For how many days does a file rest after it was posted?",
        (*_rows(taps, 4), (button("‹ Back", "plan", "more", account.id),)),
    )


def choose_ask(account: StoryAccount) -> Card:
    taps = [button(f"{one} min", "plan", "ask_set", f"{account.id}-{one}") for one in ASK_MINUTES]
    return Card(
        "🔔 How long before its slot is a story shown to you?",
        (*_rows(taps, 3), (button("‹ Back", "plan", "more", account.id),)),
    )


def _rows(taps: Sequence[Button], columns: int) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(taps[at : at + columns]) for at in range(0, len(taps), columns))


def _back(account: StoryAccount) -> tuple[Button, ...]:
    return (button("‹ Schedule", "plan", "show", account.id), MENU)
