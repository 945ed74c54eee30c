"""What the cards of stories say, and what their buttons allow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cards import Card
from bot.stories import cards, item_cards, schedule_cards, words
from sandbox.telegram.html import parse_html, utf16_length
from services.media.story import Note, Reason, Way
from services.stories.library import Twin
from services.stories.machine import State
from services.stories.planning import Week
from services.stories.preflight import About, Line, Mark
from services.stories.schedule import Turn
from storage.stories import Event, Figure
from storage.story_accounts import Blackout, Slot
from tests.bot.factories import HOSTILE, NOW
from tests.bot.stories import factories as make
from tests.bot.stories.every import pictured

CAPTION = 1024


def told(card: Card) -> str:
    return parse_html(card.text)[0]


def labels(card: Card) -> list[str]:
    return [key.label for row in card.rows for key in row]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_stands_below_a_picture_is_short_enough(text: str) -> None:
    for card in pictured(text):
        assert utf16_length(told(card)) <= CAPTION, card.text


def test_every_outcome_of_fitting_has_its_words() -> None:
    assert set(words.REFUSED) == set(Reason)
    assert set(words.DONE) == {*Way, *Note}


def test_a_red_line_says_the_fix() -> None:
    lines = [
        Line(About.LOGIN, Mark.BAD, "over"),
        Line(About.QUOTA, Mark.THINK, "left", number=2, total=100),
        Line(About.DUPLICATE, Mark.THINK, "alike", at=NOW),
    ]
    assert [words.line(one, "UTC") for one in lines] == [
        "❌ the log-in has run out. Fix: /connect",
        "⚠️ 2 of 100 posts left today",
        "⚠️ looks like one posted on 20 Nov 2026",
    ]


def test_a_planned_story_says_what_happens_next() -> None:
    def shown(**changes: Any) -> Card:
        known = {"state": State.SCHEDULED, "due_at": NOW + timedelta(hours=3)}
        return cards.story_card(make.story_view(story=make.story(**known, **changes)), NOW)

    asked, by_itself = shown(mode="ask"), shown(mode="automatic")
    assert "Before that I ask you, unless you approve it now." in told(asked)
    assert "✅ Post at 17:05" in labels(asked)
    assert "It goes out by itself then." in told(by_itself)
    assert not any("Post at" in one for one in labels(by_itself)), "there is nothing to approve"


def test_a_story_is_named_with_its_account() -> None:
    assert (
        told(cards.story_card(make.story_view(), NOW)).split("\n")[1] == "beach.jpg · Promo · @mia"
    )


def test_half_a_minute_is_not_told_by_the_clock() -> None:
    held = make.story(state=State.HELD, next_at=NOW + timedelta(seconds=30))
    card = cards.story_card(make.story_view(story=held), NOW)
    assert "Goes out in half a minute" in told(card)


def test_who_changed_it_last_is_said_in_words() -> None:
    events = [Event(NOW, "approved", 1001, ""), Event(NOW, "undone", 1001, "")]
    story = make.story(decided_by=1001, decided_at=NOW)
    view = make.story_view(story=story, decided_by="Mia", history=events)
    assert "undone by Mia, 14:05" in told(cards.story_card(view, NOW))


def test_what_is_over_can_not_be_posted_at_its_time() -> None:
    view = make.story_view(story=make.story(due_at=NOW - timedelta(minutes=1)))
    assert not any("Post at" in one for one in labels(cards.story_card(view, NOW)))
    assert "✅ Post at 15:05" in labels(cards.story_card(make.story_view(), NOW))


@pytest.mark.parametrize("state", [State.PREPARING, State.PROCESSING])
def test_by_hand_is_offered_only_while_meta_was_not_asked(state: State) -> None:
    made = {"state": state, "container_id": "1", "container_made_at": NOW}
    free = make.story_view(story=make.story(**made))
    assert "✋ By hand" in labels(cards.story_card(free, NOW))
    asked = make.story(**{**made, "state": State.PUBLISHING}, publish_requested_at=NOW, publishes=1)
    assert "✋ By hand" not in labels(cards.story_card(make.story_view(story=asked), NOW))


def test_a_doubt_of_a_day_asks_a_person_and_says_that_nothing_is_posted() -> None:
    view = make.story_view(story=make.story(state=State.UNKNOWN), doubtful=True)
    card = cards.story_card(view, NOW)
    assert labels(card)[:2] == ["It is there", "It is not"]
    assert "Until you say so nothing is posted" in told(card)


def test_figures_say_also_what_there_is_none_of() -> None:
    figures = [
        Figure(1, "reach", 1200, None),
        Figure(1, "replies", None, "few"),
        Figure(6, "reach", 1300, None),
    ]
    story = make.story(state=State.PUBLISHED, ended_at=NOW)
    shown = told(cards.story_card(make.story_view(story=story, figures=figures), NOW))
    assert "📊 +1 h: reach 1,200 · no replies\n📊 +6 h: reach 1,300" in shown


def test_duplicates_are_named_with_the_date_last_used() -> None:
    twins = [
        Twin(make.item(name="sea.jpg", last_used_at=NOW, removed_at=NOW), exact=False),
        Twin(make.item(name="sun.jpg"), exact=True),
    ]
    shown = told(item_cards.item_card(make.item_view(twins=twins), NOW))
    assert "⚠️ Looks like “sea.jpg”, last used 20 Nov 2026, removed since" in shown
    assert "⚠️ The same file as “sun.jpg”, never used" in shown


def test_an_unfit_file_says_why_and_can_not_be_posted() -> None:
    item = make.item(state="unfit", problem="too_long:75.25:60")
    card = item_cards.item_card(make.item_view(item=item), NOW)
    assert "It can't become a story: it lasts 75.2 s" in told(card)
    assert "🚀 Post now" not in labels(card)


def test_the_week_is_told_on_the_accounts_clock() -> None:
    """17:30 UTC is Saturday's 02:30 in Tokyo."""
    account = make.account(zone="Asia/Tokyo")
    at = NOW.replace(hour=17, minute=30)
    shown = Week(
        account,
        [make.CATEGORY],
        [Slot(1, 5, 150)],
        [Blackout(1, at.date() + timedelta(days=2), at.date() + timedelta(days=2))],
        [Turn(at, make.CATEGORY, make.CATEGORY, make.item())],
        [],
        {4: 2},
    )
    text = told(schedule_cards.week(shown, NOW, make.meta()))
    assert "Sat 21 Nov\n02:30 Promo · beach.jpg" in text
    assert "Sun 22 Nov · no stories" in text
    assert "⚠️ Promo: lasts 2 days · asks first" in text
