"""What the archive's page decides by itself."""

from __future__ import annotations

import pytest

from services.web.pages import box


@pytest.mark.parametrize(
    ("real", "shown"),
    [
        ((720, 900), (410, 512)),  # beside it there would be grey
        ((720, 405), (720, 405)),  # a wide one is narrowed by the browser
        ((1, 90_000), (1, 512)),
    ],
)
def test_a_tall_picture_keeps_its_shape(real: tuple[int, int], shown: tuple[int, int]) -> None:
    assert box(*real) == shown
