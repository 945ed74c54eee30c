"""Every state of an import as its card shows it: numbers, words and the buttons that lead on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cards import Card
from bot.importing import cards
from services.importing.decisions import Reason
from storage.import_items import Tally
from tests.bot.factories import NOW, outcome, user, view


def keys(card: Card) -> list[str]:
    return [key.label for row in card.rows for key in row]


def shown(**of_import: object) -> Card:
    return cards.card(view(**of_import), user(), NOW, 9.0)  # type: ignore[arg-type]


# ---------------------------------------------------------------- before


def test_looking_can_be_cancelled() -> None:
    card = shown(state="previewing")
    assert "Looking at <b>Reels ideas</b>" in card.text
    assert keys(card) == ["Cancel"]


def test_a_preview_says_price_balance_and_time() -> None:
    card = shown(state="offered", tally=Tally(pending=24), balance=1500)
    assert "24 posts\n" in card.text
    assert "Costs 1 credit a post: 24 credits; you have 1,500. About 1 min." in card.text
    assert keys(card) == ["📥 Import all", "🧹 Filters", "Cancel"]


def test_a_preview_of_one_post_counts_in_the_singular() -> None:
    card = shown(state="offered", tally=Tally(pending=1, skipped=1))
    assert "2 posts" in card.text
    assert "1 of them is here already: free." in card.text
    assert "1 credit;" in card.text


def test_a_preview_of_a_long_list_gives_upper_bounds_and_the_newest() -> None:
    card = shown(state="offered", tally=Tally(pending=21, skipped=3), more=True, post_limit=500)
    assert "24 posts so far, and there are more" in card.text
    assert "3 of them are here already" in card.text
    assert "up to 500 credits" in card.text
    assert "at most." in card.text
    assert keys(card) == ["📥 Import all", "Newest 50", "🧹 Filters", "Cancel"]


def test_a_preview_warns_when_the_credits_will_not_do() -> None:
    assert (
        "pauses and nothing is lost"
        in shown(state="offered", tally=Tally(pending=9), balance=8).text
    )
    assert "pauses" not in shown(state="offered", tally=Tally(pending=9), balance=9).text


def test_an_empty_collection_needs_one_tap() -> None:
    card = shown(state="offered")
    assert "is empty" in card.text
    assert keys(card) == ["Close"]


def test_a_collection_that_is_here_already_costs_nothing() -> None:
    card = shown(state="offered", tally=Tally(skipped=9))
    assert "All of it is here already" in card.text
    assert "credit" not in card.text
    assert keys(card) == ["Close"]


def test_posts_that_cannot_be_read_are_not_called_saved() -> None:
    card = shown(state="offered", tally=Tally(failed=2))
    assert "2 posts can't be read" in card.text
    assert "here already" not in card.text


# ---------------------------------------------------------------- while it runs


def test_progress_shows_share_errors_and_time_left() -> None:
    tally = Tally(pending=60, saved=50, skipped=4, gone=4, failed=2)
    card = cards.card(
        view(tally, refunded=6, started_at=NOW - timedelta(minutes=2)), user(), NOW, 9.0
    )
    assert "60/120" in card.text
    assert "▓▓▓▓▓░░░░░ 50 %" in card.text
    assert "50 saved · 4 here already · 4 gone · 2 failed · 6 refunded" in card.text
    assert "about 2 min left" in card.text
    assert keys(card) == ["⏸ Pause", "⏹ Cancel…"]


def test_progress_has_no_figures_before_the_first_post_is_listed() -> None:
    assert shown(tally=Tally()).text == "⏬ <b>Reels ideas</b> · looking for posts…"


def test_progress_says_nothing_of_time_while_it_can_not_know() -> None:
    assert "min left" not in shown(tally=Tally(pending=60, saved=9)).text
    assert "min left" not in shown(tally=Tally(pending=60, saved=30), started_at=None).text


def test_progress_marks_a_list_that_goes_on() -> None:
    assert "10/60+" in shown(tally=Tally(pending=50, saved=10), more=True).text
    assert "10/60\n" in shown(tally=Tally(pending=50, saved=10), more=True, post_limit=60).text


def test_a_rate_limit_is_waited_for_by_itself() -> None:
    card = shown(state="waiting", reason=Reason.RATE, wait_until=NOW + timedelta(minutes=15))
    assert "I go on by myself at <b>14:20</b>" in card.text
    assert keys(card) == ["⏸ Pause", "⏹ Cancel…"]  # trying now would make it worse


def test_another_wait_can_be_cut_short() -> None:
    card = shown(state="waiting", reason=Reason.UPSTREAM, wait_until=NOW + timedelta(seconds=60))
    assert keys(card)[0] == "Try now"


# ---------------------------------------------------------------- a person's turn


@pytest.mark.parametrize(
    ("reason", "detail", "says", "labels"),
    [
        (Reason.USER, "", "Paused by you.", ["▶️ Resume", "⏹ Stop…"]),
        (
            Reason.COOKIES,
            "",
            "asks @mia to log in again",
            ["🍪 Send new cookies", "▶️ Resume", "⏹ Stop…"],
        ),
        (Reason.CHECKPOINT, "", "check that @mia is you", ["▶️ Resume", "⏹ Stop…"]),
        (Reason.CREDITS, "31", "31 more credits are needed", ["▶️ Resume", "⏹ Stop…"]),
        (Reason.CREDITS, "1", "1 more credit is needed", ["▶️ Resume", "⏹ Stop…"]),
        (
            Reason.UPSTREAM,
            "gallery-dl 1.32.18 · report r.txt",
            "gallery-dl 1.32.18 · report r.txt",
            ["▶️ Resume", "⏹ Stop…"],
        ),
        (Reason.STORAGE, "", "can't store files", ["▶️ Resume", "⏹ Stop…"]),
    ],
)
def test_a_pause_says_why_and_what_to_press(
    reason: Reason, detail: str, says: str, labels: list[str]
) -> None:
    card = shown(state="paused", reason=reason, detail=detail, tally=Tally(pending=9, saved=3))
    assert says in card.text
    assert "Nothing is lost." in card.text
    assert "3 saved · 9 waiting" in card.text
    assert keys(card) == labels


def test_the_upgrade_command_is_named() -> None:
    assert "pip install --upgrade gallery-dl" in shown(state="paused", reason=Reason.UPSTREAM).text


def test_a_forgotten_account_is_not_asked_to_log_in() -> None:
    card = shown(state="paused", reason=Reason.COOKIES, connection_id=None)
    assert "was forgotten" in card.text
    assert keys(card) == ["🔗 Connect", "⏹ Stop…"]


@pytest.mark.parametrize(
    ("tally", "says"),
    [
        (Tally(saved=118, pending=62, held=50), "118 saved posts stay; 50 credits come back."),
        (Tally(saved=1, pending=1, held=1), "1 saved post stays; 1 credit comes back."),
        (Tally(), "0 saved posts stay."),
    ],
)
def test_stopping_is_asked_with_its_consequence(tally: Tally, says: str) -> None:
    card = cards.stop_question(view(tally))
    assert card.text.endswith(says)
    assert keys(card) == ["⏹ Stop", "Go on"]


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize(
    ("reason", "says", "labels"),
    [
        (Reason.COOKIES, "log in again", ["🍪 Send new cookies", "Menu"]),
        (Reason.CHECKPOINT, "is you", ["✅ I confirmed", "Menu"]),
        (Reason.RATE, "Paste the link again later", ["Menu"]),
        (Reason.NOT_FOUND, "no such collection for @mia", ["Menu"]),
        (Reason.GONE, "deleted, or is private", ["Menu"]),
        (Reason.UPSTREAM, "gallery-dl needs an upgrade", ["Menu"]),
        (Reason.STORAGE, "can't store anything", ["Menu"]),
        (Reason.NO_PROGRESS, "gave up", ["Menu"]),
        (None, "could not be done", ["Menu"]),
    ],
)
def test_a_failed_import_says_why_and_that_nothing_was_charged(
    reason: Reason | None, says: str, labels: list[str]
) -> None:
    card = shown(state="failed", reason=reason)
    assert says in card.text
    assert card.text.endswith("Nothing was charged.")
    assert keys(card) == labels


def test_a_failed_import_says_what_was_paid_for() -> None:
    card = shown(state="failed", reason=Reason.NO_PROGRESS, charged=50, refunded=38)
    assert card.text.endswith("12 credits paid for what is saved.")


def test_the_result_counts_everything_once() -> None:
    card = cards.result(
        view(
            Tally(saved=290, skipped=14, gone=5, failed=3),
            state="done",
            charged=298,
            refunded=8,
            balance=1210,
            failures={"http_404": 2, "short": 1},
        )
    )
    assert card.text.splitlines() == [
        "✅ Done: <b>Reels ideas</b>",
        "290 posts saved",
        "14 were here already, free",
        "5 gone: deleted or private",
        "2 failed: the file is not there",
        "1 failed: the file came incomplete",
        "290 credits paid, 8 refunded, 1,210 left",
    ]
    assert keys(card) == [
        *("Show failures", "🔁 Retry 3"),
        *("🎧 Library", "🗂 Collection"),
        *("📄 CSV report", "Menu"),
    ]


def test_a_clean_result_has_nothing_to_retry() -> None:
    card = cards.result(view(Tally(saved=1), state="done", charged=1))
    assert "1 post saved" in card.text
    assert "1 credit paid" in card.text
    assert keys(card) == ["🎧 Library", "🗂 Collection", "📄 CSV report", "Menu"]


def test_a_stopped_import_says_what_was_left() -> None:
    card = cards.result(
        view(Tally(saved=5, dropped=19), state="cancelled", charged=24, refunded=19)
    )
    assert card.text.startswith("⏹ Stopped: ")
    assert "19 not started" in card.text


def test_the_result_says_that_the_collection_has_more() -> None:
    done = {"state": "done", "more": True, "post_limit": 50}
    assert "next 50" in cards.result(view(Tally(saved=50), **done)).text
    assert "next 50" not in cards.result(view(Tally(saved=20), **done)).text


def test_failures_are_links_with_their_reason() -> None:
    listed = [
        outcome(shortcode="C1", error="gone", state="gone"),
        outcome(shortcode="", error="unreadable"),
        outcome(shortcode="C3", error="a_new_word"),
    ]
    card = cards.failures(view(Tally(gone=1, failed=2), state="done"), listed)
    assert '<a href="https://www.instagram.com/p/C1/">C1</a> · deleted or private' in card.text
    assert "unknown post · a form this version can&#x27;t read" in card.text
    assert "C3</a> · a_new_word" in card.text
    assert "CSV" not in card.text
    assert keys(card) == ["‹ Result", "🔁 Retry 2"]


def test_long_failures_are_left_to_the_report() -> None:
    listed = [outcome(shortcode=f"C{n}") for n in range(cards.FAILURES_SHOWN)]
    card = cards.failures(view(Tally(failed=cards.FAILURES_SHOWN + 1), state="done"), listed)
    assert "all of them are in the CSV report" in card.text


def test_jobs_offer_the_first_import() -> None:
    assert keys(cards.jobs([])) == ["📥 Import", "Menu"]


def test_jobs_list_each_import_with_its_state() -> None:
    listed = [view(Tally(saved=3), id=8, state="paused"), view(Tally(saved=9), state="done")]
    card = cards.jobs(listed)
    assert "⏸ <b>Reels ideas</b> · 3 saved" in card.text
    assert keys(card) == ["⏸ Reels ideas", "✅ Reels ideas", "Menu"]
