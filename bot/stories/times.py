"""Times and days as people write them, on the account's clock. Pure; called by stories' screens.

What is written is taken literally or refused: a story at a wrong time is worse than a question.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.errors import BadInput
from services.stories.schedule import instant

FURTHEST = timedelta(days=366)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})\s*(am|pm)?|(\d{1,2})\s*(am|pm)")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY_MONTH = re.compile(r"(\d{1,2})\.?\s+([a-z]{3})[a-z]*\.?(?:\s+(\d{4}))?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


def read_when(text: str, zone: str, now: datetime) -> datetime:
    """ "18:30", "tomorrow 9:00", "Fri 18:00", "24 Dec 18:00", "2026-12-24 18:00": aware UTC, in the
    future. A time alone that is over today is tomorrow's. Errors: BadInput."""
    there = ZoneInfo(zone)
    words = " ".join(text.lower().split())
    found = list(_CLOCK.finditer(words))
    if not found:
        raise _not_a_time()
    minute = _minute(found[-1])
    rest = re.sub(r"[\s,]*\b(at)?[\s,]*$", "", words[: found[-1].start()])
    if words[found[-1].end() :].strip(" ."):
        raise _not_a_time()
    today = now.astimezone(there).date()
    day = today if not rest else _day(rest, today)
    at = _instant(day, minute, there)
    if at <= now and not rest:
        at = _instant(day + timedelta(days=1), minute, there)
    if at <= now:
        raise BadInput("That time is over.", "Send one to come, such as tomorrow 18:00.")
    if at - now > FURTHEST:
        raise BadInput("That is more than a year away.", "Send a time within a year.")
    return at


def read_slots(text: str) -> list[tuple[int, int]]:
    """ "Mon 9:00 18:30", "Mon-Fri 18:00", "daily 12:00", one rule a line or after a semicolon:
    (weekday, minute of the day). Errors: BadInput."""
    slots: set[tuple[int, int]] = set()
    for rule in re.split(r"[;\n]", text.lower()):
        if not rule.strip():
            continue
        times = list(_CLOCK.finditer(rule))
        days = _weekdays(rule[: times[0].start()] if times else "")
        gaps = _CLOCK.sub(" ", rule[times[0].start() :]) if times else "x"
        if not times or not days or gaps.replace("and", " ").strip(" ,"):
            raise BadInput(
                "I can't read that as slots.", "Send them as Mon 9:00 18:30, or Mon-Fri 18:00."
            )
        slots |= {(day, _slot(one)) for day in days for one in times}
    if not slots:
        raise BadInput("That has no slot in it.", "Send them as Mon 9:00 18:30.")
    return sorted(slots)


def read_days(text: str, today: date) -> tuple[date, date]:
    """ "24 Dec", "24 Dec - 2 Jan", "2026-12-24 to 2026-12-26": first and last. Errors: BadInput."""
    words = " ".join(text.lower().split())
    parts = re.split(r"\s+(?:-|–|to|until)\s+|\s*[–…]\s*", words)
    if len(parts) > 2:
        raise _not_a_day()
    first = _day(parts[0], today)
    return first, _day(parts[1], first) if len(parts) > 1 else first


def _weekdays(text: str) -> list[int]:
    text = text.strip(" :,")
    if text in ("daily", "every day", "all"):
        return list(range(7))
    days: set[int] = set()
    for part in re.split(r"[\s,]+", re.sub(r"\s*[-–]\s*", "-", text)):
        first, dash, last = part.partition("-")
        one, other = _weekday(first), _weekday(last) if dash else None
        if one is None or (dash and other is None):
            return []
        end = one if other is None else other
        days |= {(one + step) % 7 for step in range((end - one) % 7 + 1)}
    return sorted(days)


def _weekday(word: str) -> int | None:
    names = [name.lower() for name in WEEKDAYS]
    return names.index(word[:3]) if len(word) >= 3 and word[:3] in names else None


def _slot(found: re.Match[str]) -> int:
    try:
        return _minute(found)
    except BadInput:
        raise BadInput(
            f"A day has no {found[0].strip()}.", "Send slots as Mon 9:00 18:30, or Mon-Fri 18:00."
        ) from None


def _minute(found: re.Match[str]) -> int:
    hour, minute = int(found[1] or found[4]), int(found[2] or 0)
    half = found[3] or found[5]
    if half and not 1 <= hour <= 12:
        raise _not_a_time()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise _not_a_time()
    return hour * 60 + minute


def _day(text: str, today: date) -> date:
    """A day on or after `today` where no year is said."""
    if text in ("today", "tonight"):
        return today
    if text == "tomorrow":
        return today + timedelta(days=1)
    weekday = _weekday(text) if " " not in text else None
    if weekday is not None:
        return today + timedelta(days=(weekday - today.weekday()) % 7)
    try:
        if iso := _ISO.fullmatch(text):
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if dotted := _DOTTED.fullmatch(text):
            return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
        if named := _DAY_MONTH.fullmatch(text):
            month = _MONTHS.index(named[2]) + 1
            if named[3]:
                return date(int(named[3]), month, int(named[1]))
            this = date(today.year, month, int(named[1]))
            return this if this >= today else this.replace(year=today.year + 1)
    except ValueError:
        pass
    raise _not_a_day()


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    try:
        return instant(day, minute, zone)
    except OverflowError:
        raise _not_a_day() from None


def _not_a_time() -> BadInput:
    return BadInput("I can't read that as a time.", "Send it as 18:30 or tomorrow 9:00.")


def _not_a_day() -> BadInput:
    return BadInput("I can't read that as a day.", "Send it as 24 Dec or 2026-12-24.")
