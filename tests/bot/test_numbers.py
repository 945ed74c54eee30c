"""Numbers, shares and sizes where there is little room."""

from __future__ import annotations

import pytest

from bot.numbers import MINUS, THIN, file_size, short, signed_percent


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999.4, "999"),
        (999.6, "1k"),
        (19_240, "19.2k"),
        (99_960, "100k"),
        (-1_500_000, f"{MINUS}1.5M"),
        (7e9, "7B"),
    ],
)
def test_three_digits_say_enough(value: float, shown: str) -> None:
    assert short(value).replace(THIN, "") == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.08, "+8%"), (-0.021, f"{MINUS}2%"), (0.004, "±0%"), (1e9, "over +1,000%")],
)
def test_a_change_has_a_sign_and_one_that_rounds_to_nothing_has_none(
    share: float, shown: str
) -> None:
    assert signed_percent(share).replace(THIN, "") == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(12, "1 kB"), (84_400, "84 kB"), (100_000, "0.1 MB"), (3_440_000, "3.4 MB")],
)
def test_a_size_is_told_as_it_can_be_judged(number: int, shown: str) -> None:
    assert file_size(number) == shown
