"""A reel as a line: what is hidden is not zero, and every figure is measured by its analysis."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.analysis.measure import Measure
from services.analysis.tables_out import COLUMNS, Scale, about, chosen, file_name, line, values
from services.errors import BadInput
from services.instagram.profiles import Audio
from tests.services.analysis.reels import NOW, profile, reel

SCALE = Scale(Measure.PLAYS, 400, ZoneInfo("Europe/Berlin"))


def test_a_line_says_all_of_a_reel() -> None:
    song = Audio("9", "Drums", "Leo", False)
    one = line(reel(1, plays=1_000, hashtags=("a",), audio=song, days_ago=0), SCALE)
    assert one.url == "https://www.instagram.com/reel/C1/"
    assert (one.engagement, one.medians, one.tier) == (0.06, 2.5, "strong")
    assert (one.posted_at_utc.hour, one.posted_at_local.hour) == (12, 13)
    assert (one.audio_title, one.audio_artist, one.audio_original) == ("Drums", "Leo", False)


def test_hidden_and_untold_are_empty() -> None:
    one = line(reel(1, plays=None, likes=None), SCALE)
    assert (one.likes, one.likes_hidden) == (None, True)
    assert (one.engagement, one.medians, one.tier) == (None, None, None)
    assert line(reel(1), Scale(Measure.PLAYS, None, SCALE.zone)).tier is None


def test_views_in_medians_of_nothing_are_no_number() -> None:
    one = line(reel(1, plays=5), Scale(Measure.PLAYS, 0, SCALE.zone))
    assert (one.medians, one.tier) == (None, "breakout")


def test_columns_are_chosen_in_their_order() -> None:
    assert chosen(()) == COLUMNS
    assert chosen(("plays", "url")) == ("url", "plays")
    with pytest.raises(BadInput):
        chosen(("url", "password"))
    assert values(line(reel(1), SCALE), ("shortcode", "plays")) == ["C1", 1_000]


def test_the_head_says_what_counts_as_views() -> None:
    told = dict(about(profile(), SCALE, 3, NOW))
    assert (told["views_are"], told["median_views"], told["reels"]) == ("plays", 400, 3)
    assert told["local_zone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("username", "name"),
    [("neon.loops_", "reelay-neon.loops_-20261120T1200Z.csv"),
     ("../../etc", "reelay-etc-20261120T1200Z.csv"), ("", "reelay-profile-20261120T1200Z.csv")],
)  # fmt: skip
def test_names_are_safe_and_have_a_time(username: str, name: str) -> None:
    assert file_name(username, datetime(2026, 11, 20, 12, tzinfo=UTC), "csv") == name
