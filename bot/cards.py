"""Cards: one screen as one message, text in Telegram's HTML with rows of buttons.

Built by the capabilities' modules in bot/, shown by bot/chat.py. Every foreign string goes through
`esc`, which shortens before it escapes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.callbacks import Tap

LIMIT = 4096  # UTF-16 units of a message's text after its tags are read
CAPTION = 1024  # of the text below a picture
COPY = 256  # characters that a button copies
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Button:
    """Exactly one of `tap`, `url` and `copy`."""

    label: str
    tap: Tap | None = None
    url: str = ""
    copy: str = ""


def button(label: str, area: str, verb: str, ref: object = "") -> Button:
    return Button(label, Tap(area, verb, str(ref)))


def can_open(address: str) -> bool:
    """Whether Telegram takes it in a button: it refuses hosts without a dot, such as localhost."""
    return "." in (urlsplit(address).hostname or "")


def address_keys(address: str, opens: str = "", copies: str = "📋 Copy link") -> tuple[Button, ...]:
    """To open an address and to copy it, as far as Telegram takes either. `opens`: its label, ""
    where it is only to be copied."""
    keys = (Button(opens, url=address),) if opens and can_open(address) else ()
    return (*keys, Button(copies, copy=address)) if len(address) <= COPY else keys


@dataclass(frozen=True, slots=True)
class Card:
    text: str
    rows: tuple[tuple[Button, ...], ...] = field(default=())

    def keyboard(self) -> InlineKeyboardMarkup | None:
        if not self.rows:
            return None
        return InlineKeyboardMarkup([[_inline(one) for one in row] for row in self.rows if row])


def _inline(one: Button) -> InlineKeyboardButton:
    if one.url:
        return InlineKeyboardButton(one.label, url=one.url)
    if one.copy:
        return InlineKeyboardButton(one.label, copy_text=CopyTextButton(one.copy))
    assert one.tap is not None, "a button does something"
    return InlineKeyboardButton(one.label, callback_data=one.tap.data())


def esc(text: object, limit: int = 200) -> str:
    """A foreign string for HTML, at most `limit` characters of it; no half surrogate pairs."""
    clean = str(text).encode("utf-8", "replace").decode()
    short = clean if len(clean) <= limit else clean[: limit - 1] + "…"
    return html.escape(short)


def units(text: str) -> int:
    """UTF-16 units of a card's text after its tags are read, as Telegram counts."""
    plain = html.unescape(_TAG.sub("", text))  # a foreign "<" is escaped, so only tags go
    return len(plain.encode("utf-16-le", "replace")) // 2


def caption(lines: Iterable[str], limit: int = CAPTION) -> str:
    """The lines, as many from the first on as fit below a picture."""
    kept: list[str] = []
    left = limit
    for line in lines:
        left -= units(line) + bool(kept)
        if left < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def bar(done: int, total: int, width: int = 10) -> str:
    """▓▓▓░░ for a share of the whole."""
    filled = width * done // total if total else 0
    return "▓" * filled + "░" * (width - filled)


def count(number: int, one: str, many: str = "") -> str:
    """ "1 post", "2 posts"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def verb(number: int, one: str, many: str) -> str:
    """ "1 post *stays*", "2 posts *stay*"."""
    return one if number == 1 else many


def clock_time(moment: datetime, zone: str, now: datetime) -> str:
    """ "14:05", or "Sat 21 Nov 14:05" if that is not today, in the person's zone."""
    local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%a %-d %b %H:%M}"


def day(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%-d %b %Y}"


def time_or_day(moment: datetime, zone: str, now: datetime) -> str:
    """As `clock_time`; once that could be of another year, the day with its year."""
    return (
        clock_time(moment, zone, now) if now - moment < timedelta(days=300) else day(moment, zone)
    )
