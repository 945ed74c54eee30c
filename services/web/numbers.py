"""Numbers and moments as the pages of figures write them. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

MOST_PERCENT = 1000  # of a change that is told in digits


def short(value: float, whole_from: float = 99.95) -> str:
    """ "940", "1.2k", "35.1k", "350k", "−1.2k"."""
    if value < 0:
        return f"−{short(-value, whole_from)}"
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            scaled = value / size
            digits = f"{scaled:.{1 if scaled < whole_from else 0}f}".removesuffix(".0")
            return digits + letter
    return f"{value:.0f}"


def percent(share: float) -> str:
    """ "0.42 %", "4.2 %", "42.0 %"."""
    hundredths = share * 100
    return f"{hundredths:,.{2 if hundredths < 1 else 1 if hundredths < 100 else 0}f} %"


def signed(share: float) -> str:
    """ "+4 %", "−12 %", "0 %"."""
    whole = round(share * 100)
    if whole > MOST_PERCENT:
        return f"over +{MOST_PERCENT:,} %"
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{abs(whole)} %"


def moment(value: datetime, zone: ZoneInfo) -> str:
    """ "20 November 2026, 13:00"; `value`: aware."""
    return value.astimezone(zone).strftime("%-d %B %Y, %H:%M")
