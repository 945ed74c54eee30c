"""What a benchmark gives back, and how it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """`rows` begin with their name. `missed`: bars of correctness that were not met."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def show(result: Result) -> str:
    table = [result.columns, *result.rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(result.columns))]
    lines = ["", result.title]
    for row in table:
        first, *rest = [
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(["  " + first, *rest]))
    lines += [f"  {note}" for note in result.notes]
    return "\n".join(lines)
