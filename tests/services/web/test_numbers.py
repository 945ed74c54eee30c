"""How the pages of figures write numbers."""

from __future__ import annotations

import pytest

from services.web.numbers import percent, short, signed


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (940, "940"),
        (999.6, "1k"),
        (1234, "1.2k"),
        (9960, "10k"),
        (350_400, "350k"),
        (4_100_000, "4.1M"),
        (-1234, "−1.2k"),
    ],
)
def test_short_numbers(value: float, said: str) -> None:
    assert short(value) == said


def test_shares() -> None:
    assert [percent(one) for one in (0.0042, 0.042, 0.42, 12.0)] == [
        "0.42 %",
        "4.2 %",
        "42.0 %",
        "1,200 %",
    ]
    assert [signed(one) for one in (0.043, -0.12, 0.001, 1e12)] == [
        "+4 %",
        "−12 %",
        "0 %",
        "over +1,000 %",
    ]
