"""What the cards of an account's own figures say, and what they never say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cards import CAPTION, Card, units
from bot.insights import cards, charts, places, sync_cards, table_cards, words
from bot.insights.places import Place
from sandbox.telegram.html import parse_html
from services.errors import NotAllowed
from services.insights.best import Board
from services.insights.figures import Span
from services.insights.looking import CHARTED, DAYS, FOLLOWERS, Audience, Best, Overview
from services.insights.metrics import AUDIENCES, BY_KEY, METRICS
from services.insights.states import Reason, State
from storage.syncs import SyncResult
from tests.bot.factories import HOSTILE, NOW, user
from tests.bot.insights import factories as make
from tests.bot.insights.every import insight_cards

ME = user()


def text(card: Card) -> str:
    return parse_html(card.text)[0]


def chart(key: str, *told: float | None, count: int = 7) -> str:
    """Newest first; the days before are not known."""
    return text(cards.chart(make.sight(key, make.days(key, told), count), ME, NOW, several=False))


# ---------------------------------------------------------------- names and buttons


def test_every_metric_and_every_reason_has_words() -> None:
    assert list(words.NAMES) == sorted(CHARTED, key=list(words.NAMES).index)
    assert len(words.NAMES) == len(CHARTED)
    assert set(words.WHY) == {None, *Reason}
    for metric in METRICS:
        assert "_" not in words.title(metric.key), metric.key


def test_a_button_carries_where_it_leads() -> None:
    for metric in words.NAMES:
        for days in DAYS:
            place = Place(10**9, days, metric)
            assert len(place.ref) <= 32
            assert places.read(place.ref) == place


@pytest.mark.parametrize(
    "ref",
    ["", "1", "1-28", "1-29-reach", "x-28-reach", "²-28-reach", "1-28-x", "9" * 19 + "-7-reach"],
)
def test_a_button_that_was_never_written_is_refused(ref: str) -> None:
    with pytest.raises(NotAllowed):
        places.read(ref)


# ---------------------------------------------------------------- words of a change


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.0, "about as many as"),
        (-0.019, "about as many as"),
        (0.05, "a little more than"),
        (-0.05, "a little fewer than"),
        (0.33, "a third more than"),
        (0.48, "half as many again as"),
        (-0.52, "half as many as"),
        (-0.75, "three quarters fewer than"),
        (1.03, "twice as many as"),
        (1.4, "2.4 times as many as"),
        (29.0, "30 times as many as"),
        (-0.95, "less than a tenth of what there were"),
    ],
)
def test_a_change_in_words(ratio: float, expected: str) -> None:
    assert words.than_before(ratio) == expected


# ---------------------------------------------------------------- the truth about a figure


def test_reach_of_days_is_a_mean_and_never_a_sum() -> None:
    said = chart("reach", *[100.0] * 14)
    assert "100 different accounts on an average day: about as many as" in said
    assert "700" not in said


def test_metas_own_reach_is_said_to_be_metas() -> None:
    rows = make.days("reach", [100.0] * 14)
    rows += [make.value("reach.week", 0, 520), make.value("reach.week", 7, 260)]
    said = text(cards.chart(make.sight("reach", rows, 7), ME, NOW, several=False))
    assert "520 different accounts in 7 days, as Meta counts them: twice as many as" in said
    assert "100 on an average day" in said


def test_no_data_is_never_0() -> None:
    said = chart("likes", None, None, 5.0, None, None, None, None)
    assert "5 likes on the 1 day that is known" in said
    assert "1 of 7 days is known; a gap in the line is a gap, not a zero" in said
    assert "0 likes" not in said


def test_nothing_known_says_why_in_metas_words() -> None:
    rows = [
        make.value("follower_count", ago, None, reason="too_few", said="Not <enough> users.")
        for ago in range(7)
    ]
    shown = make.sight("follower_count", rows, 7)
    card = cards.chart(shown, ME, NOW, several=False)
    assert "of these 7 days: Meta does not tell below 100 followers." in text(card)
    assert "Meta says: “Not <enough> users.”" in text(card)
    drawn = charts.line(shown)
    assert drawn.figure == "nothing known"
    assert drawn.values == (None,) * 7


def test_what_may_still_change_and_what_was_corrected() -> None:
    rows = make.days("likes", [3.0] * 14)
    shown = make.sight("likes", rows, 7, revisions=2, last=make.sync(ended_at=NOW))
    said = text(cards.chart(shown, ME, NOW, several=False))
    assert "Meta may still change the days from Wed 18 Nov on (hollow dots)." in said
    assert "Meta has corrected 2 days since it first told them." in said
    assert "Read 14:05." in said
    assert charts.line(shown).may_change == (False,) * 5 + (True, True)


def test_a_dead_log_in_is_said_below_what_is_there() -> None:
    last = make.sync(state="failed", error="TokenRefused", message="Log in <again>.")
    shown = make.sight("likes", make.days("likes", [3.0] * 14), 7, last=last)
    card = cards.chart(shown, ME, NOW, several=False)
    assert "21 likes in 7 days" in text(card)
    assert "⚠️ The last reading failed: Log in <again>." in text(card)
    labels = [key.label for row in card.rows for key in row]
    assert "🔗 Connect Meta" in labels
    assert "🔄 Read now" not in labels


def test_a_reading_that_waits_is_not_said_to_be_at_it() -> None:
    last = make.sync(state="waiting", wait_until=NOW + timedelta(minutes=5))
    shown = make.sight("likes", make.days("likes", [3.0] * 14), 7, last=last)
    said = text(cards.chart(shown, ME, NOW, several=False))
    assert "⏳ The reading is at 50\u202f% and goes on at 14:10." in said
    assert "now" not in said.splitlines()[-1]


def test_a_level_is_compared_with_the_level_before() -> None:
    rows = [make.value("followers_count", ago, 1_000 - ago) for ago in range(-1, 20)]
    said = text(cards.chart(make.sight("followers_count", rows, 7), ME, NOW, several=False))
    assert "1,001 followers on 20 Nov: 7 more than 7 days before (+1\u202f%)" in said
    assert "average" not in said


def test_followers_that_left_count() -> None:
    rows = []
    for ago in range(7):
        for part, told in (("FOLLOWER", 3.0), ("NON_FOLLOWER", 5.0)):
            rows.append(
                make.value("follows_and_unfollows", ago, told, breakdown=f"follow_type={part}")
            )
    shown = make.sight("follows_and_unfollows", rows, 7)
    said = text(cards.chart(shown, ME, NOW, several=False))
    assert "\u221214 followers in 7 days" in said
    assert "21 followed, 35 left." in said
    assert charts.line(shown).figure == "\u221214"


def test_fewer_that_left_is_told_as_a_gain() -> None:
    """ "9 more than before" of a loss would be read as a greater one."""
    rows = []
    for ago in range(14):
        for part, told in (("FOLLOWER", 3.0), ("NON_FOLLOWER", 5.0 if ago < 7 else 6.0)):
            rows.append(
                make.value("follows_and_unfollows", ago, told, breakdown=f"follow_type={part}")
            )
    said = text(cards.chart(make.sight("follows_and_unfollows", rows, 7), ME, NOW, several=False))
    assert "\u221214 followers in 7 days: +7 against the 7 days before." in said


def test_a_single_gap_and_a_single_open_day_are_named() -> None:
    said = chart("likes", None, 5.0, 4.0, None, 4.0, 4.0, 4.0)
    assert "2 days: Meta has no data" in said
    assert "Meta may still change Wed 18 Nov (the hollow dot)." in said
    said = chart("likes", 5.0, 5.0, 4.0, None, 4.0, 4.0, 4.0)
    assert "▫️ Mon 16 Nov: Meta has no data" in said


def test_a_figure_that_the_last_reading_could_not_get_says_so() -> None:
    missed = SyncResult("likes", error="PermissionMissing", message="x")
    shown = replace(
        make.sight("likes", make.days("likes", [3.0] * 14), 7, last=make.sync(ended_at=NOW)),
        missed=missed,
    )
    card = cards.chart(shown, ME, NOW, several=False)
    assert "⚠️ Read 14:05, but not this figure: the log-in may not read it." in text(card)
    labels = [key.label for row in card.rows for key in row]
    assert {"🔗 Connect Meta", "🔄 Read now"} <= set(labels), "the second is next after the first"


# ---------------------------------------------------------------- several at once


def test_the_overview_fits_a_phone_and_says_what_is_missing() -> None:
    keys = ("reach", "views", "accounts_engaged", "likes")
    told = {"reach": 1234567.0, "views": 98765432.0, "accounts_engaged": 1e12, "likes": None}
    figures = tuple(make.figure_of(key, make.days(key, [told[key]] * 56)) for key in keys)
    found = Overview(make.account(), 28, Span.until(make.LAST, 28), figures, None)
    card = table_cards.overview(found, Place(4))
    table = text(card).split("\n")[1:5]
    assert max(map(len, table)) <= 28
    assert [line.split()[1] for line in table[:2]] == ["1,234,567/d", "2,765,432,096"]
    assert "1,000\u202fB/d" in table[2]
    assert table[3].split() == ["Likes", "–"]
    assert "Likes: Meta has no data." in text(card)
    assert "days of them are never added up" in text(card)
    assert "<code>/d</code>: " in card.text, "or Telegram makes a command of it"


def test_the_level_of_a_day_is_not_made_less_by_days_without_one() -> None:
    newest = [make.value("followers_count", -1, 1_000)]
    figures = (make.figure_of("followers_count", newest),)
    found = Overview(make.account(), 28, Span.until(make.LAST, 28), figures, None)
    assert "Known of" not in text(table_cards.overview(found, Place(4)))


def test_the_overview_says_one_reason_once() -> None:
    figures = tuple(
        make.figure_of(key, [make.value(key, ago, None) for ago in range(28)])
        for key in ("likes", "saves")
    )
    found = Overview(make.account(), 28, Span.until(make.LAST, 28), figures, None)
    assert "▫️ Likes, Saves: Meta has no data." in text(table_cards.overview(found, Place(4)))


def test_a_change_that_is_too_long_for_the_table_is_told_in_times() -> None:
    rows = make.days("views", [5_000.0] * 28 + [1.0] * 28)
    found = Overview(
        make.account(), 28, Span.until(make.LAST, 28), (make.figure_of("views", rows),), None
    )
    assert text(table_cards.overview(found, Place(4))).split("\n")[1].endswith(" ×5000")


def test_a_post_whose_words_meta_does_not_tell_is_called_what_it_is() -> None:
    """With an Instagram log-in Meta tells no caption: that is not "without words"."""
    found = Best(
        make.account(), 28, Span.until(make.LAST, 28), make.ranking(make.top("")), make.ranking()
    )
    assert "1. 🎬 \u2068Reel\u2069 · " in text(table_cards.best(found, Place(4), ME))


def test_an_audience_that_is_not_told_says_why_once() -> None:
    why = (State.NOT_AVAILABLE, Reason.TOO_FEW)
    boards = tuple(
        Board(BY_KEY[f"{FOLLOWERS}.{of}"], (), 0, 0, None, *why, "", None) for of in AUDIENCES
    )
    said = text(table_cards.audience(Audience(make.account(), FOLLOWERS, boards), Place(4)))
    assert said.count("below 100 followers") == 1


def test_only_addresses_of_instagram_are_linked() -> None:
    tops = [
        make.top("good", permalink='https://www.instagram.com/p/C1/"><b>'),
        make.top("<b>bad", permalink="javascript:alert(1)"),
        make.top("other", permalink="https://www.instagram.com.example/p/C1/"),
    ]
    span = Span.until(make.LAST, 28)
    posts = make.ranking(*tops, of=5)
    card = table_cards.best(Best(make.account(), 28, span, posts, make.ranking()), Place(4), ME)
    plain, entities = parse_html(card.text)
    assert [one["url"] for one in entities if one["type"] == "text_link"][1:] == [
        'https://www.instagram.com/p/C1/"><b>'
    ]
    assert "Posts and reels, 3 of 5, 2 without a figure" in plain
    assert "<b>bad" in plain
    assert "Stories: none in these days" in plain


@pytest.mark.parametrize("foreign", HOSTILE, ids=range(len(HOSTILE)))
def test_what_stands_below_a_chart_fits_there(foreign: str) -> None:
    """All but those that are messages of their own."""
    for card in insight_cards(foreign):
        if "‹ Chart" in [key.label for row in card.rows for key in row]:
            assert units(card.text) <= CAPTION


# ---------------------------------------------------------------- a sync


def test_what_a_sync_left_out_is_said_once_for_each_reason() -> None:
    results = [
        SyncResult("reach", 3, 3),
        SyncResult("likes", error="MetaUnavailable", message="x"),
        SyncResult("saves", error="MetaUnavailable", message="x"),
        SyncResult("profile_views", skipped=30, error="RequestRefused", message="x"),
        SyncResult("follower_demographics.city", error="Odd", message="It <broke>."),
    ]
    said = text(sync_cards.done(make.view(*results, message="Slowly.")))
    assert "3 new values · 30 values not told · 40 requests" in said
    assert "▫️ Likes, Saves: Meta did not answer; the next sync tries again." in said
    assert "▫️ Profile views: Meta does not tell it any more." in said
    assert "▫️ Followers by city: It <broke>." in said
    assert said.endswith("Slowly.")


def test_a_sync_that_could_read_nothing_is_no_success() -> None:
    broken = [SyncResult(key, error="MetaChanged", message="x") for key in ("reach", "likes")]
    assert text(sync_cards.done(make.view(*broken))).startswith("⚠️ @mia: no figure could be read")
    partly = text(sync_cards.done(make.view(SyncResult("saves", 3, 3), *broken)))
    assert partly.startswith("⚠️ @mia: only some figures could be read")
    refused = sync_cards.done(make.view(SyncResult("reach", error="PermissionMissing")))
    labels = [key.label for row in refused.rows for key in row]
    assert {"🔗 Connect Meta", "🔄 Read again"} <= set(labels)
    removed = SyncResult("profile_views", error="RequestRefused", message="x")
    assert text(sync_cards.done(make.view(SyncResult("saves", 3, 3), removed))).startswith("✅")
    account, view = make.account(), make.view(*broken)
    assert "⚠️ " in text(sync_cards.log(account, [view], 0, ME, NOW, more=False))


def test_after_a_dead_log_in_the_next_step_is_of_the_figures() -> None:
    view = make.view(state="failed", error="TokenRefused", message="Gone.", next_step="Queued.")
    said = text(sync_cards.failed(view))
    assert "Connect it again: the days that are missing are filled then." in said
    assert "Queued" not in said
    assert "nothing told" not in said


def test_the_details_put_what_brought_nothing_into_one_line() -> None:
    results = [SyncResult("reach", 3, 3), SyncResult("likes"), SyncResult("saves")]
    said = text(sync_cards.detail(make.view(*results), ME, NOW))
    assert "Reach: 3 new" in said
    assert "Nothing new: Likes, Saves" in said


def test_a_sync_that_is_under_way_says_how_far() -> None:
    said = text(sync_cards.running(make.view(SyncResult("reach", 7), state="running")))
    assert "▓▓▓▓▓░░░░░ 50" in said
    assert "7 values told · 40 requests" in said


def test_a_wait_is_told_in_the_persons_zone() -> None:
    until = NOW + timedelta(hours=1)
    view = make.view(state="waiting", error="MetaRateLimited", wait_until=until)
    assert "by myself at 20:50" in text(sync_cards.waiting(view, user(zone="Asia/Kathmandu"), NOW))


def test_only_what_failed_or_took_long_rings() -> None:
    """As services.insights.job writes a notice."""
    assert not sync_cards.rings(make.sync(), ME.id)
    assert sync_cards.rings(make.sync(run=2), ME.id)
    assert sync_cards.rings(make.sync(state="failed"), ME.id)
    assert not sync_cards.rings(make.sync(state="failed"), 7), "who only looks on"
    assert not sync_cards.rings(make.sync(state="failed", asked_by=None), ME.id)
    assert not sync_cards.rings(make.sync(state="canceled", run=2), ME.id)
    assert not sync_cards.rings(make.sync(state="running", run=2), ME.id)
