"""What changed since last time, and two profiles side by side."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from services.analysis.compare import Snapshot, What, changes, side_by_side
from services.analysis.figures import figures
from services.instagram.profiles import Reel
from tests.services.analysis.reels import NOW, any_reels, profile, reel


def snapshot(reels: list[Reel], *, followers: int = 100, complete: bool = True) -> Snapshot:
    return Snapshot(profile(followers=followers), reels, NOW, complete)


def codes(reels: tuple[Reel, ...]) -> list[str]:
    return [one.shortcode for one in reels]


def test_new_gone_and_grown() -> None:
    before = snapshot([reel(1, 30, 100), reel(2, 20, 500), reel(3, 10, 50)])
    now = snapshot(
        [reel(1, 30, 100), reel(3, 10, 90), reel(4, 5, 10), reel(5, 1, 7)], followers=120
    )
    told = changes(before, now)
    assert codes(told.new) == ["C5", "C4"]
    assert codes(told.gone) == ["C2"]
    assert [(one.reel.shortcode, one.before, one.now, one.by) for one in told.grown] == [
        ("C3", 50, 90, 40)
    ]
    assert (told.in_both, told.followers.by) == (2, 20)
    assert told.followers.share == pytest.approx(0.2)
    assert (told.median_views.before, told.median_views.now) == (75, 95)
    assert told.renamed_from is None


def test_what_one_of_them_did_not_reach_is_neither_new_nor_gone() -> None:
    """The newest four of each time, and a pinned old one."""
    pinned = reel("p", 500)
    before = snapshot([pinned, *(reel(n, 40 - n) for n in range(8))], complete=False)
    now = snapshot([pinned, *(reel(n, 40 - n) for n in range(4, 12))], complete=False)
    told = changes(before, now)
    assert codes(told.new) == ["C11", "C10", "C9", "C8"]
    assert codes(told.gone) == []
    deeper = snapshot([pinned, *(reel(n, 40 - n) for n in range(-5, 8))])
    assert codes(changes(before, deeper).new) == []
    lost = snapshot([pinned, *(reel(n, 40 - n) for n in (2, 3, 4, 5, 7, 8, 9, 10))], complete=False)
    assert codes(changes(before, lost).gone) == ["C6"]


def test_a_new_name_is_the_same_profile() -> None:
    now = Snapshot(profile(username="neonloops.tv"), [], NOW + timedelta(days=1), True)
    told = changes(snapshot([reel(1)]), now)
    assert told.renamed_from == "neonloops"
    assert codes(told.gone) == ["C1"]


@settings(max_examples=30, deadline=None)
@given(any_reels)
def test_nothing_changed_since_itself(reels: list[Reel]) -> None:
    for complete in (True, False):
        told = changes(snapshot(reels, complete=complete), snapshot(reels, complete=complete))
        assert (told.new, told.gone, told.grown) == ((), (), ())
        assert told.in_both == len(reels)


def test_two_profiles_side_by_side() -> None:
    utc = ZoneInfo("UTC")
    mine = figures(profile(1_000), [reel(n, n, 300) for n in range(8)], utc, NOW)
    theirs = figures(profile(None), [reel(n, 2 * n, 100) for n in range(8)], utc, NOW)
    told = side_by_side(mine, theirs)
    times = {side.what: side.times for side in told.sides}
    assert (times[What.MEDIAN_VIEWS], times[What.PER_WEEK]) == (3, 2)
    assert times[What.FOLLOWERS] is times[What.VIEW_RATIO] is times[What.BREAKOUTS] is None
    assert told.same_measure
    meta = figures(profile(), [reel(1, plays=None, views=1)], utc, NOW)
    assert not side_by_side(mine, meta).same_measure
