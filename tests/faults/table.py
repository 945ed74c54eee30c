"""What a fault found, as rows of one table, and what it says on the way. Printed by __main__."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`bar`: what it must be, in words; `good` says whether it is."""

    part: str
    name: str
    value: str
    bar: str
    good: bool


def table(figures: list[Figure]) -> str:
    head = ("part", "what", "measured", "bar", "")
    rows = [(f.part, f.name, f.value, f.bar, "ok" if f.good else "MISSED") for f in figures]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, tuple("-" * width for width in widths), *rows)
    ]
    return "\n".join(lines)


def equal(part: str, name: str, value: object, wanted: object) -> Figure:
    return Figure(part, name, str(value), f"= {wanted}", value == wanted)


def most(part: str, name: str, value: float, limit: float, unit: str = "") -> Figure:
    shown = f"{value:.2f}" if isinstance(value, float) else str(value)
    return Figure(part, name, f"{shown}{unit}", f"<= {limit:g}{unit}", value <= limit)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's progress
