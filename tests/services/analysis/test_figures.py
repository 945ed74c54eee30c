"""The figures equal what a plain computation gives, and say of how many reels they are."""

from __future__ import annotations

import statistics
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from services.analysis.figures import Tier, figures, tier_of
from services.analysis.measure import Figure, Measure
from services.instagram.profiles import Reel
from tests.services.analysis.reels import NOW, any_reels, profile, reel

UTC = ZoneInfo("UTC")


@settings(max_examples=30, deadline=None)
@given(any_reels)
def test_any_reels_have_figures_that_a_plain_computation_gives(reels: list[Reel]) -> None:
    told = figures(profile(followers=500), reels, UTC, NOW)
    plays = [one.plays for one in reels if one.plays is not None]
    views = [one.views for one in reels if one.views is not None]
    counted = plays if len(plays) >= len(views) else views
    assert told.median_views.n == len(counted) == sum(told.tiers.values())
    rates = [
        (one.likes + one.comments) / of
        for one in reels
        if (of := one.plays if counted is plays else one.views)
        and one.likes is not None
        and one.comments is not None
    ]
    assert told.engagement.n == len(rates)
    if counted:
        middle = statistics.median(counted)
        assert told.median_views.value == middle
        assert told.view_ratio.value == pytest.approx(middle / 500)
        strong = sum(2 * middle <= one < 5 * middle for one in counted)
        assert told.tiers[Tier.STRONG] == (strong if middle else 0)
        assert [one.views for one in told.top] == sorted(counted, reverse=True)[:5]
    if rates:
        assert told.engagement.value == pytest.approx(statistics.median(rates))
    assert told.hidden_likes == sum(one.likes is None for one in reels)


def test_no_reels_are_no_zeros() -> None:
    told = figures(profile(), [], UTC, NOW)
    assert told.median_views == told.engagement == told.view_ratio == Figure(None, 0)
    assert told.few
    assert told.first is None
    assert told.rhythm.per_week is None
    assert not told.top


def test_hidden_likes_are_left_out_and_counted() -> None:
    reels = [reel(1, likes=None), reel(2, plays=1_000, likes=90, comments=10)]
    told = figures(profile(), reels, UTC, NOW)
    assert told.engagement == Figure(0.1, 1)
    assert told.hidden_likes == 1


def test_views_are_of_one_measure() -> None:
    meta = [reel(n, plays=None, views=100) for n in range(3)]
    told = figures(profile(), [*meta, reel(9, plays=10**6)], UTC, NOW)
    assert told.measure is Measure.VIEWS
    assert told.median_views == Figure(100, 3)


def test_unknown_followers_are_no_ratio() -> None:
    for followers in (None, 0):
        told = figures(profile(followers=followers), [reel()], UTC, NOW)
        assert told.view_ratio.value is None


@pytest.mark.parametrize(
    ("views", "tier"),
    [(500, "breakout"), (499, "strong"), (200, "strong"), (199, "typical"), (50, "typical"),
     (49, "weak"), (0, "weak")],
)  # fmt: skip
def test_tiers_begin_where_they_say(views: int, tier: str) -> None:
    assert tier_of(views, 100) == tier


def test_a_median_of_nothing_has_tiers_too() -> None:
    reels = [*(reel(n, plays=0) for n in range(3)), reel(9, plays=4)]
    told = figures(profile(), reels, UTC, NOW)
    assert told.tiers == {Tier.BREAKOUT: 1, Tier.STRONG: 0, Tier.TYPICAL: 3, Tier.WEAK: 0}


def test_young_reels_are_named_as_growing() -> None:
    told = figures(profile(), [reel(1, days_ago=1), reel(2, days_ago=3)], UTC, NOW)
    assert told.growing == 1
    assert {one.reel.shortcode: one.growing for one in told.top} == {"C1": True, "C2": False}
