"""HDR's colours where ITU-R says they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.media.story_hdr import SIDE, convert, write_table


def grey(level: float, transfer: str) -> float:
    made = convert(np.full((1, 3), level), transfer)
    assert np.ptp(made) < 0.01  # grey stays grey
    return float(made[0, 0])


@pytest.mark.parametrize(("transfer", "white"), [("hlg", 0.75), ("pq", 0.58)])
def test_white_is_nearly_white_and_what_is_brighter_is_kept_apart(
    transfer: str, white: float
) -> None:
    """203 cd/m2 are 75 % of HLG and 58 % of PQ (BT.2408, table 1)."""
    assert grey(0.0, transfer) == 0
    assert 0.85 < grey(white, transfer) < 0.93
    levels = [grey(level, transfer) for level in np.linspace(white, 1, 6)]
    assert np.all(np.diff(levels) > 0.002)
    assert levels[-1] <= 1


def test_middle_grey_stays_in_the_middle() -> None:
    """26 cd/m2 are 38 % of both (BT.2408, table 1)."""
    assert grey(0.38, "hlg") == pytest.approx(0.425, abs=0.01)
    assert grey(0.38, "pq") == pytest.approx(0.425, abs=0.01)


def test_the_table_has_red_change_fastest(tmp_path: Path) -> None:
    write_table("hlg", tmp_path / "table.cube")
    head, *rows = (tmp_path / "table.cube").read_text().splitlines()
    assert head == f"LUT_3D_SIZE {SIDE}"
    assert len(rows) == SIDE**3
    red, green, blue = (float(number) for number in rows[SIDE - 1].split())
    assert red > 0.9 > 0.1 > max(green, blue)
