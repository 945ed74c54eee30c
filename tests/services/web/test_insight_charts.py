"""What of a figure is a line, a dot and a gap."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.insights.figures import Point
from services.insights.states import Reason, State
from services.web.insight_charts import SIDE, LinePicture, line_picture

FIRST = date(2026, 11, 1)


def points(*values: float | None, open_from: int = 99) -> list[Point]:
    return [
        Point(
            FIRST + timedelta(n),
            State.NUMBER if value is not None else State.NOT_AVAILABLE,
            value,
            None if value is not None else Reason.NO_DATA,
            may_change=n >= open_from,
        )
        for n, value in enumerate(values)
    ]


def drawn(*values: float | None, open_from: int = 99, from_zero: bool = True) -> LinePicture:
    found = line_picture(points(*values, open_from=open_from), from_zero=from_zero)
    assert found is not None
    return found


def test_nothing_known_is_no_picture() -> None:
    assert line_picture(points(None, None), from_zero=True) is None
    assert line_picture([], from_zero=True) is None


def test_a_gap_is_never_bridged() -> None:
    found = drawn(1, 2, None, None, 5, None, 7, 8)
    assert found.line.count("L") == 2, "1 to 2 and 7 to 8"
    assert found.lone.count("M") == 1, "the 5 stands alone"
    assert [round(width / SIDE * 7, 1) for _, width in found.gaps] == [1.9, 0.9]
    assert all(left >= 0 and left + width <= SIDE for left, width in found.gaps)


def test_gaps_at_the_ends_stay_within() -> None:
    first, last = drawn(None, 1, 2, None).gaps
    assert (first[0], sum(last)) == (0, SIDE)


def test_what_may_still_change_is_not_drawn_as_what_is_known() -> None:
    found = drawn(1, 2, 3, 4, open_from=2)
    assert (found.line.count("L"), found.draft.count("L")) == (1, 2)
    assert found.open.count("M") == 2
    alone = drawn(1, None, 3, open_from=2)
    assert (alone.lone.count("M"), alone.open.count("M")) == (1, 1)


@pytest.mark.parametrize(
    ("values", "from_zero", "levels"),
    [
        ((0, 0), True, ["0", "1"]),
        ((3, 5), True, ["0", "2", "4", "6"]),
        ((7,), False, ["7", "8"]),
        ((10_300, 10_420), False, ["10,300", "10,350", "10,400", "10,450"]),
        ((4_000_000, 9_000_000), True, ["0", "5M", "10M"]),
        ((-8, 9), True, ["−10", "0", "10"]),
        ((0.5, 0.25), True, ["0", "1"]),
    ],
)
def test_levels(values: tuple[float, ...], from_zero: bool, levels: list[str]) -> None:
    found = drawn(*values, from_zero=from_zero)
    assert [mark.label for mark in found.levels] == levels
    heights = [mark.at for mark in found.levels]
    assert heights == sorted(heights, reverse=True)
    assert (found.zero is not None) == ("−" in levels[0])


def test_days_are_named_to_the_last() -> None:
    for count in (1, 2, 7, 28, 90):
        found = drawn(*range(count))
        assert found.days[-1].label == f"{FIRST + timedelta(count - 1):%-d %b}"
        assert 1 <= len(found.days) <= 4
        assert all(14 <= mark.at <= 100 for mark in found.days)
