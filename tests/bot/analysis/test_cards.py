"""What the cards of an analysis say: every figure with its n, and nothing that is not known."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.analysis import cards, charts, compare_cards, export_cards, result_cards, words
from bot.cards import CAPTION, Card, caption, units
from bot.numbers import THIN
from sandbox.telegram.html import parse_html, utf16_length
from services.analysis.compare import Snapshot, changes, side_by_side
from services.analysis.exports import Made
from services.analysis.figures import Tier
from services.analysis.looking import Pair, Since
from services.analysis.service import TooManyToday
from services.analysis.tables_out import COLUMNS
from services.media.charts import Theme, TrendChart, ViewsChart, WeekChart, arguments, read
from services.sheets import Form
from tests.bot.analysis import every
from tests.bot.analysis.factories import reel, sight, view
from tests.bot.factories import HOSTILE, NOW, user

MIA = user(zone="Europe/Berlin")


def plain(card: Card) -> str:
    return parse_html(card.text)[0].replace(THIN, "")


def labels(card: Card) -> list[str]:
    return [key.label for row in card.rows for key in row]


# ---------------------------------------------------------------- below a picture


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_caption_fits_below_its_picture(text: str) -> None:
    for one in every.sights(text):
        for card in every.pictured(one):
            told, _ = parse_html(card.text)
            assert utf16_length(told) <= CAPTION
            assert utf16_length(told) == units(card.text)


def test_what_does_not_fit_goes_from_the_end() -> None:
    assert caption(["a&amp;b", "<b>cd</b>", "ef"], 6) == "a&amp;b\n<b>cd</b>"
    assert caption(["abcdefg"], 6) == ""
    assert caption(["💃💃"], 3) == ""


def test_a_result_says_each_figure_with_its_n() -> None:
    hidden = [reel(n, likes=None) if n < 3 else reel(n) for n in range(29)]
    said = plain(result_cards.result(sight([*hidden, reel(29, plays=90_000)]), MIA, NOW))
    for part in (
        "@rosa.reels ✓ · \u2068Rosa\u2069",
        "10k followers · 30 reels, 16 Sep – 13 Nov 2026",
        "Median views 1k · 0.10 per follower (n=30)",
        "Engagement 10.8% of views (n=27)",
        "3.5 a week, usually every 2 d (n=30)",
        "🥇 1 breakout · 🟢 0 strong · 🔵 29 typical · ⚪️ 0 weak (n=30)",
        "n=30)\nseen in the app as @mia · 15:05 · 3 reels hide likes · views are plays",
        "🏆 1. 90k views · 88.7× · 16 Sep 2026",
    ):
        assert part in said
    assert said.count("n=") >= 6


def test_few_reels_are_too_few_to_say() -> None:
    few = sight([reel(n) for n in range(11)])
    said = plain(result_cards.result(few, MIA, NOW))
    assert "Fewer than 12 reels: too few to say when is best, or where it goes." in said
    assert "Trend" not in said
    assert "Best" not in said
    assert "Too few to say (11 reels older than three days)." in plain(result_cards.trend(few, MIA))


def test_a_result_says_what_is_missing() -> None:
    found = [reel(0, plays=None), reel(1), reel(2, taken_at=NOW - timedelta(days=1))]
    for changed, part in (
        ({"state": "canceled"}, "stopped before its end"),
        ({"more": True}, "the newest 30 reels only"),
        ({"unread": 2}, "2 reels could not be read"),
        ({"asked": "rosa.old"}, "asked for as @rosa.old"),
        ({"not_by_meta": "not_found"}, "Meta knows no such professional account"),
        ({"source": "meta"}, "from Meta's business discovery as @mia"),
        ({}, "1 without views · 1 younger than 3 days still gain views"),
    ):
        assert part in plain(result_cards.result(sight(found, shown=view(**changed)), MIA, NOW))


def test_the_open_tab_is_marked_and_leads_back() -> None:
    card = result_cards.tiers(sight(), MIA)
    assert "• Tiers" in labels(card)
    assert labels(card)[-2:] == ["‹ Overview", "🌙 Dark chart"]
    assert "🥇 breakout, at least 5× the median: 1 · 3.3%" in plain(card)


def test_nothing_stands_out_where_all_is_alike() -> None:
    alike = sight([reel(n, plays=100) for n in range(30)])
    assert "Best time: none stands out (n=30)" in plain(result_cards.result(alike, MIA, NOW))
    assert "Which is best: none stands out." in plain(result_cards.when(alike, MIA))


def test_what_is_said_of_a_reel_agrees_with_its_tier() -> None:
    usual = [reel(n, plays=1_000) for n in range(20)]
    said = plain(result_cards.top(sight([*usual, reel(20, plays=1_970)]), MIA))
    assert "1. 🔵 2k views · 1.9×" in said


def test_a_hashtag_on_all_reels_is_compared_with_nothing() -> None:
    found = [reel(n, hashtags=("salsa", "slow") if n % 2 else ("salsa",)) for n in range(20)]
    said = plain(result_cards.hashtags(sight(found), MIA))
    assert "#salsa\u2069 · 20 reels · on nearly all of them" in said
    assert "#slow\u2069 · 10 reels · 1.0× the others" in said


# ---------------------------------------------------------------- comparisons


def test_what_is_new_gone_and_grown_since_the_last_time() -> None:
    old = [reel(n) for n in range(1, 20)]
    new = [reel(0), *(reel(n, plays=2_000 + n) for n in range(1, 19))]
    one = sight(new)
    then = Snapshot(one.profile, old, NOW - timedelta(days=30), complete=True)
    found = changes(then, Snapshot(one.profile, new, NOW, complete=True))
    since = Since(view(ended_at=NOW - timedelta(days=30)).item, found)
    said = plain(compare_cards.since(one, since, MIA, NOW))
    assert "since Wed 21 Oct 16:05" in said
    assert "Followers: 10k, unchanged" in said
    assert "Median views of the 18 reels in both: 1k → 2k, +1k (+99%)" in said
    assert "New reels: 1 · 13 Nov 2026" in said
    assert "Gone: 1 · 6 Oct 2026" in said


def test_two_profiles_stand_beside_each_other() -> None:
    left, right = sight(), sight([reel(n, plays=None, views=100) for n in range(15)])
    said = plain(
        compare_cards.beside(Pair(left, right, side_by_side(left.figures, right.figures)), MIA)
    )
    assert "Median views: 1k · 100, 10.2× (n=30 · 15)" in said
    assert "Views of one are plays" in said
    assert "Breakouts: 3.3% · 0% (n=30 · 15)" in said


def test_of_much_less_than_the_other_a_fraction_is_told() -> None:
    left, right = sight(), sight([reel(n, plays=100_000) for n in range(15)])
    said = plain(
        compare_cards.beside(Pair(left, right, side_by_side(left.figures, right.figures)), MIA)
    )
    assert "Median views: 1k · 100k, 1/98× (n=30 · 15)" in said
    assert "×: the first in terms of the second" in said


# ---------------------------------------------------------------- its way


def test_each_way_it_can_end_says_the_next_step() -> None:
    for error, label in (
        ("ProfileMissing", "📊 Analyse another"),
        ("Unavailable", "🔁 Try again"),
        ("MetaNotFound", "🔗 Connect Instagram"),
    ):
        shown = view(state="failed", error=error, message="What.", next_step="Do.", stored=0)
        card = cards.card(shown, MIA, NOW)
        assert label in labels(card)
        assert "What." in card.text
    # sentences that speak of imports or of stories are not repeated here
    upgrade = view(state="failed", error="UpstreamChanged", next_step="Upgrade gallery-dl")
    assert "gallery-dl" not in cards.card(upgrade, MIA, NOW).text
    assert "📊 Show the figures" in labels(cards.card(upgrade, MIA, NOW))


def test_what_waits_says_until_when_and_what_is_paused_who_must_act() -> None:
    until = NOW + timedelta(minutes=15)
    slow = cards.card(view(state="waiting", error="RateLimited", wait_until=until), MIA, NOW)
    assert "Instagram asks to slow down. I go on by myself at 15:20." in plain(slow)
    assert labels(slow) == ["⏹ Cancel"]
    odd = cards.card(view(state="waiting", error="MetaChanged", wait_until=until), MIA, NOW)
    assert "Meta did not answer as it should" in plain(odd)
    assert labels(odd) == ["Try now", "⏹ Cancel"]
    for error, label in (
        ("SessionRefused", "🍪 Send new cookies"),
        ("TokenRefused", "🔗 Connect Meta"),
        ("Checkpoint", "✅ I did, go on"),
        ("StorageFailed", "▶️ Resume"),
    ):
        paused = cards.card(view("@rosa.reels", state="paused", error=error), MIA, NOW)
        assert label in labels(paused)
        assert '(<a href="https://www.instagram.com/rosa.reels/">@rosa.reels</a>)' in paused.text


def test_progress_says_how_far_and_how_long_yet() -> None:
    halfway = view(state="processing", stored=36, media_count=82, more=True, unread=2)
    said = plain(cards.card(halfway, MIA, NOW + timedelta(minutes=1)))
    assert "36 reels so far · 82 posts at most" in said
    assert "53% · at most 1 min left" in said
    assert "2 reels could not be read" in said


def test_the_list_says_of_what_failed_that_nothing_was_read() -> None:
    missing = view(state="failed", stored=0, username=None, asked="locked.diary")
    said = plain(cards.reports([missing], 0, MIA, NOW, more=False))
    assert "❌ @locked.diary · nothing read · 15:05" in said


def test_the_limit_of_a_day_says_when_the_next_one_is_free() -> None:
    free = NOW + timedelta(hours=30)
    assert "free at Sat 21 Nov 21:05" in plain(cards.too_many(TooManyToday(10, free), MIA, NOW))


# ---------------------------------------------------------------- files


def test_the_fields_to_choose_from_are_the_columns_of_the_table() -> None:
    chosen = [name for group in export_cards.FIELDS.values() for name in group]
    assert sorted(chosen) == sorted(COLUMNS)
    assert export_cards.columns(export_cards.ALL) == ()
    assert export_cards.columns(0b1) == ("shortcode", "url")
    assert export_cards.read_mask("nonsense") == export_cards.ALL
    assert export_cards.read_mask("f" * 30) == export_cards.ALL


def test_nothing_is_exported_of_no_field() -> None:
    card = export_cards.fields(view(), export_cards.PROFILE)
    assert "Choose one field at least." in card.text
    assert "CSV" not in labels(card)


def test_names_of_exports_lead_to_instagram_and_not_to_telegram() -> None:
    """A bare "@rosa.reels" would be drawn as "@rosa", somebody of Telegram."""
    day = timedelta(days=1)
    made = [Made(n, n, Form.CSV, f"reelay-{n}.csv", "k", 9, NOW, NOW + day) for n in (1, 2)]
    card = export_cards.files(made, {1: "rosa.reels"}, MIA, NOW)
    assert '<a href="https://www.instagram.com/rosa.reels/">@rosa.reels</a>' in card.text
    assert "<code>reelay-2.csv</code>" in card.text


# ---------------------------------------------------------------- charts


def test_charts_hold_what_the_cards_say() -> None:
    one = sight()
    dots, line, week = (draw(one, "UTC") for draw in (charts.views, charts.trend, charts.when))
    assert isinstance(dots, ViewsChart)
    assert len(dots.dots) == 30
    assert [key.label for key in dots.legend] == [f"{t} {one.figures.tiers[t]}" for t in Tier]
    assert isinstance(line, TrendChart)
    assert [edge.at for edge in line.line] == sorted(edge.at for edge in line.line)
    assert isinstance(week, WeekChart)
    assert sum(cell.n for row in week.cells for cell in row) == 30
    for chart in (dots, line, week):  # as they go to the media process
        told = arguments(chart, Theme.DARK, Path("x.png"))
        assert read(told["kind"], told["chart"]) == chart


def test_nothing_is_drawn_of_views_that_nobody_tells() -> None:
    silent = sight([reel(n, plays=None) for n in range(20)])
    assert [draw(silent, "UTC") for draw in (charts.views, charts.trend, charts.when)] == [None] * 3
    few = sight([reel(1), reel(2)])
    assert isinstance(charts.trend(few, "UTC"), ViewsChart)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not told"),
        (0, "0"),
        (987, "987"),
        (999.6, "1k"),
        (19_240, "19.2k"),
        (123_456, "123k"),
        (2_000_000, "2M"),
        (7e9, "7B"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert words.number(value).replace(THIN, "") == text


def test_of_a_median_of_nothing_nothing_is_a_multiple() -> None:
    assert words.times(float("inf")) == ""
