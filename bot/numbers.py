"""How numbers, shares and sizes are written where there is little room. Pure; used by the cards of
several capabilities.
"""

from __future__ import annotations

THIN = "\u202f"  # between a number and its unit, which are not torn apart
MINUS = "\u2212"


def short(value: float) -> str:
    """Three digits say enough: "987", "19.2 k", "−1.5 M"."""
    sign, size = MINUS if value < 0 else "", abs(value)
    for unit, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit * 0.9995:
            of = size / unit
            digits = f"{of:,.{1 if of < 99.95 else 0}f}".removesuffix(".0")
            return f"{sign}{digits}{THIN}{suffix}"
    return f"{sign}{size:.0f}"


def signed_percent(share: float) -> str:
    """Of a change: "+8 %", "−2 %", "±0 %", "over +1,000 %"."""
    value = round(share * 100)
    if value > 1_000:
        return f"over +1,000{THIN}%"
    return f"{MINUS if value < 0 else '+' if value else '±'}{abs(value)}{THIN}%"


def file_size(number: int) -> str:
    """ "84 kB", "3.4 MB"."""
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{max(round(number / 1e3), 1)} kB"
