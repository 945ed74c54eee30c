"""Which keys and tempos go together."""

from __future__ import annotations

import pytest

from services.importing.harmony import KEYS, neighbours, relative, tempo_distance


@pytest.mark.parametrize(
    ("key", "goes_with"),
    [
        ("C major", {"C major", "A minor", "G major", "F major"}),
        ("A minor", {"A minor", "C major", "E minor", "D minor"}),
        ("F# major", {"F# major", "D# minor", "C# major", "B major"}),
        ("G# minor", {"G# minor", "B major", "D# minor", "C# minor"}),
    ],
)
def test_a_key_goes_with_its_relative_and_a_fifth_up_and_down(
    key: str, goes_with: set[str]
) -> None:
    assert neighbours(key)[0] == key
    assert set(neighbours(key)) == goes_with


def test_going_with_each_other_is_mutual() -> None:
    assert len(KEYS) == len(set(KEYS)) == 24
    for key in KEYS:
        assert relative(relative(key)) == key
        for other in neighbours(key):
            assert key in neighbours(other)


@pytest.mark.parametrize(
    ("a", "b", "distance"), [(120, 120, 0), (60, 120, 0), (240, 120, 0), (126, 120, 0.05)]
)
def test_half_and_double_time_are_the_same_tempo(a: float, b: float, distance: float) -> None:
    assert tempo_distance(a, b) == pytest.approx(distance)
