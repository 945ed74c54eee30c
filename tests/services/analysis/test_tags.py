"""Hashtags and mentions: how many reels, how viewed, and lift only where there is enough."""

from __future__ import annotations

import statistics

from hypothesis import given, settings

from services.analysis.measure import Figure, Measure, seen
from services.analysis.tags import hashtags, mentions
from services.instagram.profiles import Reel
from tests.services.analysis.reels import any_reels, reel


@settings(max_examples=30, deadline=None)
@given(any_reels)
def test_tags_are_counted_as_a_plain_computation_does(reels: list[Reel]) -> None:
    told = {tag.name: tag for tag in hashtags(reels, seen(reels, Measure.PLAYS))}
    assert set(told) == {name for one in reels for name in one.hashtags}
    for name, tag in told.items():
        assert tag.count == sum(name in one.hashtags for one in reels)
        having = [one.plays for one in reels if name in one.hashtags and one.plays is not None]
        without = [one.plays for one in reels if name not in one.hashtags and one.plays is not None]
        assert tag.median_views.n == len(having)
        if min(len(having), len(without)) < 3 or not statistics.median(without):
            assert tag.lift is None
        else:
            assert tag.lift == statistics.median(having) / statistics.median(without)


def test_the_most_used_come_first_and_mentions_are_apart() -> None:
    reels = [
        reel(1, hashtags=("b",), mentions=("leo",)),
        reel(2, hashtags=("b", "a"), plays=None),
        reel(3, hashtags=("c",)),
    ]
    told = seen(reels, Measure.PLAYS)
    assert [tag.name for tag in hashtags(reels, told)] == ["b", "a", "c"]
    assert hashtags(reels, told)[1].median_views == Figure(None, 0)
    assert [tag.name for tag in mentions(reels, told)] == ["leo"]


def test_no_more_than_a_hundred() -> None:
    reels = [reel(n, hashtags=(f"tag{n}",)) for n in range(150)]
    assert len(hashtags(reels, seen(reels, Measure.PLAYS))) == 100
