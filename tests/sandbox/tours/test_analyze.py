"""The tour of analyses: its own arithmetic, that it sees a wrong figure, and a visit through the
whole house."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sandbox.tours.analyze import _number, in_json, on_card, visit_analysis
from sandbox.tours.truth import truth
from sandbox.tours.visitor import TourFailed
from sandbox.world import PROLIFIC, Kind, Post, World
from tests.support.harness import Harness
from tests.support.rows import NOW

UTC_ZONE = ZoneInfo("UTC")
CARD = """2 k followers · 4 reels, 1 Nov
👁 Median views 1 k · 0.50 per follower (n = 4)
❤️ Engagement 10.0 % of views (n = 3)
🗓 10.5 a week, usually every 16 h (n = 4)
🎚 🥇 1 breakout · 🟢 1 strong · 🔵 1 typical · ⚪️ 1 weak (n = 4)
🏆 1. 6 k views · 6.0× · 3 Nov
2. 2 k views · 2.0× · 2 Nov
3. 0 views · 0.0× · 1 Nov
4. 0 views · 0.0× · 1 Nov"""


@pytest.fixture
def reels(world: World) -> list[Post]:
    return [post for post in world.posts_by(PROLIFIC.username) if post.kind is Kind.REEL]


def test_a_truth_that_can_be_computed_by_hand(reels: list[Post]) -> None:
    """The plays double every 30 days, but for the newest reel, which is still growing."""
    steady = [
        replace(
            reels[n],
            taken_at=NOW - timedelta(days=30 * n + 3),
            plays=2 ** (20 - n) - 1,
            likes=0,
            comments=0,
        )
        for n in range(13)
    ]
    young = replace(reels[13], taken_at=NOW - timedelta(days=2), plays=1)
    found = truth([*steady, young], 2**13, UTC_ZONE, NOW)
    assert found.trend == pytest.approx((1, 1, 1))
    assert found.median_views == (2**14 + 2**13) / 2 - 1
    assert found.view_ratio == pytest.approx(1.5, abs=1e-3)
    assert found.per_week == pytest.approx(13 / (361 / 7))
    assert [reel.tier for reel in found.reels].count("typical") == 2
    assert found.reels[0].times == pytest.approx(2**20 / (1.5 * 2**13), rel=1e-3)
    assert truth(steady[:11], 1, UTC_ZONE, NOW).trend is None


def test_a_number_is_right_in_the_digits_that_are_shown() -> None:
    def right(shown: str, true: float) -> bool:
        return _number("card", "x", shown, true).right

    assert right("17.9 k", 17_949)
    assert not right("17.9 k", 17_951)
    assert right("−3 %", -0.0338)
    assert not right("+3 %", -0.0338)
    assert right("44,717", 44_717)
    assert not right("44,717", 44_718)
    assert not right("", 0)


def test_a_wrong_figure_is_seen(reels: list[Post]) -> None:
    plays = (6000, 1500, 500, 400)
    few = [
        replace(
            reels[n],
            plays=seen,
            likes=seen // 10,
            comments=0,
            hides_likes=n == 3,
            taken_at=NOW - timedelta(hours=16 * n),
        )
        for n, seen in enumerate(plays)
    ]
    found = truth(few, 2000, UTC_ZONE, NOW)
    wrong = {check.what for check in on_card(CARD, found) if not check.right}
    assert wrong == {  # 1,500 may be shown as 2 k
        "medians of top 2",
        "top 3",
        "medians of top 3",
        "top 4",
        "medians of top 4",
        "strong",
        "typical",
    }
    about = {"reels": 4, "followers": 2000, "median_views": 999.0}
    row = {
        "shortcode": few[0].code,
        "plays": 6000,
        "likes": 600,
        "comments": 0,
        "tier": "breakout",
        "engagement": 0.1,
        "medians": 6.0,
    }
    hidden = row | {"shortcode": few[3].code, "plays": 400, "likes": 40, "medians": 0.4}
    told = {"about": about, "reels": [row, hidden]}
    wrong = {check.what for check in in_json(told, found) if not check.right}
    code = few[3].code
    assert wrong == {
        "median_views",
        f"likes of {code}",
        f"tier of {code}",
        f"engagement of {code}",
    }
    with pytest.raises(TourFailed, match="does not have"):
        list(in_json({"about": about, "reels": [row | {"shortcode": "nosuch"}]}, found))


async def test_the_tour(tmp_path: Path, templates: Path, world: World) -> None:
    out = io.StringIO()
    async with Harness(tmp_path / "data", world, templates=templates) as harness:
        mia = await harness.connected()
        facts = await visit_analysis(mia, harness.sandbox, out)
        assert facts.pop("requests") == harness.sandbox.instagram.api_requests()
    checked = facts.pop("figures_checked")
    assert isinstance(checked, int)
    assert checked > 500
    assert facts == {
        "reels_in_world": 72,
        "reels_stored": 72,
        "duplicates": 0,
        "figures_wrong": 0,
        "csv_rows": 72,
        "json_rows": 72,
        "xlsx_rows": 72,
    }
    assert f"{checked} figures were checked, 0 of them are wrong" in out.getvalue()
