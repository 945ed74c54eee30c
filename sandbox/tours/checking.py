"""Compares an export of figures, value by value, with what Meta has told (sandbox.tours.told)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sandbox.tours.told import LIFETIME, Answers, Cell, Told, Wanted
from sandbox.tours.visitor import TourFailed

FRAME = "&timeframe=THIS_MONTH"  # Meta tells it of some audiences, as a dimension


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the export. `earlier`: what the value was before Meta changed it."""

    metric: str
    period: str
    day: date
    breakdown: str
    value: float | None
    state: str
    reason: str | None
    earlier: tuple[float, ...] = ()

    @property
    def cell(self) -> Cell:
        dimension = self.breakdown.partition("=")[0] if self.period == LIFETIME else ""
        return Cell(self.metric, self.period, self.day, dimension)

    def __str__(self) -> str:
        told = [*self.earlier, self.value if self.value is not None else self.reason]
        return f"{' → '.join(map(str, told))} ({self.state})"


@dataclass(slots=True)
class Found:
    """`gaps_left`: values that Meta has told and the export has not, and days of which it says
    nothing at all. `differences`: of each that is wrong, a line."""

    values_expected: int = 0
    values_equal: int = 0
    states_wrong: int = 0
    wrong_zeros: int = 0
    gaps_left: int = 0
    revisions: int = 0
    duplicates: int = 0
    differences: list[str] = field(default_factory=list)


def read(export: bytes) -> list[Shown]:
    """Errors: TourFailed for what is no export of figures."""
    told = json.loads(export)
    if not isinstance(told, dict) or told["about"]["lines"] != len(told["values"]):
        raise TourFailed("the export is not as long as it says")
    return [
        Shown(
            metric=row["metric"],
            period=row["period"],
            day=date.fromisoformat(row["day"]),
            breakdown=row["breakdown"].removesuffix(FRAME),
            value=row["value"],
            state=row["state"],
            reason=row["reason"],
            earlier=tuple(float(value) for value in row["earlier_values"]),
        )
        for row in told["values"]
    ]


def compare(shown: Sequence[Shown], told: Told) -> Found:
    found = Found(duplicates=sum(_repeated(shown)))
    lines: dict[Cell, list[Shown]] = defaultdict(list)
    for one in shown:
        lines[one.cell].append(one)
    for cell in told.cells():
        wanted = told.of(cell)
        _expect(found, cell, wanted, lines[cell])
        for one in lines.pop(cell):
            _judge(found, one, wanted, is_expected=one.breakdown in wanted.numbers)
    for cell, more in lines.items():  # what need not be there has to be right, too
        for one in more:
            _judge(found, one, told.of(cell), is_expected=False)
    return found


def _repeated(shown: Iterable[Shown]) -> Iterator[int]:
    """The lines too many: a value comes once, and a reason once and beside no number."""
    numbers = Counter((one.cell, one.breakdown) for one in shown if one.value is not None)
    yield from (times - 1 for times in numbers.values())
    known = {cell for cell, _ in numbers}
    reasons = Counter(one.cell for one in shown if one.value is None)
    yield from (times - (cell not in known) for cell, times in reasons.items())


def _expect(found: Found, cell: Cell, wanted: Wanted, lines: Sequence[Shown]) -> None:
    there = {one.breakdown for one in lines if one.value is not None}
    missing = [breakdown for breakdown in wanted.numbers if breakdown not in there]
    found.values_expected += len(wanted.numbers)
    found.gaps_left += len(missing) if lines or missing else 1
    if missing or not lines:
        told = [str(one) for one in lines]
        found.differences.append(f"{cell}: without {missing or 'a line'}, but with {told}")


def _judge(found: Found, one: Shown, wanted: Wanted, *, is_expected: bool) -> None:
    if one.value is None:
        is_due = bool(wanted.numbers)  # then it is a gap, and counted
        if not is_due and not _is_right_reason(one, wanted):
            found.states_wrong += 1
            found.differences.append(f"{one.cell} {one.breakdown}: {one}, not {wanted.states}")
        return
    answers = wanted.parts.get(one.breakdown, Answers())
    if one.state == "number" and _is_right(one, answers):
        found.values_equal += is_expected
        found.revisions += len(one.earlier)
        return
    if one.value == 0 and 0 not in answers.told:
        found.wrong_zeros += 1
    elif one.state != "number" or not answers.told:  # or Meta told none
        found.states_wrong += 1
    found.differences.append(f"{one.cell} {one.breakdown}: {one}, not {answers}")


def _is_right_reason(one: Shown, wanted: Wanted) -> bool:
    return (one.state, one.reason) in wanted.states and one.breakdown == wanted.gap


def _is_right(one: Shown, answers: Answers) -> bool:
    """With all that it was: every promised reading is there, and nothing that Meta never told."""
    assert one.value is not None, "it is a number"
    chain = (*one.earlier, one.value)
    return _is_within(answers.sure, chain) and _is_within(chain, answers.told)


def _is_within(some: Sequence[float], longer: Sequence[float]) -> bool:
    """In this order, perhaps with others between."""
    rest = iter(longer)
    return all(value in rest for value in some)
